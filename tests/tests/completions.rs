//! Completions in the shell that reads them, and manual pages: are they what `nono` prints, and do they work?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::Jail;
use nono_tests::need::{self, Need};

/// What bash offers for the last of these words.
fn offered(words: &[&str]) -> Vec<String> {
    let jail = Jail::new();
    jail.file("work/notes", "");
    let ran = jail.args(["completions", "bash"]).run();
    ran.success().stderr_is("");
    let script = jail.file("completions", ran.stdout());
    let line = words.join(" ");
    let last = words.len().saturating_sub(1);
    let ask = format!(
        "source {script:?}; COMP_WORDS=({line}{}); COMP_CWORD={last}; COMP_LINE={line:?}
         _nono nono \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        if words.last() == Some(&"") { " ''" } else { "" }
    );
    let bash = need::program("bash").unwrap_or_default();
    let ran = jail.program(bash).cmd(["--norc", "-c", &ask]).run();
    ran.success().stderr_is("");
    ran.stdout().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_values_and_files() {
    nono_tests::need!(Need::Program("bash"));
    assert_eq!(offered(&["nono", "ru"]), ["run"]);
    let all = offered(&["nono", ""]);
    assert!(all.contains(&"shell".into()) && all.contains(&"learn".into()), "{all:?}");
    assert!(!all.iter().any(|word| word.starts_with('_')), "{all:?}");
    assert_eq!(offered(&["nono", "run", "--allow-c"]), ["--allow-cwd", "--allow-connect"]);
    assert_eq!(offered(&["nono", "completions", "fi"]), ["fish"]);
    assert_eq!(offered(&["nono", "run", "--read", "no"]), ["notes"]);
}

#[test]
fn shells_that_are_not_known_are_answered() {
    Jail::new().args(["completions", "bahs"]).run().status(2).stderr_has("a similar value exists: 'bash'");
}

#[test]
fn manual_pages_are_for_each_command() {
    let jail = Jail::new();
    for (words, said) in [
        (&["man"][..], "Permission denied?"),
        (&["man", "run"], "\\-\\-allow\\-cwd"),
        (&["man", "profile-check"], "Print JSON"),
    ] {
        jail.args(words).run().success().stderr_is("").stdout_has(".TH ").stdout_has(said);
    }
    jail.args(["man", "rum"]).run().status(2).stderr_has("a similar value exists: 'run'");
}
