//! Commands, answers, messages, reads and presence while the owner lives.

use gss_shared::error_code::ErrorCode;
use gss_shared::link::frame::{
    AnswerFrame, CommandBody, FetchOutcome, Outcome, ReadAnswer, ReadKind, Refused,
};
use gss_shared::message::{Audience, Effect};
use tokio::sync::oneshot;

use super::*;
use crate::switchboard::{Accepted, Call};

pub(super) fn answer(player: &Player, n: u64, route: u64, outcome: Outcome) -> ToRouter {
    ToRouter::Answer(AnswerFrame {
        session: SESSION,
        connection: Some(player.id),
        seq: n,
        route,
        action: Some(action(n.into())),
        outcome,
    })
}

pub(super) fn accepted(v: u64, duplicate: bool) -> Outcome {
    Outcome::Accepted { position: at(v), at: Timestamp(9), duplicate, view: None }
}

fn refused(saw: u64) -> Outcome {
    let refused = Refused {
        code: ErrorCode::NotYourTurn,
        message: "Another acts.".to_owned(),
        details: r#"{"current":"x"}"#.to_owned(),
    };
    Outcome::Refused { refused, saw: at(saw) }
}

fn read_answer(v: u64) -> Result<ReadAnswer, Refused> {
    Ok(ReadAnswer { json: sync_data(v), at: at(v), stale: false })
}

fn read(frame: ToNode) -> (u64, PlayerId, ReadKind) {
    let ToNode::Read(frame) = frame else { panic!("{frame:?}") };
    (frame.request, frame.player, frame.kind)
}

fn whole() -> ReadKind {
    ReadKind::Sync { paths: Vec::new() }
}

#[test]
fn a_command_is_acknowledged_after_its_message() {
    let (mut bench, mut node, mut player) = Bench::with_player();
    bench.command(&player, 1);
    let ToNode::Command(frame) = node.got_one() else { panic!("a command") };
    assert_eq!(frame.body, CommandBody::Frame("command 1".to_owned()));
    assert_eq!((frame.connection, frame.seq, frame.route), (Some(player.id), 1, 0));
    assert_eq!((frame.budget_ms, frame.outlived), (10_000, 0));
    bench.live(&node, 101..=101);
    bench.says(&node, answer(&player, 1, 0, accepted(101, false)));
    assert_eq!(player.got(), ["101<100", "ack 101 false"]);
    bench.published(101..=101, false);
    assert_eq!(player.got(), Vec::<String>::new(), "pub/sub repeats it");
}

#[test]
fn an_ack_waits_for_a_delivery_that_is_late() {
    let (mut bench, node, mut player) = Bench::with_player();
    bench.command(&player, 1);
    bench.live(&node, 102..=102);
    bench.says(&node, answer(&player, 1, 0, accepted(102, false)));
    assert_eq!(player.got(), Vec::<String>::new());
    bench.published(101..=101, false);
    assert_eq!(player.got(), ["101<100", "102<101", "ack 102 false"]);
}

#[test]
fn a_refusal_names_its_command_and_has_no_effect() {
    let (mut bench, node, mut player) = Bench::with_player();
    bench.command(&player, 1);
    bench.says(&node, answer(&player, 1, 0, refused(100)));
    let batch = player.inbox.waiting().expect("an answer");
    let frame: Value = serde_json::from_str(&batch.frames[0]).expect("JSON");
    let details = &frame["error"]["details"];
    assert_eq!(frame["error"]["code"], "not_your_turn");
    assert_eq!(details["action_id"], action(1).to_string());
    assert_eq!((&details["effect"], &details["current"]), (&"none".into(), &"x".into()));
    assert_eq!(batch.answered, 1);
}

#[test]
fn an_answer_without_a_trace_frees_its_place() {
    let (mut bench, node, player) = Bench::with_player();
    let mut player = player;
    bench.command(&player, 1);
    bench.says(&node, answer(&player, 1, 0, Outcome::Nothing));
    let batch = player.inbox.waiting().expect("a batch");
    assert_eq!((batch.frames.len(), batch.answered), (0, 1));
}

#[test]
fn nobody_answers_in_time() {
    let (mut bench, node, mut player) = Bench::with_player();
    bench.command(&player, 1);
    bench.later(10 * SECOND);
    assert_eq!(player.got(), ["error owner_unreachable unknown"]);
    bench.says(&node, answer(&player, 1, 0, accepted(100, false)));
    assert_eq!(player.got(), Vec::<String>::new(), "what was said stands");
}

