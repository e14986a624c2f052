//! Faults in what is shown to whom: audiences, projections, changes of role and visibility.

use gss_shared::ids::{PlayerId, ResumePoint, Version};
use serde_json::{Value, json};

use super::table::{ARIA, BREN, GM, Table, at};
use super::{found, names};
use crate::history::{Reading, Seen, Violation, check_audience, check_marks, check_snapshots};

fn audience(table: &Table, player: PlayerId) -> Vec<Violation> {
    check_audience(&table.histories[&player], &Reading::of(&table.journal))
}

fn snapshots(table: &Table, player: PlayerId) -> Vec<Violation> {
    check_snapshots(&table.histories[&player], &Reading::of(&table.journal), true)
}

/// Gives Aria the frame that the GM was told last.
fn leak(table: &mut Table) -> Version {
    let version = table.version();
    let frame = table.told(GM, version).clone();
    table.history(ARIA).seen.push(Seen::Frame(frame));
    version
}

#[test]
fn hidden_paths_shown_to_a_player() {
    let (ones, whole) = (format!("/players/{BREN}/hp"), format!("/players/{BREN}"));
    let cases: [(&str, Value, String); 4] = [
        ("/gm/plan", json!("ambush"), "/gm/plan".to_owned()),
        ("/gm", json!({"a": {"b": 1}}), "/gm/a/b".to_owned()),
        (&ones, json!(7), ones.clone()),
        (&whole, json!({"hp": 7}), ones.clone()),
    ];
    for (path, value, leaf) in cases {
        let mut table = Table::new();
        table.change(GM, path, &value);
        table.is_right();
        let version = leak(&mut table);
        let what = format!("{leaf}, shown to Some(Player) in");
        names(&audience(&table, ARIA), &at(version, ARIA), &what);
    }
}

#[test]
fn whispers_and_hidden_rolls_shown_to_others() {
    let mut table = Table::new();
    table.chat(GM, "psst", &json!([BREN]));
    let version = leak(&mut table);
    names(&audience(&table, ARIA), &at(version, ARIA), "a chat_message for others");
    // GMs do not read along.
    let mut table = Table::new();
    table.chat(ARIA, "psst", &json!([BREN]));
    let version = table.version();
    let frame = table.told(BREN, version).clone();
    table.history(GM).seen.push(Seen::Frame(frame));
    names(&audience(&table, GM), &at(version, GM), "a chat_message for others");
    let mut table = Table::new();
    table.frame(GM, json!({"type": "roll", "data": {"expression": "1d20", "to": "gm"}}));
    let version = leak(&mut table);
    names(&audience(&table, ARIA), &at(version, ARIA), "a roll_result for others");
}

#[test]
fn an_audience_that_was_decided_wrongly() {
    // The journal itself says that all may see it: the stream is right by it, the protocol is not.
    let mut table = Table::new();
    table.chat(GM, "psst", &json!([BREN]));
    let version = table.version();
    table.event(version).audience = "\"all\"".to_owned();
    let mut frame = table.told(GM, version).clone();
    frame["data"]["prev"] = json!((version.0 - 1).to_string());
    table.history(ARIA).seen.push(Seen::Frame(frame));
    found(&table.stream(ARIA), &[]);
    names(&audience(&table, ARIA), &at(version, ARIA), "a chat_message for others");
}

#[test]
fn what_a_former_assistant_is_shown_still() {
    let mut table = Table::new();
    let role = |role: &str| json!({"kind": "update_player", "player_id": ARIA, "role": role});
    table.rest(GM, &role("assistant_gm"));
    table.change(GM, "/gm/plan", &json!("ambush"));
    table.rest(GM, &role("player"));
    table.is_right();
    table.change(GM, "/gm/plan", &json!("retreat"));
    let version = leak(&mut table);
    names(&audience(&table, ARIA), &at(version, ARIA), "/gm/plan, shown to Some(Player)");
    names(&table.stream(ARIA), &at(version, ARIA), "may not see");
}

