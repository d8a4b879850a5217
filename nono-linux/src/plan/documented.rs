//! The tables of docs/security.md: made of plans for every kernel, and compared with what is kept there. `NONO_RENEW_DOCS=1`
//! writes them.

use super::*;
use nono_core::{AccessMode, Builder, FsCapability, Gap, GapKind, Mechanism, Resolved};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The ABIs of Landlock that are known.
const ABIS: std::ops::RangeInclusive<u32> = 1..=10;

/// What is granted beside a directory, in words; whether a supervisor is there; and the set.
type Scenario = (&'static str, bool, CapabilitySet);

fn work() -> Builder {
    let found = Resolved { path: "/work".into(), kind: PathKind::Directory, identity: None, is_device: false };
    let access = FsAccess::from(AccessMode::ReadWrite);
    CapabilitySet::builder().grant(FsCapability::from_resolved("/work".into(), found, access).unwrap())
}

/// The first is what others are compared with.
fn scenarios() -> Vec<Scenario> {
    let port = |number: u16| Port::try_from(number).unwrap();
    let of = |name, supervisor, builder: Builder| (name, supervisor, builder.build().unwrap());
    let socket = || {
        let found = Resolved { path: "/run/socket".into(), kind: PathKind::File, identity: None, is_device: false };
        work().grant(FsCapability::from_resolved("/run/socket".into(), found, FsAccess::RESOLVE_UNIX).unwrap())
    };
    vec![
        of("", false, work()),
        of("`--allow-connect`", false, work().allow_tcp_connect(port(443))),
        of("`--allow-bind`", true, work().allow_tcp_bind(port(80))),
        of("`--allow-bind`, no supervisor", false, work().allow_tcp_bind(port(80))),
        of("`--allow-port`", true, work().allow_localhost_port(port(3000))),
        of("`--allow-port`, no supervisor", false, work().allow_localhost_port(port(3000))),
        of("`--allow-dns`", false, work().allow_name_lookups()),
        of("`--allow-unix`", true, socket()),
        of("`--allow-unix`, no supervisor", false, socket()),
        of("`--net`", false, work().network(NetworkMode::AllowAll)),
        of("`--deny`, no way to keep it", false, work().deny_resolved("/work/denied".into()).unwrap()),
    ]
}

fn planned((_, supervisor, set): &Scenario, kernel: &Kernel, accepted: &Accepted) -> Enforcement {
    let around = Surroundings { supervisor: *supervisor, denies: None };
    compile(set, kernel, accepted, around).unwrap().enforcement
}

/// What keeps a promise, by the kernels: `seccomp; from Linux 6.2 Landlock`. None if nothing is promised.
fn kept(scenario: &Scenario, guarantee: Guarantee) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut last = None;
    for abi in ABIS {
        let made = planned(scenario, &Kernel::with_abi(abi), &Accepted::default());
        let mechanism: Option<Mechanism> = made.mechanism(guarantee);
        if mechanism.is_none() && made.gap(guarantee).is_none() {
            return None;
        }
        if last != Some(mechanism) {
            let what = mechanism.map_or_else(|| "open".to_owned(), |one| one.to_string());
            let from = if abi == *ABIS.start() { String::new() } else { format!("from Linux {} ", Abi(abi).linux()) };
            parts.push(format!("{from}{what}"));
            last = Some(mechanism);
        }
    }
    Some(parts.join("; "))
}

fn promises() -> String {
    let mut table = "| name | promise | kept by |\n|---|---|---|\n".to_owned();
    let scenarios = scenarios();
    for guarantee in Guarantee::ALL {
        let plain = kept(&scenarios[0], guarantee);
        let mut ways: Vec<String> = plain.iter().cloned().collect();
        for scenario in scenarios.iter().skip(1) {
            let other = kept(scenario, guarantee);
            let other = other.filter(|_| guarantee != Guarantee::Deny).filter(|way| Some(way) != plain.as_ref());
            ways.extend(other.map(|way| format!("{}: {way}", scenario.0)));
        }
        if guarantee == Guarantee::Deny {
            let by = [Mechanism::MountNamespace, Mechanism::SiblingGrants];
            ways.push(format!(
                "`--deny`: {}, where neither goes nothing starts",
                by.map(|one| one.to_string()).join(" or ")
            ));
        }
        writeln!(table, "| `{guarantee}` | {} | {} |", guarantee.promise(), ways.join("<br>")).unwrap();
    }
    table
}

/// Every gap there can be: by its promise and its sentence, what closes it.
fn gaps() -> BTreeMap<(usize, String), Vec<String>> {
    let mut all = BTreeMap::<(usize, String), Vec<String>>::new();
    for scenario in scenarios() {
        for abi in ABIS {
            for seccomp in [true, false] {
                let kernel = Kernel { seccomp, ..Kernel::with_abi(abi) };
                let accepted = Guarantee::ALL.map(|one| Accepted::from_iter([one]));
                for accepted in accepted.into_iter().chain([Accepted::default()]) {
                    for gap in planned(&scenario, &kernel, &accepted).gaps {
                        let place = Guarantee::ALL.iter().position(|one| *one == gap.guarantee).unwrap();
                        let remedies = all.entry((place, gap.risk.to_string())).or_default();
                        let remedy = remedy(&gap);
                        if !remedies.contains(&remedy) {
                            remedies.push(remedy);
                        }
                    }
                }
            }
        }
    }
    all
}

/// Without what is said of the running kernel.
fn remedy(gap: &Gap) -> String {
    let remedy = gap.remedy.split("; this kernel").next().unwrap_or_default();
    if gap.kind == GapKind::Limit { format!("a limit: {remedy}") } else { remedy.to_owned() }
}

fn open() -> String {
    let mut table = "| name | what a hostile program can do where it is open | closed by |\n|---|---|---|\n".to_owned();
    for ((place, risk), remedies) in gaps() {
        writeln!(table, "| `{}` | {risk} | {} |", Guarantee::ALL[place], remedies.join("<br>")).unwrap();
    }
    table
}

/// Compares what is between two marks with what it is to be.
fn compare(mark: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md");
    let whole = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {mark}: made by a test -->\n"), format!("<!-- end of {mark} -->"));
    let (before, rest) = whole.split_once(&begin).unwrap();
    let (kept, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("NONO_RENEW_DOCS").is_some() {
        std::fs::write(&path, [before, &begin, made, &end, after].concat()).unwrap();
    } else {
        assert!(kept == made, "{mark} of docs/security.md are not the code's: run the tests with NONO_RENEW_DOCS=1");
    }
}

/// One test: both are in one file.
#[test]
fn what_is_promised_and_what_is_not_is_documented_as_it_is() {
    compare("promises", &promises());
    compare("gaps", &open());
}
