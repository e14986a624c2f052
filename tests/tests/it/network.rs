//! The network between processes fails, but not the processes.

use std::time::Duration;

use anyhow::{Result, ensure};
use gss_shared::clock::Clock;
use gss_shared::ids::ShardCount;
use gss_tests::cluster::Cluster;
use gss_tests::figures::Figures;
use gss_tests::network::Network;
use gss_tests::workload::{Running, Workload};
use tokio::time::Instant;

/// A node without the journal leaves after two lease times; the rest is room for a busy machine.
const MOVED: Duration = Duration::from_secs(30);
/// Time for every command to get its fate and every stream to catch up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a network that only limps is left so.
const LIMPING: Duration = Duration::from_secs(3);

/// Waits until the journal names other owners for all sessions of the load.
async fn await_moved(cluster: &Cluster, running: &Running, from: &str) -> Result<()> {
    let deadline = Instant::now() + MOVED;
    loop {
        let owners = cluster.owners().await?;
        let shard = |session| ShardCount::DEFAULT.shard_of(session).0;
        let mut owners = running.tables.iter().map(|table| owners.get(&shard(table.session)));
        if owners.all(|owner| owner.is_some_and(|owner| owner != from)) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{from} owns sessions after {MOVED:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_cut_off_lose_their_sessions_and_nothing_else() -> Result<()> {
    let cluster = Cluster::builder().namespaces().start().await?;
    if !cluster.has_namespaces() {
        println!("NOT TESTED: this process may not make network namespaces (it is not root)");
        cluster.passed();
        return Ok(());
    }
    let mut network = Network::of(&cluster)?;
    let running = Workload { tables: 12, players: 3, rate: 5.0 }.start(&cluster).await?;
    tokio::time::sleep(LIMPING).await;

    let cut = Clock::system().now();
    for other in ["postgres", "node-2", "node-3"] {
        network.cut("node-1", other)?;
        network.cut(other, "node-1")?;
    }
    await_moved(&cluster, &running, "node-1").await?;
    network.heal()?;
    cluster.await_process_ready("node-1").await?;

    network.isolate("node-2")?;
    await_moved(&cluster, &running, "node-2").await?;
    network.heal()?;
    cluster.await_process_ready("node-2").await?;

    network.lose("node-3", "router-1", 0.1)?;
    network.limit("node-3", 5)?;
    tokio::time::sleep(LIMPING).await;
    network.heal()?;

    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    ensure!(outcome.unknown() == 0, "{} commands without a fate", outcome.unknown());
    let sessions: Vec<_> = outcome.journals.keys().copied().collect();
    let commits = Figures::of(outcome.first_commits_after(cut, &sessions));
    println!("{} acknowledged", outcome.acknowledged());
    println!("cut to first commit under another owner per session: {commits}");
    println!("errors that clients saw and got over: {:?}", outcome.errors());
    cluster.passed();
    Ok(())
}
