//! A journal that loses what a test tells it to lose.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gss_shared::ids::{ActionId, Epoch, Incarnation, NodeId, Position, SessionId, Shard, Version};
use gss_shared::ports::journal::{
    AppendError, Appended, FoundAction, HubCursor, Journal, JournalError, JournalEvent, ListQuery,
    ListedSession, Part, RelayRow, ShardRow, Snapshot,
};
use gss_shared::time::Timestamp;

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
}

impl Flaky {
    pub(crate) fn on(journal: Arc<dyn Journal>) -> Self {
        Self { journal, next: Mutex::new(Next::Work) }
    }

    pub(crate) fn next(&self, next: Next) {
        *self.next.lock().expect("lock") = next;
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
        self.journal.begin_activation(session).await
    }

    async fn end_activation(&self, session: SessionId) -> Result<(), JournalError> {
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
        self.journal.relay(cursors, limit).await
    }

    async fn cursors(&self, shards: &[Shard]) -> Result<Vec<HubCursor>, JournalError> {
        self.journal.cursors(shards).await
    }

    async fn move_cursor(&self, cursor: HubCursor, epoch: Epoch) -> Result<bool, JournalError> {
        self.journal.move_cursor(cursor, epoch).await
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
