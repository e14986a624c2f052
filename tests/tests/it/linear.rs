//! Registers stay linearizable while their owners die, are paused and are drained.

use std::time::Duration;

use anyhow::{Result, ensure};
use gss_shared::ids::SessionId;
use gss_tests::cluster::Cluster;
use gss_tests::history::linear;
use gss_tests::length::Length;
use gss_tests::registers::Registers;
use tokio::time::Instant;

/// Time for every operation to be answered and every register to be read once more.
const PATIENCE: Duration = Duration::from_secs(60);
/// Fewer say nothing.
const OPERATIONS: usize = 1_000;

/// What is done to an owner.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// `kill -9`, and a new start after its leases are gone.
    Kill,
    /// Stopped for so long, then continued.
    Pause(Duration),
    /// Drained to its exit, and a new start.
    Drain,
}

impl Fault {
    async fn strike(self, cluster: &mut Cluster, node: &str) -> Result<()> {
        match self {
            Self::Kill => {
                cluster.kill(node).await?;
                tokio::time::sleep(Duration::from_secs(5)).await;
                cluster.restart(node)?;
            }
            Self::Pause(length) => {
                cluster.stop(node)?;
                tokio::time::sleep(length).await;
                cluster.cont(node)?;
            }
            Self::Drain => {
                cluster.terminate(node, Duration::from_secs(30)).await?;
                cluster.restart(node)?;
            }
        }
        cluster.await_process_ready(node).await
    }
}

/// Well past the leases at first; then so that the owner wakes about when another takes over.
fn pause(round: usize) -> Duration {
    match round {
        0 => Duration::from_secs(6),
        _ => Duration::from_millis(rand::random_range(2_800..4_200)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registers_are_linearizable_while_owners_die_pause_and_drain() -> Result<()> {
    let rounds = Length::of_this_run().rounds(1, 12);
    let mut cluster = Cluster::builder().start().await?;
    let running = Registers { sessions: 6, keys: 2, clients: 4 }.start(&cluster).await?;
    let sessions: Vec<SessionId> = running.sessions();
    for round in 0..rounds {
        for fault in [Fault::Kill, Fault::Pause(pause(round)), Fault::Drain] {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let (node, owned) = cluster.busiest(&sessions).await?;
            println!("{fault:?} of {node}, which owns {owned} of {} sessions", sessions.len());
            fault.strike(&mut cluster, &node).await?;
        }
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let operations = running.finish(Instant::now() + PATIENCE).await;
    let counts = linear::count(&operations);
    println!("{} operations: {counts:?}", operations.len());
    let start = Instant::now();
    let violations = linear::check(&operations);
    println!("judged in {:?}", start.elapsed());
    if let Some(first) = violations.first() {
        let kept = linear::keep(&operations, &violations)?.display().to_string();
        anyhow::bail!("{} registers, see {kept}; the first: {first}", violations.len());
    }
    let of = |kind: &str| counts.get(kind).copied().unwrap_or_default();
    let told = of("read") + of("write") + of("compare-and-set") + of("conflict");
    ensure!(told >= OPERATIONS, "{told} operations were told an outcome: too few");
    for kind in ["read", "write", "compare-and-set", "conflict", "unknown"] {
        ensure!(of(kind) > 0, "no {kind}: {counts:?}");
    }
    cluster.passed();
    Ok(())
}
