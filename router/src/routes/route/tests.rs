//! Every execution of SAFETY S9, S10 and S14 at a router, with the exact frames.

use std::time::Duration;

use gss_shared::ids::Position;
use gss_shared::link::frame::Outcome;
use uuid::Uuid;

use super::*;

const BUDGET: Duration = Duration::from_secs(10);

/// Text, route number and owners outlived of what was sent.
type Went = Vec<(String, u64, u8)>;
/// Number and reason of what was given up.
type Given = Vec<(u64, GivenUp)>;

struct Bench {
    route: Route,
    now: Instant,
    sent: Vec<CommandFrame>,
    room: usize,
}

fn session() -> SessionId {
    SessionId(Uuid::from_u128(7))
}

fn connection(n: u128) -> ConnectionId {
    ConnectionId(Uuid::from_u128(n))
}

impl Bench {
    fn new() -> Self {
        Self { route: Route::default(), now: Instant::now(), sent: Vec::new(), room: usize::MAX }
    }

    fn command(&self, from: u128, seq: u64) -> Pending {
        let sender = (Some(connection(from)), seq, PlayerId(Uuid::from_u128(from)));
        let action = Some(ActionId(Uuid::from_u128(u128::from(seq))));
        let body = CommandBody::Frame(format!("{from}:{seq}"));
        Pending::new(sender, body, action, (self.now, self.now + BUDGET))
    }

    fn push(&mut self, from: u128, seq: u64) {
        self.route.push(self.command(from, seq));
    }

    /// Sends to the owner of this epoch.
    fn pump(&mut self, epoch: u64) -> (Went, Given) {
        self.pump_to(epoch, true)
    }

    fn pump_to(&mut self, epoch: u64, announced: bool) -> (Went, Given) {
        let to = To { epoch: Epoch(epoch), announced, beat_seen: 40 + epoch };
        let (sent, room) = (&mut self.sent, &mut self.room);
        let pumped = self.route.pump(session(), to, self.now, |frame| {
            let fits = *room > 0;
            if fits {
                *room -= 1;
                sent.push(frame);
            }
            fits
        });
        let went = self.sent.drain(..).map(|frame| {
            assert_eq!((frame.session, frame.beat_seen), (session(), 40 + epoch));
            let CommandBody::Frame(text) = frame.body else { panic!("a frame") };
            (text, frame.route, frame.outlived)
        });
        let given_up = pumped.given_up.into_iter().map(|(c, reason)| (c.seq, reason));
        (went.collect(), given_up.collect())
    }

    fn answer(&mut self, from: u128, seq: u64, route: u64) -> Option<u64> {
        let answer = AnswerFrame {
            session: session(),
            connection: Some(connection(from)),
            seq,
            route,
            action: None,
            outcome: Outcome::Accepted {
                position: Position::START,
                at: gss_shared::time::Timestamp(0),
                duplicate: false,
                view: None,
            },
        };
        self.route.answered(&answer).map(|command| command.seq)
    }
}

fn went(all: &[(&str, u64, u8)]) -> Went {
    all.iter().map(|(text, route, outlived)| ((*text).to_owned(), *route, *outlived)).collect()
}

#[test]
fn commands_go_once_in_the_order_they_came() {
    let mut bench = Bench::new();
    bench.push(1, 1);
    bench.push(2, 1);
    bench.push(1, 2);
    let sent = went(&[("1:1", 0, 0), ("2:1", 0, 0), ("1:2", 0, 0)]);
    assert_eq!(bench.pump(5), (sent, Vec::new()));
    assert_eq!(bench.pump(5), (Vec::new(), Vec::new()));
    assert_eq!(bench.answer(1, 1, 0), Some(1));
    assert_eq!(bench.answer(1, 1, 0), None, "answered already");
    assert_eq!(bench.answer(3, 1, 0), None, "nobody's");
    assert_eq!(bench.route.len(), 2);
}

