//! `--supervised` and what goes with it.

use super::path;
use crate::profile::Rules;
use clap::Args;
use std::ffi::OsString;
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::time::Duration;

/// Who is asked about files outside the grants.
#[derive(Debug, Clone, Args, Default)]
#[command(next_help_heading = "Supervision")]
pub(crate) struct Supervision {
    /// Ask on the terminal about files outside the grants; the command gets a terminal of its own.
    #[arg(long)]
    pub(crate) supervised: bool,
    /// Ask CMD (for sh): a JSON question a line on its standard input, a JSON answer a line on its output; or a server on
    /// the unix socket PATH.
    #[arg(long, value_name = "CMD|unix:PATH")]
    pub(crate) approve: Option<OsString>,
    /// Answer by the table `approve` of FILE (TOML: read, write, allow, deny).
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) approve_rules: Option<PathBuf>,
    /// Take a question that is left alone so long for answered by no [default: 60].
    #[arg(long, value_name = "SECONDS")]
    pub(crate) approve_timeout: Option<u32>,
    /// Append each answer to FILE as a line of JSON, before it is given.
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) audit: Option<PathBuf>,
    /// Serve by so many threads, to measure what they are good for.
    #[arg(long, value_name = "N", hide = true)]
    pub(crate) broker_threads: Option<NonZeroU8>,
    /// What profiles answer without anybody being asked: their tables `approve`.
    #[arg(skip)]
    pub(crate) rules: Option<Rules>,
    /// End what the command leaves running, instead of waiting for it.
    #[arg(long)]
    pub(crate) kill_orphans: bool,
}

impl Supervision {
    /// Whether anything outside the grants may be asked for.
    pub(crate) fn is_on(&self) -> bool {
        self.supervised || self.approve.is_some() || self.has_rules()
    }

    /// Whether anything is answered without anybody being asked.
    pub(crate) fn has_rules(&self) -> bool {
        self.approve_rules.is_some() || self.rules.is_some()
    }

    /// How long a question waits. (A default of clap's own is parsed at every start.)
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.approve_timeout.unwrap_or(60).into())
    }

    /// A flag that means nothing without one of those. Who is watched may leave something too.
    pub(crate) fn idle_flag(&self, watched: bool) -> Option<&'static str> {
        [
            ("--audit", self.audit.is_some()),
            ("--approve-timeout", self.approve_timeout.is_some()),
            ("--kill-orphans", self.kill_orphans && !watched),
        ]
        .into_iter()
        .find(|(_, given)| *given && !self.is_on())
        .map(|(flag, _)| flag)
    }
}
