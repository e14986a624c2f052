//! `gssctl rules`: cases of a file against the rules engine; what of the content it plays.
//!
//! A case passes when the engine, fed the dice of the case in their order, gives every member that
//! the case expects, and asks for all of these dice and no more.

mod attacks;
mod case;
mod coverage;
mod departure;
mod dice_expr;
mod endurance;
mod geometry;
mod health;
mod initiative;
mod legality;
mod maneuvers;
mod movement;
mod play;
mod report;
mod scenario;
mod spell_slots;
mod stage;
mod suites;
mod turns;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};

use crate::output;
use case::Cases;
use report::Report;

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a file of test cases against the engine; fails when any case fails.
    Check(Check),
    /// Count what the engine plays of the content, by running the cases that are built in.
    Coverage(coverage::Options),
}

#[derive(Args)]
struct Check {
    /// JSON: an object whose `cases` are the cases.
    file: PathBuf,
    /// Only the cases of this suite.
    #[arg(long)]
    suite: Option<String>,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(crate) fn run(options: &Options) -> Result<()> {
    match &options.command {
        Command::Check(options) => check(options),
        Command::Coverage(options) => coverage::run(options),
    }
}

fn check(check: &Check) -> Result<()> {
    let name = check.file.display();
    let text = std::fs::read_to_string(&check.file).with_context(|| format!("read {name}"))?;
    let mut cases = Cases::parse(&text).with_context(|| format!("{name} is no file of cases"))?;
    if let Some(suite) = &check.suite {
        cases.0.retain(|case| case.suite == *suite);
        if cases.0.is_empty() {
            bail!("{name} has no case of suite {suite}");
        }
    }
    let mut report = Report::default();
    for case in &cases.0 {
        report.add(case, play::failures(case));
    }
    output::print(&if check.json { report.json()? } else { report.text() })?;
    match report.failed() {
        0 => Ok(()),
        failed => bail!("{failed} of {} cases failed", cases.0.len()),
    }
}
