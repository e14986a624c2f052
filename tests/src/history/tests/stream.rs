//! Faults in what a client is told, and when.

use gss_shared::ids::Version;
use serde_json::json;

use super::table::{ARIA, BREN, GM, Table, at};
use super::{found, names};
use crate::history::{Reading, Seen};

/// Three shared changes by Bren; the version of the first.
fn table() -> (Table, Version) {
    let mut table = Table::new();
    let first = table.version().next();
    for value in 1..=3 {
        table.change(BREN, "/shared/a", &json!(value));
    }
    (table, first)
}

#[test]
fn a_lost_message_is_a_gap_by_prev() {
    let (mut table, first) = table();
    let second = first.next();
    let place = table.place(ARIA, second);
    table.history(ARIA).seen.remove(place);
    let third = second.next();
    let expected = [
        format!("{}came where {second} was next", at(third, ARIA)),
        format!("{}says prev {second}, the one before was {first}", at(third, ARIA)),
    ];
    found(&table.stream(ARIA), &expected);
    // Not hidden by a `prev` that was made to fit.
    table.told(ARIA, third)["data"]["prev"] = json!(first.to_string());
    found(&table.stream(ARIA), &expected[..1]);
}

#[test]
fn a_wrong_prev_alone() {
    let (mut table, first) = table();
    let third = first.next().next();
    table.told(ARIA, third)["data"]["prev"] = json!(first.to_string());
    let what = format!("says prev {first}, the one before was {}", first.next());
    found(&table.stream(ARIA), &[at(third, ARIA) + &what]);
}

#[test]
fn a_message_that_comes_twice() {
    let (mut table, first) = table();
    let again = table.told(ARIA, first.next()).clone();
    table.history(ARIA).seen.push(Seen::Frame(again));
    let third = first.next().next();
    let expected = [
        format!("{}came again after {third}", at(first.next(), ARIA)),
        format!("{}says prev {first}, the one before was {third}", at(first.next(), ARIA)),
    ];
    found(&table.stream(ARIA), &expected);
    let mut last = table.told(ARIA, third).clone();
    last["data"]["prev"] = json!(third.to_string());
    table.history(ARIA).seen.pop();
    table.history(ARIA).seen.push(Seen::Frame(last));
    found(&table.stream(ARIA), &[format!("{}came again after {third}", at(third, ARIA))]);
}

#[test]
fn messages_out_of_order() {
    let (mut table, first) = table();
    let (one, two) = (table.place(ARIA, first), table.place(ARIA, first.next()));
    table.history(ARIA).seen.swap(one, two);
    let what = format!("came where {first} was next");
    names(&table.stream(ARIA), &at(first.next(), ARIA), &what);
}

#[test]
fn a_message_with_another_content() {
    let (mut table, first) = table();
    table.told(ARIA, first)["data"]["changes"][0]["value"] = json!(9);
    names(&table.stream(ARIA), &at(first, ARIA), "the journal says");
}

#[test]
fn a_missing_tail() {
    let (mut table, first) = table();
    table.history(ARIA).seen.pop();
    let (stands, end) = (first.next(), first.next().next());
    let what = format!("stands at {stands}, the journal for it ends at {end}");
    found(&table.stream(ARIA), &[at(end, ARIA) + &what]);
    let history = table.history(ARIA).clone();
    found(&crate::history::check_stream(&history, &Reading::of(&table.journal), false), &[]);
}

#[test]
fn a_message_for_others() {
    let (mut table, _) = table();
    table.change(GM, "/gm/plan", &json!("ambush"));
    let secret = table.version();
    let stolen = table.told(GM, secret).clone();
    table.history(ARIA).seen.push(Seen::Frame(stolen));
    found(&table.stream(ARIA), &[at(secret, ARIA) + "came, and it may not see it"]);
    table.change(BREN, "/shared/a", &json!(4));
    let (next, prev) = (table.version(), Version(secret.0 - 1));
    let seen = &mut table.history(ARIA).seen;
    let place = seen.len() - 2;
    assert!(
        matches!(&seen[place], Seen::Frame(frame) if frame["data"]["prev"] == prev.to_string())
    );
    names(&table.stream(ARIA), &at(secret, ARIA), &format!("came where {next} was next"));
}

