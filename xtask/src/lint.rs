//! `cargo xtask lint`: formatting, clippy, dependencies, and the rules of the tree.

mod links;
mod plants;
mod source;
mod tree;

use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;

use crate::{cargo, wait};

/// One line of the table.
#[derive(Debug, Serialize)]
struct Line {
    check: &'static str,
    result: Verdict,
    seconds: f32,
    findings: Vec<String>,
}

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Failed,
    Skipped,
}

/// How it ended and what was found, or why it could not run.
type Outcome = Result<(Verdict, Vec<String>)>;
/// One check.
type Check = fn() -> Outcome;

impl Verdict {
    fn of(good: bool) -> Self {
        if good { Self::Ok } else { Self::Failed }
    }
}

/// All checks, the quick ones first.
const CHECKS: [(&str, Check); 4] =
    [("format", format), ("tidy", tidy), ("dependencies", dependencies), ("clippy", clippy)];

#[derive(Args)]
pub(crate) struct Options {
    /// Only these: format, tidy, dependencies, clippy. Default: all.
    #[arg(value_parser = CHECKS.map(|(name, _)| name))]
    checks: Vec<String>,
}

/// Runs the checks, prints a table and writes `lint.json` in the target folder.
pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted =
        |name: &str| options.checks.is_empty() || options.checks.iter().any(|it| it == name);
    let mut lines = Vec::new();
    for (check, run) in CHECKS.into_iter().filter(|(name, _)| wanted(name)) {
        println!("lint: {check}");
        let start = wait::now();
        let (result, findings) = run()?;
        for finding in &findings {
            println!("  {finding}");
        }
        lines.push(Line { check, result, seconds: start.elapsed().as_secs_f32(), findings });
    }
    println!();
    for Line { check, result, seconds, findings } in &lines {
        let result = format!("{result:?}").to_lowercase();
        println!("{check:<14} {result:<8} {seconds:>6.1} s  {} finding(s)", findings.len());
    }
    let file = cargo::target_dir()?.join("lint.json");
    std::fs::write(&file, serde_json::to_string_pretty(&lines)?)?;
    if lines.iter().any(|line| line.result == Verdict::Failed) {
        bail!("lint failed; see {}", file.display());
    }
    Ok(())
}

fn format() -> Outcome {
    let status = cargo::run(cargo::cargo().args(["fmt", "--all", "--check"]))?;
    Ok((Verdict::of(status.success()), Vec::new()))
}

fn clippy() -> Outcome {
    let mut command = cargo::cargo();
    command.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    Ok((Verdict::of(cargo::run(&mut command)?.success()), Vec::new()))
}

fn dependencies() -> Outcome {
    let mut probe = cargo::cargo();
    probe.args(["deny", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if !cargo::run(&mut probe)?.success() {
        let note = "SKIPPED: cargo-deny is not installed (cargo install --locked cargo-deny)";
        return lock_file().map(|mut findings| {
            let verdict = if findings.is_empty() { Verdict::Skipped } else { Verdict::Failed };
            findings.push(note.to_owned());
            (verdict, findings)
        });
    }
    let mut deny: Command = cargo::cargo();
    deny.args(["deny", "--offline", "check", "bans", "licenses", "sources"]);
    let good = cargo::run(&mut deny)?.success();
    let findings = lock_file()?;
    Ok((Verdict::of(good && findings.is_empty()), findings))
}

/// What holds without cargo-deny: there is one TLS stack.
fn lock_file() -> Result<Vec<String>> {
    let text = std::fs::read_to_string(cargo::root().join("Cargo.lock"))?;
    let banned = ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"];
    let locked = |name: &&str| text.contains(&format!("name = \"{name}\"\n"));
    Ok(banned.iter().filter(|it| locked(it)).map(|it| format!("Cargo.lock has {it}")).collect())
}

fn tidy() -> Outcome {
    let root = cargo::root();
    let files = tree::files(&root)?;
    let mut findings = tree::check(&files);
    for file in &files {
        let Ok(text) = std::fs::read_to_string(root.join(file)) else { continue };
        findings.extend(source::check(file, &text));
        if file.extension().is_some_and(|extension| extension == "md") {
            findings.extend(links::check(&root, file, &text));
        }
    }
    findings.extend(plants::check(&root)?);
    Ok((Verdict::of(findings.is_empty()), findings))
}
