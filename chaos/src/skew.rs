//! Wall clocks that are wrong: by how much, and whether the process goes by it.
//!
//! A clock that was set is believed only when the process itself shows it: a router by the time it
//! tells, a node by how far it finds itself off the journal's.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gss_shared::clock::Clock;
use gss_shared::time::Timestamp;
use gss_tests::cluster::Cluster;
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::Value;
use tokio::time::Instant;

use crate::resources;

/// Least and most that a clock is off, in either direction.
const SPAN_MS: std::ops::RangeInclusive<i64> = 1_000..=120_000;
/// How long a process may take to show a new time: its library looks each second, a node asks the
/// journal each second.
const PATIENCE: Duration = Duration::from_secs(20);
/// What asking takes on a busy machine, at most.
const INACCURACY_MS: i64 = 800;

/// Sets the clocks of processes wrong; by how much each, in milliseconds.
pub(crate) async fn begin(
    cluster: &Cluster,
    processes: &[String],
    random: &mut StdRng,
) -> Result<Vec<i64>> {
    let mut off = || random.random_range(SPAN_MS) * if random.random() { 1 } else { -1 };
    let all: Vec<i64> = processes.iter().map(|_| off()).collect();
    set_all(cluster, processes, &all).await?;
    Ok(all)
}

/// Sets them right.
pub(crate) async fn end(cluster: &Cluster, processes: &[String]) -> Result<()> {
    set_all(cluster, processes, &vec![0; processes.len()]).await
}

async fn set_all(cluster: &Cluster, processes: &[String], all: &[i64]) -> Result<()> {
    let each = || processes.iter().zip(all);
    each().try_for_each(|(id, ms)| set(cluster, id, *ms))?;
    for (id, ms) in each() {
        shows(cluster, id, *ms).await?;
    }
    Ok(())
}

/// The file is replaced as a whole: it is read at any time.
fn set(cluster: &Cluster, id: &str, ms: i64) -> Result<()> {
    let folder = cluster.endpoints().clocks.as_ref().context("a cluster with clocks")?;
    let (file, draft): (PathBuf, _) = (folder.join(id), folder.join(format!("{id}.new")));
    std::fs::write(&draft, format!("{:+.3}", ms as f64 / 1_000.0))?;
    std::fs::rename(&draft, &file).with_context(|| format!("set {}", file.display()))
}

async fn shows(cluster: &Cluster, id: &str, ms: i64) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let shown = shown(cluster, id).await;
        if shown.as_ref().is_ok_and(|shown| (shown - ms).abs() <= INACCURACY_MS) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{id} is set off by {ms} ms and shows {shown:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// By how much it is off by its own word.
async fn shown(cluster: &Cluster, id: &str) -> Result<i64> {
    let endpoints = cluster.endpoints();
    if let Some(node) = endpoints.nodes.iter().find(|node| node.id == id) {
        let offset = resources::metric(&node.admin, "gss_node_clock_offset_ms{").await?;
        return Ok(-offset as i64);
    }
    let router = endpoints.routers.iter().find(|router| router.id == id);
    let router = router.context("a node or router")?;
    let asked = Clock::system().now();
    let told: Value = reqwest::get(format!("{}/health", router.http)).await?.json().await?;
    let told: Timestamp = told["timestamp"].as_str().context("a timestamp")?.parse()?;
    let took = Clock::system().now().since_ms(asked);
    Ok(told.since_ms(asked.plus_ms(took / 2)))
}
