//! A loaded session: working state, what is durable, what is in flight, when to save.

use std::collections::VecDeque;
use std::sync::Arc;

use gss_session::Session;
use gss_shared::ids::{PlayerId, Position, SessionId, Version};
use gss_shared::limits::{SNAPSHOT_BYTES, SNAPSHOT_EVENTS};
use gss_shared::time::Timestamp;

use crate::answer::Durable;
use crate::limits::SAVES_WAITING;
use crate::recent::Recent;
use crate::work::{Candidate, Loaded, Stored};

/// Whether it decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// It does.
    Ready,
    /// It waits until none of its appends is in flight, for this.
    Draining(Why),
    /// It waits for the journal.
    Waiting,
    /// It waits for the character service's answer to this question.
    Asking(u64),
}

/// What comes when nothing is in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// Load it anew.
    Reload,
    /// Look which actions the journal has, then load it anew.
    Find,
    /// Load it as of this version, for a rollback.
    History(Version),
}

/// A loaded session.
#[derive(Debug)]
pub(super) struct Live {
    /// Working state; None: nothing was ever committed or decided.
    pub(super) session: Option<Session>,
    /// How far it is in the journal.
    pub(super) durable: Durable,
    /// Submissions without a verdict.
    pub(super) in_flight: usize,
    /// Whether it decides.
    pub(super) phase: Phase,
    /// An append was refused: the working state is loaded anew before anything else is decided.
    pub(super) broken: bool,
    /// The session as of a version, for the rollback that waits first.
    pub(super) history: Option<(Version, Option<Box<Session>>)>,
    /// Committed messages, while a client is attached.
    pub(super) recent: Recent,
    /// Events after which a snapshot is due.
    cadence: u64,
    tail_events: u64,
    tail_bytes: usize,
    /// Snapshots that are not stored, oldest first: each is stored before the next is begun, so that
    /// the saves whose rows are missing are those behind the last one stored.
    candidates: VecDeque<Arc<Candidate>>,
    /// The first of them is under way.
    saving: bool,
}

impl Live {
    pub(super) fn new(id: SessionId, loaded: Loaded) -> Self {
        let durable = loaded.durable();
        Self {
            session: loaded.session,
            durable,
            in_flight: 0,
            phase: Phase::Ready,
            broken: false,
            history: None,
            recent: Recent::default(),
            cadence: cadence(id),
            tail_events: loaded.tail_events,
            tail_bytes: loaded.tail_bytes,
            candidates: loaded.saves.into_iter().map(Arc::new).collect(),
            saving: false,
        }
    }

    /// Position of the working state.
    pub(super) fn position(&self) -> Position {
        self.session.as_ref().map_or(Position::START, Session::position)
    }

    /// Nothing decided, saved or waited for.
    pub(super) fn is_resting(&self) -> bool {
        self.phase == Phase::Ready && self.in_flight == 0 && self.candidates.is_empty()
    }

    /// Events were decided. A snapshot that is due is set aside until they are committed.
    pub(super) fn count(
        &mut self,
        events: usize,
        bytes: usize,
        at: Timestamp,
        saved: Option<(String, PlayerId)>,
    ) {
        self.tail_events += u64::try_from(events).unwrap_or(u64::MAX);
        self.tail_bytes += bytes;
        let due = self.tail_events >= self.cadence || self.tail_bytes >= SNAPSHOT_BYTES;
        let Some(session) = &self.session else { return };
        if saved.is_some() || (due && self.candidates.is_empty()) {
            let (session, position) = (session.clone(), session.position());
            self.candidates.push_back(Arc::new(Candidate { session, position, at, saved }));
            (self.tail_events, self.tail_bytes) = (0, 0);
        }
    }

    /// So many saves wait to be stored that it decides nothing more.
    pub(super) fn is_behind(&self) -> bool {
        self.candidates.len() >= SAVES_WAITING
    }

    /// The next snapshot to store, if its last event is committed.
    pub(super) fn next_save(&mut self) -> Option<Arc<Candidate>> {
        let durable = self.durable.position().version;
        let first = self.candidates.front().filter(|first| first.position.version <= durable)?;
        (!std::mem::replace(&mut self.saving, true)).then(|| Arc::clone(first))
    }

    /// The store of the state at a position is over. A save that was not stored is kept; a snapshot
    /// of cadence is due again with the next decision.
    pub(super) fn saved(&mut self, position: Position, stored: Stored) {
        // Begun before the session was loaded anew: it may not be waited for any more.
        let Some(first) = self.candidates.front().filter(|first| first.position == position) else {
            return;
        };
        self.saving = false;
        if stored == Stored::Not && first.saved.is_some() {
            return;
        }
        if stored != Stored::Done && first.saved.is_none() {
            self.tail_events = self.cadence;
        }
        self.candidates.pop_front();
    }
}

/// Sessions that began together and play alike are not due together. Every owner has the same number
/// for a session: a handoff makes none due (SAFETY L16).
fn cadence(id: SessionId) -> u64 {
    SNAPSHOT_EVENTS - u64::from(id.0.as_bytes()[15]) % (SNAPSHOT_EVENTS / 2)
}