#[test]
fn a_gap_is_fetched_and_twice_repairs_the_channel() {
    let (mut bench, mut node, mut player) = Bench::with_player();
    for round in 0..2_u64 {
        let last = 100 + 2 * round;
        bench.live(&node, last + 2..=last + 2);
        bench.later(Duration::from_millis(10));
        let ToNode::Fetch { request, after, .. } = node.got_one() else { panic!("a fetch") };
        assert_eq!(after, at(last));
        let messages = vec![message(last + 1)];
        let outcome = FetchOutcome::Tail { messages, more: false };
        bench.says(&node, ToRouter::Fetched { request, outcome });
        assert_eq!(player.got().len(), 2);
    }
    assert_eq!(node.got_one(), ToNode::WantLive { shard: shard(), for_ms: 5_000 });
}

#[test]
fn a_lost_last_message_is_healed_by_the_beat() {
    let (mut bench, mut node, mut player) = Bench::with_player();
    bench.says(&node, ToRouter::Beat { number: 1, moved: vec![(SESSION, at(101))] });
    bench.later(Duration::from_millis(10));
    let ToNode::Fetch { request, .. } = node.got_one() else { panic!("a fetch") };
    let outcome = FetchOutcome::Tail { messages: vec![message(101)], more: false };
    bench.says(&node, ToRouter::Fetched { request, outcome });
    assert_eq!(player.got(), ["101<100"]);
}

#[test]
fn a_publish_without_its_body_is_fetched_at_once() {
    let (mut bench, mut node, mut player) = Bench::with_player();
    bench.published(101..=101, true);
    let ToNode::Fetch { request, .. } = node.got_one() else { panic!("a fetch") };
    let outcome = FetchOutcome::Tail { messages: vec![message(101)], more: false };
    bench.says(&node, ToRouter::Fetched { request, outcome });
    assert_eq!(player.got(), ["101<100"]);
}

#[test]
fn another_history_asks_every_client_to_attach_anew() {
    let (mut bench, mut node, mut one) = Bench::with_player();
    let mut other = bench.join(&mut node, 2, 100);
    bench.command(&one, 1);
    bench.says(&node, answer(&one, 1, 0, accepted(101, false)));
    let second = |v| crate::stream::tests::message(2, v);
    bench.says(&node, ToRouter::Live { session: SESSION, messages: vec![second(100)] });
    for player in [&mut one, &mut other] {
        assert_eq!(player.batch(), (Vec::new(), Some(CloseCode::Restart)), "no lost ack");
    }
}

#[test]
fn a_refused_resync_closes_with_the_reason_that_waits_behind_it() {
    let (mut bench, mut node, mut player) = Bench::with_player();
    let me = super::player(1);
    let mut changed = message(101);
    changed.effects = vec![Effect::Resync { players: Some(vec![me]) }];
    let mut kicked = message(102);
    kicked.effects = vec![Effect::Close { player: Some(me), code: 4503 }];
    bench.says(&node, ToRouter::Live { session: SESSION, messages: vec![changed, kicked] });
    let (request, _, _) = read(node.got_one());
    let Outcome::Refused { refused, .. } = refused(102) else { panic!("a refusal") };
    bench.says(&node, ToRouter::ReadDone { request, outcome: Err(refused) });
    assert_eq!(player.batch(), (vec!["101<100".to_owned()], Some(CloseCode::Kicked)));
}

#[test]
fn who_cannot_go_on_without_the_state_asks_until_an_owner_has_it() {
    let (mut bench, mut node, mut player) = Bench::with_player();
    let mut changed = message(101);
    changed.effects = vec![Effect::Resync { players: Some(vec![super::player(1)]) }];
    bench.says(&node, ToRouter::Live { session: SESSION, messages: vec![changed, message(102)] });
    assert_eq!(read(node.got_one()).2, whole());
    bench.later(10 * SECOND);
    bench.later(SECOND);
    let (request, _, kind) = read(node.got_one());
    assert_eq!(kind, whole(), "the first was not answered in time");
    let refused = Refused {
        code: ErrorCode::Unavailable,
        message: "The journal does not answer.".to_owned(),
        details: "{}".to_owned(),
    };
    bench.says(&node, ToRouter::ReadDone { request, outcome: Err(refused) });
    assert_eq!(node.got(), [], "not at once");
    bench.later(SECOND);
    let (request, _, _) = read(node.got_one());
    assert_eq!(player.got(), ["101<100"]);
    bench.says(&node, ToRouter::ReadDone { request, outcome: read_answer(101) });
    assert_eq!(player.got(), ["sync 101", "102<101"]);
}

