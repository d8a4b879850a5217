//! What is said of ports and of abstract sockets.

use super::case::{Case, Extra};
use super::verdict::{By, Change, Rule, Verdict};
use nono_core::{Basis, Decision, Guarantee, Host, Mechanism, NetworkMode, Port, Request, decide};

/// May TCP `port` be connected to?
pub(super) fn connect(case: &Case<'_>, port: Port) -> Verdict {
    let ask = |host| decide(&case.foresight.set, &Request::Connect { port, host });
    let open = is_open(case);
    match ask(Host::Other) {
        Decision::Allowed { by } => granted(&by, "--allow-connect"),
        Decision::Denied(_) if !open && case.mechanism(Guarantee::TcpPorts).is_none() => {
            open_by_gap(case, Guarantee::TcpPorts)
        }
        Decision::Denied(_) if ask(Host::ThisMachine).is_allowed() => match case.mechanism(Guarantee::AnyHost) {
            Some(_) => Verdict::yes("it is granted on this machine, and on no other").said(port_rule(case, port)),
            None => open_by_gap(case, Guarantee::AnyHost),
        },
        Decision::Denied(_) => closed(case, "the port was not granted", Extra::Connect(port)),
    }
}

/// May TCP `port` be listened on?
pub(super) fn bind(case: &Case<'_>, port: Port) -> Verdict {
    let verdict = match decide(&case.foresight.set, &Request::Bind { port }) {
        Decision::Allowed { by } => granted(&by, "--allow-bind"),
        Decision::Denied(_) => {
            // It is bound by one promise, and listens by the other.
            let kept = [Guarantee::TcpPorts, Guarantee::ListenAnyPort].into_iter().find_map(|one| case.mechanism(one));
            match kept {
                Some(_) => closed(case, "the port was not granted", Extra::Bind(port)),
                None => open_by_gap(case, Guarantee::TcpPorts),
            }
        }
    };
    let privileged = port.get() < first_unprivileged();
    if !verdict.allowed || !privileged || keeps(case, "NET_BIND_SERVICE") {
        return verdict;
    }
    let reason = format!("ports below {} are root's, who gives up privileges", first_unprivileged());
    Verdict::no(reason, By::Sandbox(Mechanism::Launch))
        .said(Rule::built_in())
        .changed_by(Change::More(Extra::Capability("NET_BIND_SERVICE")))
}

/// May an abstract unix socket of another program's be connected to?
pub(super) fn abstract_socket(case: &Case<'_>) -> Verdict {
    match (decide(&case.foresight.set, &Request::AbstractConnect), case.mechanism(Guarantee::AbstractSockets)) {
        (Decision::Denied(_), Some(by)) => {
            // Where no unix socket can be made, that goes first.
            let gap = if by == Mechanism::Landlock { Guarantee::AbstractSockets } else { Guarantee::UnixSockets };
            Verdict::no("abstract unix sockets of other programs are closed", By::from(by))
                .said(Rule::built_in())
                .changed_by(Change::More(Extra::Gap(gap)))
        }
        _ => open_by_gap(case, Guarantee::AbstractSockets),
    }
}

/// A yes that nobody granted: nothing keeps the promise.
pub(super) fn open_by_gap(case: &Case<'_>, guarantee: Guarantee) -> Verdict {
    let gap = case.foresight.enforcement.gap(guarantee);
    let why = gap.map(|gap| format!("closed by {}", gap.remedy)).unwrap_or_default();
    let verdict = Verdict::yes(format!("nothing here keeps the promise {:?}: it is a gap", guarantee.name()));
    if why.is_empty() { verdict } else { verdict.noting(why) }
}

fn granted(by: &Basis, flag: &'static str) -> Verdict {
    match by {
        Basis::OpenNetwork => Verdict::yes("the network is open").said(Rule::flag("--net")),
        Basis::NameLookups => Verdict::yes("name lookups are granted").said(Rule::flag("--allow-dns")),
        _ => Verdict::yes("the port is granted").said(Rule::flag(flag)),
    }
}

fn closed(case: &Case<'_>, reason: &str, extra: Extra) -> Verdict {
    let by = case.mechanism(Guarantee::TcpPorts).or_else(|| case.mechanism(Guarantee::ListenAnyPort));
    let rule = case.network_flag.filter(|flag| *flag == "--net-block").map_or_else(Rule::built_in, Rule::flag);
    Verdict::no(reason, by.map(By::from)).said(rule).changed_by(Change::More(extra))
}

fn port_rule(case: &Case<'_>, port: Port) -> Rule {
    let proxy = matches!(case.foresight.set.network(), NetworkMode::ProxyOnly { port: proxy, .. } if *proxy == port);
    Rule::flag(if proxy { "--proxy-port" } else { "--allow-port" })
}

fn is_open(case: &Case<'_>) -> bool {
    *case.foresight.set.network() == NetworkMode::AllowAll
}

fn keeps(case: &Case<'_>, capability: &str) -> bool {
    let plain = |name: &String| name.to_ascii_uppercase().trim_start_matches("CAP_").to_owned();
    case.kept.iter().any(|name| plain(name) == capability)
}

/// ip(7), `ip_unprivileged_port_start`.
fn first_unprivileged() -> u16 {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024)
}
