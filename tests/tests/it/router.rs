//! A router dies, alone and together with an owner; routers are rolled.

use std::time::Duration;

use anyhow::{Result, ensure};
use gss_tests::cluster::Cluster;
use gss_tests::length::Length;
use gss_tests::workload::Workload;

const PATIENCE: Duration = Duration::from_secs(60);

fn workload() -> Workload {
    Workload { tables: Length::of_this_run().pick(8, 50), players: 3, rate: 5.0 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_router_and_a_killed_owner_lose_nothing() -> Result<()> {
    let rounds = Length::of_this_run().pick(1, 10);
    let mut cluster = Cluster::builder().start().await?;
    let running = workload().start(&cluster).await?;
    for _ in 0..rounds {
        for victims in [vec!["router-1"], vec!["router-2", "node-1"]] {
            tokio::time::sleep(Duration::from_secs(2)).await;
            for victim in &victims {
                cluster.kill(victim).await?;
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
            for victim in &victims {
                cluster.restart(victim)?;
                cluster.await_process_ready(victim).await?;
            }
        }
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() > 0, "no client noticed: the wrong process was killed");
    ensure!(outcome.unknown() == 0, "{} commands without a fate", outcome.unknown());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_all_routers_kicks_nobody_for_good() -> Result<()> {
    let mut cluster = Cluster::builder().start().await?;
    let running = workload().start(&cluster).await?;
    for router in cluster.endpoints().routers.clone() {
        tokio::time::sleep(Duration::from_secs(2)).await;
        cluster.terminate(&router.id, Duration::from_secs(60)).await?;
        cluster.restart(&router.id)?;
        cluster.await_process_ready(&router.id).await?;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.unknown() == 0, "{} commands without a fate", outcome.unknown());
    Ok(())
}
