//! Faults in the journal itself.

use gss_shared::ids::{Epoch, PlayerId, Version};
use serde_json::json;

use super::table::{ARIA, BREN, GM, SESSION, Table, at};
use super::{found, names};
use crate::history::check_journal;

fn table() -> (Table, Version) {
    let mut table = Table::new();
    table.change(ARIA, "/shared/a", &json!(1));
    table.change(BREN, "/shared/b", &json!(2));
    let version = table.version();
    (table, version)
}

fn check(table: &Table, version: Version, player: PlayerId, what: String) {
    found(&check_journal(SESSION, &table.journal), &[at(version, player) + &what]);
}

#[test]
fn an_action_with_two_effects() {
    let (mut table, version) = table();
    let first = table.event(Version(version.0 - 1)).action;
    table.event(version).action = first;
    let (action, _) = first.expect("an action");
    check(&table, version, BREN, format!("action {action} took effect twice"));
}

#[test]
fn an_event_that_is_there_twice() {
    let (mut table, version) = table();
    let id = table.event(Version(version.0 - 1)).id;
    table.event(version).id = id;
    check(&table, version, BREN, format!("event {id} is there twice"));
}

#[test]
fn a_hole_and_a_repeat_of_versions() {
    let (mut holed, version) = table();
    let hole = Version(version.0 - 1);
    holed.journal.retain(|event| event.version != hole);
    check(&holed, version, BREN, format!("version {version} where {hole} belongs"));
    let (mut repeated, version) = table();
    repeated.event(version).version = Version(version.0 - 1);
    let before = Version(version.0 - 1);
    check(&repeated, before, BREN, format!("version {before} where {version} belongs"));
}

#[test]
fn an_epoch_or_a_time_that_falls() {
    let (mut table, version) = table();
    table.event(Version(version.0 - 1)).epoch = Epoch(4);
    table.event(version).epoch = Epoch(3);
    check(&table, version, BREN, "written in epoch 3 after 4".to_owned());
    table.event(version).epoch = Epoch(4);
    table.event(version).at.0 -= 10;
    names(&check_journal(SESSION, &table.journal), &at(version, BREN), "decided at");
}

#[test]
fn an_event_of_an_action_apart_from_its_first() {
    let (mut table, version) = table();
    let (action, _) = table.event(Version(1)).action.expect("an action");
    let event = table.event(version);
    let mut data: serde_json::Value = serde_json::from_str(&event.data).expect("JSON");
    data["of"] = json!(action);
    (event.action, event.data) = (None, data.to_string());
    names(&check_journal(SESSION, &table.journal), &at(version, BREN), "continues action");
    assert!(table.journal.iter().any(|event| event.actor == Some(GM)));
}
