//! The append-only events of all sessions: the only truth.
//!
//! Adapters: [`postgres`] (production), [`sqlite`] (embedded) and `memory` (simulation). Only this
//! module can make a [`Committed`], and only from a commit that the database confirmed.

mod content;
#[cfg(test)]
pub(crate) mod contract;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod migrations;
mod open;
pub mod postgres;
pub mod sqlite;
mod verdict;

use std::collections::BTreeSet;

use async_trait::async_trait;

pub use open::{Address, JournalConfig, OpenError, Opened, open};

use crate::ids::{
    ActionId, CampaignId, Epoch, EventId, Incarnation, NodeId, PlayerId, Position, SessionId,
    Shard, Version,
};
use crate::message::Message;
use crate::time::Timestamp;

/// One event as it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredEvent {
    /// Its place in the session.
    pub version: Version,
    /// Its name.
    pub id: EventId,
    /// On the first event of an action only: the idempotency key and the hash of its body.
    pub action: Option<(ActionId, [u8; 16])>,
    /// Who caused it; None: the service.
    pub actor: Option<PlayerId>,
    /// Name of the event, `snake_case`, at most 100 characters.
    pub event_type: &'static str,
    /// Canonical JSON object.
    pub data: String,
    /// JSON of [`crate::message::Audience`].
    pub audience: String,
    /// When it was decided.
    pub at: Timestamp,
}

/// One event as it is read back.
#[derive(Clone, PartialEq, Debug)]
pub struct JournalEvent {
    /// Its place in the session.
    pub version: Version,
    /// Its name.
    pub id: EventId,
    /// The epoch it was written under.
    pub epoch: Epoch,
    /// As stored.
    pub action: Option<(ActionId, [u8; 16])>,
    /// Who caused it; None: the service.
    pub actor: Option<PlayerId>,
    /// Name of the event; may be of a newer release.
    pub event_type: String,
    /// JSON object; key order and number format are the database's.
    pub data: String,
    /// JSON of [`crate::message::Audience`].
    pub audience: String,
    /// When it was decided.
    pub at: Timestamp,
}

/// The row of `sessions`: what lists and other services read. Written with the events it sums up.
#[derive(Clone, PartialEq, Debug)]
pub struct SessionHead {
    /// Its campaign; nil when it has none.
    pub campaign: CampaignId,
    /// 1–255 characters.
    pub name: String,
    /// `created | active | paused | ended`.
    pub status: String,
    /// `game | combat | …`.
    pub session_type: String,
    /// The creator.
    pub gm: PlayerId,
    /// All members.
    pub members: Vec<PlayerId>,
    /// Anyone may join, so anyone may list it.
    pub open: bool,
    /// JSON object shown in lists: the session as REST shows it to a stranger.
    pub metadata: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When this head was made.
    pub updated_at: Timestamp,
    /// Soft-deleted at.
    pub deleted_at: Option<Timestamp>,
}

/// Consecutive events of one session: taken whole or not at all.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    /// The session's shard.
    pub shard: Shard,
    /// The epoch they were decided under.
    pub epoch: Epoch,
    /// The session.
    pub session: SessionId,
    /// The event before the first: must be the journal's last ([`Version::ZERO`]: none).
    pub after: Version,
    /// At least one, versions `after + 1 …`.
    pub events: Vec<StoredEvent>,
    /// The session's row, when these events change it.
    pub head: Option<SessionHead>,
    /// What is told of the events once they are committed, one each.
    pub messages: Vec<Message>,
}

/// Proof that a part is in the journal. Made only by a confirmed commit.
#[derive(Clone, PartialEq, Debug)]
pub struct Committed(Part);

impl Committed {
    /// Only adapters of this module call this, after the database confirmed.
    pub(in crate::ports::journal) fn confirm(part: Part) -> Self {
        Self(part)
    }

    /// What may now be told.
    pub fn messages(&self) -> &[Message] {
        &self.0.messages
    }

    /// The part.
    pub fn part(&self) -> &Part {
        &self.0
    }

