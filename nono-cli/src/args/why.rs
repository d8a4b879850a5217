//! `nono why`: grants, and one question.

use super::{Grants, Network, Options, Run, Supervision, path};
use crate::why::Query;
use clap::{ArgGroup, Args, ValueEnum};
use nono_core::Port;
use std::path::PathBuf;

/// `nono why [GRANTS] QUERY [--json]`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("query").required(true).multiple(false).args(["path", "rename", "connect", "bind", "unix"]))]
#[command(override_usage = "nono why [OPTIONS] QUESTION\n       nono why --self [--json] QUESTION")]
#[command(after_help = "Exit status: 0 allowed, 1 denied, 2 an error, or not to be told.")]
pub(crate) struct Why {
    #[command(flatten)]
    question: Question,
    #[command(flatten)]
    grants: Grants,
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    manner: Manner,
}

/// What is asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Question")]
struct Question {
    /// Would it be allowed to do OP with PATH?
    #[arg(long, value_name = "PATH", requires = "op", value_parser = path())]
    path: Option<PathBuf>,
    /// What is done with PATH.
    #[arg(long, value_name = "OP", requires = "path")]
    op: Option<Op>,
    /// Would it be allowed to move FROM to TO?
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], value_parser = path())]
    rename: Vec<PathBuf>,
    /// Would it be allowed to connect to TCP PORT?
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    connect: Option<Port>,
    /// Would it be allowed to listen on TCP PORT?
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    bind: Option<Port>,
    /// Would it be allowed to connect to the unix socket PATH (@NAME: an abstract one)?
    #[arg(long, value_name = "PATH", value_parser = path())]
    unix: Option<PathBuf>,
}

/// How it is asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options")]
struct Manner {
    /// Ask about the sandbox this is run in, by trying.
    #[arg(long = "self")]
    own: bool,
    /// As with run.
    #[arg(long, value_name = "NAME")]
    accept_gap: Vec<String>,
    /// Ask for a command that starts in DIR.
    #[arg(long, value_name = "DIR", value_parser = path())]
    workdir: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is done with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Op {
    /// Open a file to read it.
    Read,
    /// Open a file to change it.
    Write,
    /// Execute a file.
    Exec,
    /// Make a file that is not there.
    Create,
    /// Remove a file or an empty directory.
    Delete,
    /// List a directory.
    List,
}

impl Op {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Op::Read => "read",
            Op::Write => "write",
            Op::Exec => "exec",
            Op::Create => "create",
            Op::Delete => "delete",
            Op::List => "list",
        }
    }
}

/// A question, and for which sandbox.
pub(crate) struct Asked {
    pub(crate) query: Query,
    pub(crate) json: bool,
    /// As for a run; none for the sandbox this is run in.
    pub(crate) run: Option<Run>,
    /// Whether grants were given that mean nothing there.
    pub(crate) idle: bool,
}

impl Why {
    /// The question, and the run that it is about.
    pub(crate) fn asked(self) -> Asked {
        let Why { question, grants, network, manner } = self;
        let Manner { own, accept_gap, workdir, json } = manner;
        let idle = own && (grants.any() || network.given().next().is_some() || workdir.is_some());
        let options = Options { accept_gap, workdir, ..Options::default() };
        let (supervision, command, typed) = (Supervision::default(), Vec::new(), Vec::new());
        let run = (!own).then_some(Run { grants, network, options, supervision, command, shell: None, typed });
        Asked { query: question.query(), json, run, idle }
    }
}

impl Question {
    /// clap sees to it that there is one.
    fn query(self) -> Query {
        let mut rename = self.rename.into_iter();
        if let (Some(from), Some(to)) = (rename.next(), rename.next()) {
            return Query::Rename { from, to };
        }
        match (self.connect, self.bind, self.unix) {
            (Some(port), ..) => Query::Connect(port),
            (_, Some(port), _) => Query::Bind(port),
            (.., Some(path)) => Query::Unix(path),
            _ => Query::Path { path: self.path.unwrap_or_default(), op: self.op.unwrap_or(Op::Read) },
        }
    }
}