#[test]
fn one_that_has_to_leave_takes_and_is_told_nothing_more() {
    let (mut bench, mut node, mut player) = Bench::with_player();
    bench.command(&player, 1);
    assert_eq!(commands(&node.got()), [(1, 0, 0)]);
    let mut ended = message(101);
    ended.effects = vec![Effect::Close { player: None, code: 4502 }];
    bench.says(&node, ToRouter::Live { session: SESSION, messages: vec![ended] });
    bench.command(&player, 2);
    let paths = Vec::new();
    bench.mail(Mail::Sync { session: SESSION, connection: player.id, paths });
    assert_eq!(node.got(), []);
    bench.says(
        &node,
        ToRouter::Unversioned {
            session: SESSION,
            order: (gss_shared::ids::Epoch(5), 1),
            audience: Audience::All,
            except: None,
            frame: r#"{"type":"presence"}"#.to_owned(),
        },
    );
    bench.says(&node, answer(&player, 1, 0, refused(101)));
    let expected = vec!["101<100".to_owned(), "error not_your_turn none".to_owned()];
    assert_eq!(player.batch(), (expected, Some(CloseCode::SessionEnded)));
}

#[test]
fn the_operator_s_limit_holds_where_the_session_has_none_and_bounds_its_own() {
    let mut bench = Bench::new();
    let reach = &mut bench.worker.reach;
    reach.limits.messages_per_minute = 30;
    reach.limits.settings_cap_per_minute = 500;
    assert_eq!([0, 1, 500, 501].map(|own| reach.messages_per_minute(own)), [30, 1, 500, 500]);
}

#[test]
fn the_operator_s_budget_is_a_command_s() {
    let (mut bench, mut node, player) = Bench::with_player();
    bench.worker.reach.limits.command_budget_ms = 20_000;
    bench.command(&player, 1);
    let ToNode::Command(frame) = node.got_one() else { panic!("a command") };
    assert_eq!(frame.budget_ms, 20_000);
}

#[test]
fn a_role_change_reads_a_snapshot_and_holds_what_follows() {
    let (mut bench, mut node, mut player) = Bench::with_player();
    let mut changed = message(101);
    let me = super::player(1);
    changed.effects = vec![
        Effect::Role { player: me, role: Role::Spectator },
        Effect::Resync { players: Some(vec![me]) },
    ];
    bench.says(&node, ToRouter::Live { session: SESSION, messages: vec![changed, message(102)] });
    assert_eq!(player.got(), ["101<100"]);
    let (request, _, kind) = read(node.got_one());
    assert_eq!(kind, whole());
    bench.says(&node, ToRouter::ReadDone { request, outcome: read_answer(101) });
    assert_eq!(player.got(), ["sync 101", "102<101"]);
}

#[test]
fn sync_requests_are_answered_one_after_the_other() {
    let (mut bench, mut node, mut player) = Bench::with_player();
    let ask = |paths: &[&str]| Mail::Sync {
        session: SESSION,
        connection: player.id,
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    };
    let (first, second) = (ask(&["/a"]), ask(&["/b"]));
    bench.mail(first);
    bench.mail(second);
    for path in ["/a", "/b"] {
        let (request, _, kind) = read(node.got_one());
        assert_eq!(kind, ReadKind::Sync { paths: vec![path.to_owned()] });
        bench.says(&node, ToRouter::ReadDone { request, outcome: read_answer(100) });
        assert_eq!(player.got(), ["sync 100"]);
    }
    bench.live(&node, 101..=101);
    assert_eq!(player.got(), ["101<100"]);
}

#[test]
fn a_state_of_which_the_journal_was_not_asked_says_so() {
    let (mut bench, mut node, mut player) = Bench::with_player();
    bench.mail(Mail::Sync { session: SESSION, connection: player.id, paths: Vec::new() });
    let (request, ..) = read(node.got_one());
    let outcome = read_answer(100).map(|answer| ReadAnswer { stale: true, ..answer });
    bench.says(&node, ToRouter::ReadDone { request, outcome });
    assert_eq!(player.got(), ["stale sync 100"]);
}

