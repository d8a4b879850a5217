//! `nono shell`: is it the user's shell, with its jobs, a marker in its prompt, and no history outside?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::{Jail, User};
use nono_tests::need::{self, Need};
use nono_tests::terminal::Terminal;
use std::fs;
use std::path::{Path, PathBuf};

/// What the prompt begins with.
const MARKER: &str = "(nono) ";

/// Those of the shells that are there; it is said which are not.
fn shells(test: &str) -> Vec<&'static str> {
    let known = ["bash", "sh", "dash", "zsh", "fish"];
    known.into_iter().filter(|name| need::met(&format!("shell::{test}"), &[Need::Program(name)])).collect()
}

/// Each of `shells` for each user and with each of `flags`, at its first prompt.
fn inside(shells: &[&str], flags: &[&str], test: impl Fn(&mut Terminal, &Jail, &str)) {
    for user in User::all() {
        for flags in flags {
            for shell in shells {
                let jail = Jail::of(user);
                jail.file("home/.bash_history", "typed before\n");
                let mut terminal = Terminal::new(&jail, user);
                terminal.type_line(&format!("{} {flags}", start(shell)));
                terminal.expect(MARKER);
                test(&mut terminal, &jail, shell);
            }
        }
    }
}

/// The command that starts the shell, which may be installed outside of the system.
fn start(shell: &str) -> String {
    let program = need::program(shell).and_then(|found| found.canonicalize().ok()).unwrap_or_default();
    let directory = program.parent().unwrap_or(Path::new("/usr/bin"));
    // Where /bin is no link to /usr/bin, all of it is not what is above.
    let prefix = directory.parent().filter(|above| *above != Path::new("/")).unwrap_or(directory).display();
    // By its own name: sh is what its link leads to under the name of sh.
    let named = need::program(shell).unwrap_or_default();
    format!("PS1= SHELL={} nono shell -q --read {prefix}", named.display())
}

/// All files of the home directory, and what is in them.
fn files(directory: &Path) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut all: Vec<_> = entries
        .flat_map(|path| {
            if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
                files(&path)
            } else {
                vec![(path.clone(), read(&path))]
            }
        })
        .collect();
    all.sort();
    all
}

fn read(path: &Path) -> String {
    fs::read(path).map(|bytes| bytes.escape_ascii().to_string()).unwrap_or_default()
}

macro_rules! need_shells {
    () => {
        nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("bash"))
    };
}

#[test]
fn the_prompt_has_a_marker_and_the_status_is_the_shells() {
    need_shells!();
    let shells = shells("the_prompt_has_a_marker_and_the_status_is_the_shells");
    inside(&shells, &["--allow-cwd", "--allow-cwd --approve false"], |terminal, _, shell| {
        terminal.type_line("cat ../secrets/key");
        terminal.expect("ermission denied");
        terminal.expect(MARKER);
        terminal.type_line("cat file.txt");
        terminal.expect("in the working directory");
        terminal.expect(MARKER);
        terminal.type_line("exit 7");
        terminal.prompt();
        assert_eq!(terminal.status(), 7, "{shell}");
    });
}

#[test]
fn jobs_are_stopped_and_continued() {
    need_shells!();
    // zsh lists the directories of PATH, and would ask for this one.
    let supervised = "--supervised --allow-cwd --read ${PATH%%:*}";
    // busybox's sh, which guests have, reads nothing more once a signal was trapped.
    let job = need::program("bash").map_or("sh", |_| "bash");
    inside(&shells("jobs_are_stopped_and_continued"), &["", supervised], |terminal, _, shell| {
        // With a limit of time: a signal that comes just before `read` waits is otherwise trapped after the next line only.
        let script =
            "trap \"echo went:$((6*7))\" CONT; echo started:$((6*7)); while :; do read -t 1 w && echo got:$w; done";
        terminal.type_line(&format!("{job} -c '{script}'"));
        terminal.expect("started:42");
        terminal.type_line("one");
        terminal.expect("got:one");
        terminal.press("\x1a");
        terminal.expect(MARKER);
        terminal.type_line("fg");
        terminal.expect("went:42");
        terminal.type_line("two");
        terminal.expect("got:two");
        terminal.press("\x03");
        terminal.expect(MARKER);
        let script = "trap \"echo went:$((6*7)); exit\" CONT; echo started:$((6*7)); while :; do :; done";
        terminal.type_line(&format!("{job} -c '{script}'"));
        terminal.expect("started:42");
        terminal.press("\x1a");
        terminal.expect(MARKER);
        terminal.type_line("bg");
        terminal.expect("went:42");
        terminal.type_line("exit 0");
        terminal.prompt();
        assert_eq!(terminal.status(), 0, "{shell}");
    });
}

#[test]
fn the_shell_itself_is_a_job_outside() {
    need_shells!();
    inside(&["bash"], &["", "--supervised"], |terminal, _, _| {
        terminal.type_line("suspend -f");
        terminal.expect("Stopped");
        terminal.prompt();
        terminal.type_line("fg");
        terminal.expect(MARKER);
        terminal.type_line("exit 5");
        terminal.prompt();
        assert_eq!(terminal.status(), 5);
    });
}

