//! Which submissions go into the next append statement.
//!
//! Invariants: at most one part per session in a statement, a session's submissions in their order,
//! at most [`APPEND_EVENTS`] events and [`APPEND_BYTES`] bytes (one submission always fits).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use gss_shared::ids::SessionId;
use gss_shared::limits::{APPEND_BYTES, APPEND_EVENTS};
use gss_shared::ports::journal::Part;
use tokio::sync::mpsc;

use crate::work::{Fact, Verdict};

/// One decision's events, and who waits for the verdict.
#[derive(Debug)]
pub struct Submission {
    /// The events.
    pub part: Part,
    /// The shard task.
    pub shard: ShardSender,
}

/// How a shard task is told. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ShardSender {
    /// Holds a verdict for every submission the shard may have in flight: never full.
    pub verdicts: mpsc::Sender<Verdict>,
    /// Everything else.
    pub facts: mpsc::Sender<Fact>,
}

/// Consecutive submissions of one session in a statement.
#[derive(Debug)]
pub struct Entry {
    /// How many submissions.
    pub covered: usize,
    /// The shard task.
    pub shard: ShardSender,
}

/// A statement's parts, and for each who waits.
#[derive(Debug, Default)]
pub struct Batch {
    /// To append.
    pub parts: Vec<Part>,
    /// One for each part.
    pub entries: Vec<Entry>,
}

fn bytes(part: &Part) -> usize {
    let events = part.events.iter().map(|event| event.data.len() + event.audience.len());
    let head = part.head.as_ref().map_or(0, |head| head.metadata.len() + 16 * head.members.len());
    events.sum::<usize>() + head
}

fn follows(part: &Part, next: &Submission, entry: &Entry) -> bool {
    let last = part.events.last().map_or(part.after, |event| event.version);
    part.epoch == next.part.epoch
        && last == next.part.after
        && entry.shard.verdicts.same_channel(&next.shard.verdicts)
}

/// Takes the next statement's submissions out of `waiting`, oldest first.
pub fn pack(waiting: &mut VecDeque<Submission>) -> Batch {
    let mut batch = Batch::default();
    let mut places: BTreeMap<SessionId, usize> = BTreeMap::new();
    let mut passed: BTreeSet<SessionId> = BTreeSet::new();
    let mut left = VecDeque::with_capacity(waiting.len());
    let (mut events, mut size) = (0, 0);
    for submission in waiting.drain(..) {
        let session = submission.part.session;
        let (more, larger) = (submission.part.events.len(), bytes(&submission.part));
        let fits = batch.parts.is_empty()
            || (events + more <= APPEND_EVENTS && size + larger <= APPEND_BYTES);
        let place = places.get(&session).copied();
        let joins = place
            .is_none_or(|place| follows(&batch.parts[place], &submission, &batch.entries[place]));
        if !fits || !joins || passed.contains(&session) {
            passed.insert(session);
            left.push_back(submission);
            continue;
        }
        events += more;
        size += larger;
        let Submission { part, shard } = submission;
        match place {
            None => {
                places.insert(session, batch.parts.len());
                batch.parts.push(part);
                batch.entries.push(Entry { covered: 1, shard });
            }
            Some(place) => {
                let merged = &mut batch.parts[place];
                merged.events.extend(part.events);
                merged.messages.extend(part.messages);
                merged.head = part.head.or(merged.head.take());
                batch.entries[place].covered += 1;
            }
        }
    }
    *waiting = left;
    batch
}

#[cfg(test)]
mod tests {
    use super::*;
    use gss_shared::ids::{Epoch, EventId, Shard, Version};
    use gss_shared::ports::journal::StoredEvent;
    use gss_shared::time::Timestamp;
    use uuid::Uuid;

    fn submission(session: u128, after: u64, bytes: usize, shard: &ShardSender) -> Submission {
        let event = StoredEvent {
            version: Version(after + 1),
            id: EventId(Uuid::from_u128(u128::from(after))),
            action: None,
            actor: None,
            event_type: "state_update",
            data: "x".repeat(bytes),
            audience: String::new(),
            at: Timestamp(0),
        };
        let part = Part {
            shard: Shard(0),
            epoch: Epoch(5),
            session: SessionId(Uuid::from_u128(session)),
            after: Version(after),
            events: vec![event],
            head: None,
            messages: vec![],
        };
        Submission { part, shard: shard.clone() }
    }

    fn task() -> ShardSender {
        ShardSender { verdicts: mpsc::channel(1).0, facts: mpsc::channel(1).0 }
    }

    fn shape(batch: &Batch) -> Vec<(u128, u64, usize, usize)> {
        let both = batch.parts.iter().zip(&batch.entries);
        both.map(|(part, entry)| {
            (part.session.0.as_u128(), part.after.0, part.events.len(), entry.covered)
        })
        .collect()
    }

    #[test]
    fn consecutive_submissions_of_a_session_are_one_part() {
        let task = task();
        let order = [(1, 10), (2, 0), (1, 11), (1, 12)];
        let mut waiting = order.map(|(s, after)| submission(s, after, 1, &task)).into();
        assert_eq!(shape(&pack(&mut waiting)), [(1, 10, 3, 3), (2, 0, 1, 1)]);
        assert!(waiting.is_empty());
    }

    #[test]
    fn what_does_not_follow_waits_and_so_does_all_behind_it() {
        let task = task();
        let mut waiting: VecDeque<_> =
            [(1, 10), (1, 9), (1, 10)].map(|(s, after)| submission(s, after, 1, &task)).into();
        assert_eq!(shape(&pack(&mut waiting)), [(1, 10, 1, 1)]);
        assert_eq!(shape(&pack(&mut waiting)), [(1, 9, 2, 2)]);
    }

    #[test]
    fn another_epoch_or_task_is_another_part() {
        let task = task();
        let other = self::task();
        let mut raised = submission(1, 11, 1, &task);
        raised.part.epoch = Epoch(6);
        let mut waiting: VecDeque<_> =
            [submission(1, 10, 1, &task), raised, submission(1, 12, 1, &other)].into();
        assert_eq!(shape(&pack(&mut waiting)), [(1, 10, 1, 1)]);
        assert_eq!(shape(&pack(&mut waiting)), [(1, 11, 1, 1)]);
        assert_eq!(shape(&pack(&mut waiting)), [(1, 12, 1, 1)]);
    }

    #[test]
    fn a_statement_is_bounded_but_one_submission_always_fits() {
        let task = task();
        let mut waiting: VecDeque<_> =
            (0..300).map(|session| submission(session, 0, 1, &task)).collect();
        assert_eq!(pack(&mut waiting).parts.len(), APPEND_EVENTS);
        assert_eq!(pack(&mut waiting).parts.len(), 300 - APPEND_EVENTS);
        let mut waiting: VecDeque<_> =
            [submission(1, 0, APPEND_BYTES + 1, &task), submission(2, 0, 1, &task)].into();
        assert_eq!(shape(&pack(&mut waiting)), [(1, 0, 1, 1)]);
        assert_eq!(shape(&pack(&mut waiting)), [(2, 0, 1, 1)]);
    }
}
