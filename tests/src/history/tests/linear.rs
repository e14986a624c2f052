//! Faults in histories of registers; the search beside the tester of `stateright`.

mod made;

use std::time::Duration;

use gss_shared::ids::{PlayerId, SessionId};
use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use stateright::semantics::{ConsistencyTester as _, LinearizabilityTester, SequentialSpec};
use tokio::time::Instant;
use uuid::Uuid;

use self::made::Made;
use super::table::{ARIA, BREN, GM, SESSION};
use super::{found, names};
use crate::history::linear::{Op, Operation, Outcome, check, count};

/// Operations in the order they are told; times are milliseconds.
struct Told {
    start: Instant,
    operations: Vec<Operation>,
}

impl Told {
    fn new() -> Self {
        Self { start: Instant::now(), operations: Vec::new() }
    }

    fn tell(&mut self, process: PlayerId, from: u64, to: u64, op: Op, outcome: Outcome) {
        let at = |ms| self.start + Duration::from_millis(ms);
        self.operations.push(Operation {
            session: SESSION,
            key: "/shared/r".to_owned(),
            process,
            invoke: at(from),
            returned: (outcome != Outcome::Unknown).then(|| at(to)),
            op,
            outcome,
        });
    }

    fn write(&mut self, process: PlayerId, from: u64, to: u64, value: u64) {
        self.tell(process, from, to, Op::Write(json!(value)), Outcome::Done);
    }

    fn read(&mut self, process: PlayerId, from: u64, to: u64, value: u64) {
        self.tell(process, from, to, Op::Read, Outcome::Saw(json!(value)));
    }

    fn cas(&mut self, process: PlayerId, from: u64, to: u64, values: (u64, u64), outcome: Outcome) {
        let (previous, value) = (json!(values.0), json!(values.1));
        self.tell(process, from, to, Op::Cas { previous, value }, outcome);
    }

    #[track_caller]
    fn is_right(&self) {
        found(&check(&self.operations), &[]);
    }

    #[track_caller]
    fn is_wrong(&self, process: PlayerId, line: &str, origin: &str) {
        let violations = check(&self.operations);
        let start = format!(
            "session {SESSION}, player {process}: /shared/r is not linearizable: {process} {line}"
        );
        names(&violations, &start, origin);
        assert_eq!(violations.len(), 1, "{violations:#?}");
    }
}

/// ARIA writes 1, then 2 while BREN reads both.
fn right() -> Told {
    let mut told = Told::new();
    told.tell(BREN, 0, 1, Op::Read, Outcome::Saw(Value::Null));
    told.write(ARIA, 2, 4, 1);
    told.write(ARIA, 10, 20, 2);
    told.read(BREN, 11, 12, 1);
    told.read(BREN, 13, 14, 2);
    told
}

#[test]
fn right_histories() {
    let mut told = right();
    told.cas(GM, 15, 22, (2, 3), Outcome::Done);
    told.cas(BREN, 15, 30, (2, 4), Outcome::Conflict(json!(3)));
    told.cas(ARIA, 21, 30, (3, 5), Outcome::Refused("forbidden".to_owned()));
    told.tell(BREN, 31, 32, Op::Read, Outcome::Refused("unavailable".to_owned()));
    told.read(GM, 31, 32, 3);
    told.is_right();
    assert_eq!(
        count(&told.operations).into_iter().collect::<Vec<_>>(),
        [
            ("compare-and-set", 1),
            ("conflict", 1),
            ("read", 4),
            ("read untold", 1),
            ("refused", 1),
            ("write", 2)
        ]
    );
}

#[test]
fn a_stale_read() {
    let mut told = right();
    told.read(GM, 21, 23, 1);
    told.is_wrong(
        GM,
        "reads (0.0210–0.0230 s): 1, where it can hold 2;",
        &format!("1 is of: {ARIA} writes 1 (0.0020–0.0040 s): done"),
    );
}

#[test]
fn two_reads_that_go_back() {
    let mut told = right();
    told.read(GM, 15, 16, 1);
    told.is_wrong(GM, "reads (0.0150–0.0160 s): 1, where it can hold 2;", "1 is of: ");
}

