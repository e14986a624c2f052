//! What every journal does. One suite, each case on a journal of its own, run on both adapters.
//!
//! The cases are the executions that break weaker journals; those that need a second hand on the
//! database stand beside the adapter.

pub(crate) mod append;
pub(crate) mod beside;
pub(crate) mod epochs;
pub(crate) mod lists;
pub(crate) mod snapshots;

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::ids::ShardCount;

/// Shards of the journals that the suite runs on.
pub(crate) const SHARDS: ShardCount = ShardCount(8);

/// Makes a test of each case; `$open` gives a new journal.
macro_rules! contract_tests {
    ($open:path) => {
        crate::ports::journal::contract::contract_tests! { $open:
            append::reads_back_what_was_appended
            append::judges_each_part_by_itself
            append::takes_an_action_once
            append::keeps_json_and_isolates_poison
            append::writes_heads_with_their_events
            append::settles_what_had_no_answer
            append::finds_actions_with_their_last_event
            epochs::raises_by_compare_and_set
            epochs::fences_everything_written_under_an_older_epoch
            epochs::raises_above_what_was_seen
            snapshots::loads_the_highest_of_this_history
            snapshots::keeps_saves_and_few_others
            beside::relays_in_order_from_cursors
            beside::moves_cursors_forward_only
            beside::counts_activations
            beside::records_acts
            lists::shows_own_and_open_sessions
            lists::pages_without_gaps
        }
    };
    ($open:path: $($module:ident :: $case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let journal = $open().await;
                crate::ports::journal::contract::$module::$case(&*journal.journal).await;
            }
        )*
    };
}
pub(crate) use contract_tests;

/// Session `number` of a shard.
pub(crate) fn session(shard: u16, number: u128) -> SessionId {
    (0..)
        .map(|n: u128| SessionId(Uuid::from_u128((number << 64) | n)))
        .find(|session| SHARDS.shard_of(*session) == Shard(shard))
        .expect("every shard has sessions")
}

/// A player.
pub(crate) fn player(number: u128) -> PlayerId {
    PlayerId(Uuid::from_u128(0xb000 + number))
}

/// An action.
pub(crate) fn action(number: u128) -> (ActionId, [u8; 16]) {
    (ActionId(Uuid::from_u128(0xac00 + number)), [7; 16])
}

/// A node that raises epochs.
pub(crate) fn node(name: &str) -> NodeId {
    name.parse().expect("name")
}

/// The event of a session at a version; its id is a function of both.
pub(crate) fn event(session: SessionId, version: u64) -> StoredEvent {
    StoredEvent {
        version: Version(version),
        id: EventId(Uuid::from_u128(session.0.as_u128() ^ (u128::from(version) << 100))),
        action: None,
        actor: None,
        event_type: "state_changed",
        data: format!("{{\"version\":{version}}}"),
        audience: "\"all\"".to_owned(),
        at: Timestamp(1_795_287_731_480 + i64::try_from(version).expect("small")),
    }
}

/// A part of plain events `after + 1 ..= after + count`.
pub(crate) fn part(shard: u16, epoch: u64, session: SessionId, after: u64, count: u64) -> Part {
    Part {
        shard: Shard(shard),
        epoch: Epoch(epoch),
        session,
        after: Version(after),
        events: (after + 1..=after + count).map(|version| event(session, version)).collect(),
        head: None,
        messages: Vec::new(),
    }
}

/// A part of one event that begins an action.
pub(crate) fn acting(shard: u16, epoch: u64, session: SessionId, after: u64, id: u128) -> Part {
    let mut part = part(shard, epoch, session, after, 1);
    part.events[0].action = Some(action(id));
    part.events[0].actor = Some(player(1));
    part
}

/// Raises shards from epoch 0 to 1.
pub(crate) async fn own(journal: &dyn Journal, shards: &[u16]) {
    let wanted: Vec<_> = shards.iter().map(|shard| (Shard(*shard), Epoch(0))).collect();
    let (raised, _) = journal.raise(&wanted, (&node("a"), Incarnation(1))).await.expect("raise");
    let mut expected: Vec<_> = shards.iter().map(|shard| (Shard(*shard), Epoch(1))).collect();
    expected.sort_unstable();
    assert_eq!(raised, expected);
}

/// Appends and gives the verdicts: None is committed.
pub(crate) async fn append(journal: &dyn Journal, parts: Vec<Part>) -> Vec<Option<PartRefusal>> {
    let sent = parts.clone();
    verdicts(sent, journal.append(parts).await.expect("append"))
}

/// The verdicts, after checking that each is on the part that was sent in its place.
pub(crate) fn verdicts(sent: Vec<Part>, appended: Vec<Appended>) -> Vec<Option<PartRefusal>> {
    assert_eq!(sent.len(), appended.len());
    let verdict = |(sent, appended): (Part, Appended)| match appended {
        Appended::Committed(committed) => {
            assert_eq!(*committed.part(), sent);
            None
        }
        Appended::Refused(part, refusal) => {
            assert_eq!(part, sent);
            Some(refusal)
        }
    };
    sent.into_iter().zip(appended).map(verdict).collect()
}

/// Versions of a session in the journal.
pub(crate) async fn versions(journal: &dyn Journal, session: SessionId) -> Vec<u64> {
    let events = journal.events(session, Version::ZERO, 1_000).await.expect("events");
    events.iter().map(|event| event.version.0).collect()
}
