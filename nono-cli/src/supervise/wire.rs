//! Questions and answers as JSON, one object a line: the contract with approvers, and the log.

use nono_core::serial::LosslessPath;
use nono_core::{Approval, Question};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Who asks for what.
#[derive(Debug, Serialize)]
pub(crate) struct Who<'a> {
    pid: u32,
    #[serde(flatten)]
    program: Option<Program>,
    #[serde(flatten)]
    path: LosslessPath,
    access: Vec<&'a str>,
}

/// As [`LosslessPath`], under another name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Program {
    Program(String),
    ProgramBytes(String),
}

impl From<&Path> for Program {
    fn from(path: &Path) -> Program {
        match LosslessPath::from(path) {
            LosslessPath::Path(text) => Program::Program(text),
            LosslessPath::PathBytes(text) => Program::ProgramBytes(text),
        }
    }
}

impl Who<'_> {
    pub(crate) fn of(question: &Question) -> Who<'static> {
        Who {
            pid: question.process,
            program: question.program.as_deref().map(Program::from),
            path: LosslessPath::from(question.path.as_path()),
            access: question.words(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Asked<'a> {
    version: u32,
    id: u64,
    #[serde(flatten)]
    who: Who<'a>,
    /// What is protected is refused without asking, so this is said for the sake of the contract.
    protected: bool,
}

/// A question as a line.
pub(crate) fn question(id: u64, question: &Question) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(&Asked { version: 1, id, who: Who::of(question), protected: false })?;
    line.push(b'\n');
    Ok(line)
}

#[derive(Debug, Deserialize)]
struct Answered {
    version: u32,
    id: u64,
    decision: Decision,
    #[serde(default, rename = "for")]
    lasts: Lasts,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Allow,
    Deny,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Lasts {
    #[default]
    Once,
    File,
    Directory,
}

/// The answer in a line, and to which question; none if it is anything else.
pub(crate) fn answer(line: &str) -> Option<(u64, Approval)> {
    let answered: Answered = serde_json::from_str(line).ok().filter(|one: &Answered| one.version == 1)?;
    let approval = match (answered.decision, answered.lasts) {
        (Decision::Deny, _) => Approval::Deny,
        (Decision::Allow, Lasts::Once) => Approval::Once,
        (Decision::Allow, Lasts::File) => Approval::File,
        (Decision::Allow, Lasts::Directory) => Approval::Directory,
    };
    Some((answered.id, approval))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::OpenFlags;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn questions_are_as_the_contract_has_them() {
        let asked = Question {
            process: 4711,
            program: Some("/usr/bin/git".into()),
            path: "/home/u/.gitconfig".into(),
            flags: OpenFlags::READ,
        };
        let line = String::from_utf8(question(7, &asked).unwrap()).unwrap();
        let expected = r#"{"version":1,"id":7,"pid":4711,"program":"/usr/bin/git","path":"/home/u/.gitconfig","access":["read"],"protected":false}"#;
        assert_eq!(line, format!("{expected}\n"));
        let odd = Question { path: Path::new(OsStr::from_bytes(b"/\xff\n")).to_owned(), program: None, ..asked };
        let line = String::from_utf8(question(8, &odd).unwrap()).unwrap();
        assert!(line.contains("\"path_bytes\":\"L/8K\"") && line.lines().count() == 1, "{line}");
    }

    #[test]
    fn an_answer_is_what_the_contract_says_and_nothing_else() {
        for (line, expected) in [
            (r#"{"version":1,"id":7,"decision":"allow","for":"once"}"#, Some((7, Approval::Once))),
            (r#"{"version":1,"id":7,"decision":"allow"}"#, Some((7, Approval::Once))),
            (r#"{"version":1,"id":7,"decision":"allow","for":"file"}"#, Some((7, Approval::File))),
            (r#"{"version":1,"id":7,"decision":"allow","for":"directory"}"#, Some((7, Approval::Directory))),
            (r#"{"version":1,"id":7,"decision":"deny","for":"file"}"#, Some((7, Approval::Deny))),
            (r#"{"version":2,"id":7,"decision":"allow"}"#, None),
            (r#"{"version":1,"decision":"allow"}"#, None),
            (r#"{"version":1,"id":7,"decision":"allow","for":"ever"}"#, None),
            ("yes", None),
            ("", None),
        ] {
            assert_eq!(answer(line), expected, "{line}");
        }
    }
}
