//! A router dies, alone and together with an owner; routers are rolled.

use std::time::Duration;

use anyhow::{Result, ensure};
use gss_tests::cluster::Cluster;
use gss_tests::length::Length;
use gss_tests::outcome::Outcome;
use gss_tests::workload::Workload;

const PATIENCE: Duration = Duration::from_secs(60);

fn workload() -> Workload {
    Workload { tables: Length::of_this_run().pick(8, 50), players: 3, rate: 5.0 }
}

/// Whole histories, every command with its fate, and nobody had to start anew: every reopened
/// connection went on from its position. Positions, chains by `prev` and snapshots across the
/// reopenings are the stream checker's.
fn check(outcome: &Outcome) -> Result<()> {
    outcome.check()?;
    ensure!(outcome.closes() > 0, "no client noticed: the wrong process was killed");
    ensure!(outcome.unknown() == 0, "{} commands without a fate", outcome.unknown());
    let (closes, resumed) = (outcome.closes(), outcome.resumed()?);
    println!("{closes} sockets closed, {resumed} resumed; {} acknowledged", outcome.acknowledged());
    println!("errors that clients saw and got over: {:?}", outcome.errors());
    ensure!(resumed > 0, "nobody resumed");
    ensure!(resumed <= closes, "{resumed} reopened after {closes} closes");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_killed_router_resume_by_position_without_a_gap() -> Result<()> {
    let rounds = Length::of_this_run().rounds(2, 10);
    let mut cluster = Cluster::builder().start().await?;
    let running = workload().start(&cluster).await?;
    for round in 0..rounds {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let routers = &cluster.endpoints().routers;
        let victim = routers[round % routers.len()].id.clone();
        cluster.kill(&victim).await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        cluster.restart(&victim)?;
        cluster.await_process_ready(&victim).await?;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let outcome = running.finish(PATIENCE).await?;
    check(&outcome)?;
    for history in &outcome.histories {
        let (closes, reopened) = (history.closes(), history.reopenings().len());
        ensure!(closes == reopened, "{}: {closes} closes, {reopened} resumed", history.player);
    }
    cluster.passed();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_router_and_a_killed_owner_lose_nothing() -> Result<()> {
    let rounds = Length::of_this_run().rounds(1, 10);
    let mut cluster = Cluster::builder().start().await?;
    let running = workload().start(&cluster).await?;
    let mut struck = 0;
    for _ in 0..rounds {
        for both in [false, true] {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let mut victims = vec![if both { "router-2" } else { "router-1" }.to_owned()];
            if both {
                let sessions: Vec<_> = running.tables.iter().map(|table| table.session).collect();
                let (owner, owned) = cluster.busiest(&sessions).await?;
                struck += owned;
                victims.push(owner);
            }
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
    println!("{rounds} owners killed together with a router had {struck} sessions");
    check(&outcome)?;
    cluster.passed();
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
    check(&outcome)?;
    cluster.passed();
    Ok(())
}