    /// Position of the last event.
    pub fn position(&self) -> Position {
        let last = self.0.events.last();
        last.map_or(Position::START, |event| Position { version: event.version, event: event.id })
    }
}

/// Why a part was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartRefusal {
    /// The shard has another epoch: this node is not its owner any more.
    Fenced,
    /// One of its actions is in the journal already.
    Duplicate,
    /// `after` is not the journal's last version of the session.
    Diverged,
    /// The database refuses the content (alone); the command at fault is refused `internal`.
    Poison,
}

/// Verdict on one part.
#[derive(Clone, PartialEq, Debug)]
pub enum Appended {
    /// In the journal.
    Committed(Committed),
    /// Not in the journal.
    Refused(Part, PartRefusal),
}

/// Why an append gave no verdicts.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// None of it is in the journal or can get there: try again.
    #[error("journal is unavailable")]
    Unavailable(Vec<Part>, #[source] BoxError),
    /// It may or may not commit: raise the epochs, then [`Journal::settle`].
    #[error("outcome of the append is unknown")]
    Unknown(Vec<Part>, #[source] BoxError),
}

/// Source of an adapter's error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Failure of any other call.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No answer: try again.
    #[error("journal is unavailable")]
    Unavailable(#[source] BoxError),
    /// What is stored cannot be read by this release.
    #[error("journal holds what this release cannot read: {0}")]
    Corrupt(String),
}

/// The row of a shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardRow {
    /// Which.
    pub shard: Shard,
    /// Its epoch; 0: never owned.
    pub epoch: Epoch,
    /// Who raised it last.
    pub owner: Option<(NodeId, Incarnation)>,
}

/// Saved state at a version.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// The event it includes last.
    pub position: Position,
    /// JSON of the session crate's versioned snapshot.
    pub state: String,
    /// When it was made.
    pub at: Timestamp,
    /// JSON object of a save by the GM; None: a snapshot of cadence.
    pub metadata: Option<String>,
    /// Who saved.
    pub saved_by: Option<PlayerId>,
}

/// An accepted action found in the journal.
#[derive(Clone, PartialEq, Debug)]
pub struct FoundAction {
    /// The idempotency key.
    pub action: ActionId,
    /// Who sent it.
    pub actor: Option<PlayerId>,
    /// Hash of its body.
    pub body_hash: [u8; 16],
    /// Its last event: the one before the next that carries an action.
    pub position: Position,
    /// When it was decided.
    pub at: Timestamp,
}

/// Which sessions to list.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ListQuery {
    /// For whom: own sessions, and open ones unless `mine`.
    pub caller: Option<PlayerId>,
    /// Only the caller's.
    pub mine: bool,
    /// Only with this status.
    pub status: Option<String>,
    /// Only of this campaign.
    pub campaign: Option<CampaignId>,
    /// Only of this type.
    pub session_type: Option<String>,
    /// 1–100.
    pub limit: u32,
    /// Creation time and id of the last item of the page before. Newest first.
    pub before: Option<(Timestamp, SessionId)>,
}

/// One item of a list.
#[derive(Clone, PartialEq, Debug)]
pub struct ListedSession {
    /// The session.
    pub session: SessionId,
    /// Its row.
    pub head: SessionHead,
    /// Its version when the row was written.
    pub version: Version,
}

/// One event for the hub relay.
#[derive(Clone, PartialEq, Debug)]
pub struct RelayRow {
    /// Number in the journal: grows along each shard.
    pub row: i64,
    /// Its session.
    pub session: SessionId,
    /// The event.
    pub event: JournalEvent,
}

/// Where a shard's relay stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HubCursor {
    /// The shard.
    pub shard: Shard,
    /// Row number up to which every message was confirmed.
    pub row: i64,
}

