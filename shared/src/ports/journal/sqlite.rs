//! The journal in one SQLite file: everything in one process, nothing to install.
//!
//! One connection writes, in transactions that hold the write lock from their beginning; a few read
//! what is committed. The same semantics as PostgreSQL's, by simpler means: only one transaction
//! writes at a time, so the epoch read in it is the epoch at its commit. Time is the process's.

mod append;

mod row;
mod start;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

pub(super) use self::start::options;

use self::append::BEGIN;
use self::row::{get, limit, to_db};
use super::content::is_json;
use super::{
    AppendError, Appended, FoundAction, HubCursor, Journal, JournalConfig, JournalError,
    JournalEvent, ListQuery, ListedSession, OpenError, Part, RelayRow, ShardRow, Snapshot,
};
use crate::clock::Clock;
use crate::ids::{
    ActionId, Epoch, Incarnation, NodeId, Position, SessionId, Shard, ShardCount, Version,
};
use crate::time::Timestamp;

macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!("sql/sqlite/", $name, ".sql"))
    };
}

/// Connections that read: reads are short, a few never wait for each other.
const READERS: usize = 2;

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments<'q>>;

/// The journal in a SQLite file.
pub struct SqliteJournal {
    writer: Mutex<SqliteConnection>,
    readers: Vec<Mutex<SqliteConnection>>,
    next_reader: AtomicUsize,
    shards: ShardCount,
    clock: Clock,
    /// Calls of [`Journal::relay`]: each begins at another shard.
    relays: AtomicUsize,
}

impl SqliteJournal {
    /// Opens the file, joins the cluster in it and gives its id.
    pub async fn open(config: &JournalConfig, clock: Clock) -> Result<(Self, Uuid), OpenError> {
        let options = start::options(&config.address.url)
            .map_err(|error| OpenError::BadUrl(Some(error.into())))?;
        let mut writer = options.connect().await.map_err(start::unavailable)?;
        start::check_migrations(&mut writer).await?;
        let cluster = start::join_cluster(&mut writer, config.shards, clock.uncorrected()).await?;
        let mut readers = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let reader = options.clone().pragma("query_only", "true");
            readers.push(Mutex::new(reader.connect().await.map_err(start::unavailable)?));
        }
        let journal = Self {
            writer: Mutex::new(writer),
            readers,
            next_reader: AtomicUsize::new(0),
            shards: config.shards,
            clock,
            relays: AtomicUsize::new(0),
        };
        Ok((journal, cluster))
    }

    fn shard_of(&self, session: SessionId) -> u16 {
        self.shards.shard_of(session).0
    }

    async fn reader(&self) -> MutexGuard<'_, SqliteConnection> {
        let next = self.next_reader.fetch_add(1, Ordering::Relaxed);
        self.readers[next % self.readers.len()].lock().await
    }

    async fn read(&self, query: Query<'_>) -> Result<Vec<SqliteRow>, JournalError> {
        query.fetch_all(&mut *self.reader().await).await.map_err(unavailable)
    }

    /// Rows that a single statement, which is a transaction, returned or changed.
    async fn write(&self, query: Query<'_>) -> Result<Vec<SqliteRow>, JournalError> {
        query.fetch_all(&mut *self.writer.lock().await).await.map_err(unavailable)
    }
}

fn unavailable(error: sqlx::Error) -> JournalError {
    JournalError::Unavailable(error.into())
}

fn array<T: ToString>(items: impl Iterator<Item = T>) -> String {
    let items: Vec<String> = items.map(|item| format!("\"{}\"", item.to_string())).collect();
    format!("[{}]", items.join(","))
}

fn numbers(shards: &[Shard]) -> String {
    let items: Vec<String> = shards.iter().map(ToString::to_string).collect();
    format!("[{}]", items.join(","))
}

