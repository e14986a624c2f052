//! A router as a node sees it, and its open lanes.
//!
//! Owns: which lane to use for a router's answers, the coalesced "moved" notes of its next beat, and
//! when each beat was sent. Invariant: a note is coalesced, never dropped (SAFETY L6); a lane that
//! does not drain is closed, never waited for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gss_shared::ids::{Incarnation, Position, RouterId, SessionId};
use gss_shared::link::frame::ToRouter;
use gss_shared::link::transport::LinkSink;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::limits::BEATS;

/// One open lane.
#[derive(Debug)]
pub struct Link {
    sink: LinkSink<ToRouter>,
    closed: CancellationToken,
}

impl Link {
    /// Frames go to `sink`; `closed` is cancelled when the lane must close.
    pub fn new(sink: LinkSink<ToRouter>, closed: CancellationToken) -> Arc<Self> {
        Arc::new(Self { sink, closed })
    }

    /// Sends without waiting. A lane whose queue is full closes: its router opens it again, resends
    /// and fetches, so nothing is lost silently.
    pub fn send(&self, frame: ToRouter) {
        match self.sink.try_send(frame) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                tracing::warn!("link does not drain, closing it");
                self.closed.cancel();
            }
            Err(TrySendError::Closed(_)) => self.closed.cancel(),
        }
    }

    /// Cancelled when the lane must close.
    pub fn closed(&self) -> &CancellationToken {
        &self.closed
    }
}

/// One start of one router. Shared by its lanes and by the shards that hold its players.
#[derive(Debug)]
pub struct Peer {
    /// Its name.
    pub router: RouterId,
    /// Which start.
    pub incarnation: Incarnation,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    commands: Option<Arc<Link>>,
    gone: bool,
    moved: BTreeMap<SessionId, Position>,
    beats: Beats,
}

/// When the last beats were sent. Numbers go on over reopened links.
#[derive(Debug, Default)]
struct Beats {
    last: u64,
    opened: Option<Instant>,
    sent: VecDeque<Instant>,
}

impl Peer {
    /// A router without an open lane.
    pub fn new(router: RouterId, incarnation: Incarnation) -> Arc<Self> {
        Arc::new(Self { router, incarnation, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; and what it guards is whole after each statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The commands lane opened; an earlier one is closed.
    pub fn open(&self, link: &Arc<Link>, now: Instant) {
        let mut state = self.state();
        if let Some(old) = state.commands.replace(Arc::clone(link)) {
            old.closed.cancel();
        }
        state.beats.opened = Some(now);
    }

    /// The commands lane closed. True: it was the current one, the router is gone for now.
    pub fn close(&self, link: &Arc<Link>) -> bool {
        let mut state = self.state();
        let current = state.commands.as_ref().is_some_and(|open| Arc::ptr_eq(open, link));
        if current {
            state.commands = None;
        }
        current
    }

    /// Whether the commands lane is open.
    pub fn is_open(&self) -> bool {
        self.state().commands.is_some()
    }

    /// This start of the router is over: none of its connections is attached any more.
    pub fn end(&self) {
        self.state().gone = true;
    }

    /// Whether it is over.
    pub fn is_gone(&self) -> bool {
        self.state().gone
    }

    /// Sends on the commands lane. Without one the frame is not needed: the router sends again what
    /// was not answered and fetches what it did not see.
    pub fn send(&self, frame: ToRouter) {
        let link = self.state().commands.clone();
        if let Some(link) = link {
            link.send(frame);
        }
    }

    /// The session moved: the next beat says so.
    pub fn moved(&self, session: SessionId, position: Position) {
        self.state().moved.insert(session, position);
    }

    /// The next beat, to be sent now on the current lane.
    pub fn beat(&self, now: Instant) -> ToRouter {
        let mut state = self.state();
        state.beats.last += 1;
        state.beats.sent.push_back(now);
        if state.beats.sent.len() > BEATS {
            state.beats.sent.pop_front();
        }
        let number = state.beats.last;
        let moved = std::mem::take(&mut state.moved).into_iter().collect();
        ToRouter::Beat { number, moved }
    }

    /// How long ago the beat was sent that a command is stamped with (SAFETY S10). 0, no beat read
    /// yet, counts from the opening of the lane.
    pub fn beat_age(&self, number: u64, now: Instant) -> Duration {
        let state = self.state();
        let beats = &state.beats;
        let back = beats.last.saturating_sub(number);
        let known = u64::try_from(beats.sent.len()).unwrap_or(u64::MAX);
        let sent = if number == 0 {
            beats.opened
        } else if back < known {
            usize::try_from(back).ok().and_then(|back| beats.sent.iter().rev().nth(back)).copied()
        } else {
            None
        };
        sent.map_or(Duration::MAX, |sent| now.saturating_duration_since(sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    #[tokio::test(start_paused = true)]
    async fn a_stamp_is_as_old_as_its_beat() {
        let peer = Peer::new("r".parse().expect("id"), Incarnation(1));
        let start = Instant::now();
        assert_eq!(peer.beat_age(0, start), Duration::MAX);
        let (sender, _receiver) = mpsc::channel(1);
        let link = Link::new(LinkSink::into_queue(sender), CancellationToken::new());
        peer.open(&link, start);
        assert_eq!(peer.beat_age(0, start + Duration::from_secs(2)), Duration::from_secs(2));
        let last = BEATS as u64 + 6;
        for beat in 1..=last {
            peer.beat(start + Duration::from_millis(250 * beat));
        }
        let now = start + Duration::from_millis(250 * last);
        assert_eq!(peer.beat_age(last, now), Duration::ZERO);
        assert_eq!(peer.beat_age(last - 1, now), Duration::from_millis(250));
        assert_eq!(peer.beat_age(7, now), Duration::from_millis(250 * (last - 7)));
        assert_eq!(peer.beat_age(6, now), Duration::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn notes_are_coalesced_into_the_next_beat() {
        let peer = Peer::new("r".parse().expect("id"), Incarnation(1));
        let session = SessionId(uuid::Uuid::from_u128(5));
        let at = |version| Position {
            version: gss_shared::ids::Version(version),
            event: gss_shared::ids::EventId(uuid::Uuid::from_u128(u128::from(version))),
        };
        peer.moved(session, at(1));
        peer.moved(session, at(2));
        let now = Instant::now();
        assert_eq!(peer.beat(now), ToRouter::Beat { number: 1, moved: vec![(session, at(2))] });
        assert_eq!(peer.beat(now), ToRouter::Beat { number: 2, moved: vec![] });
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_lane_closes() {
        let (sender, mut receiver) = mpsc::channel(1);
        let link = Link::new(LinkSink::into_queue(sender), CancellationToken::new());
        link.send(ToRouter::Draining);
        assert!(!link.closed().is_cancelled());
        link.send(ToRouter::Draining);
        assert!(link.closed().is_cancelled());
        assert_eq!(receiver.recv().await, Some(ToRouter::Draining));
    }
}
