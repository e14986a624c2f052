//! A loaded session: working state, what is durable, what is in flight, when to save.

use std::collections::VecDeque;

use gss_session::Session;
use gss_shared::ids::{PlayerId, Position, Version};
use gss_shared::limits::{SNAPSHOT_BYTES, SNAPSHOT_EVENTS};
use gss_shared::time::Timestamp;

use crate::answer::Durable;
use crate::recent::Recent;
use crate::work::{Candidate, Loaded};

/// Whether it decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// It does.
    Ready,
    /// It waits until none of its appends is in flight, for this.
    Draining(Why),
    /// It waits for the outside.
    Waiting,
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
    tail_events: u64,
    tail_bytes: usize,
    candidates: VecDeque<Candidate>,
    saving: usize,
}

impl Live {
    pub(super) fn new(loaded: Loaded) -> Self {
        let durable = loaded.durable();
        Self {
            session: loaded.session,
            durable,
            in_flight: 0,
            phase: Phase::Ready,
            broken: false,
            history: None,
            recent: Recent::default(),
            tail_events: loaded.tail_events,
            tail_bytes: loaded.tail_bytes,
            candidates: VecDeque::new(),
            saving: 0,
        }
    }

    /// Position of the working state.
    pub(super) fn position(&self) -> Position {
        self.session.as_ref().map_or(Position::START, Session::position)
    }

    /// Nothing decided, saved or waited for.
    pub(super) fn is_resting(&self) -> bool {
        self.phase == Phase::Ready && self.in_flight == 0 && self.saving == 0
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
        let due = self.tail_events >= SNAPSHOT_EVENTS || self.tail_bytes >= SNAPSHOT_BYTES;
        let Some(session) = &self.session else { return };
        if saved.is_some() || (due && self.candidates.is_empty() && self.saving == 0) {
            let (session, position) = (session.clone(), session.position());
            self.candidates.push_back(Candidate { session, position, at, saved });
            (self.tail_events, self.tail_bytes) = (0, 0);
        }
    }

    /// Snapshots whose last event is committed now.
    pub(super) fn due(&mut self) -> Vec<Candidate> {
        let mut due = Vec::new();
        let durable = self.durable.position().version;
        while self.candidates.front().is_some_and(|first| first.position.version <= durable) {
            due.extend(self.candidates.pop_front());
            self.saving += 1;
        }
        due
    }

    /// A save is over. One that was not stored is due again with the next decision.
    pub(super) fn saved(&mut self, stored: bool) {
        self.saving = self.saving.saturating_sub(1);
        if !stored {
            self.tail_events = SNAPSHOT_EVENTS;
        }
    }
}