fn check_json(texts: &[Option<&str>]) -> Result<(), JournalError> {
    if texts.iter().flatten().all(|text| is_json(text)) {
        Ok(())
    } else {
        Err(JournalError::Corrupt("the database does not take this JSON".to_owned()))
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn append(&self, parts: Vec<Part>) -> Result<Vec<Appended>, AppendError> {
        append::append(&mut *self.writer.lock().await, parts).await
    }

    async fn settle(&self, parts: Vec<Part>) -> Result<Vec<Appended>, JournalError> {
        append::settle(&mut *self.writer.lock().await, parts).await
    }

    async fn raise(
        &self,
        shards: &[(Shard, Epoch)],
        owner: (&NodeId, Incarnation),
    ) -> Result<(Vec<(Shard, Epoch)>, Timestamp), JournalError> {
        let mut wanted = shards.to_vec();
        wanted.sort_unstable();
        wanted.dedup_by_key(|(shard, _)| *shard);
        let now = self.clock.uncorrected();
        let mut raised = Vec::with_capacity(wanted.len());
        let mut writer = self.writer.lock().await;
        let mut transaction = writer.begin_with(BEGIN).await.map_err(unavailable)?;
        for (shard, epoch) in wanted {
            let row = sqlx::query(sql!("raise"))
                .bind(shard.0)
                .bind(to_db(epoch.0))
                .bind(owner.0.as_str())
                .bind(owner.1.0.cast_signed())
                .bind(now.0)
                .fetch_optional(&mut *transaction)
                .await
                .map_err(unavailable)?;
            if let Some(row) = row {
                raised.push((shard, Epoch(row::number(&row, 0)?)));
            }
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok((raised, now))
    }

    async fn raise_above(
        &self,
        shard: Shard,
        seen: Epoch,
        owner: (&NodeId, Incarnation),
    ) -> Result<Epoch, JournalError> {
        let query = sqlx::query(sql!("raise_above"))
            .bind(shard.0)
            .bind(to_db(seen.0))
            .bind(owner.0.as_str())
            .bind(owner.1.0.cast_signed())
            .bind(self.clock.uncorrected().0);
        let rows = self.write(query).await?;
        let row = rows
            .first()
            .ok_or_else(|| JournalError::Corrupt(format!("shard {shard} has no row")))?;
        Ok(Epoch(row::number(row, 0)?))
    }

    async fn shards(&self, shards: &[Shard]) -> Result<Vec<ShardRow>, JournalError> {
        let rows = self.read(sqlx::query(sql!("shards")).bind(numbers(shards))).await?;
        rows.iter().map(row::shard_row).collect()
    }

    async fn events(
        &self,
        session: SessionId,
        after: Version,
        rows: usize,
    ) -> Result<Vec<JournalEvent>, JournalError> {
        let query = sqlx::query(sql!("events"))
            .bind(self.shard_of(session))
            .bind(session.to_string())
            .bind(to_db(after.0))
            .bind(limit(rows));
        self.read(query).await?.iter().map(row::event).collect()
    }

    async fn heads(
        &self,
        shard: Shard,
        sessions: &[SessionId],
    ) -> Result<Vec<(SessionId, Position)>, JournalError> {
        let query = sqlx::query(sql!("heads")).bind(shard.0).bind(array(sessions.iter()));
        let rows = self.read(query).await?;
        rows.iter().map(|row| Ok((row::id(row, 0)?, row::position(row, 1, 2)?))).collect()
    }

    async fn snapshot(
        &self,
        session: SessionId,
        at_most: Option<Version>,
    ) -> Result<Option<Snapshot>, JournalError> {
        let query = sqlx::query(sql!("snapshot"))
            .bind(self.shard_of(session))
            .bind(session.to_string())
            .bind(at_most.map_or(i64::MAX, |version| to_db(version.0)));
        self.read(query).await?.first().map(row::snapshot).transpose()
    }

    async fn save_snapshot(
        &self,
        shard: Shard,
        epoch: Epoch,
        session: SessionId,
        snapshot: Snapshot,
    ) -> Result<bool, JournalError> {
        check_json(&[Some(&snapshot.state), snapshot.metadata.as_deref()])?;
        let version = to_db(snapshot.position.version.0);
        let mut writer = self.writer.lock().await;
        let mut transaction = writer.begin_with(BEGIN).await.map_err(unavailable)?;
        let saved = sqlx::query(sql!("save_snapshot"))
            .bind(shard.0)
            .bind(to_db(epoch.0))
            .bind(session.to_string())
            .bind(version)
            .bind(snapshot.position.event.to_string())
            .bind(snapshot.state)
            .bind(snapshot.at.0)
            .bind(snapshot.metadata)
            .bind(snapshot.saved_by.map(|player| player.to_string()))
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        if saved.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(sql!("prune_snapshots"))
            .bind(shard.0)
            .bind(session.to_string())
            .bind(version)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(true)
    }

    async fn saved_states(
        &self,
        session: SessionId,
        before: Option<Version>,
        rows: usize,
    ) -> Result<Vec<Snapshot>, JournalError> {
        let query = sqlx::query(sql!("saved_states"))
            .bind(self.shard_of(session))
            .bind(session.to_string())
            .bind(before.map_or(i64::MAX, |version| to_db(version.0)))
            .bind(limit(rows));
        self.read(query).await?.iter().map(row::snapshot).collect()
    }

    async fn find_actions(
        &self,
        session: SessionId,
        actions: &[ActionId],
    ) -> Result<Vec<FoundAction>, JournalError> {
        let query = sqlx::query(sql!("find_actions"))
            .bind(self.shard_of(session))
            .bind(session.to_string())
            .bind(array(actions.iter()));
        self.read(query).await?.iter().map(row::found_action).collect()
    }

    async fn begin_activation(&self, session: SessionId) -> Result<u32, JournalError> {
        let query = sqlx::query(sql!("begin_activation"))
            .bind(self.shard_of(session))
            .bind(session.to_string())
            .bind(self.clock.uncorrected().0);
        let rows = self.write(query).await?;
        let row = rows.first().ok_or_else(|| JournalError::Corrupt("no activation".to_owned()))?;
        Ok(u32::try_from(row::number(row, 0)?).unwrap_or(u32::MAX))
    }

    async fn end_activation(&self, session: SessionId) -> Result<(), JournalError> {
        let query = sqlx::query(sql!("end_activation"))
            .bind(self.shard_of(session))
            .bind(session.to_string());
        self.write(query).await.map(drop)
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<ListedSession>, JournalError> {
        if query.caller.is_none() && query.mine {
            return Ok(Vec::new());
        }
        let query = sqlx::query(sql!("list"))
            .bind(query.caller.map(|player| player.to_string()))
            .bind(query.mine)
            .bind(query.status.as_deref())
            .bind(query.campaign.map(|campaign| campaign.to_string()))
            .bind(query.session_type.as_deref())
            .bind(query.before.map(|(time, _)| time.0))
            .bind(query.before.map(|(_, session)| session.to_string()))
            .bind(query.limit);
        self.read(query).await?.iter().map(row::listed).collect()
    }

    async fn relay(
        &self,
        cursors: &[HubCursor],
        rows: usize,
    ) -> Result<Vec<(Shard, RelayRow)>, JournalError> {
        let mut cursors = cursors.to_vec();
        if !cursors.is_empty() {
            let first = self.relays.fetch_add(1, Ordering::Relaxed) % cursors.len();
            cursors.rotate_left(first);
        }
        let mut events = Vec::new();
        for HubCursor { shard, row } in cursors {
            let room = rows.saturating_sub(events.len());
            if room == 0 {
                break;
            }
            let query = sqlx::query(sql!("relay")).bind(shard.0).bind(row).bind(limit(room));
            for row in &self.read(query).await? {
                events.push((shard, row::relayed(row)?));
            }
        }
        events.sort_by_key(|(shard, relayed)| (*shard, relayed.row));
        Ok(events)
    }

    async fn cursors(&self, shards: &[Shard]) -> Result<Vec<HubCursor>, JournalError> {
        let mut moved = BTreeMap::new();
        for row in self.read(sqlx::query(sql!("cursors")).bind(numbers(shards))).await? {
            moved.insert(row::shard(&row, 0)?, get::<i64>(&row, 1)?);
        }
        let cursor = |shard: &Shard| HubCursor {
            shard: *shard,
            row: moved.get(shard).copied().unwrap_or(0),
        };
        Ok(shards.iter().map(cursor).collect())
    }

    async fn move_cursors(
        &self,
        cursors: &[(HubCursor, Epoch)],
    ) -> Result<BTreeSet<Shard>, JournalError> {
        let mut writer = self.writer.lock().await;
        let mut transaction = writer.begin_with(BEGIN).await.map_err(unavailable)?;
        let mut held = BTreeSet::new();
        for (cursor, epoch) in cursors {
            let query = sqlx::query(sql!("move_cursor"))
                .bind(cursor.shard.0)
                .bind(cursor.row)
                .bind(to_db(epoch.0));
            let moved = query.execute(&mut *transaction).await.map_err(unavailable)?;
            if moved.rows_affected() > 0 {
                held.insert(cursor.shard);
            }
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(held)
    }

    async fn audit(
        &self,
        at: Timestamp,
        actor: &str,
        act: &str,
        details: &str,
    ) -> Result<(), JournalError> {
        check_json(&[Some(details)])?;
        let query = sqlx::query(sql!("audit")).bind(at.0).bind(actor).bind(act).bind(details);
        self.write(query).await.map(drop)
    }

    async fn clock(&self) -> Result<Timestamp, JournalError> {
        Ok(self.clock.uncorrected())
    }
}