#[test]
fn a_lost_update() {
    let mut told = right();
    told.cas(GM, 21, 23, (2, 3), Outcome::Done);
    told.cas(ARIA, 24, 25, (2, 4), Outcome::Conflict(json!(2)));
    told.is_wrong(ARIA, "sets 4 if 2 (0.0240–0.0250 s): conflict, 2 is there", "2 is of: ");
    told.operations.pop();
    told.read(BREN, 24, 25, 2);
    told.is_wrong(BREN, "reads (0.0240–0.0250 s): 2, where it can hold 3;", "2 is of: ");
}

#[test]
fn a_compare_and_set_that_succeeded_twice() {
    let mut told = right();
    told.cas(GM, 21, 30, (2, 3), Outcome::Done);
    told.cas(BREN, 22, 31, (2, 4), Outcome::Done);
    told.is_wrong(
        BREN,
        "sets 4 if 2 (0.0220–0.0310 s): done, where it can hold 3;",
        &format!("{GM} sets 3 if 2 (0.0210–0.0300 s): done"),
    );
}

#[test]
fn a_conflict_with_what_was_expected() {
    let mut told = right();
    told.cas(GM, 21, 23, (2, 3), Outcome::Conflict(json!(2)));
    told.is_wrong(GM, "sets 3 if 2 (0.0210–0.0230 s): conflict, 2 is there", "can hold 2;");
}

#[test]
fn a_refused_write_that_took_effect() {
    let mut told = right();
    told.tell(GM, 21, 23, Op::Write(json!(3)), Outcome::Refused("session_paused".to_owned()));
    told.read(BREN, 30, 31, 3);
    told.is_wrong(
        BREN,
        "reads (0.0300–0.0310 s): 3, where it can hold 2;",
        &format!("3 is of: {GM} writes 3 (0.0210–0.0230 s): refused as session_paused;"),
    );
}

#[test]
fn a_read_of_what_is_written_later() {
    let mut told = right();
    told.read(BREN, 21, 22, 3);
    told.write(ARIA, 23, 25, 3);
    told.is_wrong(
        BREN,
        "reads (0.0210–0.0220 s): 3, where it can hold 2;",
        &format!("3 is of: {ARIA} writes 3 (0.0230–0.0250 s): done"),
    );
    let write = told.operations.last_mut().expect("a write");
    (write.outcome, write.returned) = (Outcome::Unknown, None);
    told.is_wrong(BREN, "reads (0.0210–0.0220 s): 3, where it can hold 2;", "nobody knows");
}

#[test]
fn a_read_of_what_nobody_wrote() {
    let mut told = right();
    told.read(BREN, 21, 22, 9);
    told.is_wrong(BREN, "reads (0.0210–0.0220 s): 9, where it can hold 2;", "nobody wrote 9");
}

#[test]
fn what_nobody_knows_takes_effect_once_at_any_time_or_never() {
    let mut told = right();
    told.tell(GM, 15, 0, Op::Write(json!(3)), Outcome::Unknown);
    told.tell(GM, 16, 0, Op::Cas { previous: json!(3), value: json!(4) }, Outcome::Unknown);
    told.is_right();
    told.read(BREN, 30, 31, 2);
    told.is_right();
    told.read(BREN, 40, 41, 4);
    told.is_right();
    told.read(ARIA, 42, 43, 3);
    told.is_wrong(ARIA, "reads (0.0420–0.0430 s): 3, where it can hold 4;", "nobody knows");
}

#[test]
fn a_hundred_that_nobody_knows_are_no_burden() {
    let mut told = right();
    for value in 100..200 {
        told.tell(GM, 15, 0, Op::Write(json!(value)), Outcome::Unknown);
    }
    for value in (101..200).step_by(2) {
        told.read(BREN, 100 + value, 101 + value, value);
    }
    told.is_right();
    told.read(ARIA, 400, 401, 101);
    told.is_wrong(ARIA, "reads (0.4000–0.4010 s): 101, where it can hold 199;", "nobody knows");
}

