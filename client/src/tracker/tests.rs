use serde_json::json;

use super::*;

const FIRST: Uuid = Uuid::from_u128(1);
const SECOND: Uuid = Uuid::from_u128(2);

fn tracker() -> Tracker {
    Tracker::new("token-0".to_owned(), None)
}

fn frame(kind: &str, data: Value) -> String {
    json!({"type": kind, "data": data}).to_string()
}

fn established(resumed: bool) -> String {
    let data = json!({"resumed": resumed, "resume_token": "token-1", "connection_id": "c",
        "role": "gm", "position": "ignored"});
    frame("connection_established", data)
}

fn message(version: u64, prev: u64) -> String {
    let position = format!("p{version}");
    let data =
        json!({"version": version.to_string(), "prev": prev.to_string(), "position": position});
    frame("chat_message", data)
}

fn sync(version: u64) -> String {
    let position = format!("p{version}");
    let data = json!({"state": {}, "version": version.to_string(), "position": position});
    frame("sync_response", data)
}

fn ack(action: Uuid, version: u64) -> String {
    let position = format!("p{version}");
    let data = json!({"action_id": action, "version": version.to_string(), "position": position,
        "timestamp": "t", "duplicate": false});
    frame("ack", data)
}

fn error(action: Option<Uuid>, code: &str, details: Value) -> String {
    let mut details = details;
    if let Some(action) = action {
        details["action_id"] = json!(action);
    }
    json!({"type": "error", "error": {"code": code, "message": "m", "details": details}})
        .to_string()
}

fn command(action: Uuid) -> Command {
    Command::chat("hello").with_action_id(action)
}

fn sent(action: Uuid) -> Step {
    Step::Send(command(action).frame())
}

/// Fresh at version 10.
fn at_ten() -> Tracker {
    let mut tracker = tracker();
    tracker.receive(&established(false));
    tracker.receive(&sync(10));
    tracker
}

/// What of the steps concerns messages: their versions, or the gap.
fn told(steps: &[Step]) -> Vec<Result<u64, u64>> {
    let of = |step: &Step| match step {
        Step::Tell(Event::Message(message)) => message.version.map(Ok),
        Step::Tell(Event::Gap { prev, .. }) => Some(Err(*prev)),
        _ => None,
    };
    steps.iter().filter_map(of).collect()
}

#[test]
fn the_first_opening_is_told_with_role_and_later_ones_as_resumptions() {
    let mut tracker = tracker();
    let opened =
        Event::Connected { connection_id: "c".to_owned(), role: "gm".to_owned(), resumed: false };
    assert_eq!(tracker.receive(&established(false)), [Step::Tell(opened)]);
    tracker.disconnected();
    let again = tracker.receive(&established(true));
    assert_eq!(again, [Step::Tell(Event::Resumed { resumed: true })]);
}

#[test]
fn tokens_come_with_the_opening_and_heartbeats_but_positions_do_not() {
    let mut tracker = tracker();
    assert_eq!((tracker.token(), tracker.position()), ("token-0", None));
    tracker.receive(&established(false));
    assert_eq!((tracker.token(), tracker.position()), ("token-1", None));
    tracker.receive(&sync(10));
    let beat = json!({"resume_token": "token-2", "position": "elsewhere", "timestamp": "t"});
    assert_eq!(tracker.receive(&frame("heartbeat", beat)), []);
    assert_eq!((tracker.token(), tracker.position()), ("token-2", Some("p10")));
}

#[test]
fn messages_in_a_chain_are_told_once_each() {
    let mut tracker = at_ten();
    assert_eq!(told(&tracker.receive(&message(11, 10))), [Ok(11)]);
    assert_eq!(told(&tracker.receive(&message(14, 11))), [Ok(14)], "12 and 13 are hidden");
    assert_eq!(tracker.receive(&message(14, 11)), [], "a repetition");
    assert_eq!(tracker.receive(&message(12, 11)), [], "an older one");
    assert_eq!(tracker.position(), Some("p14"));
}

#[test]
fn a_broken_chain_is_a_gap_and_is_not_passed() {
    let mut tracker = at_ten();
    tracker.receive(&message(11, 10));
    let steps = tracker.receive(&message(14, 13));
    let gap = Event::Gap { expected: (11, 11), prev: 13 };
    assert_eq!(steps, [Step::Tell(gap), Step::Reconnect]);
    assert_eq!(tracker.position(), Some("p11"));
    tracker.disconnected();
    tracker.receive(&established(true));
    assert_eq!(told(&tracker.receive(&message(13, 11))), [Ok(13)]);
    assert_eq!(told(&tracker.receive(&message(14, 13))), [Ok(14)]);
}