#[test]
fn what_a_rule_of_visibility_hides() {
    let rules = |rules: Value| json!({"kind": "update", "settings": {"visibility": rules}});
    let mut table = Table::new();
    table.rest(
        GM,
        &rules(json!([
            {"prefix": "/shared/trap", "audience": "gm"},
            {"prefix": "/shared/trap/known", "audience": format!("player:{ARIA}")},
            {"prefix": "/gm/board", "audience": "all"}
        ])),
    );
    table.change(GM, "/gm/board/x", &json!(1));
    table.change(GM, "/shared/trap", &json!({"pit": 1, "known": 2}));
    table.is_right();
    let version = table.version();
    let whole = table.told(GM, version)["data"]["changes"].clone();
    table.told(ARIA, version)["data"]["changes"] = whole;
    let violations = audience(&table, ARIA);
    names(&violations, &at(version, ARIA), "/shared/trap/pit, shown to");
    assert_eq!(violations.len(), 1, "{violations:#?}");
    // The rules themselves are for GMs.
    let mut table = Table::new();
    table.rest(GM, &rules(json!([{"prefix": "/shared/trap", "audience": "gm"}])));
    let version = table.version();
    let status = table.told(GM, version).clone();
    *table.told(BREN, version) = status;
    names(&audience(&table, BREN), &at(version, BREN), "the rules of visibility");
}

#[test]
fn a_snapshot_that_shows_too_much_or_something_else() {
    let mut table = Table::new();
    table.change(GM, "/gm/plan", &json!("ambush"));
    table.sync(ARIA);
    table.is_right();
    let version = table.version();
    table.last(ARIA, "sync_response")["data"]["state"]["gm"] = json!({"plan": "ambush"});
    names(&audience(&table, ARIA), &at(version, ARIA), "/gm/plan, shown to");
    names(&snapshots(&table, ARIA), &at(version, ARIA), "snapshot says");
    table.sync(BREN);
    table.last(BREN, "sync_response")["data"]["state"]["shared"]["door"] = json!("shut");
    found(&audience(&table, BREN), &[]);
    names(&snapshots(&table, BREN), &at(version, BREN), "snapshot says");
}

#[test]
fn a_snapshot_of_another_event_or_of_none() {
    let mut table = Table::new();
    table.sync(ARIA);
    let version = table.version();
    let door = table.told(ARIA, version)["data"]["position"].clone();
    table.change(BREN, "/shared/a", &json!(1));
    table.sync(ARIA);
    let version = table.version();
    table.last(ARIA, "sync_response")["data"]["position"] = door;
    names(&snapshots(&table, ARIA), &at(version, ARIA), "snapshot names another event");
    let beyond = version.next();
    table.last(ARIA, "sync_response")["data"]["version"] = json!(beyond.to_string());
    names(&snapshots(&table, ARIA), &at(beyond, ARIA), "is not in the journal");
}

#[test]
fn a_change_of_sight_that_does_not_say_that_a_snapshot_is_owed() {
    let mut table = Table::new();
    table.rest(GM, &json!({"kind": "update_player", "player_id": ARIA, "role": "spectator"}));
    // It is told something before its snapshot.
    table.history(ARIA).seen.pop();
    table.change(BREN, "/shared/a", &json!(1));
    let version = table.version();
    let marks = |table: &Table| check_marks(&table.histories[&ARIA], &Reading::of(&table.journal));
    names(&marks(&table), &at(version, ARIA), "does not say that a snapshot is owed");
    let told = &mut table.told(ARIA, version)["data"]["position"];
    let position = told.as_str().and_then(|text| text.parse().ok()).expect("a position");
    *told = json!(ResumePoint { position, owed: true }.to_string());
    found(&marks(&table), &[]);
}

#[test]
fn a_change_of_sight_without_a_snapshot() {
    let mut table = Table::new();
    table.rest(GM, &json!({"kind": "update_player", "player_id": ARIA, "role": "spectator"}));
    table.is_right();
    let version = table.version();
    table.history(ARIA).seen.pop();
    let what = "no snapshot after the viewer's sight changed";
    found(&snapshots(&table, ARIA), &[at(version, ARIA) + what]);
    found(&snapshots(&table, BREN), &[]);
}
