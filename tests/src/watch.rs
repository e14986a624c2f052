//! Looks at who owns the shards while a test runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use gss_shared::ids::{Epoch, Incarnation, Shard, Version};
use tokio::task::JoinHandle;

use crate::cluster::Cluster;
use crate::history::Ownership;
use crate::history::ownership::{Owner, Row};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(250);

/// Notes every change of a shard's row that it gets to see.
pub struct OwnerWatch {
    url: String,
    /// Rows up to here were written before.
    from: i64,
    seen: Arc<Mutex<Vec<Owner>>>,
    task: JoinHandle<()>,
}

impl OwnerWatch {
    /// Starts to look; comes back by itself when the journal does.
    ///
    /// # Errors
    /// When the journal does not answer.
    pub async fn start(cluster: &Cluster) -> Result<Self> {
        let url = cluster.endpoints().postgres.clone();
        let statement = "SELECT coalesce(max(row), 0) FROM session_events";
        let from = open(&url).await?.query_one(statement, &[]).await?.get(0);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(watch(url.clone(), seen.clone()));
        Ok(Self { url, from, seen, task })
    }

    /// Looks a last time; all that was seen, and all rows written since the start.
    ///
    /// # Errors
    /// When the journal does not answer.
    pub async fn finish(&self) -> Result<Ownership> {
        self.task.abort();
        let client = open(&self.url).await?;
        let mut owners = self.seen.lock().ok().context("the watch broke")?.clone();
        owners.extend(owned(&client).await?);
        let statement = "SELECT shard, session_id::text, version, epoch FROM session_events \
                         WHERE row > $1 ORDER BY row";
        let rows = client.query(statement, &[&self.from]).await?;
        let row = |row: &tokio_postgres::Row| {
            Ok(Row {
                shard: Shard(u16::try_from(row.get::<_, i32>(0))?),
                session: row.get::<_, String>(1).parse()?,
                version: Version(u64::try_from(row.get::<_, i64>(2))?),
                epoch: Epoch(u64::try_from(row.get::<_, i64>(3))?),
            })
        };
        Ok(Ownership { owners, rows: rows.iter().map(row).collect::<Result<_>>()? })
    }
}

impl Drop for OwnerWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn open(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn owned(client: &tokio_postgres::Client) -> Result<Vec<Owner>> {
    let statement = "SELECT shard, epoch, owner, incarnation FROM shards \
                     WHERE owner IS NOT NULL AND incarnation IS NOT NULL ORDER BY shard";
    let rows = client.query(statement, &[]).await?;
    let owner = |row: &tokio_postgres::Row| {
        let incarnation = Incarnation(row.get::<_, i64>(3).cast_unsigned());
        Ok(Owner {
            shard: Shard(u16::try_from(row.get::<_, i32>(0))?),
            epoch: Epoch(u64::try_from(row.get::<_, i64>(1))?),
            owner: (row.get(2), incarnation),
        })
    };
    rows.iter().map(owner).collect()
}

async fn watch(url: String, seen: Arc<Mutex<Vec<Owner>>>) {
    let mut known: BTreeMap<Shard, Owner> = BTreeMap::new();
    let mut client = None;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(open) = &client else {
            client = open(&url).await.ok();
            continue;
        };
        // A journal that is away is looked at again when it is back.
        let Ok(owners) = owned(open).await else {
            client = None;
            continue;
        };
        for owner in owners {
            if known.insert(owner.shard, owner.clone()).as_ref() != Some(&owner)
                && let Ok(mut seen) = seen.lock()
            {
                seen.push(owner);
            }
        }
    }
}