#[test]
fn no_history_is_written_outside() {
    need_shells!();
    let history = |jail: &Jail| read(&jail.home().join(".bash_history"));
    // Outside the history is written, so the test can fail.
    let jail = Jail::new();
    jail.file("home/.bash_history", "typed before\n");
    let mut terminal = Terminal::new(&jail, User::Same);
    terminal.type_line("PS1= HISTFILE=~/.bash_history bash --norc -i");
    terminal.type_line("echo a secret word");
    terminal.type_line("exit");
    terminal.prompt();
    assert!(history(&jail).contains("a secret word"), "{}", history(&jail));
    drop(terminal);
    for flags in ["--allow-file ~/.bash_history --allow ~/notes.txt", "--allow ~", "--accept-gap deny --allow ~"] {
        inside(&shells("no_history_is_written_outside"), &[flags], |terminal, jail, shell| {
            let before = files(&jail.home());
            terminal.type_line("echo a secret word");
            terminal.expect(MARKER);
            terminal.type_line("exit");
            terminal.prompt();
            assert_eq!(history(jail), "typed before\\n", "{shell} {flags}");
            assert_eq!(files(&jail.home()), before, "{shell} {flags}");
        });
    }
}

#[test]
fn start_files_are_read_where_that_is_granted_and_never_written() {
    need_shells!();
    for (flags, alias) in [("", false), ("--read-file ~/.bashrc", true)] {
        inside(&["bash"], &[flags], |terminal, jail, _| {
            terminal.type_line("echo is:${FROM_BASHRC:-unset}");
            let shown = terminal.expect(MARKER);
            assert_eq!(shown.contains("is:1"), alias, "{flags}: {shown}");
            assert!(!shown.contains("denied"), "{flags}: {shown}");
            assert!(read(&jail.home().join(".bashrc")).starts_with("alias ll="));
        });
    }
    for (shell, file, variable, text) in [
        ("dash", "shrc", "ENV", "OWN=1"),
        ("zsh", ".zshrc", "ZDOTDIR", "OWN=1"),
        ("fish", "fish/config.fish", "XDG_CONFIG_HOME", "set OWN 1"),
    ] {
        if !need::met(&format!("shell::start_files of {shell}"), &[Need::Program(shell)]) {
            continue;
        }
        for (flags, read) in [("--allow-cwd", false), ("--allow-cwd --read ../own", true)] {
            let jail = Jail::new();
            let own = jail.file(format!("own/{file}"), format!("{text}\n"));
            let value = if variable == "ENV" { own } else { jail.root().join("own") };
            let mut terminal = Terminal::new(&jail, User::Same);
            terminal.type_line(&format!("{variable}={} {} {flags}", value.display(), start(shell)));
            let shown = terminal.expect(MARKER);
            assert!(!shown.contains("denied"), "{shell} {flags}: {shown}");
            terminal.type_line(&format!("echo is:$OWN:${variable}"));
            // Of the end of the line.
            terminal.expect("is:");
            let shown = terminal.expect(MARKER);
            assert_eq!(shown.contains("is:1:"), read, "{shell} {flags}: {shown}");
        }
    }
}

#[test]
fn without_a_terminal_it_reads_a_script() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let nono = PathBuf::from(jail.args([""; 0]).command().get_program());
    for shell in shells("without_a_terminal_it_reads_a_script") {
        let script = "cat ../secrets/key || echo refused\nexit 4\n";
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut dirs = vec![nono.parent().unwrap_or(Path::new("/")).to_owned()];
        dirs.extend(std::env::split_paths(&path));
        let path = std::env::join_paths(dirs).unwrap_or_default();
        let ran = jail.program("/bin/sh").cmd(["-c", &start(shell)]).env("PATH", path).stdin(script).run();
        ran.status(4).stdout_is("refused\n");
    }
}

#[test]
fn a_shell_that_cannot_be_used_is_replaced_and_that_is_said() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let run = |shell: Option<&str>, flags: &[&str]| {
        let run = jail.args(["shell"]).cmd(flags).stdin("echo started\n");
        if let Some(shell) = shell { run.env("SHELL", shell) } else { run }.run()
    };
    run(None, &[]).success().stdout_is("started\n").stderr_has("nono: note: SHELL is not set; this is /");
    run(Some("/no/zsh"), &[]).success().stderr_has("nono: note: SHELL=\"/no/zsh\" is no shell that can be executed; ");
    assert!(!run(None, &["-q"]).success().stderr().contains("note"));
    assert!(!run(Some("/bin/sh"), &[]).success().stderr().contains("SHELL"));
    let own = jail.file("own/tsh", "#!/bin/sh\nexec /bin/sh \"$@\"\n");
    fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap_or_default();
    run(own.to_str(), &["--read", "../own"]).success().stdout_is("started\n").stderr_has("its history is its own");
    // One that the policy does not let be executed is not replaced.
    run(own.to_str(), &[]).status(126).stderr_has("may not be executed in the sandbox");
}

#[test]
fn flags_are_those_of_run_and_there_is_no_command() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let run = |args: &[&str]| jail.args(["shell"]).cmd(args).env("SHELL", "/bin/sh").run();
    run(&["--dry-run", "--json", "--read", "."]).success().stdout_has("/bin/sh").stdout_has("/work");
    run(&["--read", "/nowhere"]).status(125).stderr_has("--read");
    run(&["make"]).status(125).stderr_has("unexpected argument 'make'");
    run(&["--alow", "."]).status(125).stderr_has("'--allow'");
}