#[test]
fn a_reroute_sends_all_unanswered_again_from_the_oldest() {
    let mut bench = Bench::new();
    bench.push(1, 1);
    bench.push(1, 2);
    bench.pump(5);
    // c3 was not sent when the route changed: it must not overtake c1 and c2.
    bench.push(1, 3);
    bench.route.go_back();
    let sent = went(&[("1:1", 1, 0), ("1:2", 1, 0), ("1:3", 1, 0)]);
    assert_eq!(bench.pump(6), (sent, Vec::new()));
}

#[test]
fn answers_of_an_older_route_are_ignored() {
    let mut bench = Bench::new();
    bench.push(1, 1);
    bench.pump(5);
    bench.route.go_back();
    assert_eq!(bench.answer(1, 1, 0), None, "late, and not sent anew yet");
    bench.pump(6);
    assert_eq!(bench.answer(1, 1, 0), None, "late");
    assert_eq!(bench.answer(1, 1, 1), Some(1));
    assert!(bench.route.is_empty());
}

#[test]
fn a_redirect_in_circles_waits() {
    let mut bench = Bench::new();
    bench.push(1, 1);
    bench.pump(5);
    bench.route.go_back_at(bench.now + Duration::from_millis(50));
    bench.now += Duration::from_millis(49);
    assert_eq!(bench.pump(5), (Vec::new(), Vec::new()));
    bench.now += Duration::from_millis(1);
    assert_eq!(bench.pump(5), (went(&[("1:1", 1, 0)]), Vec::new()));
}

#[test]
fn news_of_the_owner_end_the_wait_of_a_redirect() {
    let mut bench = Bench::new();
    bench.push(1, 1);
    bench.pump(5);
    bench.route.go_back_at(bench.now + Duration::from_millis(50));
    bench.route.go_back();
    assert_eq!(bench.pump(6), (went(&[("1:1", 2, 0)]), Vec::new()));
}

#[test]
fn a_command_outlives_one_owner_and_is_given_up_with_the_second() {
    let mut bench = Bench::new();
    bench.push(1, 1);
    bench.pump(5);
    bench.push(1, 2);
    bench.route.orphan();
    assert_eq!(bench.pump(6), (went(&[("1:1", 1, 1), ("1:2", 1, 0)]), Vec::new()));
    bench.route.orphan();
    let expected = (went(&[("1:2", 2, 1)]), vec![(1, GivenUp::Outlived)]);
    assert_eq!(bench.pump(7), expected);
}

#[test]
fn a_link_that_broke_while_its_owner_lives_is_no_death() {
    let mut bench = Bench::new();
    bench.push(1, 1);
    bench.pump(5);
    for route in 1..5 {
        bench.route.orphan();
        assert_eq!(bench.pump(5), (went(&[("1:1", route, 0)]), Vec::new()));
    }
}

#[test]
fn a_handoff_is_no_death() {
    let mut bench = Bench::new();
    bench.push(1, 1);
    for (route, epoch) in (0..5).zip(5..) {
        assert_eq!(bench.pump(epoch), (went(&[("1:1", route, 0)]), Vec::new()));
        bench.route.go_back();
    }
}

#[test]
fn what_cannot_be_deduplicated_is_not_sent_to_a_second_owner() {
    let mut bench = Bench::new();
    let mut command = bench.command(1, 1);
    command.action = None;
    bench.route.push(command);
    let mut ephemeral = bench.command(1, 2);
    ephemeral.ephemeral = true;
    bench.route.push(ephemeral);
    bench.pump(5);
    bench.route.orphan();
    let expected = vec![(1, GivenUp::Outlived), (2, GivenUp::Ephemeral)];
    assert_eq!(bench.pump(6), (Vec::new(), expected));
    assert!(bench.route.is_empty());
}

#[test]
fn without_an_action_only_the_one_that_was_refused_goes_to_another() {
    let mut bench = Bench::new();
    for seq in 1..=2 {
        let mut command = bench.command(1, seq);
        command.action = None;
        bench.route.push(command);
    }
    bench.pump(5);
    let refusal = AnswerFrame {
        session: session(),
        connection: Some(connection(1)),
        seq: 1,
        route: 0,
        action: None,
        outcome: Outcome::NotOwner { epoch: Epoch(6), owner: None },
    };
    assert!(bench.route.refused(&refusal));
    bench.route.go_back();
    assert!(!bench.route.refused(&refusal), "of the older route");
    assert_eq!(bench.pump(6), (went(&[("1:1", 1, 0)]), vec![(2, GivenUp::Outlived)]));
}

