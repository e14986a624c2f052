//! `gssctl rules check`: what it says of files good and bad, and how the engine does on its cases.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn check(file: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gssctl"));
    command.args(["rules", "check"]).arg(file).args(more).output().expect("gssctl runs")
}

fn cases() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/cases.json"))
}

#[test]
fn the_engine_passes_all_cases() {
    let output = check(cases(), &["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["failed"], 0, "{:#}", report["failures"]);
    assert_eq!(report["passed"], 1_200);
    assert!(output.status.success());
}

/// A file of one case, whose result is the lines printed and whether it passed.
fn said(case: &Value) -> (String, bool) {
    written(&json!({ "schema": 1, "cases": [case] }).to_string(), &[])
}

fn written(text: &str, more: &[&str]) -> (String, bool) {
    let folder = tempfile::tempdir().expect("directory");
    let file = folder.path().join("cases.json");
    std::fs::write(&file, text).expect("write");
    let output = check(&file, more);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).expect("text");
    (said.replace(&*file.to_string_lossy(), "FILE"), output.status.success())
}

fn roll(id: &str, rolls: &Value, total: i64) -> Value {
    json!({
        "id": id, "suite": "dice_expr", "edition": "n/a", "rule": "-", "source": "-",
        "inputs": { "expr": "2d6+3" }, "rolls": rolls, "expected": { "total": total },
    })
}

const TABLE: &str = "suite                 passed  failed\n";

#[test]
fn a_case_that_holds_passes() {
    let counts = "dice_expr                  1       0\nall                        1       0\n";
    for rolls in [json!([4, 1]), json!([[6, 4], [6, 1]])] {
        assert_eq!(said(&roll("a-1", &rolls, 8)), (format!("{TABLE}{counts}"), true));
    }
}

#[test]
fn a_case_that_does_not_hold_is_told() {
    let counts = "dice_expr                  0       1\nall                        0       1\n";
    let end = format!("{TABLE}{counts}gssctl: 1 of 1 cases failed\n");
    let got = |total: i64| format!("  got      {}\n", json!({"min": 5, "max": 15, "total": total}));
    let cases = [
        (json!([4, 1]), 9, got(8)),
        (json!([4]), 8, format!("{}  because  a d6 more than the case has\n", got(8))),
        (json!([4, 1, 1]), 8, format!("{}  because  1 dice left over\n", got(8))),
        (json!([4, 7]), 8, format!("{}  because  a d6 meets the face 7 of a d6\n", got(8))),
        (
            json!([[6, 4], [8, 1]]),
            8,
            format!("{}  because  a d6 meets the face 1 of a d8\n", got(8)),
        ),
    ];
    for (rolls, total, why) in cases {
        let told = format!("a-1\n  expected {}\n{why}{end}", json!({ "total": total }));
        assert_eq!(said(&roll("a-1", &rolls, total)), (told, false));
    }
}

#[test]
fn what_cannot_be_played_fails() {
    let mut unknown = roll("a-1", &json!([4, 1]), 8);
    unknown["suite"] = json!("luck");
    unknown["edition"] = json!("both");
    let (told, passed) = said(&unknown);
    let nothing =
        "  expected {\"total\":8}\n  got      nothing\n  because  the suite is not known\n";
    assert!(told.starts_with(&format!("a-1 (5.1)\n{nothing}a-1 (5.2)\n{nothing}")), "{told}");
    assert!(!passed);
    let mut unread = roll("a-1", &json!([4, 1]), 8);
    unread["inputs"] = json!({});
    assert!(said(&unread).0.contains("because  read the inputs: missing field `expr`"));
}

#[test]
fn bad_files_are_refused() {
    let case = roll("a-1", &json!([4, 1]), 8);
    let no_file = "gssctl: FILE is no file of cases: ";
    let files = [
        ("{", "EOF while parsing an object at line 1 column 1"),
        ("[]", "invalid length 0, expected struct File with 2 elements at line 1 column 2"),
        ("{\"schema\": 1}", "missing field `cases` at line 1 column 13"),
        ("{\"schema\": 2, \"cases\": []}", "its schema is 2, not 1"),
    ];
    for (text, why) in files {
        assert_eq!(written(text, &[]), (format!("{no_file}{why}\n"), false));
    }
    let twice = json!({ "schema": 1, "cases": [case, case] }).to_string();
    assert_eq!(written(&twice, &[]), (format!("{no_file}two cases have the id a-1\n"), false));
    let mut strange = case.clone();
    strange["edition"] = json!("3.5");
    assert!(said(&strange).0.contains("unknown variant `3.5`, expected one of `both`, `5.1`"));
    let one = json!({ "schema": 1, "cases": [case] }).to_string();
    let none = "gssctl: FILE has no case of suite damage\n".to_owned();
    assert_eq!(written(&one, &["--suite", "damage"]), (none, false));
    assert!(written(&one, &["--suite", "dice_expr"]).1);
    let absent = check(Path::new("/nowhere/cases.json"), &[]);
    let told = String::from_utf8(absent.stderr).expect("text");
    assert_eq!(told, "gssctl: read /nowhere/cases.json: No such file or directory (os error 2)\n");
}
