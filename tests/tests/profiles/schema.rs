//! The schemas are those of what nono prints and reads today: each output is held against its own.

use crate::profile;
use nono_tests::jail::Jail;
use nono_tests::need::Need;
use serde_json::{Map, Value, json};

/// What `value` has that `schema` does not allow, if anything. Knows the words that our schemas use, and no others.
fn fault(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let words = schema.as_object().unwrap();
    words
        .iter()
        .find_map(|(word, wanted)| match word.as_str() {
            "$schema" | "title" | "description" | "$defs" | "additionalProperties" => None,
            "$ref" => fault(root, root.pointer(&wanted.as_str().unwrap()[1..]).unwrap(), value),
            "const" => (value != wanted).then(|| format!("{value} is not {wanted}")),
            "enum" => (!wanted.as_array().unwrap().contains(value)).then(|| format!("{value} is none of {wanted}")),
            "type" => {
                let kinds = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                (!kinds.iter().any(|kind| is_a(kind.as_str().unwrap(), value)))
                    .then(|| format!("{value} is no {wanted}"))
            }
            "minimum" => (value.as_i64()? < wanted.as_i64()?).then(|| format!("{value} < {wanted}")),
            "maximum" => (value.as_i64()? > wanted.as_i64()?).then(|| format!("{value} > {wanted}")),
            "items" => value.as_array()?.iter().find_map(|one| fault(root, wanted, one)),
            "required" => {
                let missing = |key: &&Value| value.get(key.as_str().unwrap()).is_none();
                wanted.as_array().unwrap().iter().find(missing).map(|key| format!("{key} is missing in {value}"))
            }
            "anyOf" => {
                let faults: Vec<_> = wanted.as_array().unwrap().iter().map(|one| fault(root, one, value)).collect();
                faults.iter().all(Option::is_some).then(|| format!("{faults:?}"))
            }
            "properties" => value.as_object()?.iter().find_map(|(key, one)| match wanted.get(key) {
                Some(wanted) => fault(root, wanted, one),
                None => additional(root, words, key, one),
            }),
            other => Some(format!("the word {other} is not known to this test")),
        })
        .or_else(|| {
            let all = value.as_object().filter(|_| !words.contains_key("properties"))?;
            all.iter().find_map(|(key, one)| additional(root, words, key, one))
        })
}

fn additional(root: &Value, words: &Map<String, Value>, key: &str, one: &Value) -> Option<String> {
    match words.get("additionalProperties") {
        Some(Value::Bool(false)) => Some(format!("{key} is not in the schema")),
        Some(Value::Bool(true)) | None => None,
        Some(schema) => fault(root, schema, one),
    }
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}

fn schema(jail: &Jail, of: &str) -> Value {
    let printed = jail.args(["profile", "schema", of]).run().success().stdout();
    let kept = std::fs::read_to_string(format!("{}/../docs/schema/{of}.json", env!("CARGO_MANIFEST_DIR")));
    // The machine that runs the tests may not be the one that built them.
    assert!(kept.is_err() || kept.is_ok_and(|kept| kept == printed), "{of}: not the one in docs/schema");
    serde_json::from_str(&printed).unwrap()
}

#[track_caller]
fn holds(jail: &Jail, of: &str, value: &Value) {
    let schema = schema(jail, of);
    assert_eq!(fault(&schema, &schema, value), None, "{of}: {value}");
    // And a schema that allows anything would be none.
    let mut other = value.clone();
    other.as_object_mut().unwrap().insert("surprise".to_owned(), json!(1));
    assert!(fault(&schema, &schema, &other).is_some(), "{of}");
}

const EVERYTHING: &str = "extends = 'git'\n[meta]\nname = 'p'\nversion = '1'\nauthor = 'a'\ndescription = 'd'\n\
    [filesystem]\nallow = [{ path = '~/c', create = true }]\nread = ['~/d', '~/notes.txt', '/usr']\nwrite = [{ path = '~/n', optional = true }]\n\
    allow_file = []\nread_file = ['~/notes.txt']\nwrite_file = []\ndeny = ['~/d/x', { path = '~/c/x', optional = true }]\n\
    [network]\nconnect = [443]\nbind = [8080]\nport = [3000]\ndns = true\nunix = []\n\
    [environment]\npass = ['A']\nset = { B = 'c' }\nclear = false\n[workdir]\naccess = 'readwrite'\n\
    [options]\nsystem = true\nprivate_shm = false\naccept_gap = ['ipc']\nkeep_cap = []\n\
    [approve]\nread = ['/usr']\nwrite = []\nallow = []\ndeny = []\n";

