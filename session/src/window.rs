//! The last accepted actions (SAFETY S8): saves the look-up in the journal.
//!
//! The journal's unique key is the guarantee; this window answers the duplicates that come soon.

use std::collections::VecDeque;

use gss_shared::ids::{ActionId, EventId, PlayerId, Position, Version};
use gss_shared::limits;
use gss_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One accepted action.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub(crate) struct Accepted {
    pub(crate) action: ActionId,
    /// Tells actor and body apart.
    check: u64,
    /// Of the action's last event.
    version: Version,
    event: EventId,
    pub(crate) at: Timestamp,
}

/// An accepted action in a snapshot.
type Row = (ActionId, u64, Version, EventId, Timestamp);

impl From<Row> for Accepted {
    fn from((action, check, version, event, at): Row) -> Self {
        Self { action, check, version, event, at }
    }
}

impl From<Accepted> for Row {
    fn from(accepted: Accepted) -> Self {
        let Accepted { action, check, version, event, at } = accepted;
        (action, check, version, event, at)
    }
}

/// The session's creation, and the last actions.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Window {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    creation: Option<Accepted>,
    recent: VecDeque<Accepted>,
    /// Accepted since the session began.
    accepted: u64,
}

impl Accepted {
    pub(crate) fn position(&self) -> Position {
        Position { version: self.version, event: self.event }
    }

    /// Whether this actor sent this body.
    pub(crate) fn matches(&self, actor: Option<PlayerId>, body_hash: [u8; 16]) -> bool {
        self.check == check(actor, body_hash)
    }
}

impl Window {
    /// The action, if it is remembered.
    pub(crate) fn find(&self, action: ActionId) -> Option<&Accepted> {
        let mut all = self.recent.iter().rev().chain(&self.creation);
        all.find(|accepted| accepted.action == action)
    }

    /// Whether every action ever accepted is remembered.
    pub(crate) fn complete(&self) -> bool {
        self.accepted <= self.recent.len() as u64
    }

    /// Notes an action's first event.
    pub(crate) fn begin(
        &mut self,
        (action, body_hash): (ActionId, [u8; 16]),
        actor: Option<PlayerId>,
        position: Position,
        at: Timestamp,
    ) {
        let Position { version, event } = position;
        let accepted = Accepted { action, check: check(actor, body_hash), version, event, at };
        if self.accepted == 0 {
            self.creation = Some(accepted);
        }
        self.accepted += 1;
        if self.recent.len() == limits::ACTION_WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(accepted);
    }

    /// Notes a further event of an action.
    pub(crate) fn extend(&mut self, action: ActionId, position: Position) {
        let all = self.recent.iter_mut().chain(&mut self.creation);
        for accepted in all.filter(|accepted| accepted.action == action) {
            accepted.version = position.version;
            accepted.event = position.event;
        }
    }

    /// Bytes beside the struct itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.recent.capacity() * size_of::<Accepted>()
    }
}

fn check(actor: Option<PlayerId>, body_hash: [u8; 16]) -> u64 {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(actor.map_or(Uuid::nil(), |player| player.0).as_bytes());
    bytes[16..].copy_from_slice(&body_hash);
    xxhash_rust::xxh3::xxh3_64(&bytes)
}
