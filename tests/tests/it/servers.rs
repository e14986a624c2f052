//! Redis, PostgreSQL and RabbitMQ go away and come back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gss_shared::clock::Clock;
use gss_shared::ids::{SessionId, ShardCount};
use gss_shared::time::Timestamp;
use gss_tests::cluster::Cluster;
use gss_tests::figures::Figures;
use gss_tests::history::{self, Heard, Repeats, Violation};
use gss_tests::hub::Listener;
use gss_tests::length::Length;
use gss_tests::outcome::Outcome;
use gss_tests::workload::Workload;
use tokio::time::Instant;

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
    let (gone, went) = (Clock::system().now(), Instant::now());
    tokio::time::sleep(
        Length::of_this_run().pick(Duration::from_secs(12), Duration::from_secs(60)),
    )
    .await;
    for id in &redis {
        cluster.restart(id)?;
    }
    let (back, came) = (Clock::system().now(), Instant::now());
    tokio::time::sleep(Duration::from_secs(12)).await;
    // Ownership has healed when an owner's death is survived again.
    let owners = cluster.owners().await?;
    let owned = |session: &SessionId| {
        owners.get(&ShardCount::DEFAULT.shard_of(*session).0).is_some_and(|owner| owner == "node-2")
    };
    let sessions =
        running.tables.iter().map(|table| table.session).filter(owned).collect::<Vec<_>>();
    let death = Clock::system().now();
    cluster.kill("node-2").await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    let commits = Figures::of(outcome.first_commits_after(death, &sessions));
    println!(
        "{} acknowledged; answers while Redis was gone: {}",
        outcome.acknowledged(),
        outcome.answers(went, came)
    );
    println!("owner killed after: to first commit per session {commits}");
    println!("errors that clients saw and got over: {:?}", outcome.errors());
    ensure!(
        commits.count() == sessions.len(),
        "{} of {} came back",
        commits.count(),
        sessions.len()
    );
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    ensure!(outcome.unknown() == 0, "{} commands without a fate", outcome.unknown());
    for (session, journal) in &outcome.journals {
        let meanwhile = journal.iter().filter(|event| event.at > gone && event.at < back).count();
        ensure!(meanwhile > 10, "{session} committed {meanwhile} events while Redis was gone");
    }
    cluster.passed();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_master_killed_under_load_loses_no_delivery() -> Result<()> {
    let mut cluster = Cluster::builder().start().await?;
    let length = Length::of_this_run();
    let rate = length.pick(300.0, 3_000.0);
    let load = Workload { tables: 10, players: 3, rate: rate / 10.0 };
    let running = load.start(&cluster).await?;
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let master = "redis-1";
    ensure!(role(&cluster.endpoints().redis[0]).await? == "master", "{master} is a replica");
    cluster.kill(master).await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    cluster.restart(master)?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let took = began.elapsed();
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    ensure!(outcome.troubles().is_empty(), "clients saw {:?}", outcome.troubles());
    ensure!(outcome.unknown() == 0, "{} commands without a fate", outcome.unknown());
    let offered = rate * took.as_secs_f64();
    // What the rules refuse in a fight is answered too.
    let answers = outcome.answers(began, began + took);
    println!("{} answered of about {offered:.0} offered: {answers}", answers.count());
    // The claim is made for that rate; what is lost or not hangs on none.
    let share = length.pick(0.5, 0.9);
    ensure!(answers.count() as f64 > offered * share, "the load was not offered");
    cluster.passed();
    Ok(())
}