#[test]
fn each_output_is_as_its_schema_says() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp);
    let jail = Jail::new();
    jail.file("home/d/x", "");
    profile(&jail, "p.toml", EVERYTHING);
    profile(&jail, "broken.toml", "x = 1");
    for (of, words) in [
        ("report", &["run", "-q", "--dry-run", "--json", "-p", "p", "--allow-cwd", "--", "sh", "-c", "x"][..]),
        ("report", &["run", "-q", "--dry-run", "--json", "--proxy-port", "3128", "--", "sh"]),
        ("learn", &["learn", "--diff", "p", "--json", "--", "sh", "-c", ": < ../secrets/key"]),
        ("doctor", &["doctor", "--json"]),
        ("why", &["why", "--json", "-p", "p", "--path", "notes.txt", "--op", "write"]),
        ("why", &["why", "--json", "-p", "p", "--rename", "d/x", "d/y"]),
        ("why", &["why", "--json", "--net-block", "--connect", "443"]),
        ("profile-list", &["profile", "list", "--json"]),
        ("profile-show", &["profile", "show", "p", "--json"]),
        ("profile-check", &["profile", "check", "p", "--json"]),
    ] {
        let ran = jail.args(words).run();
        holds(
            &jail,
            of,
            &serde_json::from_str(&ran.stdout()).unwrap_or_else(|_| panic!("{words:?}: {}", ran.stderr())),
        );
    }
    let report = jail.root().join("report.json");
    let words = ["run", "-q", "--explain", "--json", "--report", report.to_str().unwrap(), "--", "sh", "-c"];
    let script = "cat ../secrets/key ~/.ssh/id_ed25519; ls ..; unshare -U true; echo x > ../new";
    let ran = jail.args(words).cmd([script]).run();
    let stderr = ran.stderr();
    let line = stderr.lines().find(|line| line.starts_with('{')).unwrap();
    holds(&jail, "explain", &serde_json::from_str(line).unwrap());
    holds(&jail, "report", &serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap());
    let question = json!({"version":1,"id":7,"pid":4711,"program":"/usr/bin/git","path":"/home/u/x","access":["read"],"protected":false});
    holds(&jail, "question", &question);
    holds(&jail, "answer", &json!({"version":1,"id":7,"decision":"allow","for":"once"}));
}

/// What `text` says, as JSON.
fn as_json(text: &str) -> Value {
    let value: toml::Table = text.parse().unwrap();
    serde_json::to_value(value).unwrap()
}

#[test]
fn profiles_are_as_their_schema_says() {
    let jail = Jail::new();
    holds(&jail, "profile", &as_json(EVERYTHING));
    for built_in in ["agent", "build", "download", "git", "go", "node", "offline", "python", "rust"] {
        let raw = jail.args(["profile", "show", built_in, "--raw"]).run().success().stdout();
        holds(&jail, "profile", &as_json(&raw));
    }
    // What the schema refuses, nono refuses too, and the other way round, for every key that there is.
    let schema = schema(&jail, "profile");
    for (table, keys) in schema["properties"].as_object().unwrap() {
        let Some(keys) = keys.get("properties") else { continue };
        for key in keys.as_object().unwrap().keys() {
            for (key, known) in [(key.clone(), true), (format!("{key}x"), false)] {
                let text = format!("[{table}]\n{key} = 7.5\n");
                let path = profile(&jail, "p.toml", &text);
                let ran = jail.args(["profile", "show"]).cmd([path]).run();
                let part = if known { "is a fraction" } else { "unknown key" };
                ran.status(2).stderr_has(part);
                assert!(fault(&schema, &schema, &as_json(&text)).is_some(), "{text}");
            }
        }
    }
}
