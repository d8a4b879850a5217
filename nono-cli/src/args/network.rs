//! What of the network and of other programs' sockets the command is given.

use super::path;
use clap::Args;
use nono_core::Port;
use std::path::PathBuf;

/// The network flags. Without any of them there is no network.
#[derive(Debug, Clone, Args, Default)]
#[command(next_help_heading = "Network (closed unless granted)")]
#[expect(clippy::struct_excessive_bools, reason = "a flag of the command line is a bool")]
pub(crate) struct Network {
    /// The network, all of it.
    #[arg(long)]
    pub(crate) net: bool,
    /// No network of any kind: the default. Said aloud, it is an error where it cannot be kept.
    #[arg(long)]
    pub(crate) net_block: bool,
    /// TCP to PORT of any host.
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    pub(crate) allow_connect: Vec<Port>,
    /// TCP listening on PORT.
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    pub(crate) allow_bind: Vec<Port>,
    /// Listening on TCP PORT, and connecting to it on this machine.
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    pub(crate) allow_port: Vec<Port>,
    /// TCP only to PORT on this machine: everything must go through a proxy there.
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    pub(crate) proxy_port: Option<Port>,
    /// Name lookups: DNS by UDP from Linux 7.2 on, below by TCP. Without it lookups fail at once.
    #[arg(long)]
    pub(crate) allow_dns: bool,
    /// Connect to the unix socket PATH, or to those below the directory PATH (Linux 7.1).
    #[arg(long, value_name = "PATH", value_parser = path())]
    pub(crate) allow_unix: Vec<PathBuf>,
}

impl Network {
    /// The flags that were given, without their values.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        [
            ("--net", self.net),
            ("--net-block", self.net_block),
            ("--allow-connect", !self.allow_connect.is_empty()),
            ("--allow-bind", !self.allow_bind.is_empty()),
            ("--allow-port", !self.allow_port.is_empty()),
            ("--proxy-port", self.proxy_port.is_some()),
            ("--allow-dns", self.allow_dns),
            ("--allow-unix", !self.allow_unix.is_empty()),
        ]
        .into_iter()
        .filter(|(_, given)| *given)
        .map(|(flag, _)| flag)
    }
}