/// What a Redis process says it is.
async fn role(address: &str) -> Result<String> {
    let client = redis::Client::open(format!("redis://{address}"))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let role: Vec<redis::Value> = redis::cmd("ROLE").query_async(&mut connection).await?;
    Ok(redis::from_redis_value(role.into_iter().next().context("a role")?)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_postgres_loses_nothing_that_was_acknowledged() -> Result<()> {
    let mut cluster = Cluster::builder().start().await?;
    let running = workload().start(&cluster).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.kill("postgres").await?;
    let went = Instant::now();
    tokio::time::sleep(Length::of_this_run().pick(Duration::from_secs(8), Duration::from_secs(20)))
        .await;
    cluster.restart("postgres")?;
    let (back, came) = (Clock::system().now(), Instant::now());
    tokio::time::sleep(Duration::from_secs(8)).await;
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    println!(
        "{} acknowledged, {} without a fate; answers of commands due meanwhile: {}",
        outcome.acknowledged(),
        outcome.unknown(),
        outcome.answers(went, came)
    );
    let sessions: Vec<SessionId> = outcome.journals.keys().copied().collect();
    println!("PostgreSQL started to first commit: {}", first_commits(&outcome, &sessions, back));
    println!("errors that clients saw: {:?}", outcome.errors());
    let allowed = ["unavailable", "owner_unreachable"];
    let errors = outcome.troubles();
    ensure!(errors.keys().all(|code| allowed.contains(&code.as_str())), "clients saw {errors:?}");
    cluster.passed();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_rabbitmq_was_away_every_commit_has_its_event_in_order() -> Result<()> {
    let mut cluster = Cluster::builder().start().await?;
    let listener = Listener::start(&cluster.endpoints().amqp).await?;
    let running = workload().start(&cluster).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.kill("rabbitmq").await?;
    let went = Instant::now();
    tokio::time::sleep(Length::of_this_run().pick(Duration::from_secs(8), Duration::from_secs(60)))
        .await;
    cluster.restart("rabbitmq")?;
    let came = Instant::now();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    ensure!(outcome.troubles().is_empty(), "clients saw {:?}", outcome.troubles());
    println!(
        "{} acknowledged; answers meanwhile: {}",
        outcome.acknowledged(),
        outcome.answers(went, came)
    );
    let heard = listener.until(|heard| wrong(&outcome, heard).is_empty(), PATIENCE).await?;
    let wrong = wrong(&outcome, &heard);
    ensure!(wrong.is_empty(), "{} violations, the first: {:#?}", wrong.len(), wrong.first());
    println!(
        "{} hub messages, caught up {:?} after the broker's start",
        heard.len(),
        came.elapsed()
    );
    cluster.passed();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_stays_hears_every_commit_once_in_order() -> Result<()> {
    let cluster = Cluster::builder().start().await?;
    let listener = Listener::start(&cluster.endpoints().amqp).await?;
    let running = workload().start(&cluster).await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    let check = |heard: &[Heard]| {
        let journals = outcome.journals.iter();
        let check = |(session, journal): (&SessionId, &Vec<_>)| {
            history::check_hub(*session, journal, heard, Repeats::Violation)
        };
        journals.flat_map(check).collect::<Vec<Violation>>()
    };
    let heard = listener.until(|heard| check(heard).is_empty(), PATIENCE).await?;
    let wrong = check(&heard);
    ensure!(wrong.is_empty(), "{} violations, the first: {:#?}", wrong.len(), wrong.first());
    cluster.passed();
    Ok(())
}

/// What the hub was told against all journals; the broker's death lost confirms.
fn wrong(outcome: &Outcome, heard: &[Heard]) -> Vec<Violation> {
    let journals = outcome.journals.iter();
    let check = |(session, journal): (&SessionId, &Vec<_>)| {
        history::check_hub(*session, journal, heard, Repeats::Allowed)
    };
    journals.flat_map(check).collect()
}

/// Time from `from` to each session's first commit after it.
fn first_commits(outcome: &Outcome, sessions: &[SessionId], from: Timestamp) -> Figures {
    let first = |session: &SessionId| {
        let event = outcome.journals.get(session)?.iter().find(|event| event.at > from)?;
        Some(Duration::from_millis(u64::try_from(event.at.since_ms(from)).ok()?))
    };
    Figures::of(sessions.iter().filter_map(first))
}
