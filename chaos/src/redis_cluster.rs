//! The Redis Cluster under attack: roles, failover, moved slots, amnesia.

use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gss_tests::cluster::Cluster;
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Value, cmd};
use tokio::time::Instant;

/// How long the cluster may take to agree again.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every process of Redis.
pub(crate) fn processes(cluster: &Cluster) -> Vec<String> {
    (1..=cluster.endpoints().redis.len()).map(|number| format!("redis-{number}")).collect()
}

async fn connect(cluster: &Cluster, id: &str) -> Result<MultiplexedConnection> {
    let number: usize = id.trim_start_matches("redis-").parse().context("redis-N")?;
    let address = cluster.endpoints().redis.get(number - 1).context("an address")?;
    let client = redis::Client::open(format!("redis://{address}"))?;
    Ok(client.get_multiplexed_async_connection().await?)
}

async fn ask<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    words: &[&str],
) -> Result<T> {
    let (first, rest) = words.split_first().context("a command")?;
    Ok(cmd(first).arg(rest).query_async(connection).await?)
}

/// Processes that say they are this: `master` or `slave`.
pub(crate) async fn with_role(cluster: &Cluster, role: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for id in processes(cluster) {
        let Ok(mut connection) = connect(cluster, &id).await else { continue };
        let says: Vec<Value> = ask(&mut connection, &["ROLE"]).await?;
        let says: String = redis::from_redis_value(says.into_iter().next().context("a role")?)?;
        if says == role {
            found.push(id);
        }
    }
    Ok(found)
}

/// A replica takes over in agreement with its master.
pub(crate) async fn fail_over(cluster: &Cluster, replica: &str) -> Result<()> {
    let mut connection = connect(cluster, replica).await?;
    ask::<()>(&mut connection, &["CLUSTER", "FAILOVER"]).await?;
    let deadline = Instant::now() + PATIENCE;
    while !with_role(cluster, "master").await?.iter().any(|id| id == replica) {
        ensure!(Instant::now() < deadline, "{replica} does not become a master");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Moves those of the slots that `from` has to `to`, with their keys.
pub(crate) async fn move_slots(
    cluster: &Cluster,
    from: &str,
    to: &str,
    slots: Range<u16>,
) -> Result<()> {
    let (mut source, mut target) = (connect(cluster, from).await?, connect(cluster, to).await?);
    let source_id: String = ask(&mut source, &["CLUSTER", "MYID"]).await?;
    let target_id: String = ask(&mut target, &["CLUSTER", "MYID"]).await?;
    let number: usize = to.trim_start_matches("redis-").parse()?;
    let address = cluster.endpoints().redis.get(number - 1).context("an address")?;
    let (host, port) = address.rsplit_once(':').context("host:port")?;
    for slot in slots {
        let slot = slot.to_string();
        let mut target = target.clone();
        let import = ["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source_id];
        // Refused: the slot is another's, or the target's already.
        if ask::<()>(&mut source, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target_id])
            .await
            .is_err()
            || ask::<()>(&mut target, &import).await.is_err()
        {
            continue;
        }
        loop {
            let keys: Vec<String> =
                ask(&mut source, &["CLUSTER", "GETKEYSINSLOT", &slot, "100"]).await?;
            if keys.is_empty() {
                break;
            }
            let mut migrate = cmd("MIGRATE");
            migrate.arg(host).arg(port).arg("").arg(0).arg(5_000).arg("REPLACE").arg("KEYS");
            migrate.arg(keys).query_async::<()>(&mut source).await?;
        }
        for connection in [&mut target, &mut source] {
            ask::<()>(connection, &["CLUSTER", "SETSLOT", &slot, "NODE", &target_id]).await?;
        }
    }
    Ok(())
}

/// These masters forget all keys.
pub(crate) async fn forget(cluster: &Cluster, masters: &[String]) -> Result<()> {
    for id in masters {
        ask::<()>(&mut connect(cluster, id).await?, &["FLUSHALL"]).await?;
    }
    Ok(())
}

/// Waits until every process answers, agrees that all is well, and every replica is linked.
pub(crate) async fn await_whole(cluster: &Cluster) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    for id in processes(cluster) {
        while !is_whole(cluster, &id).await.unwrap_or(false) {
            if Instant::now() > deadline {
                bail!("{id} does not agree that the Redis Cluster is whole");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

async fn is_whole(cluster: &Cluster, id: &str) -> Result<bool> {
    let mut connection = connect(cluster, id).await?;
    let state: String = ask(&mut connection, &["CLUSTER", "INFO"]).await?;
    let link: String = ask(&mut connection, &["INFO", "replication"]).await?;
    let linked = link.contains("role:master") || link.contains("master_link_status:up");
    Ok(state.contains("cluster_state:ok") && linked)
}

/// Keys of all masters.
pub(crate) async fn keys(cluster: &Cluster) -> Result<u64> {
    let mut keys = 0;
    for id in with_role(cluster, "master").await? {
        keys += ask::<u64>(&mut connect(cluster, &id).await?, &["DBSIZE"]).await?;
    }
    Ok(keys)
}
