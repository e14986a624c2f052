//! Memory, descriptors, threads, keys, rows and queues between rounds, when nobody plays. Flat over
//! a long run, or something leaks.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use gss_tests::cluster::Cluster;
use gss_tests::hub;
use serde::Serialize;

use crate::redis_cluster;

/// One look.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    /// Seconds from the run's start.
    pub(crate) at_s: f64,
    /// By name, with the unit last.
    pub(crate) values: BTreeMap<String, f64>,
}

/// Looks at everything.
pub(crate) async fn sample(cluster: &Cluster, at_s: f64) -> Result<Sample> {
    let mut values = BTreeMap::new();
    let endpoints = cluster.endpoints();
    for id in endpoints.pids.keys() {
        let (group, _) = id.split_once('-').unwrap_or((id, ""));
        let Ok(found) = process(cluster.pid(id)?) else { continue };
        for (name, value) in found {
            *values.entry(format!("{group} {name}")).or_default() += value;
        }
    }
    let client = cluster.postgres().await?;
    let statement = "SELECT pg_database_size(current_database())::float8 / 1048576, \
                     coalesce(sum(n_dead_tup), 0)::float8, count(*)::float8 \
                     FROM pg_stat_user_tables";
    let row = client.query_one(statement, &[]).await?;
    values.insert("journal size MiB".to_owned(), row.get(0));
    values.insert("journal dead rows".to_owned(), row.get(1));
    let connections = "SELECT count(*)::float8 FROM pg_stat_activity";
    values.insert(
        "postgres connections".to_owned(),
        client.query_one(connections, &[]).await?.get(0),
    );
    values.insert("redis keys".to_owned(), redis_cluster::keys(cluster).await? as f64);
    values.insert("hub queue messages".to_owned(), hub::depth(&endpoints.amqp).await?.into());
    for node in &endpoints.nodes {
        let resident = metric(&node.admin, "gss_node_sessions{").await.unwrap_or(0.0);
        *values.entry("node sessions resident".to_owned()).or_default() += resident;
    }
    Ok(Sample { at_s, values })
}

/// Resident memory, descriptors and threads of a process.
fn process(pid: u32) -> Result<[(&'static str, f64); 3]> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let number = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))?.count();
    Ok([
        ("memory MiB", number("VmRSS:").context("VmRSS")? / 1_024.0),
        ("descriptors", descriptors as f64),
        ("threads", number("Threads:").context("Threads")?),
    ])
}

/// A metric of a process, by the beginning of its line.
pub(crate) async fn metric(admin: &str, name: &str) -> Result<f64> {
    let text = reqwest::get(format!("{admin}/metrics")).await?.text().await?;
    let line = text.lines().find(|line| line.starts_with(name) && !line.starts_with('#'));
    let value = line.and_then(|line| line.rsplit_once(' ')).context("the metric")?.1;
    Ok(value.parse()?)
}

/// Least-squares slope per hour.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (x, y) = (x / count, y / count);
    let (top, bottom) = points.iter().fold((0.0, 0.0), |(top, bottom), point| {
        (top + (point.0 - x) * (point.1 - y), bottom + (point.0 - x).powi(2))
    });
    if bottom > 0.0 { top / bottom * 3_600.0 } else { 0.0 }
}

/// A table of first and last values and of the slope over the second half; nothing for short runs.
pub(crate) fn growth(samples: &[Sample]) -> String {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return String::new() };
    if samples.len() < 4 {
        return String::new();
    }
    let half = &samples[samples.len() / 2..];
    let mut text = format!(
        "\n| between rounds | at {:.0} s | at {:.0} s | slope of the second half, per hour |\n\
         | --- | --- | --- | --- |\n",
        first.at_s, last.at_s
    );
    for (name, value) in &last.values {
        let points: Vec<(f64, f64)> = half
            .iter()
            .filter_map(|sample| Some((sample.at_s, *sample.values.get(name)?)))
            .collect();
        let before = first.values.get(name).copied().unwrap_or_default();
        let slope = slope(&points);
        let _infallible = writeln!(text, "| {name} | {before:.1} | {value:.1} | {slope:+.1} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_per_hour_of_the_second_half() {
        let sample = |at: u32, value: f64| Sample {
            at_s: f64::from(at),
            values: [("x".to_owned(), value)].into(),
        };
        let samples = [
            sample(0, 5.0),
            sample(60, 50.0),
            sample(120, 10.0),
            sample(180, 11.0),
            sample(240, 12.0),
        ];
        let table = growth(&samples);
        assert!(table.ends_with("| x | 5.0 | 12.0 | +60.0 |\n"), "{table}");
        assert_eq!(growth(&samples[..3]), "");
        assert!((slope(&[(1.0, 2.0)])).abs() < f64::EPSILON);
    }
}
