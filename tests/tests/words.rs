//! What nono says: does it fit 80 columns, in colours where they are wanted alone, and is a typing error answered with what
//! was probably meant?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::{Jail, User};
use nono_tests::need::{self, Need};
use nono_tests::terminal::Terminal;

/// The columns of a terminal.
const WIDTH: usize = 80;

/// What begins the codes for colours.
const ESCAPE: char = '\x1b';

const BUILT_IN: [&str; 9] = ["python", "node", "rust", "go", "git", "build", "agent", "download", "offline"];

/// Requires that every line fits, but for what is the user's: paths of the jail, what stands in quotes, and the command to
/// be pasted.
#[track_caller]
fn fits(jail: &Jail, of: &str, text: &str) {
    let root = jail.root().display().to_string();
    for line in text.lines().filter(|line| !line.starts_with("nono: to grant it: ")) {
        let own: String = line.replace(&root, "").split('"').step_by(2).collect();
        // Colours take no columns.
        let shown: usize = own
            .split(ESCAPE)
            .enumerate()
            .map(|(at, part)| if at == 0 { part } else { part.split_once('m').map_or("", |(_, shown)| shown) })
            .map(|part| part.trim_end().chars().count())
            .sum();
        assert!(shown <= WIDTH, "{of}: {shown} columns: {line}");
    }
}

/// What a command shows on a terminal, without the line that was typed.
fn shown(terminal: &mut Terminal, line: &str) -> String {
    let all = terminal.run(line);
    all.split_once('\n').map(|(_typed, shown)| shown.replace('\r', "")).unwrap_or_default()
}

#[test]
fn help_plans_and_profiles_fit_a_terminal() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let helped = jail.args(["man"]).run().success().stdout();
    // Every page names the commands below it: nono-run(1).
    let mut commands: Vec<String> = vec![String::new()];
    let mut at = 0;
    while let Some(command) = commands.get(at).cloned() {
        let name = command.replace(' ', "-");
        let page = jail.args(["man"]).cmd(Some(&name).filter(|name| !name.is_empty())).run().success().stdout();
        let below = page.lines().filter_map(|line| line.strip_suffix("(1)")?.strip_prefix("nono\\-"));
        let below = below
            .map(|name| name.replace("\\-", " "))
            .filter(|name| !name.ends_with("help") && !commands.contains(name));
        commands.extend(below.collect::<Vec<_>>());
        at += 1;
    }
    assert!(commands.len() >= 13 && helped.contains("nono"), "{commands:?}");
    for command in &commands {
        for flag in ["-h", "--help"] {
            let help = jail.args(words(command)).cmd([flag]).run();
            fits(&jail, &format!("{command} {flag}"), &help.success().stdout());
        }
    }
    let mut lines: Vec<String> =
        ["doctor", "run --dry-run --allow-cwd true", "run --dry-run -v --net true", "profile list"]
            .map(str::to_owned)
            .into();
    // Their networks are plans only where ports can be kept.
    let plans = need::met("words::help_plans_and_profiles_fit_a_terminal (plans of profiles)", &[Need::Landlock(4)]);
    let of_profiles = ["profile show NAME", "run --dry-run -p NAME true"];
    for name in BUILT_IN {
        let lines_of = of_profiles.iter().take(if plans { 2 } else { 1 });
        lines.extend(lines_of.map(|line| line.replace("NAME", name)));
    }
    for line in lines {
        let ran = jail.args(words(&line)).run();
        fits(&jail, &line, &(ran.stdout() + &ran.stderr()));
        ran.stdout_has("\n");
    }
}

/// Commands that are refused, or have something to say.
const SAID: [&str; 31] = [
    "nono",
    "nono rnu",
    "nono run",
    "nono run --alow . true",
    "nono run --read missing true",
    "nono run --read missing/deeper/than/that true",
    "nono run --read-file /usr true",
    "nono run --deny '*.env' true",
    "nono run --net --net-block true",
    "nono run --allow-connect http true",
    "nono run --pass-fd 77 true",
    "nono run --pass-fd x true",
    "nono run --accept-gap nothing true",
    "nono run --accept-gap any-hots true",
    "nono run --keep-cap CHWON true",
    "nono run --strict true",
    "nono run --json true",
    "nono run --audit x true",
    "nono run --approve-timeout 3 true",
    "nono run --explain --supervised true",
    "nono run -p nobody true",
    "nono run -p ./bad.toml true",
    "nono run --allow-dns true",
    "nono run -v true",
    "nono run no-such-command",
    "nono run --explain --allow-cwd cat ../secrets/key",
    "nono learn --diff nobody true",
    "nono man rnu",
    "nono profile schema profle",
    "nono profile check download",
    "nono profile new a/b",
];

