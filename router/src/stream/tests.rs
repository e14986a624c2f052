//! Every execution of SAFETY S4 with its exact steps, then random ones.

use gss_shared::ids::EventId;
use gss_shared::message::{Audience, Variant};
use gss_shared::time::Timestamp;

use super::*;

mod random;

/// Position of version `v` in history `h`.
pub(crate) fn at(h: u128, v: u64) -> Position {
    match v {
        0 => Position::START,
        _ => Position {
            version: Version(v),
            event: EventId(uuid::Uuid::from_u128(h << 64 | u128::from(v))),
        },
    }
}

/// Message `v` of history `h`, for everybody.
pub(crate) fn message(h: u128, v: u64) -> Message {
    Message {
        position: at(h, v),
        after: at(h, v - 1),
        at: Timestamp(0),
        variants: vec![Variant {
            audience: Audience::All,
            head: format!(r#"{{"type":"t","data":{{"version":"{v}""#),
        }],
        effects: Vec::new(),
    }
}

struct Bench {
    stream: Stream,
    now: Instant,
}

impl Bench {
    /// A stream of history 1 that has delivered up to `v`.
    fn at(v: u64) -> Self {
        let mut bench = Self { stream: Stream::default(), now: Instant::now() };
        assert_eq!(bench.start(1, v), []);
        bench
    }

    fn run(&mut self, input: impl FnOnce(&mut Stream, Instant, &mut Vec<Step>)) -> Vec<Step> {
        let mut steps = Vec::new();
        input(&mut self.stream, self.now, &mut steps);
        steps
    }

    fn start(&mut self, h: u128, v: u64) -> Vec<Step> {
        self.run(|stream, now, steps| stream.start(at(h, v), now, steps))
    }

    fn offer(&mut self, h: u128, v: u64) -> Vec<Step> {
        self.run(|stream, now, steps| stream.offer(Arc::new(message(h, v)), now, steps))
    }

    fn told(&mut self, h: u128, v: u64, urgency: Urgency) -> Vec<Step> {
        self.run(|stream, now, steps| stream.told(at(h, v), urgency, now, steps))
    }

    fn taken_over(&mut self, h: u128, v: u64) -> Vec<Step> {
        self.run(|stream, now, steps| stream.taken_over(at(h, v), now, steps))
    }

    fn fetched(&mut self, outcome: FetchOutcome) -> Vec<Step> {
        self.run(|stream, now, steps| stream.fetched(outcome, now, steps))
    }

    fn later(&mut self, time: Duration) -> Vec<Step> {
        self.now += time;
        self.run(Stream::tick)
    }
}

fn deliver(v: u64) -> Step {
    Step::Deliver(Arc::new(message(1, v)))
}

fn fetch(v: u64) -> Step {
    Step::Fetch { after: at(1, v) }
}

fn tail(versions: std::ops::RangeInclusive<u64>, more: bool) -> FetchOutcome {
    FetchOutcome::Tail { messages: versions.map(|v| message(1, v)).collect(), more }
}

fn nothing() -> FetchOutcome {
    FetchOutcome::Tail { messages: Vec::new(), more: false }
}

#[test]
fn the_successor_is_delivered_and_repeats_are_dropped() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.offer(1, 101), [deliver(101)]);
    for v in [99, 100, 101] {
        assert_eq!(bench.offer(1, v), [], "{v}");
    }
    assert_eq!(bench.stream.due(), None);
}

#[test]
fn what_is_ahead_waits_for_the_missing() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.offer(1, 103), []);
    assert_eq!(bench.offer(1, 102), []);
    assert_eq!(bench.stream.due(), Some(bench.now + GAP_GRACE));
    assert_eq!(bench.offer(1, 101), [deliver(101), deliver(102), deliver(103)]);
    assert_eq!(bench.stream.due(), None);
    assert_eq!(bench.later(GAP_GRACE), []);
}

#[test]
fn what_stays_missing_is_fetched_once() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.offer(1, 102), []);
    assert_eq!(bench.later(GAP_GRACE), [fetch(100)]);
    assert_eq!(bench.offer(1, 103), []);
    assert_eq!(bench.later(GAP_GRACE), [], "one is under way");
    let steps = bench.fetched(tail(101..=102, false));
    assert_eq!(steps, [deliver(101), deliver(102), deliver(103)]);
    assert_eq!(bench.stream.due(), None);
}

#[test]
fn a_long_tail_is_fetched_in_parts() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.told(1, 104, Urgency::Now), [fetch(100)]);
    let steps = bench.fetched(tail(101..=102, true));
    assert_eq!(steps, [deliver(101), deliver(102), fetch(102)]);
    assert_eq!(bench.fetched(tail(103..=104, false)), [deliver(103), deliver(104)]);
    assert_eq!(bench.stream.due(), None);
}