#[test]
fn an_ack_that_overtakes_a_message() {
    let (mut table, first) = table();
    let third = first.next().next();
    let (message, ack) = (table.place(BREN, third), table.history(BREN).seen.len() - 1);
    table.history(BREN).seen.swap(message, ack);
    let what = format!("ack of {third} overtook [Version({third})]");
    names(&table.stream(BREN), &at(third, BREN), &what);
}

#[test]
fn an_ack_of_another_position() {
    let (mut table, first) = table();
    let version = first.next().next();
    let position = table.told(BREN, first)["data"]["position"].clone();
    table.last(BREN, "ack")["data"]["position"] = position;
    names(&table.stream(BREN), &at(version, BREN), "ack whose position is not its version");
}

#[test]
fn a_heartbeat_ahead_of_the_stream() {
    let (mut table, first) = table();
    let third = first.next().next();
    let position = table.told(ARIA, third)["data"]["position"].clone();
    let place = table.place(ARIA, third);
    let heartbeat = json!({"type": "heartbeat", "data": {"position": position}});
    table.history(ARIA).seen.insert(place, Seen::Frame(heartbeat));
    let what = format!("heartbeat of {third} overtook [Version({third})]");
    found(&table.stream(ARIA), &[at(third, ARIA) + &what]);
}

#[test]
fn a_snapshot_that_overtakes_or_falls_behind() {
    let (mut table, first) = table();
    let third = first.next().next();
    table.sync(ARIA);
    let place = table.place(ARIA, third);
    let snapshot = table.history(ARIA).seen.pop().expect("the snapshot");
    table.history(ARIA).seen.insert(place, snapshot);
    let what = format!("snapshot overtook [Version({third})]");
    names(&table.stream(ARIA), &at(third, ARIA), &what);
    let (mut table, _) = self::table();
    table.sync(ARIA);
    let old = table.last(ARIA, "sync_response").clone();
    table.change(BREN, "/shared/a", &json!(4));
    table.history(ARIA).seen.push(Seen::Frame(old));
    let what = format!("snapshot after {}", table.version());
    names(&table.stream(ARIA), &at(third, ARIA), &what);
}

#[test]
fn a_journaled_frame_without_its_chain() {
    let (mut table, first) = table();
    let data = table.told(ARIA, first)["data"].as_object_mut().expect("data");
    data.remove("prev");
    names(&table.stream(ARIA), &at(first, ARIA), "unchained");
    // Something that is not even JSON.
    table.history(BREN).seen.push(Seen::Frame(serde_json::Value::Null));
    assert!(table.stream(BREN)[0].to_string().contains("unchained"));
}

#[test]
fn a_resume_that_skips_what_was_missed() {
    let (mut table, first) = table();
    table.close(ARIA);
    table.change(BREN, "/shared/a", &json!(4));
    table.change(BREN, "/shared/a", &json!(5));
    table.resume(ARIA);
    table.is_right();
    let (fourth, fifth) = (Version(first.0 + 3), Version(first.0 + 4));
    // The position of the resume is ahead of what was seen.
    let position = table.told(ARIA, fourth)["data"]["position"].clone();
    table.last(ARIA, "connection_established")["data"]["position"] = position;
    let place = table.place(ARIA, fourth);
    table.history(ARIA).seen.remove(place);
    let expected = [
        format!("{}resumes beyond [Version({fourth})], which were not seen", at(fourth, ARIA)),
        format!("{}came where {fourth} was next", at(fifth, ARIA)),
    ];
    found(&table.stream(ARIA), &expected);
}

#[test]
fn a_resume_of_what_never_was_and_frames_before_it() {
    let (mut table, first) = table();
    table.close(ARIA);
    let again = table.told(ARIA, first).clone();
    table.history(ARIA).seen.push(Seen::Frame(again));
    names(&table.stream(ARIA), &at(first, ARIA), "before it was open");
    table.history(GM).seen.drain(1..);
    table.last(GM, "connection_established")["data"]["resumed"] = json!(true);
    let start = format!("session {}, player {GM}: ", super::table::SESSION);
    names(&table.stream(GM), &start, "resumed from nothing");
}
