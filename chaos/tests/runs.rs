//! Whole runs of the command: one that must hold, with faults of a new seed each time, and one that
//! must not.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn chaos(scenario: &str, out: &Path) -> Output {
    let scenario = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(scenario);
    let mut command = Command::new(env!("CARGO_BIN_EXE_gss-chaos"));
    command.arg(scenario).arg("--out").arg(out).output().expect("gss-chaos runs")
}

fn report(out: &Path) -> Value {
    let text = std::fs::read_to_string(out.join("report.json")).expect("a report");
    serde_json::from_str::<Value>(&text).expect("JSON")[0].take()
}

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("gss-chaos-{name}-{}", std::process::id()))
}

#[test]
fn a_round_of_every_fault_holds() {
    let out = folder("short");
    let run = chaos("short.toml", &out);
    let said = String::from_utf8_lossy(&run.stderr);
    println!("{said}");
    assert!(run.status.success(), "{}:\n{said}", run.status);
    let report = report(&out);
    let round = &report["rounds"][0];
    assert_eq!(round["violations"], serde_json::json!([]));
    assert!(round["acknowledged"].as_u64().is_some_and(|count| count > 300), "{round}");
    assert!(!round["faults"].as_array().expect("faults").is_empty(), "{round}");
    assert!(round["registers"]["read"].as_u64().is_some_and(|count| count > 30), "{round}");
    let picture = std::fs::read_to_string(out.join("short.svg")).expect("a picture");
    assert!(picture.starts_with("<svg"), "{picture}");
    let text = std::fs::read_to_string(out.join("report.md")).expect("a report");
    assert!(text.contains(&format!("--seed {}`", report["seed"])), "{text}");
    std::fs::remove_dir_all(out).expect("removed");
}

#[test]
fn what_a_scenario_does_not_allow_fails_the_run() {
    let out = folder("strict");
    let run = chaos("strict.toml", &out);
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(1), "{said}");
    let report = report(&out);
    let violations = report["rounds"][0]["violations"].as_array().expect("violations").clone();
    let closed = |it: &Value| it.as_str().is_some_and(|it| it.ends_with("sockets were closed"));
    assert!(matches!(violations.as_slice(), [one] if closed(one)), "{violations:?}");
    std::fs::remove_dir_all(out).expect("removed");
}
