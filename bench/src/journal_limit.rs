//! The raw limit of durability: rows per second that the journal's own statement commits alone.

use std::time::Duration;

use anyhow::{Context, Result};
use gss_shared::clock::Clock;
use gss_shared::ids::{Epoch, EventId, Incarnation, NodeId, SessionId, Shard, ShardCount, Version};
use gss_shared::ports::journal::{Appended, Journal, Part, StoredEvent};
use gss_shared::ports::journal::{JournalConfig, open};
use tokio::time::Instant;
use uuid::Uuid;

/// Sessions in each statement, one event each: the shape of part (b).
const SESSIONS: usize = 100;
/// Of 16 MiB: more than a run writes.
const WAL_SEGMENTS: usize = 32;

/// Leaves PostgreSQL the WAL segments that a server has after its first checkpoints: making one stops
/// all commits for the time of writing 16 MiB, reusing one does not.
pub(crate) async fn recycle_wal(url: &str) -> Result<()> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    for _ in 0..WAL_SEGMENTS {
        client
            .batch_execute(
                "SELECT pg_logical_emit_message(false, 'bench', ''); SELECT pg_switch_wal()",
            )
            .await?;
    }
    client.batch_execute("CHECKPOINT").await?;
    drop(client);
    connection.await??;
    Ok(())
}

/// Appends batches of new sessions' events for `time`, one statement after the other.
///
/// The shards' epochs are raised by this process, so run it after the cluster was measured: its
/// nodes are fenced and take their shards back.
pub(crate) async fn measure(url: &str, time: Duration) -> Result<f64> {
    let clock = Clock::system();
    let config = JournalConfig::new(url.into(), ShardCount::DEFAULT);
    let journal = open(&config, &clock).await?.journal;
    let sessions: Vec<SessionId> = (0..SESSIONS).map(|_| SessionId(Uuid::new_v4())).collect();
    let epochs = raise(journal.as_ref(), &sessions).await?;
    let (start, mut rows) = (Instant::now(), 0_u64);
    let mut after = Version::ZERO;
    while start.elapsed() < time {
        let now = clock.now();
        let part = |(session, (shard, epoch)): (&SessionId, &(Shard, Epoch))| Part {
            shard: *shard,
            epoch: *epoch,
            session: *session,
            after,
            events: vec![StoredEvent {
                version: after.next(),
                id: EventId(Uuid::new_v4()),
                action: Some((Uuid::new_v4().into(), [7; 16])),
                actor: Some(Uuid::new_v4().into()),
                event_type: "state_update",
                data: r#"{"changes":[{"path":"/shared/token/x","previous":41,"value":42}],"v":1}"#
                    .to_owned(),
                audience: r#""all""#.to_owned(),
                at: now,
            }],
            head: None,
            messages: Vec::new(),
        };
        let parts = sessions.iter().zip(&epochs).map(part).collect();
        let verdicts = journal.append(parts).await?;
        rows += verdicts.iter().filter(|v| matches!(v, Appended::Committed(_))).count() as u64;
        after = after.next();
    }
    Ok(rows as f64 / start.elapsed().as_secs_f64())
}

async fn raise(journal: &dyn Journal, sessions: &[SessionId]) -> Result<Vec<(Shard, Epoch)>> {
    let shards: Vec<Shard> = sessions.iter().map(|s| ShardCount::DEFAULT.shard_of(*s)).collect();
    let mut distinct = shards.clone();
    distinct.sort();
    distinct.dedup();
    let rows = journal.shards(&distinct).await?;
    let expected: Vec<_> = rows.iter().map(|row| (row.shard, row.epoch)).collect();
    let me: NodeId = "bench".parse()?;
    let (raised, _) = journal.raise(&expected, (&me, Incarnation(1))).await?;
    let epoch_of = |shard: Shard| raised.iter().find(|(raised, _)| *raised == shard).copied();
    shards.into_iter().map(|shard| epoch_of(shard).context("the shard was raised")).collect()
}