#[test]
fn registers_and_sessions_are_judged_apart() {
    let mut told = right();
    let other = SessionId(Uuid::from_u128(7));
    for (session, key) in [(SESSION, "/shared/s"), (other, "/shared/r")] {
        let mut copies = right().operations;
        copies.iter_mut().for_each(|copy| (copy.session, copy.key) = (session, key.to_owned()));
        told.operations.extend(copies);
    }
    told.is_right();
    let last = told.operations.last_mut().expect("an operation");
    last.outcome = Outcome::Saw(Value::Null);
    let violations = check(&told.operations);
    let start = format!("session {other}, player {BREN}: /shared/r is not linearizable");
    names(&violations, &start, "null is what was there at first");
    assert_eq!(violations.len(), 1);
}

#[test]
fn long_histories_are_judged_whole() {
    let mut random = SmallRng::seed_from_u64(7);
    let mut made = Made { clients: 5, operations: 5_000, unknown: 0.02 }.make(&mut random);
    found(&check(&made), &[]);
    assert!(count(&made).values().all(|count| *count > 50), "{:?}", count(&made));
    // The last read is made to see what an early one saw.
    let reads: Vec<usize> =
        (0..made.len()).filter(|at| matches!(made[*at].outcome, Outcome::Saw(_))).collect();
    made[*reads.last().expect("reads")].outcome = made[reads[0]].outcome.clone();
    assert_eq!(check(&made).len(), 1);
}

/// A register as `stateright` wants it.
#[derive(Clone)]
struct Register(Value);

impl SequentialSpec for Register {
    type Op = Op;
    type Ret = Outcome;

    fn invoke(&mut self, op: &Op) -> Outcome {
        match op {
            Op::Read => Outcome::Saw(self.0.clone()),
            Op::Cas { previous, .. } if *previous != self.0 => Outcome::Conflict(self.0.clone()),
            Op::Write(value) | Op::Cas { value, .. } => {
                self.0 = value.clone();
                Outcome::Done
            }
        }
    }
}

/// What `stateright` says of operations on one register. Each is a thread of its own: the tester
/// knows then who precedes whom, and one of unknown outcome stays open.
fn is_linearizable(operations: &[Operation]) -> bool {
    let mut events = Vec::new();
    for (thread, operation) in operations.iter().enumerate() {
        events.push((operation.invoke, false, thread));
        if let Some(returned) = operation.returned {
            events.push((returned, true, thread));
        }
    }
    events.sort_unstable();
    let mut tester = LinearizabilityTester::new(Register(Value::Null));
    for (_, is_answer, thread) in events {
        let Operation { op, outcome, .. } = &operations[thread];
        let told = match (is_answer, outcome) {
            (_, Outcome::Refused(_)) => continue,
            (true, Outcome::Unknown) => continue,
            (false, _) => tester.on_invoke(thread, op.clone()),
            (true, _) => tester.on_return(thread, outcome.clone()),
        };
        told.expect("a history");
    }
    tester.is_consistent()
}

/// Changes what somebody was told, or when.
fn spoil(made: &mut [Operation], random: &mut SmallRng) {
    let (at, other) = (random.random_range(0..made.len()), random.random_range(0..made.len()));
    let value = match &made[other].op {
        Op::Read => Value::Null,
        Op::Write(value) | Op::Cas { value, .. } => value.clone(),
    };
    let later = made[other].invoke;
    let one = &mut made[at];
    match (&one.op, random.random_range(0..3)) {
        (Op::Read, 0 | 1) => one.outcome = Outcome::Saw(value),
        (Op::Cas { .. }, 0) if one.returned.is_some() => one.outcome = Outcome::Conflict(value),
        (Op::Cas { .. } | Op::Write(_), 1) if one.returned.is_some() => one.outcome = Outcome::Done,
        _ if one.returned.is_none_or(|returned| later <= returned) => one.invoke = later,
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_search_agrees_with_stateright(seed: u64, operations in 1..9_usize, spoils in 0..4_usize) {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut made = Made { clients: 3, operations, unknown: 0.25 }.make(&mut random);
        for _ in 0..spoils {
            spoil(&mut made, &mut random);
        }
        let silent = check(&made).is_empty();
        prop_assert_eq!(silent, is_linearizable(&made), "{:#?}", made);
        prop_assert!(silent || spoils > 0);
    }
}
