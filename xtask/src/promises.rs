//! `docs/users.md` names the test that shows each promise. Is each of them there?

use std::path::Path;
use xshell::Shell;

/// The page, from the root of the workspace.
const PAGE: &str = "docs/users.md";

/// What is wrong with the page: rows without a test, and names that no test has.
pub(crate) fn faults(shell: &Shell) -> anyhow::Result<Vec<String>> {
    let page = shell.read_file(PAGE)?;
    Ok(faults_of(&page, |file| shell.read_file(file).ok()))
}

fn faults_of(page: &str, read: impl Fn(&Path) -> Option<String>) -> Vec<String> {
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut faults = Vec::new();
    for row in rows {
        let names: Vec<&str> = row.split('|').nth(3).unwrap_or_default().split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            faults.push(format!("{PAGE}: no test for:{}", row.split('|').nth(1).unwrap_or_default()));
        }
        faults.extend(names.iter().filter(|name| !is_there(name, &read)).map(|name| format!("{PAGE}: no test {name}")));
    }
    faults
}

/// `suite::test` is in `suite.rs`; `suite::module::test` in a file of the folder `suite`.
fn is_there(name: &str, read: impl Fn(&Path) -> Option<String>) -> bool {
    let Some((suite, test)) = name.rsplit_once("::") else { return false };
    let file = Path::new("tests/tests").join(suite.replace("::", "/")).with_extension("rs");
    read(&file).is_some_and(|text| text.contains(&format!("fn {test}(")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_there_is_a_fault() {
        let read = |file: &Path| (file == Path::new("tests/tests/one/two.rs")).then(|| "fn works() {".to_owned());
        let faults = |tests: &str| faults_of(&format!("| a | b | c |\n|---|---|---|\n| x | `y` | {tests} |\n"), read);
        assert!(faults("`one::two::works`").is_empty());
        for (tests, fault) in [
            ("", "no test for: x "),
            ("`one::two::work`", "no test one::two::work"),
            ("`one::two::works`, `one::works`", "no test one::works"),
            ("`works`", "no test works"),
        ] {
            assert_eq!(faults(tests), [format!("{PAGE}: {fault}")], "{tests}");
        }
    }

    #[test]
    fn the_page_is_right() {
        let shell = Shell::new().unwrap();
        shell.change_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        assert_eq!(faults(&shell).unwrap(), [""; 0]);
    }
}