#[test]
fn a_rest_command_is_answered_with_its_view() {
    let (mut bench, mut node) = Bench::with_owner();
    let (reply, mut answer) = oneshot::channel();
    let call = Call {
        session: SESSION,
        player: player(1),
        body: CommandBody::Rest { action: action(1), command: "{}".to_owned() },
        view: Some(ReadKind::Session),
        budget: SECOND,
    };
    bench.mail(Mail::Call(Box::new(call), reply));
    let ToNode::Command(frame) = node.got_one() else { panic!("a command") };
    assert_eq!((frame.connection, frame.budget_ms), (None, 1_000));
    let outcome = Outcome::Accepted {
        position: at(1),
        at: Timestamp(9),
        duplicate: false,
        view: Some("{}".to_owned()),
    };
    bench.says(
        &node,
        ToRouter::Answer(AnswerFrame {
            session: SESSION,
            connection: None,
            seq: frame.seq,
            route: frame.route,
            action: None,
            outcome,
        }),
    );
    let expected = Accepted {
        position: at(1),
        at: Timestamp(9),
        duplicate: false,
        view: Some("{}".to_owned()),
    };
    assert_eq!(answer.try_recv(), Ok(Ok(Some(expected))));
    assert!(bench.worker.sessions.is_empty());
}

#[test]
fn a_rest_command_without_an_owner_ends_with_its_budget() {
    let mut bench = Bench::new();
    let (reply, mut answer) = oneshot::channel();
    let call = Call {
        session: SESSION,
        player: player(1),
        body: CommandBody::Rest { action: action(1), command: "{}".to_owned() },
        view: None,
        budget: SECOND,
    };
    bench.mail(Mail::Call(Box::new(call), reply));
    bench.later(SECOND - Duration::from_millis(1));
    assert!(answer.try_recv().is_err());
    bench.later(SLOW_TICK);
    let error = answer.try_recv().expect("answered").expect_err("nobody there");
    assert_eq!(error.code, ErrorCode::OwnerUnreachable);
    assert_eq!(error.details["effect"], "unknown");
}

#[test]
fn a_rest_read_at_a_node_that_is_not_the_owner_is_asked_again() {
    let (mut bench, mut node) = Bench::with_owner();
    let (reply, mut answer) = oneshot::channel();
    let kind = ReadKind::State;
    bench.mail(Mail::Read { session: SESSION, player: player(1), kind, reply });
    let (request, ..) = read(node.got_one());
    let refused = Refused {
        code: ErrorCode::OwnerUnreachable,
        message: "moving".to_owned(),
        details: "{}".to_owned(),
    };
    bench.says(&node, ToRouter::ReadDone { request, outcome: Err(refused) });
    assert!(answer.try_recv().is_err());
    bench.later(Duration::from_millis(50));
    assert_eq!(read(node.got_one()).0, request);
    bench.says(&node, ToRouter::ReadDone { request, outcome: read_answer(3) });
    assert_eq!(answer.try_recv().expect("answered").map(|answer| answer.at), Ok(at(3)));
}

#[test]
fn unversioned_messages_keep_their_order_audience_and_exception() {
    let (mut bench, mut node, mut one) = Bench::with_player();
    let mut other = bench.join(&mut node, 2, 100);
    let epoch = |n| gss_shared::ids::Epoch(n);
    let mut say = |bench: &mut Bench, order, audience, except| {
        let frame = r#"{"type":"presence","data":{}}"#.to_owned();
        let message = ToRouter::Unversioned { session: SESSION, order, audience, except, frame };
        bench.says(&node, message);
        (one.got().len(), other.got().len())
    };
    let only = Audience::Some { gms: true, players: BTreeSet::from([player(2)]) };
    assert_eq!(say(&mut bench, (epoch(5), 2), Audience::All, None), (1, 1));
    assert_eq!(say(&mut bench, (epoch(5), 2), Audience::All, None), (0, 0), "seen");
    assert_eq!(say(&mut bench, (epoch(5), 1), Audience::All, None), (0, 0), "older");
    assert_eq!(say(&mut bench, (epoch(5), 3), only, None), (0, 1));
    let sender = bench.worker.sessions[&SESSION].clients[0].id;
    assert_eq!(say(&mut bench, (epoch(5), 4), Audience::All, Some(sender)), (0, 1));
    assert_eq!(say(&mut bench, (epoch(6), 1), Audience::All, None), (1, 1), "a new owner");
    assert_eq!(say(&mut bench, (epoch(5), 9), Audience::All, None), (0, 0), "the old one");
}
