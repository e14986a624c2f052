//! The journal in PostgreSQL.
//!
//! Appends and raises go over one connection of their own ([`lane`]); everything else
//! over a small pool ([`pool`]), to the primary too. Invariants: SAFETY S1 (the fence is a lock of
//! the shard's row, in the statement that writes) and S2 (an append without an answer is unknown).
//! The statements are files of `sql/postgres/`.

mod append;
mod columns;
mod failure;
mod lane;
mod pool;
mod row;
mod server;
mod start;
#[cfg(test)]
mod tests;
mod time;
mod warnings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use uuid::Uuid;

pub(super) use self::start::{create_database, migration_connection};

use self::append::unavailable;
use self::lane::{Lane, Script};
use self::pool::Reads;
use self::row::{get, limit, to_db};
use self::time::Utc;
use super::{
    AppendError, Appended, FoundAction, HubCursor, Journal, JournalConfig, JournalError,
    JournalEvent, ListQuery, ListedSession, OpenError, Part, RelayRow, ShardRow, Snapshot,
};
use crate::ids::{
    ActionId, Epoch, Incarnation, NodeId, Position, SessionId, Shard, ShardCount, Version,
};
use crate::time::Timestamp;

macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!("sql/postgres/", $name, ".sql"))
    };
}

/// The journal in PostgreSQL.
pub struct PostgresJournal {
    lane: Lane,
    reads: Reads,
    shards: ShardCount,
    /// Calls of [`Journal::relay`]: each begins at another shard.
    relays: AtomicUsize,
}

impl PostgresJournal {
    /// Checks the server, joins the cluster and gives its id.
    pub async fn open(config: &JournalConfig) -> Result<(Self, Uuid), OpenError> {
        let server = start::server(config)?;
        let cluster = start::check(&server, config).await?;
        let reads = Reads::new(&server, config.pool, config.append_timeout)
            .map_err(|error| OpenError::BadUrl(Some(error)))?;
        let lane = Lane::new(server, config.append_timeout);
        let relays = AtomicUsize::new(0);
        Ok((Self { lane, reads, shards: config.shards, relays }, cluster))
    }

    fn shard_of(&self, session: SessionId) -> i32 {
        self.shards.shard_of(session).0.into()
    }
}

#[async_trait]
impl Journal for PostgresJournal {
    async fn append(&self, parts: Vec<Part>) -> Result<Vec<Appended>, AppendError> {
        append::append(&self.lane, parts).await
    }

    async fn settle(&self, parts: Vec<Part>) -> Result<Vec<Appended>, JournalError> {
        append::settle(&self.reads, parts).await
    }

    async fn raise(
        &self,
        shards: &[(Shard, Epoch)],
        owner: (&NodeId, Incarnation),
    ) -> Result<(Vec<(Shard, Epoch)>, Timestamp), JournalError> {
        let mut wanted = shards.to_vec();
        wanted.sort_unstable();
        wanted.dedup_by_key(|(shard, _)| *shard);
        let ids: Vec<i32> = wanted.iter().map(|(shard, _)| shard.0.into()).collect();
        let epochs: Vec<i64> = wanted.iter().map(|(_, epoch)| to_db(epoch.0)).collect();
        let (node, incarnation) = (owner.0.as_str(), owner.1.0.cast_signed());
        let rows =
            self.lane.run_patiently(Script::Raise, &[&ids, &epochs, &node, &incarnation]).await;
        let rows = rows.map_err(unavailable)?;
        let mut raised = Vec::with_capacity(rows.len());
        for row in &rows {
            if get::<Option<i32>>(row, 0)?.is_some() {
                raised.push((row::shard(row, 0)?, Epoch(row::number(row, 1)?)));
            }
        }
        let clock = rows.first().ok_or_else(|| JournalError::Corrupt("no clock".to_owned()))?;
        Ok((raised, row::time(clock, 2)?))
    }

    async fn raise_above(
        &self,
        shard: Shard,
        seen: Epoch,
        owner: (&NodeId, Incarnation),
    ) -> Result<Epoch, JournalError> {
        let (node, incarnation) = (owner.0.as_str(), owner.1.0.cast_signed());
        let (id, seen) = (i32::from(shard.0), to_db(seen.0));
        let rows =
            self.lane.run_patiently(Script::RaiseAbove, &[&id, &seen, &node, &incarnation]).await;
        let rows = rows.map_err(unavailable)?;
        let row = rows
            .first()
            .ok_or_else(|| JournalError::Corrupt(format!("shard {shard} has no row")))?;
        Ok(Epoch(row::number(row, 0)?))
    }

    async fn shards(&self, shards: &[Shard]) -> Result<Vec<ShardRow>, JournalError> {
        let ids: Vec<i32> = shards.iter().map(|shard| shard.0.into()).collect();
        let rows = if ids.is_empty() {
            self.reads.rows(sql!("shards_all"), &[]).await?
        } else {
            self.reads.rows(sql!("shards"), &[&ids]).await?
        };
        rows.iter().map(row::shard_row).collect()
    }

    async fn events(
        &self,
        session: SessionId,
        after: Version,
        rows: usize,
    ) -> Result<Vec<JournalEvent>, JournalError> {
        let (shard, after, rows) = (self.shard_of(session), to_db(after.0), limit(rows));
        let rows = self.reads.rows(sql!("events"), &[&shard, &session.0, &after, &rows]).await?;
        rows.iter().map(row::event).collect()
    }

    async fn heads(
        &self,
        shard: Shard,
        sessions: &[SessionId],
    ) -> Result<Vec<(SessionId, Position)>, JournalError> {
        let ids: Vec<Uuid> = sessions.iter().map(|session| session.0).collect();
        let rows = self.reads.rows(sql!("heads"), &[&i32::from(shard.0), &ids]).await?;
        rows.iter().map(|row| Ok((SessionId(get(row, 0)?), row::position(row, 1, 2)?))).collect()
    }

