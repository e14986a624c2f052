//! The journal over the network. An append that had no answer may still commit, later; a call may
//! break before or after it ran. The database notes who was given an epoch and who wrote in it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use gss_shared::ids::{ActionId, Epoch, Incarnation, NodeId, Position, SessionId, Shard, Version};
use gss_shared::ports::journal::memory::MemoryJournal;
use gss_shared::ports::journal::{
    AppendError, Appended, FoundAction, HubCursor, Journal, JournalError, JournalEvent, ListQuery,
    ListedSession, Part, PartRefusal, RelayRow, ShardRow, Snapshot,
};
use gss_shared::time::Timestamp;
use gss_tests::history::Ownership;
use gss_tests::history::ownership::{Owner, Row};

use super::{DATABASE, Stores, Way};
use crate::net::{HostId, Net};
use crate::plant::Plant;

/// As `journal.append_timeout_ms`.
const PATIENCE: Duration = Duration::from_secs(5);

/// The database: the journal, and what was seen of its writers.
pub(crate) struct Database {
    journal: MemoryJournal,
    net: Net,
    plant: Option<Plant>,
    /// Each with its time, milliseconds.
    owners: Mutex<Vec<(u64, Owner)>>,
}

impl Database {
    pub(super) fn new(journal: MemoryJournal, net: Net, plant: Option<Plant>) -> Self {
        Self { journal, net, plant, owners: Mutex::default() }
    }

    /// The journal itself.
    pub(crate) fn journal(&self) -> &MemoryJournal {
        &self.journal
    }

    fn owners(&self) -> MutexGuard<'_, Vec<(u64, Owner)>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, shard: Shard, epoch: Epoch, (node, incarnation): (&NodeId, Incarnation)) {
        let owner = Owner { shard, epoch, owner: (node.to_string(), incarnation) };
        let mut owners = self.owners();
        let last = owners.iter().rev().find(|(_, seen)| seen.shard == shard);
        if last.is_none_or(|(_, seen)| *seen != owner) {
            owners.push((self.net.now(), owner));
        }
    }

    /// Changes of a shard's owner, not of its epoch alone, from a time on.
    pub(crate) fn changes_of_owner(&self, from_ms: u64) -> usize {
        let owners = self.owners();
        let follows = |at: usize, next: &Owner| {
            let before = owners[..at].iter().rev().find(|(_, one)| one.shard == next.shard);
            before.is_some_and(|(_, before)| before.owner != next.owner)
        };
        let all = owners.iter().enumerate();
        all.filter(|(at, (ms, next))| *ms >= from_ms && follows(*at, next)).count()
    }

    /// Who could write, and what was written.
    pub(crate) async fn ownership(&self) -> Result<Ownership, JournalError> {
        let shards = self.journal.shards(&[]).await?;
        let from_the_first: Vec<HubCursor> =
            shards.iter().map(|row| HubCursor { shard: row.shard, row: 0 }).collect();
        let mut rows = self.journal.relay(&from_the_first, usize::MAX).await?;
        rows.sort_by_key(|(_, one)| one.row);
        let row = |(shard, RelayRow { session, event, .. }): (Shard, RelayRow)| Row {
            shard,
            session,
            version: event.version,
            epoch: event.epoch,
        };
        let owners = self.owners().iter().map(|(_, owner)| owner.clone()).collect();
        Ok(Ownership { owners, rows: rows.into_iter().map(row).collect() })
    }

    async fn append(
        &self,
        mut parts: Vec<Part>,
        writer: &Writer,
    ) -> Result<Vec<Appended>, AppendError> {
        if self.plant == Some(Plant::OpenFence) {
            let rows = self.journal.shards(&[]).await.unwrap_or_default();
            for part in &mut parts {
                let row = rows.iter().find(|row| row.shard == part.shard);
                part.epoch = row.map_or(part.epoch, |row| row.epoch);
            }
        }
        let appended = self.journal.append(parts).await?;
        for one in &appended {
            if let Appended::Committed(committed) = one {
                let part = committed.part();
                self.note(part.shard, part.epoch, (&writer.0, writer.1));
            }
        }
        Ok(appended)
    }
}

/// A process that appends: its id and start.
pub(crate) type Writer = (NodeId, Incarnation);

/// One process's journal.
pub(crate) struct RemoteJournal {
    way: Way,
    there: Arc<Database>,
    own: Writer,
}

impl RemoteJournal {
    pub(crate) fn of(stores: &Stores, host: HostId, own: Writer) -> Self {
        let way = Way { net: stores.net.clone(), own: host, store: DATABASE, patience: PATIENCE };
        Self { way, there: Arc::clone(&stores.database), own }
    }

    async fn ask<R, F>(
        &self,
        run: impl FnOnce(Arc<Database>) -> F + Send + 'static,
    ) -> Result<R, JournalError>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, JournalError>>,
    {
        let there = Arc::clone(&self.there);
        let answer = self.way.call(move || run(there)).await;
        answer.unwrap_or_else(|| Err(JournalError::Unavailable("no answer".into())))
    }
}

