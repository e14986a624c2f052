//! Pauses and waits of made histories.

use gss_shared::ids::{ActionId, Epoch, EventId, PlayerId, Version};
use serde_json::Value;
use uuid::Uuid;

use super::*;

const TABLE: SessionId = SessionId(Uuid::from_u128(1));

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Commands of one client, each due at and answered after so many milliseconds, committed under
/// this epoch; 0: refused.
fn outcome(start: Instant, commands: &[(u64, u64, u64)]) -> Outcome {
    let mut history = History::new(TABLE, PlayerId(Uuid::from_u128(2)));
    let mut journal = Vec::new();
    for (version, (due, wait, epoch)) in (1..).zip(commands) {
        let (version, at) = (Version(version), start + ms(*due));
        let fate = match epoch {
            0 => Fate::Refused("forbidden".to_owned()),
            _ => Fate::Acknowledged(version),
        };
        history.sent.push(Sent {
            action: ActionId(Uuid::from_u128(version.0.into())),
            frame: Value::Null,
            at,
            answered: Some(at + ms(*wait)),
            fate,
        });
        journal.push(event(version, Epoch(*epoch)));
    }
    Outcome {
        histories: vec![history],
        guests: Vec::new(),
        calls: BTreeMap::new(),
        journals: BTreeMap::from([(TABLE, journal)]),
        ownership: Ownership::default(),
    }
}

fn event(version: Version, epoch: Epoch) -> JournalEvent {
    JournalEvent {
        version,
        id: EventId(Uuid::from_u128(version.0.into())),
        epoch,
        action: None,
        actor: None,
        event_type: String::new(),
        data: String::new(),
        audience: String::new(),
        at: Timestamp(0),
    }
}

#[test]
fn a_pause_is_what_waited_around_the_first_answer_of_the_next_owner() {
    let start = Instant::now();
    let commands = [
        (0, 20, 3),        // before the drain
        (1_000, 300, 3),   // slow, and long before the handoff
        (2_000, 90, 0),    // resent and refused by the next owner
        (2_050, 60, 4),    // its first acknowledgement, at 2,110
        (2_610, 70, 4),    // the last that counts
        (2_611, 400, 4),   // slow, and long after
        (9_000, 1_000, 5), // the next handoff
    ];
    let outcome = outcome(start, &commands);
    let other = SessionId(Uuid::from_u128(9));
    assert_eq!(outcome.handoff_pauses(&[TABLE, other], start + ms(500)), [ms(90)]);
    assert_eq!(outcome.handoff_pauses(&[TABLE], start + ms(4_000)), [ms(1_000)]);
    let none: [Duration; 0] = [];
    assert_eq!(outcome.handoff_pauses(&[TABLE], start + ms(11_000)), none, "no owner is newer");
    assert_eq!(outcome.handoff_pauses(&[TABLE], start), none, "nobody knows who owned it before");
}

#[test]
fn a_pause_is_looked_for_half_a_second_around_that_answer() {
    let start = Instant::now();
    let before = |wait| [(0, 20, 3), (1_000, wait, 3), (2_000, 100, 4)];
    let pause = |commands: &[(u64, u64, u64)]| {
        outcome(start, commands).handoff_pauses(&[TABLE], start + ms(500))
    };
    assert_eq!(pause(&before(600)), [ms(600)]);
    assert_eq!(pause(&before(599)), [ms(100)]);
    let after = |due| [(0, 20, 3), (2_000, 100, 4), (due, 700, 4)];
    assert_eq!(pause(&after(2_600)), [ms(700)]);
    assert_eq!(pause(&after(2_601)), [ms(100)]);
}

#[test]
fn the_longest_answer_is_that_of_what_was_due_in_the_span() {
    let start = Instant::now();
    let outcome = outcome(start, &[(0, 500, 3), (100, 30, 0), (200, 40, 3), (300, 600, 3)]);
    assert_eq!(outcome.longest_answers(&[TABLE], start + ms(1), start + ms(299)), [ms(40)]);
    assert_eq!(outcome.longest_answers(&[TABLE], start, start + ms(300)), [ms(600)]);
}

#[test]
fn the_first_answer_after_a_moment_is_an_acknowledgement_of_what_was_due_later() {
    let start = Instant::now();
    let outcome = outcome(start, &[(0, 500, 3), (100, 30, 0), (200, 40, 3), (300, 600, 3)]);
    assert_eq!(outcome.first_answer_after(TABLE, start + ms(100)), Some(ms(140)));
    assert_eq!(outcome.first_answer_after(TABLE, start + ms(301)), None);
}
