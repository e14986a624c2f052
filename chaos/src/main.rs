//! `cargo xtask chaos`: workload × nemesis × checker on real processes.
//!
//! Each scenario gets a cluster of its own and plays rounds on it: tables under an open-loop load,
//! faults chosen by the round's seed, then checks of every history against journal and hub. The
//! seed chooses faults, victims and times; what the machine does in between is its own.

mod arena;
mod direction;
mod fault;
mod full_disk;
mod logs;
mod progress;
mod redis_cluster;
mod registers;
mod report;
mod resources;
mod round;
mod scenario;
mod skew;
mod squeeze;
mod starvation;
mod storm;
mod target;
mod timeline;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use rand::Rng as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::arena::{Arena, Means};
use crate::logs::Logs;
use crate::progress::Progress;
use crate::report::Report;
use crate::scenario::Scenario;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "cargo xtask chaos", about = "Faults under load, and checks of all histories")]
struct Arguments {
    /// Names of scenarios, or files; without any, all of the project, one after the other.
    scenarios: Vec<String>,
    /// Minutes in which rounds of each scenario begin. Without it: one round each.
    #[arg(long)]
    minutes: Option<f64>,
    /// Of the first round. Without it: a new one.
    #[arg(long)]
    seed: Option<u64>,
    /// Commands per second, instead of the scenario's.
    #[arg(long)]
    rate: Option<f64>,
    /// Folder with `gss-node` and `gss-router` of an older release. Without it, what needs one is
    /// left out.
    #[arg(long)]
    older: Option<PathBuf>,
    /// Folder for the report.
    #[arg(long)]
    out: PathBuf,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    // Whatever ends it, the cluster is dropped, which stops it and makes the network whole.
    tokio::select! {
        done = run_all(Arguments::parse()) => done,
        _ = terminate.recv() => bail!("terminated"),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            bail!("interrupted")
        }
    }
}

async fn run_all(arguments: Arguments) -> Result<ExitCode> {
    let seed = arguments.seed.unwrap_or_else(|| rand::rng().random_range(0..1 << 32));
    let progress = Progress::start();
    let means = Means::here(arguments.older);
    let mut reports = Vec::new();
    for mut scenario in Scenario::named(&arguments.scenarios)? {
        scenario.load.rate = arguments.rate.unwrap_or(scenario.load.rate);
        let Some(scenario) = scenario.within(&means, &progress) else {
            progress.say(&format!("{}: nothing of it can strike here", scenario.name));
            continue;
        };
        let report = run(&scenario, &means, seed, arguments.minutes, &progress).await?;
        progress.say(&report.line());
        reports.push(report);
        // What was shown so far is not lost when the next one breaks.
        report::write(&arguments.out, &reports)?;
    }
    ensure!(!reports.is_empty(), "nothing was run");
    progress.say(&format!("report: {}", arguments.out.join("report.md").display()));
    let well = reports.iter().all(|report| report.violations().next().is_none());
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Rounds of a scenario on a new cluster, until the time is up or something is wrong.
async fn run(
    scenario: &Scenario,
    means: &Means,
    seed: u64,
    minutes: Option<f64>,
    progress: &Progress,
) -> Result<Report> {
    progress.say(&format!("{}: {}", scenario.name, scenario.about));
    let mut arena = Arena::start(scenario, means).await?;
    let mut logs = Logs::of(arena.cluster.dir());
    let mut report = Report::new(scenario, seed);
    let began = Instant::now();
    let until = began + Duration::from_secs_f64(minutes.unwrap_or(0.0) * 60.0);
    for seed in seed.. {
        let round = round::play(&mut arena, scenario, seed, (began, &mut logs, progress)).await?;
        let wrong = round.violations.len();
        for violation in round.violations.iter().take(5) {
            progress.say(&format!("violation: {violation}"));
        }
        progress.say(&format!(
            "{}, seed {seed}: {} commands, {} faults, {wrong} violations",
            scenario.name,
            round.acknowledged,
            round.faults.len()
        ));
        report.rounds.push(round);
        let at = began.elapsed().as_secs_f64();
        report.resources.push(resources::sample(&arena.cluster, at).await?);
        if wrong > 0 {
            // The cluster's folder is kept.
            return Ok(report);
        }
        if Instant::now() >= until {
            break;
        }
    }
    arena.cluster.passed();
    Ok(report)
}
