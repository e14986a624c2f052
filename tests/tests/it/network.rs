//! The network between the processes fails, not the processes.

use std::time::Duration;

use anyhow::{Result, ensure};
use gss_shared::clock::Clock;
use gss_tests::cluster::Cluster;
use gss_tests::figures::Figures;
use gss_tests::history::History;
use gss_tests::network::Network;
use gss_tests::workload::{Running, Workload};
use tokio::time::Instant;

/// A node without the journal leaves after two lease times; the rest is room for a busy machine.
const LEAVING: Duration = Duration::from_secs(30);
/// Time for every command to get its fate and every stream to catch up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a network that only limps is left so.
const LIMPING: Duration = Duration::from_secs(3);

/// Waits until others own all sessions of a node, by the journal.
async fn await_left(cluster: &Cluster, running: &Running, node: &str) -> Result<()> {
    let deadline = Instant::now() + LEAVING;
    while !running.owned_by(cluster, node).await?.is_empty() {
        ensure!(Instant::now() < deadline, "{node} owns sessions after {LEAVING:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_cut_off_lose_their_sessions_and_nothing_else() -> Result<()> {
    let cluster = Cluster::builder().namespaces().start().await?;
    if !cluster.has_namespaces() {
        println!("NOT TESTED: this process may not make network namespaces; root may");
        cluster.passed();
        return Ok(());
    }
    let mut network = Network::of(&cluster)?;
    let running = Workload { tables: 12, players: 3, rate: 5.0 }.start(&cluster).await?;
    tokio::time::sleep(LIMPING).await;
    let mut strikes = Vec::new();

    strikes.push((Clock::system().now(), running.owned_by(&cluster, "node-1").await?));
    for other in ["postgres", "node-2", "node-3"] {
        network.cut("node-1", other)?;
        network.cut(other, "node-1")?;
    }
    await_left(&cluster, &running, "node-1").await?;
    network.heal()?;
    cluster.await_process_ready("node-1").await?;

    strikes.push((Clock::system().now(), running.owned_by(&cluster, "node-2").await?));
    network.isolate("node-2")?;
    await_left(&cluster, &running, "node-2").await?;
    network.heal()?;
    cluster.await_process_ready("node-2").await?;

    network.lose("node-3", "router-1", 0.1)?;
    network.limit("node-3", 5)?;
    tokio::time::sleep(LIMPING).await;
    network.heal()?;

    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    let closed: Vec<_> = outcome.histories.iter().flat_map(History::close_codes).collect();
    ensure!(closed.is_empty(), "sockets closed: {closed:?}");
    ensure!(outcome.unknown() == 0, "{} commands without a fate", outcome.unknown());
    println!("{} acknowledged", outcome.acknowledged());
    for ((at, sessions), what) in strikes.into_iter().zip(["cut from the journal", "isolated"]) {
        let commits = Figures::of(outcome.first_commits_after(at, &sessions));
        println!("{what} to first commit of each of {} sessions: {commits}", sessions.len());
        ensure!(commits.count() == sessions.len(), "{} sessions came back", commits.count());
    }
    println!("errors that clients saw and got over: {:?}", outcome.errors());
    cluster.passed();
    Ok(())
}
