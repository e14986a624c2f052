use super::*;

const WALL: Timestamp = Timestamp(1_700_000_000_000);
const SECOND: Duration = Duration::from_secs(1);

fn conversation(now: Instant) -> Conversation {
    Conversation::new(WALL.plus_ms(3_600_000), now)
}

fn roll(n: u128) -> String {
    let id = uuid::Uuid::from_u128(n);
    format!(r#"{{"type":"roll","data":{{"action_id":"{id}","expression":"1d20"}}}}"#)
}

fn action(n: u128) -> Option<ActionId> {
    Some(ActionId(uuid::Uuid::from_u128(n)))
}

#[test]
fn commands_are_counted_and_reading_stops_at_the_bound() {
    let now = Instant::now();
    let mut conversation = conversation(now);
    for seq in 1..=32 {
        assert!(conversation.reads(), "{seq}");
        let expected = Act::Command { seq, action: action(seq.into()), ephemeral: false };
        assert_eq!(conversation.text(&roll(seq.into()), now), [expected]);
    }
    assert!(!conversation.reads());
    conversation.answered(1);
    assert!(conversation.reads());
}

#[test]
fn a_heartbeat_is_answered_and_never_limited() {
    let now = Instant::now();
    let mut conversation = conversation(now);
    conversation.set_messages_per_minute(0);
    for _ in 0..100 {
        let text = r#"{"type":"heartbeat","data":{"timestamp":"2026-11-21T19:02:11.480Z"}}"#;
        assert_eq!(conversation.text(text, now), [Act::Heartbeat]);
    }
}

#[test]
fn ten_rate_refusals_in_a_row_close() {
    let now = Instant::now();
    let mut conversation = conversation(now);
    conversation.set_messages_per_minute(1);
    assert_eq!(conversation.text(r#"{"type":"nonsense"}"#, now).len(), 1, "counts as well");
    let refusal = ClientError::new(ErrorCode::RateLimited, "Too many messages.")
        .with("retry_after_ms", 60_000)
        .with("effect", "none")
        .with("action_id", "00000000-0000-0000-0000-000000000007");
    for _ in 0..9 {
        assert_eq!(conversation.text(&roll(7), now), [Act::Say(refusal.clone())]);
    }
    assert_eq!(
        conversation.text(&roll(7), now),
        [Act::Say(refusal), Act::Close(CloseCode::RateLimited)]
    );
}

#[test]
fn an_admitted_message_ends_a_row_of_refusals() {
    let now = Instant::now();
    let mut conversation = conversation(now);
    conversation.set_messages_per_minute(1);
    let mut at = now;
    for _ in 0..3 {
        assert!(matches!(conversation.text(&roll(7), at)[..], [Act::Command { .. }]));
        for _ in 0..9 {
            assert!(matches!(conversation.text(&roll(7), at)[..], [Act::Say(_)]));
        }
        at += 60 * SECOND;
    }
}

#[test]
fn frames_that_cannot_be_are_refused() {
    assert_eq!(Conversation::binary(), [Act::Close(CloseCode::Unsupported)]);
    let [Act::Say(error), Act::Close(CloseCode::TooLarge)] = &Conversation::too_large()[..] else {
        panic!("an error and a close");
    };
    assert_eq!(error.code, ErrorCode::FrameTooLarge);
    let now = Instant::now();
    let [Act::Say(error)] = &conversation(now).text("no", now)[..] else { panic!("an error") };
    assert_eq!(error.code, ErrorCode::InvalidJson);
}

#[test]
fn heartbeats_come_each_half_minute_and_silence_closes() {
    let now = Instant::now();
    let mut conversation = conversation(now);
    assert_eq!(conversation.due(now, WALL), now + 30 * SECOND);
    assert_eq!(conversation.tick(now + 29 * SECOND, WALL), []);
    assert_eq!(conversation.tick(now + 30 * SECOND, WALL), [Act::HeartbeatAndPing]);
    assert_eq!(conversation.tick(now + 60 * SECOND, WALL), [Act::HeartbeatAndPing]);
    assert_eq!(conversation.due(now + 60 * SECOND, WALL), now + 75 * SECOND);
    let closes = [Act::Close(CloseCode::HeartbeatTimeout)];
    assert_eq!(conversation.tick(now + 75 * SECOND, WALL), closes);
    conversation.received(now + 74 * SECOND);
    assert_eq!(conversation.tick(now + 75 * SECOND, WALL), []);
}

#[test]
fn an_expired_token_is_told_and_closes_after_its_grace() {
    let now = Instant::now();
    let mut conversation = Conversation::new(WALL.plus_ms(10_000), now);
    assert_eq!(conversation.due(now, WALL), now + 10 * SECOND);
    let [Act::Say(error)] = &conversation.tick(now + 10 * SECOND, WALL.plus_ms(10_000))[..] else {
        panic!("told once");
    };
    assert_eq!(error.code, ErrorCode::TokenExpired);
    assert_eq!(conversation.tick(now + 20 * SECOND, WALL.plus_ms(20_000)), []);
    conversation.received(now + 39 * SECOND);
    assert_eq!(
        conversation.tick(now + 40 * SECOND, WALL.plus_ms(40_000)),
        [Act::Close(CloseCode::TokenExpired)]
    );
}

#[test]
fn a_refreshed_token_goes_on() {
    let now = Instant::now();
    let mut conversation = Conversation::new(WALL, now);
    assert_eq!(conversation.tick(now, WALL).len(), 1);
    let text = r#"{"type":"auth_refresh","data":{"jwt":"a.b.c"}}"#;
    assert_eq!(conversation.text(text, now), [Act::Refresh("a.b.c".to_owned())]);
    conversation.refreshed(WALL.plus_ms(3_600_000));
    conversation.received(now + 29 * SECOND);
    assert_eq!(conversation.tick(now + 31 * SECOND, WALL.plus_ms(31_000)), [Act::HeartbeatAndPing]);
}
