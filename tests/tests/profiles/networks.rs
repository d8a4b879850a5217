//! How the networks of profiles and flags go together, by what the report says of them.

use crate::profile;
use nono_tests::jail::{Jail, Ran};
use nono_tests::need::Need;

fn dry(jail: &Jail, flags: &[&str]) -> Ran {
    jail.args(["run", "-q", "--dry-run", "--json"]).cmd(flags).cmd(["--", "true"]).run()
}

#[test]
fn networks_add_up_and_what_is_said_aloud_holds() {
    nono_tests::need!(Need::Landlock(4));
    let jail = Jail::new();
    profile(&jail, "https.toml", "[network]\nconnect = [443]\n");
    profile(&jail, "dns.toml", "[network]\ndns = true\nconnect = [853]\n");
    profile(&jail, "open.toml", "[network]\nopen = true\n");
    profile(&jail, "closed.toml", "[network]\nblock = true\n");
    profile(&jail, "proxy.toml", "[network]\nproxy_port = 3128\n");
    profile(&jail, "opened.toml", "extends = 'closed'\n[network]\nopen = true\n");
    profile(&jail, "both.toml", "extends = ['closed', 'https']\n");
    profile(&jail, "closed-again.toml", "extends = ['open', 'https']\n[network]\nblock = true\n");
    let (blocked, open) = ("\"mode\":\"blocked\"", "\"mode\":\"allow-all\"");
    for (flags, parts) in [
        (&["-p", "https"][..], &[blocked, "\"tcp_connect\":[443]", "\"name_lookups\":false"][..]),
        (&["-p", "https", "-p", "dns"], &[blocked, "\"tcp_connect\":[443,853]", "\"name_lookups\":true"]),
        (&["-p", "https", "--allow-connect", "80"], &["\"tcp_connect\":[80,443]"]),
        (&["-p", "https", "-p", "open"], &[open, "\"tcp_connect\":[]"]),
        (&["-p", "https", "--net"], &[open, "\"tcp_connect\":[]"]),
        (&["-p", "open", "--allow-connect", "80"], &[open, "\"tcp_connect\":[]"]),
        (&["-p", "https", "--net-block"], &[blocked, "\"tcp_connect\":[]", "\"udp\""]),
        (&["-p", "open", "--net-block"], &[blocked]),
        (&["-p", "closed", "--allow-connect", "80"], &[blocked, "\"tcp_connect\":[80]"]),
        (&["-p", "closed", "--net"], &[open]),
        (&["-p", "closed", "-p", "closed"], &[blocked, "\"requested\":["]),
        (&["-p", "opened"], &[open]),
        (&["-p", "closed-again"], &[blocked, "\"tcp_connect\":[]"]),
        (&["-p", "proxy", "--proxy-port", "3128"], &["\"tcp_connect_here\":[3128]"]),
    ] {
        let ran = dry(&jail, flags);
        ran.success();
        for part in parts {
            ran.stdout_has(part);
        }
    }
    let socket = jail.work().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let both = jail.args(["run", "-q", "--dry-run", "-p", "git", "-p", "open", "--", "true"]);
    both.env("SSH_AUTH_SOCK", &socket).run().success();
    for (flags, parts) in [
        (
            &["-p", "closed", "-p", "https"][..],
            &["closed.toml\" line 2", "`block` contradicts `connect` of", "https.toml\" line 2"][..],
        ),
        (&["-p", "open", "-p", "closed"], &["`block` contradicts `open` of"]),
        (&["-p", "proxy", "--proxy-port", "8080"], &["`proxy_port` contradicts the proxy port 8080"]),
        (&["-p", "both"], &["`block` contradicts `connect` of", "https.toml\" line 2"]),
        (&["-p", "open", "--proxy-port", "3128"], &["`open` contradicts a proxy", "(--proxy-port)"]),
        (&["-p", "open", "-p", "proxy"], &["`open` contradicts a proxy", "proxy.toml\" line 2"]),
        (&["-p", "https", "--net", "--allow-dns"], &["--net and --allow-dns"]),
    ] {
        let ran = dry(&jail, flags);
        ran.status(125).stdout_is("");
        for part in parts {
            ran.stderr_has(part);
        }
    }
}