#[test]
fn gaps_without_progress_end_in_a_snapshot() {
    let mut tracker = at_ten();
    for _ in 0..2 {
        tracker.receive(&message(14, 13));
        assert_eq!(tracker.position(), Some("p10"));
        tracker.disconnected();
        tracker.receive(&established(true));
    }
    tracker.receive(&message(14, 13));
    assert_eq!(tracker.position(), None);
}

#[test]
fn prev_may_name_the_message_or_the_acknowledgement_after_it() {
    for (prev, fits) in [(11, true), (13, true), (12, false), (14, false), (10, false)] {
        let mut tracker = at_ten();
        tracker.receive(&message(11, 10));
        tracker.receive(&ack(FIRST, 13));
        assert_eq!(tracker.position(), Some("p13"));
        let expected = if fits { Ok(15) } else { Err(prev) };
        assert_eq!(told(&tracker.receive(&message(15, prev))), [expected], "{prev}");
    }
}

#[test]
fn after_a_snapshot_prev_is_at_most_its_version() {
    for (prev, fits) in [(20, true), (18, true), (11, true), (21, false)] {
        let mut tracker = at_ten();
        tracker.receive(&message(11, 10));
        assert_eq!(told(&tracker.receive(&sync(20))), [Ok(20)]);
        let expected = if fits { Ok(22) } else { Err(prev) };
        assert_eq!(told(&tracker.receive(&message(22, prev))), [expected], "{prev}");
        if fits {
            assert_eq!(told(&tracker.receive(&message(23, 18))), [Err(18)], "used up");
        }
    }
}

#[test]
fn after_resuming_from_an_acknowledgement_prev_names_it() {
    let mut tracker = at_ten();
    tracker.receive(&message(11, 10));
    tracker.receive(&ack(FIRST, 13));
    tracker.disconnected();
    tracker.receive(&established(true));
    tracker.receive(&ack(SECOND, 14));
    assert_eq!(told(&tracker.receive(&message(15, 13))), [Ok(15)]);
    assert_eq!(told(&tracker.receive(&message(16, 15))), [Ok(16)]);
}

#[test]
fn an_old_acknowledgement_does_not_turn_the_position_back() {
    let mut tracker = at_ten();
    tracker.receive(&message(11, 10));
    tracker.receive(&ack(FIRST, 4));
    assert_eq!(tracker.position(), Some("p11"));
    assert_eq!(told(&tracker.receive(&message(12, 4))), [Err(4)]);
}

#[test]
fn resuming_refused_starts_again_from_the_snapshot() {
    let mut tracker = at_ten();
    tracker.receive(&message(11, 10));
    tracker.disconnected();
    let steps = tracker.receive(&established(false));
    assert_eq!(steps, [Step::Tell(Event::Resumed { resumed: false })]);
    assert_eq!(told(&tracker.receive(&sync(5))), [Ok(5)], "another history");
    assert_eq!(tracker.position(), Some("p5"));
    assert_eq!(told(&tracker.receive(&message(6, 5))), [Ok(6)]);
}

#[test]
fn a_position_from_outside_is_resumed_and_its_chain_believed() {
    let mut tracker = Tracker::new("t".to_owned(), Some("p7".to_owned()));
    assert_eq!(tracker.position(), Some("p7"));
    tracker.receive(&established(true));
    assert_eq!(told(&tracker.receive(&message(9, 7))), [Ok(9)]);
    assert_eq!(told(&tracker.receive(&message(12, 10))), [Err(10)]);
}

#[test]
fn unversioned_messages_pass() {
    let mut tracker = at_ten();
    let steps = tracker.receive(&frame("presence", json!({"status": "away"})));
    assert!(matches!(&steps[..], [Step::Tell(Event::Message(m))] if m.version.is_none()));
    assert_eq!(tracker.position(), Some("p10"));
}

#[test]
fn commands_wait_for_the_opening_and_are_answered_once() {
    let mut tracker = tracker();
    assert_eq!(tracker.submit(&command(FIRST)), []);
    assert_eq!(tracker.submit(&command(SECOND)), []);
    let steps = tracker.receive(&established(false));
    assert_eq!(steps[1..], [sent(FIRST), sent(SECOND)]);
    let steps = tracker.receive(&ack(SECOND, 3));
    let [Step::Answer(SECOND, Ok(ack))] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!((ack.version, ack.position.as_str(), ack.duplicate), (3, "p3", false));
    assert_eq!(tracker.receive(&super::tests::ack(SECOND, 3)), []);
    assert_eq!(tracker.unanswered(), 1);
}

