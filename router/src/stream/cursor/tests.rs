//! Every execution of SAFETY S6 with the exact frames, and what visibility changes do.

use std::collections::BTreeSet;

use gss_shared::message::{Audience, Variant};

use super::super::tests::{at, message};
use super::*;

const ME: u128 = 1;

fn player(n: u128) -> PlayerId {
    PlayerId(uuid::Uuid::from_u128(n))
}

fn frame(v: u64, prev: u64) -> String {
    format!(r#"{{"type":"t","data":{{"version":"{v}","prev":"{prev}"}}}}"#)
}

fn shared(v: u64) -> Arc<Message> {
    Arc::new(message(1, v))
}

fn hidden(v: u64) -> Message {
    let mut message = message(1, v);
    message.variants[0].audience = Audience::gms();
    message
}

fn with(v: u64, effects: Vec<Effect>) -> Arc<Message> {
    Arc::new(Message { effects, ..message(1, v) })
}

fn admission(from: u64, missed: Vec<Message>, sync: Option<&str>, to: u64) -> Attached {
    Attached {
        role: Role::Player,
        established: "established".into(),
        from: at(1, from).into(),
        missed,
        sync: sync.map(Into::into),
        at: at(1, to),
        messages_per_minute: 60,
    }
}

/// An attached cursor at version `v`, nothing to write.
fn cursor(v: u64) -> Cursor {
    let mut cursor = Cursor::attaching(player(ME));
    assert_eq!(cursor.attached(admission(v, Vec::new(), None, v)), Wish::Nothing);
    assert_eq!(written(&mut cursor), ["established"]);
    cursor
}

fn written(cursor: &mut Cursor) -> Vec<String> {
    let batch = cursor.take();
    assert_eq!(batch.bytes, batch.frames.iter().map(|frame| frame.len()).sum::<usize>());
    batch.frames.iter().map(ToString::to_string).collect()
}

fn offer(cursor: &mut Cursor, message: &Arc<Message>) -> Wish {
    cursor.offer(message, &mut Rendered::default())
}

fn ack(cursor: &mut Cursor, v: u64) {
    cursor.answer(Version(v), Some(format!("ack {v}").into()), Some(at(1, v)));
}

#[test]
fn prev_is_the_last_message_this_viewer_was_sent() {
    let mut cursor = cursor(100);
    for message in [shared(101), Arc::new(hidden(102)), shared(103)] {
        assert_eq!(offer(&mut cursor, &message), Wish::Nothing);
    }
    assert_eq!(written(&mut cursor), [frame(101, 100), frame(103, 101)]);
    assert_eq!(cursor.take().position.position, at(1, 103));
}

#[test]
fn the_first_variant_that_admits_is_sent() {
    let mut message = hidden(101);
    message.variants.push(Variant {
        audience: Audience::Some { gms: false, players: BTreeSet::from([player(ME)]) },
        head: r#"{"type":"mine","data":{"a":1"#.to_owned(),
    });
    message.variants.push(Variant {
        audience: Audience::All,
        head: r#"{"type":"all","data":{"a":1"#.to_owned(),
    });
    let mut cursor = cursor(100);
    assert_eq!(offer(&mut cursor, &Arc::new(message)), Wish::Nothing);
    assert_eq!(written(&mut cursor), [r#"{"type":"mine","data":{"a":1,"prev":"100"}}"#]);
}

#[test]
fn an_ack_waits_for_the_deliveries_before_it() {
    let mut cursor = cursor(99);
    ack(&mut cursor, 101);
    assert_eq!(written(&mut cursor), Vec::<String>::new());
    assert_eq!(offer(&mut cursor, &shared(100)), Wish::Nothing);
    assert_eq!(offer(&mut cursor, &shared(101)), Wish::Nothing);
    assert_eq!(offer(&mut cursor, &shared(102)), Wish::Nothing);
    let batch = cursor.take();
    let frames: Vec<String> = batch.frames.iter().map(ToString::to_string).collect();
    assert_eq!(frames, [frame(100, 99), frame(101, 100), "ack 101".to_owned(), frame(102, 101)]);
    assert_eq!(batch.answered, 1);
}

#[test]
fn an_ack_of_a_hidden_event_moves_the_position_not_prev() {
    let mut cursor = cursor(100);
    ack(&mut cursor, 101);
    assert_eq!(offer(&mut cursor, &Arc::new(hidden(101))), Wish::Nothing);
    assert_eq!(cursor.take().position.position, at(1, 101));
    assert_eq!(offer(&mut cursor, &shared(102)), Wish::Nothing);
    assert_eq!(written(&mut cursor), [frame(102, 100)]);
    ack(&mut cursor, 50);
    assert_eq!(cursor.take().position.position, at(1, 102), "a duplicate's ack is of long ago");
}

#[test]
fn a_refusal_waits_for_what_it_saw() {
    let mut cursor = cursor(100);
    cursor.answer(Version(101), Some("refused".into()), None);
    cursor.answer(Version(0), Some("later".into()), None);
    assert_eq!(written(&mut cursor), Vec::<String>::new(), "answers keep their order");
    assert_eq!(offer(&mut cursor, &shared(101)), Wish::Nothing);
    assert_eq!(written(&mut cursor), [frame(101, 100), "refused".into(), "later".into()]);
}

#[test]
fn a_sync_ahead_of_the_stream_is_written_where_it_belongs() {
    let mut cursor = cursor(103);
    cursor.hold();
    assert_eq!(cursor.synced(at(1, 105), "sync".into(), true), Wish::Nothing);
    assert_eq!(written(&mut cursor), Vec::<String>::new());
    for v in 104..=106 {
        assert_eq!(offer(&mut cursor, &shared(v)), Wish::Nothing);
    }
    let expected = [frame(104, 103), frame(105, 104), "sync".to_owned(), frame(106, 105)];
    assert_eq!(written(&mut cursor), expected);
}

#[test]
fn what_comes_while_a_sync_is_read_stands_around_it() {
    let mut cursor = cursor(103);
    cursor.hold();
    for v in 104..=106 {
        assert_eq!(offer(&mut cursor, &shared(v)), Wish::Nothing);
    }
    ack(&mut cursor, 106);
    assert_eq!(written(&mut cursor), Vec::<String>::new());
    assert_eq!(cursor.synced(at(1, 105), "sync".into(), true), Wish::Nothing);
    let expected =
        [frame(104, 103), frame(105, 104), "sync".into(), frame(106, 105), "ack 106".into()];
    assert_eq!(written(&mut cursor), expected);
    assert_eq!(cursor.take().position.position, at(1, 106));
}

#[test]
fn a_sync_at_a_hidden_version_sets_prev() {
    let mut cursor = cursor(103);
    cursor.hold();
    assert_eq!(cursor.synced(at(1, 104), "sync".into(), true), Wish::Nothing);
    assert_eq!(offer(&mut cursor, &Arc::new(hidden(104))), Wish::Nothing);
    assert_eq!(offer(&mut cursor, &shared(105)), Wish::Nothing);
    assert_eq!(written(&mut cursor), ["sync".to_owned(), frame(105, 104)]);
}

#[test]
fn a_sync_older_than_what_was_delivered_is_asked_again() {
    let mut cursor = cursor(103);
    cursor.hold();
    assert_eq!(cursor.synced(at(1, 102), "old".into(), true), Wish::Again);
    assert_eq!(cursor.synced(at(1, 103), "sync".into(), true), Wish::Nothing);
    assert_eq!(written(&mut cursor), ["sync"]);
}

#[test]
fn a_role_change_filters_from_its_version_and_wants_a_snapshot() {
    let mut cursor = cursor(100);
    let promoted = vec![
        Effect::Role { player: player(ME), role: Role::AssistantGm },
        Effect::Resync { players: Some(vec![player(ME)]) },
    ];
    assert_eq!(offer(&mut cursor, &with(101, promoted)), Wish::Sync);
    assert_eq!(offer(&mut cursor, &Arc::new(hidden(102))), Wish::Nothing);
    assert_eq!(offer(&mut cursor, &Arc::new(hidden(103))), Wish::Nothing);
    assert_eq!(cursor.synced(at(1, 102), "sync".into(), true), Wish::Nothing);
    let expected = [frame(101, 100), frame(102, 101), "sync".to_owned(), frame(103, 102)];
    assert_eq!(written(&mut cursor), expected);
    assert_eq!(cursor.viewer().role, Role::AssistantGm);
}

#[test]
fn effects_on_others_do_nothing() {
    let mut cursor = cursor(100);
    let effects = vec![
        Effect::Role { player: player(2), role: Role::Gm },
        Effect::Resync { players: Some(vec![player(2)]) },
        Effect::Close { player: Some(player(2)), code: 4503 },
    ];
    assert_eq!(offer(&mut cursor, &with(101, effects)), Wish::Nothing);
    let batch = cursor.take();
    assert_eq!((batch.frames.len(), batch.close), (1, None));
    assert_eq!(cursor.viewer().role, Role::Player);
}

#[test]
fn one_snapshot_serves_all_the_changes_before_it() {
    let everybody = || vec![Effect::Resync { players: None }];
    let mut cursor = cursor(100);
    assert_eq!(offer(&mut cursor, &with(101, everybody())), Wish::Sync);
    assert_eq!(offer(&mut cursor, &with(102, everybody())), Wish::Nothing);
    assert_eq!(offer(&mut cursor, &with(103, everybody())), Wish::Nothing);
    assert_eq!(offer(&mut cursor, &shared(104)), Wish::Nothing);
    assert_eq!(cursor.synced(at(1, 102), "one".into(), true), Wish::Sync, "103 came after it");
    assert_eq!(cursor.synced(at(1, 104), "two".into(), true), Wish::Nothing);
    let expected = [
        frame(101, 100),
        frame(102, 101),
        "one".to_owned(),
        frame(103, 102),
        frame(104, 103),
        "two".to_owned(),
    ];
    assert_eq!(written(&mut cursor), expected);
}

#[test]
fn a_part_of_the_state_does_not_serve_a_change() {
    let mut cursor = cursor(100);
    cursor.hold();
    let effects = vec![Effect::Resync { players: None }];
    assert_eq!(offer(&mut cursor, &with(101, effects)), Wish::Nothing);
    assert_eq!(cursor.synced(at(1, 101), "part".into(), false), Wish::Sync);
    assert_eq!(written(&mut cursor), [frame(101, 100), "part".to_owned()]);
}

/// What carries a position, as it is told while a snapshot is owed and when none is.
fn placed(v: u64, effects: Vec<Effect>) -> Arc<Message> {
    let mut told = message(1, v);
    told.variants[0].head += &format!(r#","position":"{}""#, at(1, v));
    Arc::new(Message { effects, ..told })
}

fn points(cursor: &mut Cursor) -> Vec<(u64, bool)> {
    let read = |frame: &Utf8Bytes| {
        let frame: serde_json::Value = serde_json::from_str(frame).expect("JSON");
        let point = frame["data"]["position"].as_str().expect("a position");
        let point: ResumePoint = point.parse().expect("a point");
        (point.position.version.0, point.owed)
    };
    cursor.take().frames.iter().map(read).collect()
}

#[test]
fn who_is_cut_off_before_its_snapshot_says_so_when_it_resumes() {
    let everybody = vec![Effect::Resync { players: None }];
    let placed_frame = |v: u64| format!(r#"{{"type":"t","data":{{"position":"{}"}}}}"#, at(1, v));
    let mut cursor = cursor(100);
    assert_eq!(offer(&mut cursor, &placed(101, Vec::new())), Wish::Nothing);
    assert_eq!(points(&mut cursor), [(101, false)]);
    assert_eq!(offer(&mut cursor, &placed(102, everybody)), Wish::Sync);
    let heartbeat = ResumePoint { position: at(1, 102), owed: true };
    assert_eq!(cursor.take().position, heartbeat);
    assert_eq!(offer(&mut cursor, &placed(103, Vec::new())), Wish::Nothing);
    cursor.answer(Version(103), Some(placed_frame(103).into()), Some(at(1, 103)));
    assert_eq!(cursor.synced(at(1, 103), placed_frame(103).into(), true), Wish::Nothing);
    assert_eq!(offer(&mut cursor, &placed(104, Vec::new())), Wish::Nothing);
    assert_eq!(points(&mut cursor), [(103, true), (103, true), (103, false), (104, false)]);

    // It comes back with a point before the snapshot: what it missed, and then that.
    let mut resumed = Cursor::attaching(player(ME));
    assert_eq!(offer(&mut resumed, &placed(105, Vec::new())), Wish::Nothing);
    let from = ResumePoint { position: at(1, 103), owed: true };
    let missed = vec![Message::clone(&placed(104, Vec::new()))];
    let established = placed_frame(103).into();
    let attached = Attached { from, established, ..admission(103, missed, None, 104) };
    assert_eq!(resumed.attached(attached), Wish::Sync);
    assert_eq!(resumed.synced(at(1, 104), placed_frame(104).into(), true), Wish::Nothing);
    let expected = [(103, false), (104, true), (104, false), (105, false)];
    assert_eq!(points(&mut resumed), expected);
}

#[test]
fn a_fresh_connection_drops_what_its_snapshot_contains() {
    let mut cursor = Cursor::attaching(player(ME));
    for v in 101..=103 {
        assert_eq!(offer(&mut cursor, &shared(v)), Wish::Nothing);
    }
    assert!(!cursor.is_attached());
    assert!(cursor.covers(Version(102), Version(103)));
    let attached = admission(102, Vec::new(), Some("sync"), 102);
    assert_eq!(cursor.attached(attached), Wish::Nothing);
    let batch = cursor.take();
    let frames: Vec<String> = batch.frames.iter().map(ToString::to_string).collect();
    assert_eq!(frames, ["established".to_owned(), "sync".to_owned(), frame(103, 102)]);
    assert_eq!(batch.messages_per_minute, Some(60));
}

#[test]
fn a_resumed_connection_gets_what_it_missed_for_its_role() {
    let mut cursor = Cursor::attaching(player(ME));
    assert_eq!(offer(&mut cursor, &shared(103)), Wish::Nothing);
    let missed = vec![message(1, 101), hidden(102), message(1, 103)];
    assert_eq!(cursor.attached(admission(100, missed, None, 103)), Wish::Nothing);
    assert_eq!(offer(&mut cursor, &shared(104)), Wish::Nothing);
    let expected = ["established".to_owned(), frame(101, 100), frame(103, 101), frame(104, 103)];
    assert_eq!(written(&mut cursor), expected);
}

#[test]
fn a_resume_that_missed_nothing_names_its_position_as_prev() {
    let mut cursor = Cursor::attaching(player(ME));
    assert_eq!(cursor.attached(admission(100, Vec::new(), None, 100)), Wish::Nothing);
    assert_eq!(offer(&mut cursor, &shared(101)), Wish::Nothing);
    assert_eq!(written(&mut cursor), ["established".to_owned(), frame(101, 100)]);
}

#[test]
fn a_missed_rollback_is_followed_by_its_snapshot() {
    let mut cursor = Cursor::attaching(player(ME));
    let attached = admission(100, vec![message(1, 101)], Some("sync"), 102);
    assert_eq!(cursor.attached(attached), Wish::Nothing);
    assert_eq!(written(&mut cursor), ["established".to_owned(), frame(101, 100), "sync".into()]);
    assert_eq!(offer(&mut cursor, &shared(103)), Wish::Nothing);
    assert_eq!(written(&mut cursor), [frame(103, 102)]);
}

#[test]
fn an_answer_that_leaves_a_gap_is_not_taken() {
    let mut cursor = Cursor::attaching(player(ME));
    assert!(cursor.covers(Version(100), Version(100)));
    assert!(!cursor.covers(Version(99), Version(100)), "100 was delivered before it waited");
    assert_eq!(offer(&mut cursor, &shared(101)), Wish::Nothing);
    assert!(cursor.covers(Version(100), Version(101)));
    assert!(!cursor.covers(Version(99), Version(101)));
}

#[test]
fn presence_waits_for_the_establishment_only() {
    let mut cursor = Cursor::attaching(player(ME));
    cursor.say("presence".into());
    assert_eq!(written(&mut cursor), Vec::<String>::new());
    assert_eq!(cursor.attached(admission(1, Vec::new(), Some("sync"), 1)), Wish::Nothing);
    assert_eq!(written(&mut cursor), ["established", "sync", "presence"]);
    cursor.hold();
    cursor.say("presence".into());
    assert_eq!(written(&mut cursor), ["presence"]);
}

#[test]
fn a_restart_forgets_the_lost_history_and_closes() {
    let mut cursor = cursor(105);
    ack(&mut cursor, 107);
    cursor.hold();
    cursor.restart();
    assert!(cursor.is_leaving());
    assert_eq!(offer(&mut cursor, &Arc::new(message(2, 107))), Wish::Nothing);
    assert_eq!(cursor.synced(at(2, 107), "sync".into(), true), Wish::Nothing);
    let batch = cursor.take();
    assert_eq!((batch.frames.len(), batch.close), (0, Some(CloseCode::Restart)));
}

#[test]
fn waiting_too_long_closes_with_a_code_that_resumes() {
    let mut cursor = cursor(0);
    cursor.hold();
    for v in 1..=limits::CLIENT_QUEUE_FRAMES as u64 {
        assert_eq!(offer(&mut cursor, &shared(v)), Wish::Nothing);
        assert!(!cursor.is_dirty(), "{v}");
    }
    let next = limits::CLIENT_QUEUE_FRAMES as u64 + 1;
    assert_eq!(offer(&mut cursor, &shared(next)), Wish::Nothing);
    assert_eq!(cursor.take().close, Some(CloseCode::Restart));
}

#[test]
fn a_close_follows_its_message_and_ends_everything() {
    let mut cursor = cursor(100);
    let kick = vec![Effect::Close { player: Some(player(ME)), code: 4503 }];
    assert_eq!(offer(&mut cursor, &with(101, kick)), Wish::Nothing);
    assert_eq!(offer(&mut cursor, &shared(102)), Wish::Nothing);
    let batch = cursor.take();
    let frames: Vec<String> = batch.frames.iter().map(ToString::to_string).collect();
    assert_eq!((frames, batch.close), (vec![frame(101, 100)], Some(CloseCode::Kicked)));
}

#[test]
fn a_failed_read_goes_on_or_closes() {
    let mut open = cursor(100);
    open.hold();
    assert_eq!(offer(&mut open, &shared(101)), Wish::Nothing);
    assert_eq!(open.not_synced("error".into()), Wish::Nothing);
    assert_eq!(written(&mut open), ["error".to_owned(), frame(101, 100)]);
    let mut cursor = cursor(100);
    cursor.hold();
    cursor.cannot_sync();
    assert_eq!(cursor.take().close, Some(CloseCode::Restart));
}

#[test]
fn viewers_of_one_kind_share_one_encoding() {
    let mut rendered = Rendered::default();
    let (mut one, mut other) = (cursor(100), cursor(100));
    let message = shared(101);
    assert_eq!(one.offer(&message, &mut rendered), Wish::Nothing);
    assert_eq!(other.offer(&message, &mut rendered), Wish::Nothing);
    let (one, other) = (one.take().frames, other.take().frames);
    assert_eq!(one[0].as_ptr(), other[0].as_ptr());
}

#[test]
fn one_that_has_to_leave_gets_its_answers_first() {
    let mut cursor = cursor(100);
    cursor.asked();
    cursor.asked();
    let ended = vec![Effect::Close { player: None, code: 4502 }];
    assert_eq!(offer(&mut cursor, &with(101, ended)), Wish::Nothing);
    assert_eq!(cursor.take().close, None);
    ack(&mut cursor, 101);
    assert_eq!(offer(&mut cursor, &shared(102)), Wish::Nothing);
    let batch = cursor.take();
    assert_eq!((batch.frames.len(), batch.close), (1, None), "the ack, and nothing of 102");
    cursor.answer(Version(101), Some("refused".into()), None);
    let batch = cursor.take();
    let frames: Vec<String> = batch.frames.iter().map(ToString::to_string).collect();
    assert_eq!((frames, batch.close), (vec!["refused".to_owned()], Some(CloseCode::SessionEnded)));
}
