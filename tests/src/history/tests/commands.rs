//! Faults in what becomes of commands.

use gss_shared::ids::{ActionId, Version};
use serde_json::json;
use uuid::Uuid;

use super::table::{ARIA, BREN, GM, Table, at};
use super::{found, names};
use crate::history::{Fate, Seen};

fn table() -> (Table, Version) {
    let mut table = Table::new();
    table.change(ARIA, "/shared/a", &json!(1));
    table.chat(ARIA, "hello", &json!([BREN]));
    let version = table.version();
    (table, version)
}

#[test]
fn an_acknowledged_command_that_is_lost() {
    let (mut table, version) = table();
    table.journal.pop();
    let action = table.history(ARIA).sent[2].action;
    let violations = table.commands();
    let lost = format!("action {action} was acknowledged and is lost");
    names(&violations, &at(version, ARIA), &lost);
    // The frame of the acknowledgement is at odds with the journal, too.
    assert_eq!(violations.len(), 2, "{violations:#?}");
}

#[test]
fn an_acknowledgement_of_another_version() {
    let (mut table, version) = table();
    let early = Version(version.0 - 1);
    let sent = &mut table.history(ARIA).sent[2];
    sent.fate = Fate::Acknowledged(early);
    let action = sent.action;
    let what = format!("action {action} was acknowledged at {early}, ends at {version}");
    found(&table.commands(), &[at(version, ARIA) + &what]);
}

#[test]
fn a_repeated_acknowledgement_with_another_version() {
    let (mut table, version) = table();
    let mut again = table.last(ARIA, "ack").clone();
    let late = Version(version.0 + 1);
    again["data"]["version"] = json!(late.to_string());
    table.history(ARIA).seen.push(Seen::Frame(again));
    let action = table.history(ARIA).sent[2].action;
    let what = format!("ack of action {action}, which ends at Some(Version({version}))");
    found(&table.commands(), &[at(late, ARIA) + &what]);
}

#[test]
fn an_acknowledgement_of_anothers_command() {
    let (mut table, version) = table();
    let ack = table.last(ARIA, "ack").clone();
    table.history(BREN).seen.push(Seen::Frame(ack));
    names(&table.commands(), &at(version, BREN), "ack of another's");
}

#[test]
fn a_refused_command_that_took_effect() {
    let (mut table, version) = table();
    let sent = &mut table.history(ARIA).sent[2];
    sent.fate = Fate::Refused("forbidden".to_owned());
    let what = format!("action {} was refused as forbidden and took effect", sent.action);
    found(&table.commands(), &[at(version, ARIA) + &what]);
}

#[test]
fn a_second_effect_under_another_name() {
    let (mut table, _) = table();
    let mut again = table.journal.last().expect("an event").clone();
    let action = ActionId(Uuid::from_u128(77));
    (again.version, again.action) = (again.version.next(), Some((action, [0; 16])));
    let version = again.version;
    table.journal.push(again);
    let what = format!("effect of action {action}, which it never sent");
    found(&table.commands(), &[at(version, ARIA) + &what]);
}

#[test]
fn an_effect_that_is_not_what_was_asked_for() {
    for (from, to) in [("hello", "hullo"), (&*BREN.to_string(), &*GM.to_string())] {
        let (mut table, version) = table();
        let event = table.event(version);
        event.data = event.data.replace(from, to);
        names(&table.commands(), &at(version, ARIA), "the journal has chat_message");
    }
    let (mut table, version) = table();
    let change = Version(version.0 - 1);
    table.event(change).data = table.event(change).data.replace("/shared/a", "/shared/b");
    names(&table.commands(), &at(change, ARIA), "the journal has state_update");
}

#[test]
fn an_effect_of_another_actor() {
    let (mut table, version) = table();
    table.event(version).actor = Some(BREN);
    names(&table.commands(), &at(version, ARIA), "is journaled as of");
}

#[test]
fn an_increment_that_counted_twice() {
    let (mut table, _) = table();
    let changes = json!([{"path": "/shared/n", "op": "increment", "value": 1}]);
    for _ in 0..2 {
        let data = json!({"changes": changes.clone()});
        table.frame(ARIA, json!({"type": "state_change", "data": data}));
    }
    table.is_right();
    let version = table.version();
    let event = table.event(version);
    event.data = event.data.replace("\"value\":2", "\"value\":3");
    names(&table.commands(), &at(version, ARIA), "increment");
}

#[test]
fn commands_decided_in_another_order_than_sent() {
    let (mut table, version) = table();
    let before = Version(version.0 - 1);
    table.history(ARIA).sent.swap(1, 2);
    let (first, second) = (table.history(ARIA).sent[1].action, table.history(ARIA).sent[2].action);
    let what = format!("action {second} was decided before {first} at {version}, sent first");
    found(&table.commands(), &[at(before, ARIA) + &what]);
    // One that failed with an unknown effect was sent again: later ones may be before it.
    let details = json!({"action_id": first, "effect": "unknown"});
    let error = json!({"type": "error", "error": {"code": "unavailable", "details": details}});
    table.history(ARIA).seen.push(Seen::Frame(error));
    found(&table.commands(), &[]);
}
