//! Redis, PostgreSQL and RabbitMQ go away and come back.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gss_tests::cluster::Cluster;
use gss_tests::hub::Listener;
use gss_tests::length::Length;
use gss_tests::workload::Workload;

const PATIENCE: Duration = Duration::from_secs(90);

fn workload() -> Workload {
    Workload { tables: 8, players: 3, rate: 5.0 }
}

fn redis_processes(cluster: &Cluster) -> Vec<String> {
    cluster.endpoints().pids.keys().filter(|id| id.starts_with("redis")).cloned().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn play_goes_on_without_redis_and_ownership_heals_after() -> Result<()> {
    let mut cluster = Cluster::builder().start().await?;
    let running = workload().start(&cluster).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let redis = redis_processes(&cluster);
    ensure!(redis.len() == 6, "a Redis Cluster of six, not {redis:?}");
    for id in &redis {
        cluster.kill(id).await?;
    }
    let gone = gss_shared::clock::Clock::system().now();
    tokio::time::sleep(
        Length::of_this_run().pick(Duration::from_secs(12), Duration::from_secs(60)),
    )
    .await;
    for id in &redis {
        cluster.restart(id)?;
    }
    let back = gss_shared::clock::Clock::system().now();
    tokio::time::sleep(Duration::from_secs(12)).await;
    // Ownership has healed when an owner's death is survived again.
    cluster.kill("node-2").await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    ensure!(outcome.unknown() == 0, "{} commands without a fate", outcome.unknown());
    for (session, journal) in &outcome.journals {
        let meanwhile = journal.iter().filter(|event| event.at > gone && event.at < back).count();
        ensure!(meanwhile > 10, "{session} committed {meanwhile} events while Redis was gone");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_master_killed_under_load_loses_no_delivery() -> Result<()> {
    let mut cluster = Cluster::builder().start().await?;
    let rate = Length::of_this_run().pick(300.0, 3_000.0);
    let load = Workload { tables: 10, players: 3, rate: rate / 10.0 };
    let running = load.start(&cluster).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let master = redis_processes(&cluster).into_iter().next().context("a Redis process")?;
    cluster.kill(&master).await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    cluster.restart(&master)?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    ensure!(outcome.refusals().is_empty(), "clients saw {:?}", outcome.refusals());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_postgres_loses_nothing_that_was_acknowledged() -> Result<()> {
    let mut cluster = Cluster::builder().start().await?;
    let running = workload().start(&cluster).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.kill("postgres").await?;
    tokio::time::sleep(Length::of_this_run().pick(Duration::from_secs(8), Duration::from_secs(20)))
        .await;
    cluster.restart("postgres")?;
    tokio::time::sleep(Duration::from_secs(8)).await;
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    let codes: Vec<String> = outcome.refusals().into_keys().collect();
    let allowed = ["unavailable", "owner_unreachable"];
    ensure!(codes.iter().all(|code| allowed.contains(&code.as_str())), "clients saw {codes:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_rabbitmq_was_away_every_commit_has_its_event_in_order() -> Result<()> {
    let mut cluster = Cluster::builder().start().await?;
    let listener = Listener::start(&cluster.endpoints().amqp).await?;
    let running = workload().start(&cluster).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.kill("rabbitmq").await?;
    tokio::time::sleep(Length::of_this_run().pick(Duration::from_secs(8), Duration::from_secs(60)))
        .await;
    cluster.restart("rabbitmq")?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    ensure!(outcome.refusals().is_empty(), "clients saw {:?}", outcome.refusals());
    let mut expected = BTreeMap::new();
    for (session, journal) in &outcome.journals {
        let messages = journal.iter().filter_map(|event| {
            let message = gss_session::hub_message(*session, event).expect("a readable event")?;
            Some(message.message_id)
        });
        expected.insert(*session, messages.collect::<Vec<_>>());
    }
    let heard = listener.until(|heard| covers(heard, &expected), PATIENCE).await?;
    ensure!(covers(&heard, &expected), "events are missing or out of order");
    Ok(())
}

/// First occurrences per session are exactly what the journal says, in its order.
fn covers(
    heard: &BTreeMap<gss_shared::ids::SessionId, Vec<String>>,
    expected: &BTreeMap<gss_shared::ids::SessionId, Vec<String>>,
) -> bool {
    expected.iter().all(|(session, messages)| heard.get(session) == Some(messages))
}
