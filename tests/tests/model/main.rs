//! Is what the model says what the kernel does? Random trees, sets and calls, each call made outside and inside a sandbox of
//! the public interface, and compared with [`nono_core::decide`].
//!
//! `NONO_TEST_CASES` is how many calls are made (20,000), `NONO_TEST_SEED` the number of the first case. A disagreement is
//! shrunk, and printed as a text that `found.rs` takes.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![expect(clippy::print_stdout, reason = "it is its own harness")]

mod act;
mod ask;
mod case;
mod expect;
mod found;
mod names;
mod random;
mod run;
mod tree;
mod walk;

use act::Scene;
use nono_linux::{Kernel, Linux};
use nono_tests::child::{self, become_nobody, own_mounts};
use nono_tests::figures;
use nono_tests::need::{self, Need};
use random::Means;
use run::{Bench, Counts};
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;
use std::process::ExitCode;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// A bench, for a process of one thread, and a terminal that lasts as long.
fn bench() -> (Bench, OwnedFd) {
    if need::is_root() {
        own_mounts().unwrap();
    }
    // Nobody may not search the directory this was started in.
    std::env::set_current_dir("/").unwrap();
    let terminal = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
    rustix::pty::unlockpt(&terminal).unwrap();
    let pty = rustix::pty::ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let [_, _, third, fourth] = std::process::id().to_be_bytes();
    let abstract_name = format!("nono-model-{}", std::process::id()).into_bytes();
    let server = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&abstract_name).unwrap()).unwrap();
    server.set_nonblocking(true).unwrap();
    let linux = Linux::probe();
    let kernel = Kernel { namespaces: linux.namespaces(), ..*linux.kernel() };
    let scene = Scene {
        root: run::trees(),
        pty: PathBuf::from(pty),
        address: Ipv4Addr::new(127, 77, third, fourth.max(1)),
        abstract_name,
        outsider: rustix::process::getpid(),
    };
    (Bench { scene, kernel, server }, terminal)
}

/// Makes so many calls of random cases, and says how they came out.
fn compare(calls: u64, first: u64) -> String {
    let (bench, _terminal) = bench();
    let means = Means { root: need::is_root(), abi: bench.kernel.abi.0 };
    let made =
        |counts: &Counts| -> u64 { ["allowed", "denied", "impossible"].iter().filter_map(|one| counts.get(one)).sum() };
    let (mut counts, mut seed, mut found) = (Counts::new(), first, None);
    while found.is_none() && made(&counts) < calls {
        let case = random::case(seed, means);
        found = bench.judge(&case, &mut counts).err().map(|disagreement| {
            let (least, why) = bench.shrink(&case, &disagreement);
            format!("seed {seed} disagrees:\n{least}{}", why.what)
        });
        seed += 1;
    }
    let (cases, disagreements) = (made(&counts), u64::from(found.is_some()));
    let mut figures: Vec<(&dyn Display, &str)> = vec![(&cases, "cases"), (&disagreements, "disagreements")];
    figures.extend(counts.iter().map(|(what, count)| (count as &dyn Display, *what)));
    let line = figures::line("model", &figures, &format!("seeds {first} to {}", seed - 1));
    if let Some(found) = found {
        panic!("{line}\n{found}");
    }
    line
}

/// Who makes the calls.
#[derive(Debug, Clone, Copy)]
enum User {
    Own,
    Nobody,
}

/// Runs `body` in a process of its own for each user there is; what each of them says.
fn for_users(body: impl Fn(User) -> String) -> Result<Vec<String>, String> {
    let users: &[User] = if need::is_root() { &[User::Own, User::Nobody] } else { &[User::Own] };
    let run = |user: User| {
        if matches!(user, User::Nobody) {
            become_nobody().unwrap();
        }
        body(user).into_bytes()
    };
    let started: Vec<_> = users.iter().map(|user| (user, child::start(|| run(*user)))).collect();
    let ended = started.into_iter().map(|(user, process)| {
        let said = process.end().map_err(|why| format!("{user:?}: {why}"))?;
        Ok(format!("{}, as {user:?}", String::from_utf8(said).unwrap()))
    });
    ended.collect()
}

fn the_model_is_what_the_kernel_does() -> Result<Vec<String>, String> {
    let users = if need::is_root() { 2 } else { 1 };
    let (calls, seed) = (number("NONO_TEST_CASES", 20_000).div_ceil(users), number("NONO_TEST_SEED", 1));
    for_users(|_| compare(calls, seed))
}

/// What each user said, or what failed.
type Test = fn() -> Result<Vec<String>, String>;

/// The tests, by their names. Not by libtest: a process that is copied must have one thread.
const TESTS: &[(&str, Test)] = &[
    ("the_model_is_what_the_kernel_does", the_model_is_what_the_kernel_does),
    ("what_was_found_is_mended", found::what_was_found_is_mended),
    ("a_case_is_read_back_as_it_was_printed", found::a_case_is_read_back_as_it_was_printed),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    // What a child panics with is told by its parent.
    std::panic::set_hook(Box::new(|_| ()));
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in
        TESTS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|one| name.contains(one)))
    {
        if !need::met(&format!("model::{name}"), &[Need::Landlock(3), Need::Seccomp]) {
            passed += 1;
            continue;
        }
        match test() {
            Ok(said) => {
                passed += 1;
                println!("test {name} ... ok");
                for line in said {
                    println!("  {line}");
                }
            }
            Err(why) => {
                failed += 1;
                println!("test {name} ... FAILED\n{why}");
            }
        }
    }
    // As libtest says it, to be counted.
    println!(
        "test result: {}. {passed} passed; {failed} failed; 0 ignored;",
        if failed == 0 { "ok" } else { "FAILED" }
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