#[test]
fn a_lost_last_message_is_fetched_when_a_beat_tells_it() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.told(1, 101, Urgency::Soon), []);
    assert_eq!(bench.later(GAP_GRACE), [fetch(100)]);
    assert_eq!(bench.fetched(tail(101..=101, false)), [deliver(101)]);
    assert_eq!(bench.told(1, 101, Urgency::Soon), []);
    assert_eq!(bench.told(1, 100, Urgency::Soon), [], "an old beat");
    assert_eq!(bench.stream.due(), None);
}

#[test]
fn a_publish_without_its_body_is_fetched_at_once() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.told(1, 101, Urgency::Now), [fetch(100)]);
}

#[test]
fn another_event_at_a_delivered_version_diverges() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.offer(2, 100), [Step::Diverged]);
    assert_eq!(bench.stream.last(), None);
}

#[test]
fn a_successor_of_another_event_diverges() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.offer(2, 101), [Step::Diverged]);
}

#[test]
fn a_beat_of_another_history_diverges() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.told(2, 100, Urgency::Soon), [Step::Diverged]);
}

#[test]
fn a_position_that_is_gone_diverges() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.told(1, 101, Urgency::Now), [fetch(100)]);
    assert_eq!(bench.fetched(FetchOutcome::Gone { head: at(2, 90) }), [Step::Diverged]);
}

#[test]
fn after_a_divergence_everything_waits_for_the_snapshot() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.offer(2, 100), [Step::Diverged]);
    assert_eq!(bench.offer(2, 101), []);
    assert_eq!(bench.offer(2, 102), []);
    assert_eq!(bench.later(Duration::from_secs(1)), []);
    let second = |v| Step::Deliver(Arc::new(message(2, v)));
    assert_eq!(bench.start(2, 100), [second(101), second(102)]);
}

#[test]
fn a_takeover_fetches_whatever_differs() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.taken_over(1, 100), []);
    assert_eq!(bench.taken_over(1, 102), [fetch(100)]);
    assert_eq!(bench.fetched(tail(101..=102, false)), [deliver(101), deliver(102)]);
    // The new owner lost the tail: only the fetch can tell (S3).
    assert_eq!(bench.taken_over(2, 90), [fetch(102)]);
    assert_eq!(bench.fetched(FetchOutcome::Gone { head: at(2, 90) }), [Step::Diverged]);
}

#[test]
fn a_takeover_s_head_may_be_older_than_what_came_meanwhile() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.offer(1, 101), [deliver(101)]);
    assert_eq!(bench.taken_over(1, 100), [fetch(101)]);
    assert_eq!(bench.fetched(nothing()), []);
    assert_eq!(bench.stream.last(), Some(at(1, 101)));
}

#[test]
fn an_owner_that_cannot_answer_is_asked_again_later_and_later() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.told(1, 101, Urgency::Now), [fetch(100)]);
    assert_eq!(bench.fetched(FetchOutcome::Unavailable), []);
    assert_eq!(bench.later(RETRY), [fetch(100)]);
    assert_eq!(bench.fetched(FetchOutcome::Unavailable), []);
    assert_eq!(bench.later(RETRY), []);
    assert_eq!(bench.later(RETRY), [fetch(100)]);
    assert_eq!(bench.fetched(tail(101..=101, false)), [deliver(101)]);
}

#[test]
fn what_no_journal_holds_is_dropped_in_the_end() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.offer(2, 110), []);
    let mut fetches = 0;
    for _ in 0..1_000 {
        for step in bench.later(RETRY) {
            assert_eq!(step, fetch(100));
            fetches += 1;
            assert_eq!(bench.fetched(nothing()), []);
        }
    }
    assert_eq!(fetches, FRUITLESS);
    assert_eq!(bench.offer(1, 101), [deliver(101)]);
}

#[test]
fn two_histories_at_one_version_ahead_are_settled_by_the_fetch() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.offer(2, 102), []);
    assert_eq!(bench.offer(1, 101), [deliver(101)], "the held one does not fit onto it");
    assert_eq!(bench.later(GAP_GRACE), [fetch(101)]);
    assert_eq!(bench.fetched(tail(102..=102, false)), [deliver(102)]);
}

#[test]
fn what_is_held_is_bounded_and_the_nearest_is_kept() {
    let mut bench = Bench::at(0);
    for v in 2..4_000 {
        assert_eq!(bench.offer(1, v), []);
    }
    assert_eq!(bench.stream.held.len(), HELD_MESSAGES);
    let last_held = 1 + HELD_MESSAGES as u64;
    let steps = bench.offer(1, 1);
    assert_eq!(steps.len(), 1 + HELD_MESSAGES);
    assert_eq!(bench.stream.last(), Some(at(1, last_held)));
    assert_eq!(bench.later(GAP_GRACE), [fetch(last_held)], "the dropped ones are known of");
}

#[test]
fn a_late_answer_to_a_forgotten_fetch_does_no_harm() {
    let mut bench = Bench::at(100);
    assert_eq!(bench.fetched(tail(99..=100, false)), []);
    assert_eq!(bench.stream.last(), Some(at(1, 100)));
}
