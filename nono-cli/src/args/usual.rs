//! `nono run` with the usual flags, read without clap.
//!
//! To describe all flags to clap took half of the instructions of a start (docs/benchmarks.md), and most starts have some
//! paths and switches alone. What is understood here is what clap would have understood. Everything else is clap's,
//! which knows what to say of it: a value that is missing, empty or begins with a dash, a switch that is given twice, a flag
//! that excludes another, another spelling.

use super::Run;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What `words` ask for, the program's name first. None: ask clap.
pub(crate) fn read(words: &[OsString]) -> Option<Run> {
    let [_program, subcommand, words @ ..] = words else { return None };
    if subcommand != "run" {
        return None;
    }
    let (mut run, mut rest) = (Run::default(), words.iter());
    loop {
        let from_here = rest.as_slice();
        let word = rest.next()?;
        if !word.as_bytes().starts_with(b"-") {
            run.command = from_here.to_vec();
            return Some(run);
        }
        if word == "--" {
            run.command = rest.as_slice().to_vec();
            return (!run.command.is_empty()).then_some(run);
        }
        let (flag, attached) = parts(word);
        let flag = flag.to_str()?;
        if let Some(switch) = switch(&mut run, flag) {
            if attached.is_some() || std::mem::replace(switch, true) {
                return None;
            }
        } else {
            let value = attached.or_else(|| rest.next().map(OsString::as_os_str))?;
            if value.is_empty() || value.as_bytes().starts_with(b"-") {
                return None;
            }
            add(&mut run, flag, value)?;
        }
    }
}

/// A flag, and the value that is attached to it. One letter has none: clap takes it with and without a `=`.
fn parts(word: &OsStr) -> (&OsStr, Option<&OsStr>) {
    let bytes = word.as_bytes();
    let equals = bytes.iter().position(|byte| *byte == b'=').filter(|_| bytes.starts_with(b"--"));
    let split = equals.and_then(|at| Some((bytes.get(..at)?, bytes.get(at.checked_add(1)?..)?)));
    match split {
        Some((flag, value)) => (OsStr::from_bytes(flag), Some(OsStr::from_bytes(value))),
        None => (word, None),
    }
}

/// Where a flag without a value is kept, of those that exclude none.
fn switch<'a>(run: &'a mut Run, flag: &str) -> Option<&'a mut bool> {
    Some(match flag {
        "--allow-cwd" => &mut run.grants.allow_cwd,
        "--allow-missing" => &mut run.grants.allow_missing,
        "--no-system" => &mut run.grants.no_system,
        "--env-clear" => &mut run.grants.env_clear,
        "--net" => &mut run.network.net,
        "--net-block" => &mut run.network.net_block,
        "--allow-dns" => &mut run.network.allow_dns,
        "--strict" => &mut run.options.strict,
        "--quiet" | "-q" => &mut run.options.quiet,
        _ => return None,
    })
}

/// Adds the value of a flag that may be repeated.
fn add(run: &mut Run, flag: &str, value: &OsStr) -> Option<()> {
    if let Some(paths) = paths(run, flag) {
        paths.push(value.into());
        return Some(());
    }
    match flag {
        "--profile" | "-p" => run.grants.profile.push(value.to_owned()),
        "--env" => run.grants.env.push(value.to_owned()),
        "--allow-connect" => run.network.allow_connect.push(value.to_str()?.parse().ok()?),
        "--allow-bind" => run.network.allow_bind.push(value.to_str()?.parse().ok()?),
        "--allow-port" => run.network.allow_port.push(value.to_str()?.parse().ok()?),
        "--accept-gap" => run.options.accept_gap.push(value.to_str()?.to_owned()),
        _ => return None,
    }
    Some(())
}