#[async_trait]
impl Journal for RemoteJournal {
    async fn append(&self, parts: Vec<Part>) -> Result<Vec<Appended>, AppendError> {
        let (there, sent, own) = (Arc::clone(&self.there), parts.clone(), self.own.clone());
        let append = move || async move { there.append(sent, &own).await };
        match self.way.call(append).await {
            Some(answer) => answer,
            None if self.there.plant == Some(Plant::UnknownIsRefused) => {
                let refuse = |part| Appended::Refused(part, PartRefusal::Poison);
                Ok(parts.into_iter().map(refuse).collect())
            }
            None => Err(AppendError::Unknown(parts, "no answer".into())),
        }
    }

    async fn settle(&self, parts: Vec<Part>) -> Result<Vec<Appended>, JournalError> {
        self.ask(|there| async move { there.journal.settle(parts).await }).await
    }

    async fn raise(
        &self,
        shards: &[(Shard, Epoch)],
        owner: (&NodeId, Incarnation),
    ) -> Result<(Vec<(Shard, Epoch)>, Timestamp), JournalError> {
        let (shards, node, incarnation) = (shards.to_vec(), owner.0.clone(), owner.1);
        let raise = move |there: Arc<Database>| async move {
            let owner = (&node, incarnation);
            let (raised, time) = there.journal.raise(&shards, owner).await?;
            raised.iter().for_each(|(shard, epoch)| there.note(*shard, *epoch, owner));
            Ok((raised, time))
        };
        self.ask(raise).await
    }

    async fn raise_above(
        &self,
        shard: Shard,
        seen: Epoch,
        owner: (&NodeId, Incarnation),
    ) -> Result<Epoch, JournalError> {
        let (node, incarnation) = (owner.0.clone(), owner.1);
        let raise = move |there: Arc<Database>| async move {
            let owner = (&node, incarnation);
            let raised = there.journal.raise_above(shard, seen, owner).await?;
            there.note(shard, raised, owner);
            Ok(raised)
        };
        self.ask(raise).await
    }

    async fn shards(&self, shards: &[Shard]) -> Result<Vec<ShardRow>, JournalError> {
        let shards = shards.to_vec();
        self.ask(move |there| async move { there.journal.shards(&shards).await }).await
    }

    async fn events(
        &self,
        session: SessionId,
        after: Version,
        limit: usize,
    ) -> Result<Vec<JournalEvent>, JournalError> {
        self.ask(move |there| async move { there.journal.events(session, after, limit).await })
            .await
    }

    async fn heads(
        &self,
        shard: Shard,
        sessions: &[SessionId],
    ) -> Result<Vec<(SessionId, Position)>, JournalError> {
        let sessions = sessions.to_vec();
        self.ask(move |there| async move { there.journal.heads(shard, &sessions).await }).await
    }

    async fn snapshot(
        &self,
        session: SessionId,
        at_most: Option<Version>,
    ) -> Result<Option<Snapshot>, JournalError> {
        self.ask(move |there| async move { there.journal.snapshot(session, at_most).await }).await
    }

    async fn save_snapshot(
        &self,
        shard: Shard,
        epoch: Epoch,
        session: SessionId,
        snapshot: Snapshot,
    ) -> Result<bool, JournalError> {
        let save = move |there: Arc<Database>| async move {
            there.journal.save_snapshot(shard, epoch, session, snapshot).await
        };
        self.ask(save).await
    }

    async fn saved_states(
        &self,
        session: SessionId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, JournalError> {
        self.ask(
            move |there| async move { there.journal.saved_states(session, before, limit).await },
        )
        .await
    }

    async fn find_actions(
        &self,
        session: SessionId,
        actions: &[ActionId],
    ) -> Result<Vec<FoundAction>, JournalError> {
        let actions = actions.to_vec();
        self.ask(move |there| async move { there.journal.find_actions(session, &actions).await })
            .await
    }

    async fn begin_activation(&self, session: SessionId) -> Result<u32, JournalError> {
        self.ask(move |there| async move { there.journal.begin_activation(session).await }).await
    }

    async fn end_activation(&self, session: SessionId) -> Result<(), JournalError> {
        self.ask(move |there| async move { there.journal.end_activation(session).await }).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<ListedSession>, JournalError> {
        let query = query.clone();
        self.ask(move |there| async move { there.journal.list(&query).await }).await
    }

    async fn relay(
        &self,
        cursors: &[HubCursor],
        limit: usize,
    ) -> Result<Vec<(Shard, RelayRow)>, JournalError> {
        let cursors = cursors.to_vec();
        self.ask(move |there| async move { there.journal.relay(&cursors, limit).await }).await
    }

    async fn cursors(&self, shards: &[Shard]) -> Result<Vec<HubCursor>, JournalError> {
        let shards = shards.to_vec();
        self.ask(move |there| async move { there.journal.cursors(&shards).await }).await
    }

    async fn move_cursors(
        &self,
        cursors: &[(HubCursor, Epoch)],
    ) -> Result<BTreeSet<Shard>, JournalError> {
        let cursors = cursors.to_vec();
        self.ask(move |there| async move { there.journal.move_cursors(&cursors).await }).await
    }

    async fn audit(
        &self,
        at: Timestamp,
        actor: &str,
        act: &str,
        details: &str,
    ) -> Result<(), JournalError> {
        let (actor, act, details) = (actor.to_owned(), act.to_owned(), details.to_owned());
        self.ask(move |there| async move { there.journal.audit(at, &actor, &act, &details).await })
            .await
    }

    async fn clock(&self) -> Result<Timestamp, JournalError> {
        self.ask(|there| async move { there.journal.clock().await }).await
    }
}