#[test]
fn one_that_did_not_announce_itself_gets_one_at_a_time() {
    let mut bench = Bench::new();
    for seq in 1..=3 {
        bench.push(1, seq);
    }
    assert_eq!(bench.pump_to(5, false), (went(&[("1:1", 0, 0)]), Vec::new()));
    assert_eq!(bench.pump_to(5, false), (Vec::new(), Vec::new()));
    assert_eq!(bench.answer(1, 1, 0), Some(1));
    assert_eq!(bench.pump_to(5, false), (went(&[("1:2", 0, 0)]), Vec::new()));
    bench.route.go_back();
    assert_eq!(bench.pump(5), (went(&[("1:2", 1, 0), ("1:3", 1, 0)]), Vec::new()));
}

#[test]
fn nobody_answers_in_time() {
    let mut bench = Bench::new();
    bench.push(1, 1);
    bench.pump(5);
    bench.now += BUDGET / 2;
    bench.push(1, 2);
    bench.now += BUDGET / 2;
    let late: Vec<u64> = bench.route.expire(bench.now).iter().map(|command| command.seq).collect();
    assert_eq!(late, [1]);
    assert_eq!(bench.answer(1, 1, 0), None, "too late");
    assert_eq!(bench.pump(5), (went(&[("1:2", 0, 0)]), Vec::new()));
    assert_eq!(bench.answer(1, 2, 0), Some(2));
}

#[test]
fn the_budget_shrinks_with_the_time_waited() {
    let mut bench = Bench::new();
    bench.push(1, 1);
    bench.now += Duration::from_secs(4);
    let to = To { epoch: Epoch(5), announced: true, beat_seen: 0 };
    let mut budgets = Vec::new();
    bench.route.pump(session(), to, bench.now, |frame| {
        budgets.push(frame.budget_ms);
        true
    });
    assert_eq!(budgets, [6_000]);
}

#[test]
fn a_closed_connection_s_commands_are_not_sent_again() {
    let mut bench = Bench::new();
    bench.push(1, 1);
    bench.push(2, 1);
    bench.push(1, 2);
    bench.pump(5);
    bench.route.leave(connection(1));
    assert_eq!(bench.answer(1, 1, 0), None);
    bench.route.go_back();
    assert_eq!(bench.pump(6), (went(&[("2:1", 1, 0)]), Vec::new()));
}

#[test]
fn credit_bounds_what_an_owner_has() {
    let mut bench = Bench::new();
    for seq in 1..=300 {
        bench.push(1, seq);
    }
    assert_eq!(bench.pump(5).0.len(), limits::SESSION_CREDIT);
    assert_eq!(bench.pump(5).0.len(), 0);
    assert_eq!(bench.answer(1, 1, 0), Some(1));
    assert_eq!(bench.pump(5).0, went(&[("1:257", 0, 0)]));
}

#[test]
fn what_finds_no_room_on_the_link_is_sent_later_in_order() {
    let mut bench = Bench::new();
    for seq in 1..=3 {
        bench.push(1, seq);
    }
    bench.room = 1;
    assert_eq!(bench.pump(5).0, went(&[("1:1", 0, 0)]));
    assert!(bench.route.has_unsent());
    bench.room = usize::MAX;
    assert_eq!(bench.pump(5).0, went(&[("1:2", 0, 0), ("1:3", 0, 0)]));
}

#[test]
fn an_owner_s_death_counts_once_however_often_the_link_is_full() {
    let mut bench = Bench::new();
    bench.push(1, 1);
    bench.pump(5);
    bench.route.orphan();
    bench.room = 0;
    for _ in 0..5 {
        assert_eq!(bench.pump(6), (Vec::new(), Vec::new()));
    }
    bench.room = 1;
    assert_eq!(bench.pump(6), (went(&[("1:1", 1, 1)]), Vec::new()));
}
