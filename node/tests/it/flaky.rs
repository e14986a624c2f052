//! A journal that loses what a test tells it to lose.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gss_shared::ids::{ActionId, Epoch, Incarnation, NodeId, Position, SessionId, Shard, Version};
use gss_shared::ports::journal::{
    AppendError, Appended, FoundAction, HubCursor, Journal, JournalError, JournalEvent, ListQuery,
    ListedSession, Part, RelayRow, ShardRow, Snapshot,
};
use gss_shared::time::Timestamp;
use tokio::sync::Notify;

/// What happens to the next append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// It is appended.
    Work,
    /// It is not sent, and that is known.
    Refuse,
    /// It does not reach the database, which is not known.
    LoseIt,
    /// It commits, which is not known.
    LoseTheAnswer,
}

pub(crate) struct Flaky {
    journal: Arc<dyn Journal>,
    next: Mutex<Next>,
    faults: Mutex<Vec<Fault>>,
    /// Told of each load that hangs.
    pub(crate) hanging: Notify,
}

/// What happens once to a call that is no append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// An activation is counted, which is not known.
    BeginLost,
    /// The end of an activation is not marked.
    EndCorrupt,
    /// Events cannot be read.
    EventsCorrupt,
    /// Events are read for ever.
    EventsHang,
    /// The relay's read fails.
    NoRelay,
    /// A hub cursor is not stored.
    NoCursor,
}

impl Flaky {
    pub(crate) fn on(journal: Arc<dyn Journal>) -> Self {
        let (next, faults) = (Mutex::new(Next::Work), Mutex::default());
        Self { journal, next, faults, hanging: Notify::new() }
    }

    pub(crate) fn next(&self, next: Next) {
        *self.next.lock().expect("lock") = next;
    }

    pub(crate) fn fail(&self, fault: Fault, times: usize) {
        self.faults.lock().expect("lock").extend(vec![fault; times]);
    }

    /// Whether no fault is left.
    pub(crate) fn is_sound(&self) -> bool {
        self.faults.lock().expect("lock").is_empty()
    }

    fn has(&self, fault: Fault) -> bool {
        let mut faults = self.faults.lock().expect("lock");
        let found = faults.iter().position(|other| *other == fault);
        found.map(|found| faults.remove(found)).is_some()
    }

    fn take(&self) -> Next {
        std::mem::replace(&mut *self.next.lock().expect("lock"), Next::Work)
    }
}

#[async_trait]
impl Journal for Flaky {
    async fn append(&self, parts: Vec<Part>) -> Result<Vec<Appended>, AppendError> {
        match self.take() {
            Next::Work => self.journal.append(parts).await,
            Next::Refuse => Err(AppendError::Unavailable(parts, "refused".into())),
            Next::LoseIt => Err(AppendError::Unknown(parts, "lost".into())),
            Next::LoseTheAnswer => {
                self.journal.append(parts.clone()).await?;
                Err(AppendError::Unknown(parts, "answer lost".into()))
            }
        }
    }

    async fn settle(&self, parts: Vec<Part>) -> Result<Vec<Appended>, JournalError> {
        self.journal.settle(parts).await
    }

    async fn raise(
        &self,
        shards: &[(Shard, Epoch)],
        owner: (&NodeId, Incarnation),
    ) -> Result<(Vec<(Shard, Epoch)>, Timestamp), JournalError> {
        self.journal.raise(shards, owner).await
    }

    async fn raise_above(
        &self,
        shard: Shard,
        seen: Epoch,
        owner: (&NodeId, Incarnation),
    ) -> Result<Epoch, JournalError> {
        self.journal.raise_above(shard, seen, owner).await
    }

    async fn shards(&self, shards: &[Shard]) -> Result<Vec<ShardRow>, JournalError> {
        self.journal.shards(shards).await
    }

    async fn events(
        &self,
        session: SessionId,
        after: Version,
        limit: usize,
    ) -> Result<Vec<JournalEvent>, JournalError> {
        if self.has(Fault::EventsCorrupt) {
            return Err(JournalError::Corrupt("unreadable".to_owned()));
        }
        if self.has(Fault::EventsHang) {
            self.hanging.notify_one();
            std::future::pending::<()>().await;
        }
        self.journal.events(session, after, limit).await
    }

    async fn heads(
        &self,
        shard: Shard,
        sessions: &[SessionId],
    ) -> Result<Vec<(SessionId, Position)>, JournalError> {
        self.journal.heads(shard, sessions).await
    }

    async fn snapshot(
        &self,
        session: SessionId,
        at_most: Option<Version>,
    ) -> Result<Option<Snapshot>, JournalError> {
        self.journal.snapshot(session, at_most).await
    }

    async fn save_snapshot(
        &self,
        shard: Shard,
        epoch: Epoch,
        session: SessionId,
        snapshot: Snapshot,
    ) -> Result<bool, JournalError> {
        self.journal.save_snapshot(shard, epoch, session, snapshot).await
    }

    async fn saved_states(
        &self,
        session: SessionId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, JournalError> {
        self.journal.saved_states(session, before, limit).await
    }

    async fn find_actions(
        &self,
        session: SessionId,
        actions: &[ActionId],
    ) -> Result<Vec<FoundAction>, JournalError> {
        self.journal.find_actions(session, actions).await
    }

    async fn begin_activation(&self, session: SessionId) -> Result<u32, JournalError> {
        let begun = self.journal.begin_activation(session).await;
        if self.has(Fault::BeginLost) {
            return Err(JournalError::Unavailable("answer lost".into()));
        }
        begun
    }

    async fn end_activation(&self, session: SessionId) -> Result<(), JournalError> {
        if self.has(Fault::EndCorrupt) {
            return Err(JournalError::Corrupt("not marked".to_owned()));
        }
        self.journal.end_activation(session).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<ListedSession>, JournalError> {
        self.journal.list(query).await
    }

    async fn relay(
        &self,
        cursors: &[HubCursor],
        limit: usize,
    ) -> Result<Vec<(Shard, RelayRow)>, JournalError> {
        if self.has(Fault::NoRelay) {
            return Err(JournalError::Unavailable("no rows".into()));
        }
        self.journal.relay(cursors, limit).await
    }

    async fn cursors(&self, shards: &[Shard]) -> Result<Vec<HubCursor>, JournalError> {
        self.journal.cursors(shards).await
    }

    async fn move_cursors(
        &self,
        cursors: &[(HubCursor, Epoch)],
    ) -> Result<BTreeSet<Shard>, JournalError> {
        if self.has(Fault::NoCursor) {
            return Err(JournalError::Unavailable("not stored".into()));
        }
        self.journal.move_cursors(cursors).await
    }

    async fn audit(
        &self,
        at: Timestamp,
        actor: &str,
        act: &str,
        details: &str,
    ) -> Result<(), JournalError> {
        self.journal.audit(at, actor, act, details).await
    }

    async fn clock(&self) -> Result<Timestamp, JournalError> {
        self.journal.clock().await
    }
}
