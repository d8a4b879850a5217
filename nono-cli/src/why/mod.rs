//! `nono why`: would this be allowed, by what, and what would allow it.
//!
//! Nothing is decided here that the model and the backend do not decide for a run too: [`case`] is the same policy,
//! foreseen instead of prepared.
//!
//! ```text
//! walk     a path as the command would follow it: by which directories and links
//! case     the policy of these flags, and of these flags with more        aliases  granted objects by other names
//! files    a question about a path: covers, the model, mounts, permissions, in the kernel's order
//! model    what the model says of it      mounts, permissions  what these say      sockets  the same for ports
//! remedy   flags that are tried, on the policy, until one allows it
//! verdict  an answer          show  in words, and as JSON
//! own      the sandbox this is run in: by trying
//! ```

mod aliases;
mod case;
mod error;
mod files;
mod loader;
mod model;
mod mounts;
mod own;
mod permissions;
mod remedy;
mod show;
mod sockets;
mod verdict;
mod walk;

pub(crate) use error::WhyError;

use crate::args::{Asked, Op};
use crate::error::CliError;
use crate::protected::Protected;
use crate::{exit, policy, report, terminal};
use case::{Case, Given};
use nono_core::Port;
use remedy::Remedy;
use show::Answer;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use verdict::Verdict;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Query {
    /// May this be done with a path?
    Path { path: PathBuf, op: Op },
    /// May one be moved to the other?
    Rename { from: PathBuf, to: PathBuf },
    /// May a TCP port be connected to?
    Connect(Port),
    /// May one be listened on?
    Bind(Port),
    /// May a unix socket be connected to?
    Unix(PathBuf),
}

impl Query {
    /// The name of an abstract socket, as `ss` writes it.
    fn abstract_name(&self) -> Option<&[u8]> {
        match self {
            Query::Unix(path) => std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).strip_prefix(b"@"),
            _ => None,
        }
    }
}

/// Answers: 0 allowed, 1 denied.
pub(crate) fn run(asked: Asked) -> Result<u8, CliError> {
    let Asked { query, json, run, idle } = asked;
    if idle {
        return Err(WhyError::Idle.into());
    }
    let answer = match run {
        None => {
            let verdict = own::judge(&query)?;
            let protected = Protected::here();
            let place = policy::current_directory()?;
            Answer::new(&query, verdict, None, is_protected(&query, &place, &protected)).own()
        }
        Some(run) => {
            // Nothing of it is freed: the answer is all that is left to do.
            let (given, profiles) = Given::of(run)?;
            let given = ManuallyDrop::new(given);
            let protected = &given.host.protected;
            let case = ManuallyDrop::new(Case::of(&given, profiles)?);
            let verdict = judge(&case, &query)?;
            let is_protected = is_protected(&query, &given.workdir, protected);
            let remedy = if verdict.allowed { None } else { remedy::find(&case, &query, &verdict, protected) };
            // A directory above says nothing of what is asked for in it.
            let remedy = remedy.map(|remedy| Remedy { protected: remedy.protected || is_protected, ..remedy });
            Answer::new(&query, verdict, remedy, is_protected)
        }
    };
    terminal::output(&if json { report::json(&answer) } else { answer.human(terminal::colours()) });
    Ok(if answer.is_allowed() { exit::SUCCESS } else { exit::DENIED })
}

/// What a policy says.
fn judge(case: &Case<'_>, query: &Query) -> Result<Verdict, WhyError> {
    match query {
        Query::Path { path, op } => files::judge(case, path, *op),
        Query::Rename { from, to } => files::judge_rename(case, from, to),
        Query::Connect(port) => Ok(sockets::connect(case, *port)),
        Query::Bind(port) => Ok(sockets::bind(case, *port)),
        Query::Unix(_) if query.abstract_name().is_some() => Ok(sockets::abstract_socket(case)),
        Query::Unix(path) => files::judge_socket(case, path),
    }
}

/// Whether the question is about keys, tokens or histories.
fn is_protected(query: &Query, workdir: &Path, protected: &Protected) -> bool {
    let paths: &[&PathBuf] = match query {
        Query::Path { path, .. } | Query::Unix(path) => &[path],
        Query::Rename { from, to } => &[from, to],
        Query::Connect(_) | Query::Bind(_) => &[],
    };
    // By its name, and where it leads.
    paths.iter().any(|path| {
        let leads = || walk::walk(workdir, path, true, &|_| false).is_ok_and(|place| protected.covers(&place.path));
        protected.covers(&workdir.join(path)) || leads()
    })
}