#[test]
fn what_is_unanswered_is_sent_again_in_order_with_the_same_keys() {
    let mut tracker = at_ten();
    let ids: Vec<Uuid> = (1..=4).map(Uuid::from_u128).collect();
    for id in &ids {
        assert_eq!(tracker.submit(&command(*id)), [sent(*id)]);
    }
    tracker.receive(&ack(ids[1], 11));
    tracker.disconnected();
    assert_eq!(tracker.submit(&command(Uuid::from_u128(5))), []);
    let steps = tracker.receive(&established(true));
    let expected = [ids[0], ids[2], ids[3], Uuid::from_u128(5)].map(sent);
    assert_eq!(steps[1..], expected);
}

#[test]
fn no_more_are_sent_than_the_server_reads_ahead() {
    let mut tracker = at_ten();
    let ids: Vec<Uuid> = (1..=34).map(Uuid::from_u128).collect();
    let steps: Vec<Step> = ids.iter().flat_map(|id| tracker.submit(&command(*id))).collect();
    assert_eq!(steps, ids[..32].iter().map(|id| sent(*id)).collect::<Vec<_>>());
    assert_eq!(tracker.receive(&ack(ids[7], 11))[1..], [sent(ids[32])]);
    let refused = tracker.receive(&error(Some(ids[0]), "conflict", json!({"current": 1})));
    assert_eq!(refused[1..], [sent(ids[33])]);
}

#[test]
fn a_refusal_answers_its_command() {
    let mut tracker = at_ten();
    tracker.submit(&command(FIRST));
    let steps = tracker.receive(&error(Some(FIRST), "not_your_turn", json!({"effect": "none"})));
    let [Step::Answer(FIRST, Err(CommandError::Refused(refusal)))] = &steps[..] else {
        panic!("{steps:?}")
    };
    assert_eq!(refusal.code, "not_your_turn");
    let steps = tracker.receive(&error(Some(FIRST), "not_your_turn", json!({})));
    assert!(matches!(&steps[..], [Step::Tell(Event::Error(_))]), "{steps:?}");
}

#[test]
fn an_unknown_effect_is_asked_again_under_the_same_key() {
    let mut tracker = at_ten();
    tracker.submit(&command(FIRST));
    let unknown =
        error(Some(FIRST), "owner_unreachable", json!({"effect": "unknown", "retry_after_ms": 20}));
    for _ in 0..5 {
        let steps = tracker.receive(&unknown);
        assert_eq!(steps, [Step::RetryAfter(FIRST, Duration::from_millis(20))]);
        assert_eq!(tracker.retry(FIRST), [sent(FIRST)]);
        assert_eq!(tracker.retry(FIRST), [], "it is on its way");
    }
    let steps = tracker.receive(&unknown);
    assert!(
        matches!(&steps[..], [Step::Answer(FIRST, Err(CommandError::Unknown(_)))]),
        "{steps:?}"
    );
    assert_eq!(tracker.unanswered(), 0);
}

#[test]
fn none_is_sent_ahead_of_one_that_waits_to_be_sent_again() {
    let mut tracker = at_ten();
    let third = Uuid::from_u128(3);
    tracker.submit(&command(FIRST));
    tracker.submit(&command(SECOND));
    let unknown = error(Some(SECOND), "owner_unreachable", json!({"effect": "unknown"}));
    let steps = tracker.receive(&unknown);
    assert_eq!(steps, [Step::RetryAfter(SECOND, RETRY_AFTER)]);
    assert_eq!(tracker.submit(&command(third)), []);
    assert_eq!(tracker.receive(&ack(FIRST, 11)).len(), 1, "the answer only");
    assert_eq!(tracker.retry(SECOND), [sent(SECOND), sent(third)]);
}

#[test]
fn other_errors_are_told_and_an_expired_token_is_refreshed() {
    let mut tracker = at_ten();
    let steps = tracker.receive(&error(None, "rate_limited", json!({"retry_after_ms": 100})));
    let [Step::Tell(Event::Error(refusal))] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!(refusal.retry_after_ms(), Some(100));
    let steps = tracker.receive(&error(None, "token_expired", json!({})));
    assert!(matches!(&steps[..], [Step::Tell(_), Step::RefreshJwt]), "{steps:?}");
}

#[test]
fn a_draining_router_is_left_when_it_says() {
    let mut tracker = at_ten();
    let steps = tracker.receive(&frame("going_away", json!({"reconnect_after_ms": 700})));
    let after = Step::LeaveAfter(Duration::from_millis(700));
    assert_eq!(steps, [Step::Tell(Event::GoingAway), after]);
}

#[test]
fn what_is_no_frame_ends_the_connection() {
    let mut tracker = at_ten();
    let steps = tracker.receive("{");
    assert!(matches!(&steps[..], [Step::Tell(Event::Error(_)), Step::Reconnect]), "{steps:?}");
}
