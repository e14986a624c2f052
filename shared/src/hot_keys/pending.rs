//! What waits to be written: for each session the latest, at most once a second, bounded.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::{HotState, Touch};
use crate::ids::{Epoch, SessionId};
use crate::limits;

/// Between two writes of one session.
const SPACING: Duration = Duration::from_secs(1);

/// What is to be done for one session.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) epoch: Epoch,
    pub(super) state: Option<HotState>,
    pub(super) touches: BTreeSet<Touch>,
    pub(super) ended: bool,
}

/// Work by session.
#[derive(Debug, Default)]
pub(super) struct Pending {
    waiting: BTreeMap<SessionId, Work>,
    bytes: usize,
    written: HashMap<SessionId, Instant>,
    pub(super) lost: u64,
}

impl Pending {
    pub(super) fn write(&mut self, session: SessionId, epoch: Epoch, state: HotState) {
        let bytes = size(&state);
        let Some(work) = self.work(session, epoch) else { return };
        if work.ended {
            return;
        }
        let before = work.state.take().as_ref().map_or(0, size);
        self.bytes -= before;
        if self.bytes + bytes > limits::HOT_BYTES {
            self.lost += 1;
            return;
        }
        self.bytes += bytes;
        if let Some(work) = self.waiting.get_mut(&session) {
            work.state = Some(state);
        }
    }

    pub(super) fn touch(&mut self, session: SessionId, epoch: Epoch, touch: Touch) {
        if let Some(work) = self.work(session, epoch) {
            work.touches.insert(touch);
        }
    }

    pub(super) fn end(&mut self, session: SessionId, epoch: Epoch) {
        if let Some(work) = self.work(session, epoch) {
            work.ended = true;
        }
    }

    /// Nothing waits, and nobody has to be spaced out.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes out what may be written at `now`, up to so many sessions and about so many bytes.
    pub(super) fn take_due(
        &mut self,
        now: Instant,
        at_once: (usize, usize),
    ) -> Vec<(SessionId, Work)> {
        self.written.retain(|_, at| now - *at < SPACING);
        let (mut due, mut bytes) = (Vec::new(), 0);
        for (session, work) in &self.waiting {
            if due.len() >= at_once.0 || bytes >= at_once.1 {
                break;
            }
            if !self.written.contains_key(session) {
                bytes += work.state.as_ref().map_or(0, size);
                due.push(*session);
            }
        }
        self.bytes -= bytes;
        self.written.extend(due.iter().map(|session| (*session, now)));
        due.into_iter().filter_map(|session| self.waiting.remove_entry(&session)).collect()
    }

    /// The session's work, if there is room and no later epoch has work here.
    fn work(&mut self, session: SessionId, epoch: Epoch) -> Option<&mut Work> {
        let full = self.waiting.len() >= limits::HOT_SESSIONS;
        if full && !self.waiting.contains_key(&session) {
            self.lost += 1;
            return None;
        }
        let work = self.waiting.entry(session).or_default();
        if work.epoch < epoch {
            self.bytes -= work.state.as_ref().map_or(0, size);
            *work = Work { epoch, ..Work::default() };
        }
        (work.epoch == epoch).then_some(work)
    }
}

fn size(state: &HotState) -> usize {
    const ID: usize = 36;
    let text = |of: &BTreeMap<String, String>| -> usize {
        of.iter().map(|(field, value)| field.len() + value.len()).sum()
    };
    let ids = state.players.len() + 2 * state.connections.len() + state.queue.len();
    text(&state.meta) + text(&state.combat) + ids * ID + state.state.2.len()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ids::Version;
    use crate::time::Timestamp;

    fn id(n: u128) -> SessionId {
        SessionId(uuid::Uuid::from_u128(n))
    }

    fn state(version: u64, bytes: usize) -> HotState {
        let data: Arc<str> = "x".repeat(bytes).into();
        HotState { state: (Version(version), Timestamp(0), data), ..HotState::default() }
    }

    fn versions(due: &[(SessionId, Work)]) -> Vec<Option<u64>> {
        due.iter().map(|(_, work)| work.state.as_ref().map(|state| state.state.0.0)).collect()
    }

    const ALL: (usize, usize) = (usize::MAX, usize::MAX);

    #[test]
    fn the_latest_is_written_once_a_second() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pending = Pending::default();
        pending.write(id(1), Epoch(1), state(1, 10));
        pending.write(id(1), Epoch(1), state(2, 10));
        assert_eq!(versions(&pending.take_due(at(0), ALL)), [Some(2)]);
        pending.write(id(1), Epoch(1), state(3, 10));
        assert_eq!(versions(&pending.take_due(at(999), ALL)), []);
        assert_eq!(versions(&pending.take_due(at(1_000), ALL)), [Some(3)]);
        assert!(pending.is_idle());
        assert_eq!(pending.bytes, 0);
    }

    #[test]
    fn a_later_epoch_wins_and_the_end_is_final() {
        let mut pending = Pending::default();
        pending.write(id(1), Epoch(2), state(5, 10));
        pending.write(id(1), Epoch(1), state(9, 10));
        pending.touch(id(1), Epoch(2), Touch::Access);
        pending.write(id(2), Epoch(1), state(6, 10));
        pending.end(id(2), Epoch(1));
        pending.write(id(2), Epoch(1), state(7, 10));
        let due = pending.take_due(Instant::now(), ALL);
        assert_eq!(versions(&due), [Some(5), Some(6)]);
        assert_eq!(due[0].1.touches, BTreeSet::from([Touch::Access]));
        assert!(due[1].1.ended && !due[0].1.ended);
        assert_eq!(pending.lost, 0);
    }

    #[test]
    fn too_many_bytes_are_given_up() {
        let mut pending = Pending::default();
        let third = limits::HOT_BYTES / 3 + 1;
        for n in 1..=3 {
            pending.write(id(n), Epoch(1), state(1, third));
        }
        assert_eq!(pending.lost, 1);
        let due = pending.take_due(Instant::now(), (usize::MAX, 1));
        assert_eq!(versions(&due), [Some(1)], "one go takes no more once it has enough");
        assert_eq!(versions(&pending.take_due(Instant::now(), ALL)), [Some(1), None]);
        assert_eq!(pending.bytes, 0);
    }

    #[test]
    fn too_many_sessions_are_given_up() {
        let mut pending = Pending::default();
        for n in 0..=limits::HOT_SESSIONS as u128 {
            pending.touch(id(n), Epoch(1), Touch::Heartbeat);
        }
        assert_eq!(pending.lost, 1);
    }
}
