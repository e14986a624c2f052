//! Many seeds: each in a process of its own, as many at a time as there are processors.

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;
use rand::Rng as _;
use tokio::time::Instant;

use crate::plant::Plant;

/// Where the C library's stand-in finds its seed.
const ENTROPY: &str = "GSS_SIM_ENTROPY";

/// Whether this process's random numbers are those of the seed.
pub(crate) fn is_seeded(seed: u64) -> bool {
    std::env::var_os(ENTROPY).is_some_and(|text| text == *seed.to_string())
}

/// A process that runs a seed.
pub(crate) fn child(seed: u64, plant: Option<Plant>) -> Result<Command> {
    let mut child = Command::new(std::env::current_exe()?);
    child.arg(seed.to_string()).env(ENTROPY, seed.to_string());
    if let Some(plant) = plant.as_ref().and_then(Plant::to_possible_value) {
        child.args(["--plant", plant.get_name()]);
    }
    Ok(child)
}

/// Which seeds.
pub(crate) struct Campaign {
    pub(crate) from: Option<u64>,
    pub(crate) seeds: Option<u64>,
    /// No run begins after this.
    pub(crate) seconds: Option<Duration>,
    /// No run begins after one that failed.
    pub(crate) until_failed: bool,
    pub(crate) plant: Option<Plant>,
}

impl Campaign {
    /// Runs them, and prints those that fail with the line that runs them again. True: none did.
    pub(crate) fn run(&self) -> Result<bool> {
        let from = self.from.unwrap_or_else(|| rand::rng().random_range(0..1 << 40));
        let began = Instant::now();
        let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
        let work = || -> Result<u64> {
            for ran in 0.. {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let enough = self.seeds.is_some_and(|seeds| index >= seeds)
                    || self.seconds.is_some_and(|seconds| began.elapsed() > seconds)
                    || (self.until_failed && failed.load(Ordering::Relaxed) > 0);
                if enough {
                    return Ok(ran);
                }
                if !self.one(from + index)? {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok(0)
        };
        let ran: u64 = std::thread::scope(|scope| -> Result<u64> {
            let at_once = std::thread::available_parallelism()?.get();
            let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
            let ran = workers.into_iter().map(|one| one.join().ok().context("a worker died")?);
            ran.sum()
        })?;
        let failed = failed.into_inner();
        let seconds = began.elapsed().as_secs_f64();
        println!("{ran} seeds from {from} on in {seconds:.1} s: {failed} failed");
        Ok(failed == 0)
    }

    fn one(&self, seed: u64) -> Result<bool> {
        let output = child(seed, self.plant)?.output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        print!("{}", text(&output.stdout));
        if !output.status.success() {
            println!(
                "{}  again, in tests/seeds.rs: #[test] fn seed_{seed}() {{ replay({seed}) }}",
                text(&output.stderr)
            );
        }
        Ok(output.status.success())
    }
}
