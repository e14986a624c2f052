//! The owner dies, is paused, is drained.

use std::time::Duration;

use anyhow::{Result, ensure};
use gss_shared::clock::Clock;
use gss_shared::ids::SessionId;
use gss_tests::cluster::Cluster;
use gss_tests::figures::Figures;
use gss_tests::length::Length;
use gss_tests::outcome::Outcome;
use gss_tests::workload::Workload;
use tokio::time::Instant;

/// Lease TTL and a second: how long a killed owner's sessions may stand still.
const RECOVERY: Duration = Duration::from_secs(4);
/// How long a session may pause while it is handed off.
const HANDOFF: Duration = Duration::from_millis(100);
/// Commands due so long before and after a drain are counted to it.
const AROUND: Duration = Duration::from_secs(1);
/// Time for every command to get its fate and every stream to catch up.
const PATIENCE: Duration = Duration::from_secs(60);

fn workload() -> Workload {
    let length = Length::of_this_run();
    Workload { tables: length.pick(12, 50), players: 3, rate: length.pick(5.0, 10.0) }
}

/// The nodes in turn.
fn victim(cluster: &Cluster, round: usize) -> String {
    let nodes = &cluster.endpoints().nodes;
    nodes[round % nodes.len()].id.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_owners_close_no_socket_and_lose_nothing() -> Result<()> {
    let kills = Length::of_this_run().rounds(3, 20);
    let mut cluster = Cluster::builder().start().await?;
    let running = workload().start(&cluster).await?;
    let mut deaths = Vec::new();
    for round in 0..kills {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let node = victim(&cluster, round);
        let sessions = running.owned_by(&cluster, &node).await?;
        let at = (Clock::system().now(), Instant::now());
        cluster.kill(&node).await?;
        deaths.push((at, sessions));
        tokio::time::sleep(Duration::from_secs(5)).await;
        cluster.restart(&node)?;
        cluster.await_process_ready(&node).await?;
    }
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    ensure!(outcome.unknown() == 0, "{} commands without a fate", outcome.unknown());
    let commits = deaths.iter().flat_map(|((at, _), on)| outcome.first_commits_after(*at, on));
    let commits = Figures::of(commits);
    let struck: usize = deaths.iter().map(|(_, sessions)| sessions.len()).sum();
    let answers = Figures::of(deaths.iter().flat_map(|((_, at), sessions)| {
        outcome.longest_answers(sessions, *at - AROUND, *at + RECOVERY)
    }));
    println!("{kills} kills struck {struck} sessions; {} acknowledged", outcome.acknowledged());
    println!("kill to first commit per session: {commits} ({})", commits.histogram());
    println!("longest wait for an answer per session: {answers}");
    println!("errors that clients saw and got over: {:?}", outcome.errors());
    ensure!(commits.count() == struck, "{} sessions came back", commits.count());
    commits.claim("kill to first commit", RECOVERY)?;
    cluster.passed();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_paused_past_its_lease_is_fenced_and_rejoins() -> Result<()> {
    let rounds = Length::of_this_run().rounds(2, 20);
    let mut cluster = Cluster::builder().start().await?;
    let running = workload().start(&cluster).await?;
    let mut stops = Vec::new();
    for round in 0..rounds {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let node = victim(&cluster, round);
        let sessions = running.owned_by(&cluster, &node).await?;
        stops.push((Clock::system().now(), sessions));
        cluster.stop(&node)?;
        tokio::time::sleep(Duration::from_secs(6)).await;
        cluster.cont(&node)?;
        cluster.await_process_ready(&node).await?;
    }
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    ensure!(outcome.unknown() == 0, "{} commands without a fate", outcome.unknown());
    let commits =
        stops.iter().flat_map(|(at, sessions)| outcome.first_commits_after(*at, sessions));
    let commits = Figures::of(commits);
    println!("{rounds} owners paused for 6 s; {} acknowledged", outcome.acknowledged());
    println!("pause to first commit per session: {commits} ({})", commits.histogram());
    println!("errors that clients saw and got over: {:?}", outcome.errors());
    commits.claim("pause to first commit", RECOVERY)?;
    cluster.passed();
    Ok(())
}

/// A node that was told to end under load.
struct Drain {
    start: Instant,
    end: Instant,
    /// Its sessions.
    moved: Vec<SessionId>,
    /// The sessions of other nodes.
    stayed: Vec<SessionId>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_all_nodes_shows_no_error_to_any_client() -> Result<()> {
    let mut cluster = Cluster::builder().start().await?;
    let running = workload().start(&cluster).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut drains = Vec::new();
    for node in cluster.endpoints().nodes.clone() {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let moved = running.owned_by(&cluster, &node.id).await?;
        let stayed = running.sessions().filter(|session| !moved.contains(session)).collect();
        let start = Instant::now();
        cluster.terminate(&node.id, Duration::from_secs(30)).await?;
        drains.push(Drain { start, end: Instant::now(), moved, stayed });
        tokio::time::sleep(AROUND).await;
        cluster.restart(&node.id)?;
        cluster.await_process_ready(&node.id).await?;
    }
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    ensure!(outcome.unknown() == 0, "{} commands without a fate", outcome.unknown());
    ensure!(outcome.troubles().is_empty(), "clients saw {:?}", outcome.troubles());
    let pauses = drains.iter().flat_map(|drain| outcome.handoff_pauses(&drain.moved, drain.start));
    let pauses = Figures::of(pauses);
    println!("pause of a session handed off: {pauses} ({})", pauses.histogram());
    print_waits(&outcome, &drains);
    let handed_off: usize = drains.iter().map(|drain| drain.moved.len()).sum();
    ensure!(pauses.count() == handed_off, "{} of {handed_off} were resumed", pauses.count());
    pauses.claim("pause of a session handed off", HANDOFF)?;
    cluster.passed();
    Ok(())
}

/// What drains cost those that were not handed off at that moment, too.
fn print_waits(outcome: &Outcome, drains: &[Drain]) {
    let longest = |drain: &Drain, sessions: &[SessionId]| {
        outcome.longest_answers(sessions, drain.start - AROUND / 10, drain.end + AROUND)
    };
    let moved = Figures::of(drains.iter().flat_map(|drain| longest(drain, &drain.moved)));
    let stayed = Figures::of(drains.iter().flat_map(|drain| longest(drain, &drain.stayed)));
    let took = Figures::of(drains.iter().map(|drain| drain.end - drain.start));
    let first = drains.first().map_or_else(Instant::now, |drain| drain.start);
    let calm = outcome.answers(first - Duration::from_secs(3), first - AROUND / 10);
    println!("drain of a node under load, to its exit: {took}");
    println!("longest wait in the whole drain, sessions that moved: {moved}");
    println!("longest wait in the whole drain, sessions that stayed: {stayed}");
    println!("answers before the first drain: {calm}");
}