/// The journal. All reads are from the primary.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Appends all parts in one fenced statement; a verdict for each, in order. At most one append
    /// is under way at a time. A statement that fails for its content is repeated in halves.
    async fn append(&self, parts: Vec<Part>) -> Result<Vec<Appended>, AppendError>;

    /// What became of parts whose append had an unknown outcome. Call only after
    /// [`Journal::raise`] of their shards returned. Refused parts come back as
    /// [`PartRefusal::Fenced`].
    async fn settle(&self, parts: Vec<Part>) -> Result<Vec<Appended>, JournalError>;

    /// Compare-and-set: each shard whose epoch is the given one gets the next, and the owner.
    /// Returns the shards raised with their new epochs, and the journal's clock.
    async fn raise(
        &self,
        shards: &[(Shard, Epoch)],
        owner: (&NodeId, Incarnation),
    ) -> Result<(Vec<(Shard, Epoch)>, Timestamp), JournalError>;

    /// Raises the epoch of a shard whose lost commits were noticed to above `seen`.
    async fn raise_above(
        &self,
        shard: Shard,
        seen: Epoch,
        owner: (&NodeId, Incarnation),
    ) -> Result<Epoch, JournalError>;

    /// Rows of these shards (empty: of all), ascending. Also the epoch check of reads (SAFETY S11).
    async fn shards(&self, shards: &[Shard]) -> Result<Vec<ShardRow>, JournalError>;

    /// Events of a session after a version, ascending, at most `limit`.
    async fn events(
        &self,
        session: SessionId,
        after: Version,
        limit: usize,
    ) -> Result<Vec<JournalEvent>, JournalError>;

    /// Last positions of these sessions; those without events are absent.
    async fn heads(
        &self,
        shard: Shard,
        sessions: &[SessionId],
    ) -> Result<Vec<(SessionId, Position)>, JournalError>;

    /// The highest snapshot up to `at_most` (None: at all) whose event is in the journal.
    async fn snapshot(
        &self,
        session: SessionId,
        at_most: Option<Version>,
    ) -> Result<Option<Snapshot>, JournalError>;

    /// Stores a snapshot under the epoch fence; false: fenced, nothing stored. Of the snapshots of
    /// cadence (without metadata) only this one and the two before it are kept.
    async fn save_snapshot(
        &self,
        shard: Shard,
        epoch: Epoch,
        session: SessionId,
        snapshot: Snapshot,
    ) -> Result<bool, JournalError>;

    /// Snapshots with metadata, newest first, versions below `before`.
    async fn saved_states(
        &self,
        session: SessionId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, JournalError>;

    /// Those of these actions that were accepted.
    async fn find_actions(
        &self,
        session: SessionId,
        actions: &[ActionId],
    ) -> Result<Vec<FoundAction>, JournalError>;

    /// Counts an activation before it starts; returns how many began without completing, this one
    /// included: 1 when all is well.
    async fn begin_activation(&self, session: SessionId) -> Result<u32, JournalError>;

    /// The activation went well: clears the count.
    async fn end_activation(&self, session: SessionId) -> Result<(), JournalError>;

    /// Sessions by their rows, newest first, without deleted ones.
    async fn list(&self, query: &ListQuery) -> Result<Vec<ListedSession>, JournalError>;

    /// Events of these shards after their cursors, ascending per shard, at most `limit` in all.
    /// A backlog of one shard does not keep the others out for ever: each call begins at another.
    async fn relay(
        &self,
        cursors: &[HubCursor],
        limit: usize,
    ) -> Result<Vec<(Shard, RelayRow)>, JournalError>;

    /// Where the relays of these shards stand; row 0 for those that never moved.
    async fn cursors(&self, shards: &[Shard]) -> Result<Vec<HubCursor>, JournalError>;

    /// Moves cursors forward, each only under its shard's epoch. Gives the shards that are not fenced.
    async fn move_cursors(
        &self,
        cursors: &[(HubCursor, Epoch)],
    ) -> Result<BTreeSet<Shard>, JournalError>;

    /// Records an operator's act: who, what, why, as a JSON object.
    async fn audit(
        &self,
        at: Timestamp,
        actor: &str,
        act: &str,
        details: &str,
    ) -> Result<(), JournalError>;

    /// The journal's clock.
    async fn clock(&self) -> Result<Timestamp, JournalError>;
}
