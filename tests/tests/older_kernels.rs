//! Do the promises hold on older kernels? The library is told that the kernel has an older ABI, so that Landlock handles
//! what that ABI does and nothing more, and everything else is up to the filter, which is the same on every kernel.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_core::{
    Accepted, AccessMode, Backend, Builder, CapabilitySet, Enforcement, GapKind, NetworkMode, Port, Prepared,
};
use nono_linux::{CommandExt, Kernel, Linux, plan};
use nono_tests::attempt::{Attempts, Guarantee, Report, Row, Scene, Trial, judge, judge_outside};
use nono_tests::jail::User;
use nono_tests::need::{self, Need};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What is kept by another mechanism, or by none, where the ABI is older.
const BY_ABI: [Guarantee; 9] = [
    Guarantee::Truncate,
    Guarantee::DeviceIoctl,
    Guarantee::Signals,
    Guarantee::OtherProtocols,
    Guarantee::TcpPorts,
    Guarantee::ListenAnyPort,
    Guarantee::Udp,
    Guarantee::UnixSockets,
    Guarantee::AbstractSockets,
];

/// What of the network is granted.
type Mode = fn(Builder) -> Builder;

/// What an attempt needs to run, and the directory it may use.
fn builder(scene: &Scene) -> Builder {
    let paths = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/proc", "/dev/null"];
    let there = paths.iter().filter(|path| std::fs::exists(path).unwrap());
    let system = there.fold(CapabilitySet::builder(), |all, path| all.allow(path, AccessMode::Read).unwrap());
    let program = system.allow(scene.program(), AccessMode::Read).unwrap();
    program.allow(scene.work(), AccessMode::ReadWrite).unwrap()
}

/// The report of the command, from the library's.
fn report(made: &Enforcement) -> Report {
    let kind = |wanted: GapKind| {
        let gaps = made.gaps.iter().filter(move |gap| gap.kind == wanted);
        gaps.map(|gap| json!({"name": gap.guarantee.name()})).collect::<Vec<_>>()
    };
    let enforced = made.enforced.iter();
    let enforced = enforced.map(|(one, by)| json!({"guarantee": one.name(), "mechanism": by.to_string()}));
    Report::from_json(&json!({
        "enforced": enforced.collect::<Vec<_>>(), "gaps": kind(GapKind::Gap), "limits": kind(GapKind::Limit),
    }))
    .unwrap()
}

/// The attempt in a sandbox that believes in this ABI; gaps of it are accepted.
fn inside(attempts: &Attempts, row: &Row, abi: u32, mode: Mode) -> (Trial, Report) {
    let start = |scene: &Scene| -> (Command, Report) {
        let kernel = Kernel::with_abi(abi);
        let set = mode(builder(scene)).build().unwrap();
        let gaps = plan(&set, &kernel, &Accepted::default()).unwrap().enforcement;
        let accepted: Accepted = gaps.refused(&Accepted::default()).map(|gap| gap.guarantee).collect();
        // A descriptor that a row is about is the harness's to hand over.
        let policy = Linux::with_kernel(kernel).prepare(&set, &accepted).unwrap();
        let report = report(policy.enforcement());
        let mut command = scene.command(row, &[]);
        command.sandbox(policy);
        (command, report)
    };
    attempts.make_with(row, User::Same, start, |_, report| report).unwrap()
}

const MODES: [(&str, Mode); 3] = [
    ("closed", |builder| builder),
    ("a port", |builder| builder.allow_tcp_connect(Port::try_from(1).unwrap())),
    ("open", |builder| builder.network(NetworkMode::AllowAll)),
];

/// What came of attempts.
#[derive(Default)]
struct Tally {
    count: BTreeMap<String, usize>,
    failures: Vec<String>,
}

impl Tally {
    /// Makes an attempt with each mode on each ABI up to `newest`.
    fn make(&mut self, attempts: &Attempts, row: &Row, newest: u32) {
        let (outside, ()) = attempts.make(row, User::Same, |_| Vec::new(), |_| ()).unwrap();
        if judge_outside(row, &outside).is_some() {
            // Not of this kernel, or broken: the escape suite says which.
            return;
        }
        for (mode, make) in MODES {
            for abi in 1..=newest {
                let (inside, report) = inside(attempts, row, abi, make);
                // An open network is no promise, and the report says nothing of it.
                if mode == "open" && !row.guarantees.iter().any(|one| report.mentions(*one)) {
                    continue;
                }
                let verdict = judge(row, &outside, &inside, &report);
                *self.count.entry(format!("{mode}: {}", verdict.word())).or_default() += 1;
                if verdict.is_failure() {
                    let said = format!("{} with the network {mode} on ABI {abi}: {verdict}", row.name);
                    self.failures.push(format!("{said}\n{}", inside.said));
                }
            }
        }
    }

    fn add(&mut self, other: Tally) {
        self.failures.extend(other.failures);
        for (what, count) in other.count {
            *self.count.entry(what).or_default() += count;
        }
    }
}

#[test]
fn nothing_gets_out_unreported_whatever_the_abi() {
    nono_tests::need!(Need::Landlock(2), Need::Seccomp);
    let attempts = Attempts::find(Path::new(env!("CARGO_BIN_EXE_attempt")));
    let newest = Linux::probe().kernel().abi.0.saturating_sub(1).min(8);
    // A terminal is started by a program of the scene, which is not granted what that takes.
    let is_wanted = |row: &Row| {
        let by_abi = row.guarantees.iter().any(|guarantee| BY_ABI.contains(guarantee));
        by_abi && (!row.root || need::is_root()) && row.family != "tty"
    };
    let rows: Vec<Row> = attempts.rows().unwrap().into_iter().filter(is_wanted).collect();
    let (attempts, rows) = (&attempts, &rows);
    let threads = std::thread::available_parallelism().unwrap().get();
    let tally = std::thread::scope(|scope| {
        let part = |first: usize| {
            scope.spawn(move || {
                let mut tally = Tally::default();
                rows.iter().skip(first).step_by(threads).for_each(|row| tally.make(attempts, row, newest));
                tally
            })
        };
        let parts: Vec<_> = (0..threads).map(part).collect();
        let mut all = Tally::default();
        for part in parts {
            all.add(part.join().unwrap());
        }
        all
    });
    println!("{:?}", tally.count);
    assert!(tally.failures.is_empty(), "{}", tally.failures.join("\n"));
}