    async fn snapshot(
        &self,
        session: SessionId,
        at_most: Option<Version>,
    ) -> Result<Option<Snapshot>, JournalError> {
        let (shard, highest) = (self.shard_of(session), at_most.map_or(i64::MAX, |v| to_db(v.0)));
        let rows = self.reads.rows(sql!("snapshot"), &[&shard, &session.0, &highest]).await?;
        rows.first().map(row::snapshot).transpose()
    }

    async fn save_snapshot(
        &self,
        shard: Shard,
        epoch: Epoch,
        session: SessionId,
        snapshot: Snapshot,
    ) -> Result<bool, JournalError> {
        let Snapshot { position, state, at, metadata, saved_by } = snapshot;
        let saved_by = saved_by.map(|player| player.0);
        let rows = self
            .reads
            .rows(
                sql!("save_snapshot"),
                &[
                    &i32::from(shard.0),
                    &to_db(epoch.0),
                    &session.0,
                    &to_db(position.version.0),
                    &position.event.0,
                    &state,
                    &Utc(at),
                    &metadata,
                    &saved_by,
                ],
            )
            .await?;
        Ok(!rows.is_empty())
    }

    async fn saved_states(
        &self,
        session: SessionId,
        before: Option<Version>,
        rows: usize,
    ) -> Result<Vec<Snapshot>, JournalError> {
        let (shard, below) = (self.shard_of(session), before.map_or(i64::MAX, |v| to_db(v.0)));
        let rows = limit(rows);
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&shard, &session.0, &below, &rows];
        let rows = self.reads.rows(sql!("saved_states"), &parameters).await?;
        rows.iter().map(row::snapshot).collect()
    }

    async fn find_actions(
        &self,
        session: SessionId,
        actions: &[ActionId],
    ) -> Result<Vec<FoundAction>, JournalError> {
        let ids: Vec<Uuid> = actions.iter().map(|action| action.0).collect();
        let shard = self.shard_of(session);
        let rows = self.reads.rows(sql!("find_actions"), &[&shard, &session.0, &ids]).await?;
        rows.iter().map(row::found_action).collect()
    }

    async fn begin_activation(&self, session: SessionId) -> Result<u32, JournalError> {
        let shard = self.shard_of(session);
        let rows = self.reads.rows(sql!("begin_activation"), &[&shard, &session.0]).await?;
        let row = rows.first().ok_or_else(|| JournalError::Corrupt("no activation".to_owned()))?;
        let tries: i32 = get(row, 0)?;
        Ok(u32::try_from(tries).unwrap_or(u32::MAX))
    }

    async fn end_activation(&self, session: SessionId) -> Result<(), JournalError> {
        let shard = self.shard_of(session);
        self.reads.rows(sql!("end_activation"), &[&shard, &session.0]).await.map(drop)
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<ListedSession>, JournalError> {
        let statement = match (query.caller, query.mine) {
            (None, true) => return Ok(Vec::new()),
            (None, false) => sql!("list_all"),
            (Some(_), true) => sql!("list_mine"),
            (Some(_), false) => sql!("list_visible"),
        };
        let caller = query.caller.map(|player| player.0);
        let campaign = query.campaign.map(|campaign| campaign.0);
        let time = query.before.map(|(time, _)| Utc(time));
        let id = query.before.map(|(_, session)| session.0);
        let rows = self
            .reads
            .rows(
                statement,
                &[
                    &caller,
                    &query.status,
                    &campaign,
                    &query.session_type,
                    &time,
                    &id,
                    &i64::from(query.limit),
                ],
            )
            .await?;
        rows.iter().map(row::listed).collect()
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
        let shards: Vec<i32> = cursors.iter().map(|cursor| cursor.shard.0.into()).collect();
        let from: Vec<i64> = cursors.iter().map(|cursor| cursor.row).collect();
        let rows = self.reads.rows(sql!("relay"), &[&shards, &from, &limit(rows)]).await?;
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            events.push(row::relayed(row)?);
        }
        events.sort_unstable_by_key(|(shard, relayed)| (*shard, relayed.row));
        Ok(events)
    }

    async fn cursors(&self, shards: &[Shard]) -> Result<Vec<HubCursor>, JournalError> {
        let ids: Vec<i32> = shards.iter().map(|shard| shard.0.into()).collect();
        let mut moved = BTreeMap::new();
        for row in self.reads.rows(sql!("cursors"), &[&ids]).await? {
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
        let shards: Vec<i32> = cursors.iter().map(|(cursor, _)| cursor.shard.0.into()).collect();
        let to: Vec<i64> = cursors.iter().map(|(cursor, _)| cursor.row).collect();
        let epochs: Vec<i64> = cursors.iter().map(|(_, epoch)| to_db(epoch.0)).collect();
        let rows = self.reads.rows(sql!("move_cursors"), &[&shards, &to, &epochs]).await?;
        rows.iter().map(|row| row::shard(row, 0)).collect()
    }

    async fn audit(
        &self,
        at: Timestamp,
        actor: &str,
        act: &str,
        details: &str,
    ) -> Result<(), JournalError> {
        self.reads.rows(sql!("audit"), &[&Utc(at), &actor, &act, &details]).await.map(drop)
    }

    async fn clock(&self) -> Result<Timestamp, JournalError> {
        let rows = self.reads.rows(sql!("clock"), &[]).await?;
        let row = rows.first().ok_or_else(|| JournalError::Corrupt("no clock".to_owned()))?;
        row::time(row, 0)
    }
}
