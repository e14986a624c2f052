//! The simulation: a cluster of production processes in one thread on simulated time, network and
//! stores, driven by a seed. Prints a line per run; says what is wrong and fails if anything is.
//!
//! `gss-sim SEED` runs one; with `GSS_SIM_LOG=filter` it logs. The same seed gives the same run: the
//! system's random numbers come from it (`entropy.c`), and there is no other clock than the simulated
//! ones. `gss-sim --seeds N` and `--seconds S` run new ones, each in a process of its own.

mod campaign;
mod check;
mod fault;
mod host;
mod net;
mod plant;
mod player;
mod process;
mod rest;
mod run;
mod stores;
mod table;
mod trace;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use clap::Parser;

use crate::campaign::Campaign;
use crate::plant::Plant;

// A third of a run was the C library's malloc and free.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// Runs this one.
    seed: Option<u64>,
    /// Runs so many.
    #[arg(long, conflicts_with_all = ["seed", "seconds"])]
    seeds: Option<u64>,
    /// Begins runs for so many seconds.
    #[arg(long, conflicts_with = "seed")]
    seconds: Option<u64>,
    /// Begins no more runs once one has failed.
    #[arg(long)]
    until_failed: bool,
    /// First of many; without it, a random one.
    #[arg(long)]
    from: Option<u64>,
    /// What is wrong on purpose.
    #[arg(long)]
    plant: Option<Plant>,
}

fn main() -> Result<ExitCode> {
    let Arguments { seed, seeds, seconds, until_failed, from, plant } = Arguments::parse();
    let well = match (seed, seeds, seconds) {
        (Some(seed), ..) if campaign::is_seeded(seed) => one(seed, plant)?,
        (Some(seed), ..) => campaign::child(seed, plant)?.status()?.success(),
        (None, None, None) => bail!("which seed, or how many?"),
        (None, seeds, seconds) => {
            let seconds = seconds.map(Duration::from_secs);
            Campaign { from, seeds, seconds, until_failed, plant }.run()?
        }
    };
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn one(seed: u64, plant: Option<Plant>) -> Result<bool> {
    run::init_log();
    // The folder's name is this thread's first draw; the simulation's own thread comes next.
    let keys = tempfile::tempdir()?;
    let run = || run::one(seed, plant, keys.path());
    let simulation = std::thread::scope(|scope| scope.spawn(run).join());
    let report = simulation.map_err(|_| anyhow!("the simulation panicked"))??;
    println!("{report}");
    for wrong in report.wrong.iter().take(10) {
        println!("  {wrong}");
    }
    Ok(report.wrong.is_empty())
}
