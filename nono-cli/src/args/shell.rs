//! `nono shell`: grants and options, and no command.

use super::{Grants, Network, Options, Run, Supervision};
use crate::shell;
use clap::Args;
use std::ffi::OsString;

/// Run your shell with nothing but what is granted.
#[derive(Debug, Args)]
#[command(after_help = SHELLS)]
pub(crate) struct Shell {
    #[command(flatten)]
    pub(crate) grants: Grants,
    #[command(flatten)]
    pub(crate) network: Network,
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(flatten)]
    pub(crate) supervision: Supervision,
}

const SHELLS: &str =
    "The prompt begins with \"(nono)\", and the history is gone with the shell: bash, zsh, fish and sh.";

impl Shell {
    /// The same for `run`, with this shell as the command.
    pub(crate) fn running(self, found: shell::Found, typed: Vec<OsString>) -> Run {
        let Shell { grants, network, options, supervision } = self;
        let command = vec![found.path.into_os_string()];
        Run { grants, network, options, supervision, command, shell: Some(found.kind), typed }
    }
}
