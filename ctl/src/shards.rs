//! `gssctl shards`: who may write each shard (the journal's epoch) and who serves it (the lease).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use gss_shared::config::Config;
use gss_shared::ids::{Epoch, Shard};
use gss_shared::ports::directory::{Lease, RedisDirectory};
use gss_shared::ports::journal::ShardRow;
use gss_shared::redis::Redis;

use crate::output;
use crate::source::{self, Source};

/// Until all masters of Redis are known.
const REDIS_READY: Duration = Duration::from_secs(3);

/// Shards that are amiss of which a line is printed.
const AMISS_SHOWN: usize = 20;

/// What Redis says of each shard; None: no Redis.
type Leases = Option<BTreeMap<Shard, Option<(Lease, u64)>>>;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    source: Source,
    /// A line for every shard, not only a summary and what is amiss.
    #[arg(long)]
    all: bool,
}

/// Prints it.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let config = options.source.config()?;
    let journal = source::open(&config).await?.journal;
    let rows = journal.shards(&[]).await.context("read the shards")?;
    let leases = leases(&config, &rows).await?;
    output::print(&table(&rows, &leases, config.lease.ttl_ms, options.all)?)
}

fn table(rows: &[ShardRow], leases: &Leases, ttl_ms: u64, all: bool) -> Result<String> {
    let mut text = format!("{:<20} {:>7} {:>7}\n", "node", "writes", "serves");
    for (node, (writes, serves)) in summary(rows, leases) {
        let serves = if leases.is_some() { serves.to_string() } else { "?".to_owned() };
        writeln!(text, "{node:<20} {writes:>7} {serves:>7}")?;
    }
    let lines = rows.iter().map(|row| (row, amiss(row, leases, ttl_ms)));
    let shown: Vec<_> = lines.filter(|(_, amiss)| all || amiss.is_some()).collect();
    if !shown.is_empty() {
        let head = ["shard", "epoch", "writes", "serves", "age ms"];
        let [shard, epoch, writes, serves, age] = head;
        writeln!(text, "\n{shard:>5} {epoch:>7} {writes:<20} {serves:<20} {age:>8}")?;
    }
    let most = if all { usize::MAX } else { AMISS_SHOWN };
    for (row, amiss) in shown.iter().take(most) {
        let lease = lease_of(leases, row.shard);
        let age = lease.map(|(_, left)| ttl_ms.saturating_sub(*left).to_string());
        writeln!(
            text,
            "{:>5} {:>7} {:<20} {:<20} {:>8}  {}",
            row.shard,
            row.epoch,
            row.owner.as_ref().map_or("-", |(node, _)| node.as_str()),
            lease.map_or("-", |(lease, _)| lease.node.as_str()),
            age.unwrap_or_default(),
            amiss.as_deref().unwrap_or_default(),
        )?;
    }
    if shown.len() > most {
        writeln!(text, "and {} more (--all)", shown.len() - most)?;
    }
    Ok(text)
}

async fn leases(config: &Config, rows: &[ShardRow]) -> Result<Leases> {
    let Some(redis) = config.redis_config()? else { return Ok(None) };
    let redis = Redis::connect(&redis)?;
    if !redis.ready(REDIS_READY).await {
        eprintln!("gssctl: some masters of Redis do not answer");
    }
    let shards: Vec<Shard> = rows.iter().map(|row| row.shard).collect();
    Ok(Some(RedisDirectory::new(redis).leases(&shards).await))
}

fn lease_of(leases: &Leases, shard: Shard) -> Option<&(Lease, u64)> {
    leases.as_ref()?.get(&shard)?.as_ref()
}

/// Shards by node: those it may write, those it serves.
fn summary<'a>(rows: &'a [ShardRow], leases: &'a Leases) -> BTreeMap<&'a str, (u32, u32)> {
    let mut nodes: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for row in rows {
        let writer = row.owner.as_ref().map_or("(nobody)", |(node, _)| node.as_str());
        nodes.entry(writer).or_default().0 += 1;
        if leases.is_some() {
            let server = lease_of(leases, row.shard);
            let server = server.map_or("(nobody)", |(lease, _)| lease.node.as_str());
            nodes.entry(server).or_default().1 += 1;
        }
    }
    nodes
}

/// What is wrong with a shard, if Redis is there to compare with.
fn amiss(row: &ShardRow, leases: &Leases, ttl_ms: u64) -> Option<String> {
    let leases = leases.as_ref()?;
    match (leases.get(&row.shard), &row.owner) {
        (None, _) => Some("Redis does not answer".to_owned()),
        (Some(None), _) if row.epoch == Epoch(0) => Some("never owned".to_owned()),
        (Some(None), _) => Some("nobody serves it".to_owned()),
        (Some(Some((lease, _))), Some((node, incarnation)))
            if (&lease.node, lease.incarnation, lease.epoch) != (node, *incarnation, row.epoch) =>
        {
            Some(format!("the lease is of epoch {}", lease.epoch))
        }
        (Some(Some((_, left))), _) if *left > ttl_ms => Some("the lease is too long".to_owned()),
        (Some(Some(_)), None) => Some("a lease without an owner".to_owned()),
        (Some(Some(_)), Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use gss_shared::ids::Incarnation;

    use super::*;

    fn row(epoch: u64, node: &str) -> ShardRow {
        let owner = Some((node.parse().expect("id"), Incarnation(7)));
        ShardRow { shard: Shard(3), epoch: Epoch(epoch), owner }
    }

    fn held(epoch: u64, node: &str) -> Leases {
        let node = node.parse().expect("id");
        let lease = Lease { node, incarnation: Incarnation(7), epoch: Epoch(epoch) };
        Some([(Shard(3), Some((lease, 2_000)))].into())
    }

    #[test]
    fn what_is_amiss_is_said() {
        let none = Some([(Shard(3), None)].into());
        let of = |row: &ShardRow, leases: &Leases| amiss(row, leases, 3_000);
        assert_eq!(of(&row(5, "a"), &held(5, "a")), None);
        assert_eq!(of(&row(5, "a"), &held(4, "a")), Some("the lease is of epoch 4".to_owned()));
        assert_eq!(of(&row(5, "a"), &held(5, "b")), Some("the lease is of epoch 5".to_owned()));
        assert_eq!(of(&row(5, "a"), &none), Some("nobody serves it".to_owned()));
        assert_eq!(
            of(&row(5, "a"), &Some(BTreeMap::new())),
            Some("Redis does not answer".to_owned())
        );
        assert_eq!(of(&row(5, "a"), &None), None);
        assert_eq!(
            amiss(&row(5, "a"), &held(5, "a"), 1_000),
            Some("the lease is too long".to_owned())
        );
    }

    #[test]
    fn the_summary_counts_by_node() {
        let (rows, leases) = ([row(5, "a")], held(5, "b"));
        assert_eq!(summary(&rows, &leases), [("a", (1, 0)), ("b", (0, 1))].into());
        assert_eq!(
            table(&rows, &leases, 3_000, false).expect("text"),
            "node                  writes  serves\n\
             a                          1       0\n\
             b                          0       1\n\n\
             shard   epoch writes               serves                 age ms\n    \
             3       5 a                    b                        1000  \
             the lease is of epoch 5\n"
        );
    }
}