fn paths<'a>(run: &'a mut Run, flag: &str) -> Option<&'a mut Vec<PathBuf>> {
    Some(match flag {
        "--allow" | "-a" => &mut run.grants.allow,
        "--read" | "-r" => &mut run.grants.read,
        "--write" | "-w" => &mut run.grants.write,
        "--allow-file" => &mut run.grants.allow_file,
        "--read-file" => &mut run.grants.read_file,
        "--write-file" => &mut run.grants.write_file,
        "--deny" => &mut run.grants.deny,
        "--allow-unix" => &mut run.network.allow_unix,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Subcommands};
    use clap::{CommandFactory, Parser};
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStringExt;

    fn by_clap(words: &[OsString]) -> Option<Run> {
        match Arguments::try_parse_from(words).ok()?.command {
            Subcommands::Run(run) => Some(*run),
            _ => None,
        }
    }

    fn words(given: &[&str]) -> Vec<OsString> {
        ["nono", "run"].iter().chain(given).map(OsString::from).collect()
    }

    /// All flags of `nono run`, as clap knows them, and what is none.
    fn vocabulary() -> Vec<OsString> {
        let command = Arguments::command();
        let run = command.find_subcommand("run").unwrap();
        let long = run.get_arguments().filter_map(|flag| Some(format!("--{}", flag.get_long()?)));
        let short = run.get_arguments().filter_map(|flag| Some(format!("-{}", flag.get_short()?)));
        let values =
            ["/usr", ".", "x=y", "443", "0", "65536", "+1", "-1", "-", "", "true", "--", "run", "help", "--help"];
        let odd = ["--no-such", "-qv", "-r/usr", "-r=/usr", "--rea", "--Read", "--read-", "--=", "-="];
        let given = long.chain(short).chain(values.into_iter().chain(odd).map(str::to_owned)).map(OsString::from);
        given.chain([OsString::from_vec(b"/\xff".to_vec()), OsString::from_vec(b"--\xff".to_vec())]).collect()
    }

    /// A word, or a flag with a value attached; as often the flags that are read here, or hardly a line would be read to its end.
    fn word() -> impl Strategy<Value = OsString> {
        let all = vocabulary();
        let usual =
            ["--read", "-r", "--allow", "--allow-cwd", "-q", "--net", "--allow-connect", "-p", "--env", "/usr", "443"];
        let any = prop::sample::select(all);
        prop_oneof![
            3 => prop::sample::select(usual.map(OsString::from).to_vec()),
            2 => any.clone(),
            1 => (any.clone(), any).prop_map(|(flag, value)| {
                let mut word = flag;
                word.push("=");
                word.push(value);
                word
            }),
        ]
    }

    fn cases() -> u32 {
        std::env::var("NONO_TEST_CASES").map_or(4000, |cases| cases.parse().unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

        #[test]
        fn what_is_understood_is_what_clap_understands(given in prop::collection::vec(word(), 0..7)) {
            let line: Vec<OsString> = ["nono", "run"].map(OsString::from).into_iter().chain(given).collect();
            if let Some(run) = read(&line) {
                prop_assert_eq!(format!("{:?}", Some(run)), format!("{:?}", by_clap(&line)));
            }
        }
    }

    #[test]
    fn the_usual_lines_are_read_here() {
        for line in [
            &["true"][..],
            &["-q", "--allow-cwd", "--", "cargo", "build", "--", "--release"],
            &["--no-system", "--read", "/usr", "-r", "/lib", "--read=/opt", "-a", ".", "-w", "/x", "true", "-q"],
            &[
                "--allow-file",
                "a",
                "--read-file",
                "b",
                "--write-file=c",
                "--deny",
                "d",
                "--allow-unix",
                "e",
                "--",
                "-x",
            ],
            &["--net", "--allow-dns", "--allow-connect", "443", "--allow-bind=80", "--allow-port", "1", "x"],
            &[
                "--net-block",
                "--strict",
                "--allow-missing",
                "--env-clear",
                "--env",
                "A=b",
                "-p",
                "x",
                "--profile=y",
                "sh",
            ],
            &["--accept-gap", "ipc-sysv", "--quiet", "sh"],
        ] {
            let line = words(line);
            let run = read(&line);
            assert!(run.is_some(), "{line:?}");
            assert_eq!(format!("{run:?}"), format!("{:?}", by_clap(&line)), "{line:?}");
        }
    }

    #[test]
    fn what_needs_a_message_is_left_to_clap() {
        for line in [
            &[][..],
            &["--"],
            &["--read"],
            &["--read", "--", "true"],
            &["--read", "", "true"],
            &["--read=", "true"],
            &["-r/usr", "true"],
            &["--quiet", "-q", "true"],
            &["--quiet=yes", "true"],
            &["--allow-connect", "0", "true"],
            &["--verbose", "true"],
            &["--explain", "true"],
            &["--supervised", "true"],
            &["-", "true"],
            &["--help"],
        ] {
            assert!(read(&words(line)).is_none(), "{line:?}");
        }
        assert!(read(&["nono", "shell"].map(OsString::from)).is_none());
        assert!(read(&["nono"].map(OsString::from)).is_none());
    }
}
