//! A session from its creation to its end, over real processes with TLS.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gss_tests::cluster::Cluster;
use gss_tests::history::Seen;
use gss_tests::player::Seat;
use gss_tests::workload::{Workload, open_journal};
use serde_json::json;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(60);
/// PROTOCOL section 9: the keys of an ended session are deleted after this.
const KEYS_GONE: Duration = Duration::from_secs(75);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_play_over_tls_and_every_stream_is_the_journal() -> Result<()> {
    let cluster = Cluster::builder().nodes(2).tls().start().await?;
    let load = Workload { tables: 6, players: 4, rate: 10.0 };
    let running = load.start(&cluster).await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    ensure!(outcome.troubles().is_empty(), "clients saw {:?}", outcome.troubles());
    cluster.passed();
    Ok(())
}

/// Keys of the session over all Redis masters.
async fn hot_keys(cluster: &Cluster, session: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for seed in &cluster.endpoints().redis {
        let url = format!("redis://{}", seed.trim_start_matches("redis://"));
        let mut redis = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        let pattern = format!("session:{{{session}}}:*");
        let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut redis).await?;
        found.extend(keys);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Sessions resident on all nodes, by their metrics.
async fn resident(cluster: &Cluster) -> Result<f64> {
    let mut sum = 0.0;
    for node in &cluster.endpoints().nodes {
        let text = reqwest::get(format!("{}/metrics", node.admin)).await?.text().await?;
        let line = text.lines().find(|line| {
            line.starts_with("gss_node_sessions{") || line.starts_with("gss_node_sessions ")
        });
        let value = line.and_then(|line| line.rsplit(' ').next()).context("the metric")?;
        sum += value.parse::<f64>()?;
    }
    Ok(sum)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_session_leaves_nothing_but_its_journal() -> Result<()> {
    let cluster = Cluster::builder().nodes(2).start().await?;
    let gm_seat = Seat::new(&cluster, 0)?;
    let (session, token) = gm_seat.create("short", &json!({})).await?;
    let gm = gm_seat.connect(session, token).await?;
    let seat = Seat::new(&cluster, 1)?;
    let token = seat.join(session).await?;
    let player = seat.connect(session, token).await?;
    let deadline = Instant::now() + PATIENCE;
    let changes = json!([{"path": "/shared/door", "value": "open"}]);
    player.send(json!({"type": "state_change", "data": {"changes": changes}}));
    player.await_fates(deadline).await?;
    while hot_keys(&cluster, &session.to_string()).await?.is_empty() {
        ensure!(Instant::now() < deadline, "the session has no keys in Redis");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    gm.send(json!({"type": "session_end", "data": {"reason": "done"}}));
    for (who, client) in [("gm", &gm), ("player", &player)] {
        client.await_close(deadline).await?;
        let last = client.history().seen.into_iter().next_back();
        ensure!(matches!(last, Some(Seen::Closed(Some(4502)))), "{who} ended with {last:?}");
    }
    let deadline = Instant::now() + KEYS_GONE;
    loop {
        let keys = hot_keys(&cluster, &session.to_string()).await?;
        let resident = resident(&cluster).await?;
        if keys.is_empty() && resident == 0.0 {
            break;
        }
        ensure!(Instant::now() < deadline, "left: {keys:?}, {resident} sessions resident");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let journal = open_journal(&cluster).await?;
    let events = journal.events(session, gss_shared::ids::Version::ZERO, 1_000).await?;
    ensure!(events.iter().any(|event| event.event_type == "state_update"), "{events:#?}");
    cluster.passed();
    Ok(())
}