#[test]
fn messages_fit_a_terminal() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("work/bad.toml", "[filesystem]\nraed = []\n");
        let mut terminal = Terminal::new(&jail, user);
        for line in SAID {
            let said = shown(&mut terminal, line);
            assert!(!said.trim().is_empty(), "{line} says nothing");
            fits(&jail, line, &said);
        }
    }
}

#[test]
fn elsewhere_a_message_is_one_line() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    for words in [&["run", "--accept-gap", "nothing", "true"][..], &["run", "--strict", "true"]] {
        let said = jail.args(words).run().status(125).stderr();
        assert!(said.lines().count() == 1 && said.len() > WIDTH, "{said}");
    }
}

#[test]
fn colours_are_for_terminals_that_take_them() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        let mut terminal = Terminal::new(&jail, user);
        let explained = "nono run -q --explain --allow-cwd cat ../secrets/key";
        for line in ["nono doctor", "nono run --dry-run --allow-cwd true", explained] {
            for (before, behind, colours) in [
                ("", "", true),
                ("NO_COLOR= ", "", true),
                ("NO_COLOR=1 ", "", false),
                ("TERM=dumb ", "", false),
                ("", " 2>&1 | cat", false),
                ("", " >out 2>&1; cat out", false),
            ] {
                let line = format!("{before}{line}{behind}");
                let said = shown(&mut terminal, &line);
                assert!(said.contains("read"), "{line}: {said}");
                assert_eq!(said.contains(ESCAPE), colours, "{line}: {said}");
            }
        }
        for line in [
            "nono doctor --json",
            "nono run --dry-run --json --allow-cwd true",
            "nono run -q --explain --json --allow-cwd cat ../secrets/key",
            "nono profile show git --json",
            "nono profile check git --json",
            "nono profile list --json",
            "nono profile schema",
        ] {
            let said = shown(&mut terminal, line);
            assert!(said.contains('{') && !said.contains(ESCAPE), "{line}: {said}");
        }
    }
}

#[test]
fn a_typing_error_is_answered_with_what_was_meant() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    jail.file("work/p.toml", "[filesystem]\nraed = []\n");
    jail.file("work/gap.toml", "[options]\naccept_gap = ['user-namespace']\n");
    for (line, meant) in [
        ("rum", "'run'"),
        ("lern", "'learn'"),
        ("docter", "'doctor'"),
        ("proflie", "'profile'"),
        ("profile lst", "'list'"),
        ("profile chekc x", "'check'"),
        ("run --alow x true", "'--allow'"),
        ("run --explian true", "'--explain'"),
        ("run --allow-conect 80 true", "'--allow-connect'"),
        ("shell --allowcwd", "'--allow-cwd'"),
        ("learn --mrege true", "'--merge'"),
        ("doctor --jsn", "'--json'"),
        ("run -p pyhton true", "did you mean \"python\"?"),
        ("shell -p ofline", "did you mean \"offline\"?"),
        ("learn --diff gti true", "did you mean \"git\"?"),
        ("profile show agnet", "did you mean \"agent\"?"),
        ("profile check downlod", "did you mean \"download\"?"),
        ("run -p ./p.toml true", "did you mean \"read\"?"),
        ("profile check ./p.toml", "did you mean \"read\"?"),
        ("run --accept-gap any-hots true", "did you mean \"any-host\"?"),
        ("run --accept-gap user_namespaces true", "did you mean \"user-namespaces\"?"),
        ("run -p ./gap.toml true", "did you mean \"user-namespaces\"?"),
        ("completions bahs", "'bash'"),
        ("man profile-shwo", "'profile-show'"),
        ("profile schema profle", "'profile'"),
    ] {
        let ran = jail.args(line.split(' ')).run();
        let runs = ["run", "shell", "learn"].iter().any(|command| line.starts_with(&format!("{command} ")));
        let check = line.starts_with("profile check ");
        ran.status(if runs { 125 } else { 2 - i32::from(check) }).stdout_is("").stderr_has(meant);
        // What is not for people is not proposed to them.
        assert!(!ran.stderr().contains("'_"), "{line}: {}", ran.stderr());
    }
}
