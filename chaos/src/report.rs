//! What a run showed: JSON with everything, Markdown with tables, a picture per scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::resources::{Sample, growth};
use crate::round::{FaultReport, Round, figures};
use crate::scenario::Scenario;
use crate::timeline;

/// Violations of a scenario that the Markdown lists; the JSON has all.
const LISTED: usize = 20;

/// Everything that a scenario showed.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Its name.
    pub(crate) scenario: String,
    /// Its claim.
    pub(crate) about: String,
    /// Seed of its first round.
    pub(crate) seed: u64,
    /// Its rounds.
    pub(crate) rounds: Vec<Round>,
    /// Resources between the rounds.
    pub(crate) resources: Vec<Sample>,
}

impl Report {
    /// Nothing yet.
    pub(crate) fn new(scenario: &Scenario, seed: u64) -> Self {
        let (name, about) = (scenario.name.clone(), scenario.about.clone());
        Self { scenario: name, about, seed, rounds: Vec::new(), resources: Vec::new() }
    }

    /// Every violation of every round.
    pub(crate) fn violations(&self) -> impl Iterator<Item = &String> {
        self.rounds.iter().flat_map(|round| &round.violations)
    }

    fn faults(&self) -> impl Iterator<Item = &FaultReport> {
        self.rounds.iter().flat_map(|round| &round.faults)
    }

    fn sum(&self, of: impl Fn(&Round) -> usize) -> usize {
        self.rounds.iter().map(of).sum()
    }

    /// A line of figures.
    pub(crate) fn line(&self) -> String {
        let seconds: f64 = self.rounds.iter().map(|round| round.seconds).sum();
        let acknowledged = self.sum(|round| round.acknowledged);
        format!(
            "{}: {} rounds, {seconds:.0} s of play, {acknowledged} commands ({:.0}/s), {} faults, \
             {} violations",
            self.scenario,
            self.rounds.len(),
            acknowledged as f64 / seconds.max(1.0),
            self.faults().count(),
            self.violations().count()
        )
    }

    fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n{}\n\n{}.\n\n", self.scenario, self.about, self.line());
        let names = |of: fn(&Round) -> &BTreeMap<String, usize>| {
            let mut sums: BTreeMap<&str, usize> = BTreeMap::new();
            for (code, count) in self.rounds.iter().flat_map(of) {
                *sums.entry(code).or_default() += count;
            }
            let sums: Vec<String> =
                sums.into_iter().map(|(code, count)| format!("{code} {count}")).collect();
            if sums.is_empty() { "none".to_owned() } else { sums.join(", ") }
        };
        let _infallible = writeln!(
            text,
            "Sockets closed: {}, resumed: {}; guests: {}; hub messages: {}; error frames: {}; \
             refused: {}; operations on registers: {}.\n\n![timeline]({}.svg)\n\n\
             | fault | times | tables concerned | longest wait of a table: p50 | p99 | worst |\n\
             | --- | --- | --- | --- | --- | --- |",
            self.sum(|round| round.closes),
            self.sum(|round| round.resumed),
            self.sum(|round| round.guests),
            self.sum(|round| round.hub_messages),
            names(|round| &round.errors),
            names(|round| &round.refusals),
            names(|round| &round.registers),
            self.scenario,
        );
        let kinds: BTreeSet<&str> = self.faults().map(|fault| fault.kind.as_str()).collect();
        for kind in kinds {
            let of = || self.faults().filter(|fault| fault.kind == kind);
            let pauses = figures(of());
            let ms = |percent| format!("{} ms", pauses.percentile(percent).as_millis());
            let _infallible = writeln!(
                text,
                "| {kind} | {} | {} | {} | {} | {} |",
                of().count(),
                pauses.count(),
                ms(50),
                ms(99),
                ms(100)
            );
        }
        text.push_str(&growth(&self.resources));
        let violations: Vec<&String> = self.violations().collect();
        if !violations.is_empty() {
            let _infallible = writeln!(text, "\n{} violations:\n", violations.len());
            for violation in violations.iter().take(LISTED) {
                let _infallible = writeln!(text, "- {violation}");
            }
        }
        let seeds: Vec<String> = self.rounds.iter().map(|round| round.seed.to_string()).collect();
        let _infallible = writeln!(
            text,
            "\nAgain: `cargo xtask chaos {} --seed {}` (seeds {}).\n",
            self.scenario,
            self.seed,
            seeds.join(", ")
        );
        text
    }
}

/// Writes `report.md`, `report.json` and the pictures.
pub(crate) fn write(folder: &Path, reports: &[Report]) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut text = "# Chaos\n\n".to_owned();
    for report in reports {
        timeline::draw(&folder.join(format!("{}.svg", report.scenario)), report)?;
        text.push_str(&report.markdown());
    }
    std::fs::write(folder.join("report.md"), text)?;
    let json = serde_json::to_string_pretty(reports)?;
    std::fs::write(folder.join("report.json"), json).context("write report.json")
}
