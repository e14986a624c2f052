//! Golden files: every shape ever written stays readable.
//!
//! `events-0.jsonl` and `snapshot-0.json` are of shape version 0, `events-1.jsonl` and
//! `snapshot-1.json` of version 1, which this release writes. Both tell the same session: the
//! state they make must be the same. `GSS_REWRITE=1` writes the files of version 1 anew; that is
//! right only while version 1 was never released.

use std::path::PathBuf;

use gss_session::{Corrupt, Session, hub_message, message};
use gss_shared::ids::{Epoch, EventId, Position, SessionId, Version};
use gss_shared::message::{Role, Viewer, close_frame};
use gss_shared::ports::journal::JournalEvent;
use serde_json::{Value, json};

use crate::support::{Table, id};
use gss_shared::ids::PlayerId;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

pub(crate) fn golden(name: &str) -> String {
    std::fs::read_to_string(path(name)).expect(name)
}

fn line(event: &JournalEvent) -> String {
    let parse = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let action = event.action.map(|(action, hash)| (action, u128::from_be_bytes(hash).to_string()));
    json!({
        "version": event.version,
        "id": event.id,
        "action": action,
        "actor": event.actor,
        "type": event.event_type,
        "data": parse(&event.data),
        "audience": parse(&event.audience),
        "at": event.at,
    })
    .to_string()
}

fn read(line: &str) -> JournalEvent {
    let line: Value = serde_json::from_str(line).expect("JSON");
    let of = |name: &str| line[name].clone();
    let action = line["action"].as_array().map(|pair| {
        let hash: u128 = pair[1].as_str().expect("hash").parse().expect("hash");
        (serde_json::from_value(pair[0].clone()).expect("action"), hash.to_be_bytes())
    });
    JournalEvent {
        version: serde_json::from_value(of("version")).expect("version"),
        id: serde_json::from_value(of("id")).expect("id"),
        epoch: Epoch(1),
        action,
        actor: serde_json::from_value(of("actor")).expect("actor"),
        event_type: line["type"].as_str().expect("type").to_owned(),
        data: of("data").to_string(),
        audience: of("audience").to_string(),
        at: serde_json::from_value(of("at")).expect("at"),
    }
}

pub(crate) fn events(name: &str) -> Vec<JournalEvent> {
    golden(name).lines().map(read).collect()
}

/// A play with every type of event.
fn played() -> Table {
    let mut table = Table::new();
    let gm = PlayerId(id(1));
    let mut action = 1_000;
    let mut rest = |table: &mut Table, who: u128, command: Value| {
        action += 1;
        table.rest(PlayerId(id(who)), action, &command).expect("rest");
    };
    let create = json!({
        "kind": "create", "campaign_id": id(200), "name": "Table", "settings": {"max_players": 6},
    });
    rest(&mut table, 1, create);
    rest(&mut table, 2, json!({"kind": "join", "character_id": id(102)}));
    let frame = |table: &mut Table, number: u128, kind: &str, mut data: Value| {
        data["action_id"] = json!(id(2_000 + number));
        table.frame(gm, &json!({"type": kind, "data": data}).to_string()).expect(kind);
    };
    let door = json!({"changes": [{"path": "/shared/door", "value": true}]});
    frame(&mut table, 1, "state_change", door);
    frame(&mut table, 2, "chat", json!({"text": "psst", "to": [id(2)]}));
    let hidden =
        json!({"changes": [{"path": "/gm/plan", "value": 1.5}, {"path": "/x", "value": {}}]});
    frame(&mut table, 3, "state_change", hidden);
    table.faces.0.extend([4]);
    frame(&mut table, 4, "roll", json!({"expression": "1d6+1", "reason": "luck", "to": "gm"}));
    table.faces.0.extend(1..=12);
    rest(&mut table, 1, json!({"kind": "create_invite", "uses": 3, "expires_in_seconds": 60}));
    let save = json!({
        "kind": "save_state", "state": {"shared": {"door": false}}, "metadata": {"scene": "ford"},
    });
    rest(&mut table, 1, save);
    let visibility = json!([{"prefix": "/shared/traps", "audience": "gm"}]);
    let update = json!({"kind": "update", "name": "Other", "settings": {"visibility": visibility}});
    rest(&mut table, 1, update);
    frame(&mut table, 5, "rollback", json!({"to_version": "4"}));
    for who in 3..=5 {
        rest(&mut table, who, json!({"kind": "join"}));
    }
    let role = json!({"kind": "update_player", "player_id": id(3), "role": "assistant_gm"});
    rest(&mut table, 1, role);
    rest(&mut table, 4, json!({"kind": "leave"}));
    rest(&mut table, 1, json!({"kind": "kick", "player_id": id(5)}));
    rest(&mut table, 1, json!({"kind": "update_player", "player_id": id(6), "banned": true}));
    rest(&mut table, 1, json!({"kind": "update_player", "player_id": id(6), "banned": false}));
    rest(&mut table, 1, json!({"kind": "update_player", "player_id": id(7), "banned": true}));
    table.run(&crate::support::connecting(2, 2, 7)).expect("connect");
    rest(&mut table, 1, json!({"kind": "pause", "reason": "Dinner"}));
    rest(&mut table, 1, json!({"kind": "delete"}));
    table
}

#[test]
fn todays_shapes_are_written_as_ever() {
    let table = played();
    let events: String = table.journal.iter().map(|event| line(event) + "\n").collect();
    let snapshot = table.session().snapshot() + "\n";
    if std::env::var_os("GSS_REWRITE").is_some() {
        std::fs::write(path("events-1.jsonl"), &events).expect("written");
        std::fs::write(path("snapshot-1.json"), &snapshot).expect("written");
    }
    for (expected, actual) in golden("events-1.jsonl").lines().zip(events.lines()) {
        assert_eq!(expected, actual);
    }
    assert_eq!(golden("events-1.jsonl"), events);
    assert_eq!(golden("snapshot-1.json"), snapshot);
    let restored = Session::restore(table.id, &golden("snapshot-1.json")).expect("restore");
    assert_eq!(&restored, table.session());
}

#[test]
fn version_0_comes_to_the_same() {
    let table = SessionId(id(0));
    let old = events("events-0.jsonl");
    let new = &events("events-1.jsonl")[..old.len()];
    let replay = |events: &[JournalEvent]| {
        Session::replay(table, None, events).expect("replay").expect("session")
    };
    assert_eq!(replay(&old).snapshot(), replay(new).snapshot(), "events");
    let restored = Session::restore(table, &golden("snapshot-0.json")).expect("restore");
    assert_eq!(restored.snapshot(), replay(new).snapshot(), "snapshot");
    let mut after = Position::START;
    for (old, new) in old.iter().zip(new) {
        let told = message(old, after).expect("old");
        assert_eq!(told, message(new, after).expect("new"), "{}", old.event_type);
        after = told.position;
    }
}

#[test]
fn an_old_whisper_is_told_to_whom_it_was_for() {
    let old = events("events-0.jsonl");
    let chat = old.iter().find(|event| event.event_type == "chat_message").expect("chat");
    let told = message(chat, Position::START).expect("message");
    let heard = |number| {
        let viewer = Viewer { player: PlayerId(id(number)), role: Role::Player };
        told.head_for(viewer).map(|(_, head)| close_frame(head, Version(3)))
    };
    let frame: Value = serde_json::from_str(&heard(2).expect("heard")).expect("JSON");
    assert_eq!((&frame["data"]["text"], &frame["data"]["prev"]), (&json!("psst"), &json!("3")));
    assert_eq!(heard(3), None);
}

#[test]
fn what_is_not_published_of_a_fight_need_not_be_read() {
    let mut event = events("events-1.jsonl").remove(0);
    event.data = json!({"v": 9}).to_string();
    let mut published = |event_type: &str| {
        event.event_type = event_type.to_owned();
        hub_message(SessionId(id(0)), &event).map(|message| message.is_some())
    };
    assert!(matches!(published("action_declare"), Ok(false)));
    assert!(matches!(published("action_resolve"), Err(Corrupt::LaterShape { found: 9, .. })));
}

#[test]
fn what_a_later_release_wrote_is_not_guessed_at() {
    let mut event = events("events-1.jsonl").remove(0);
    let id = SessionId(id(0));
    let replay = |event: &JournalEvent| Session::replay(id, None, std::slice::from_ref(event));
    let data = event.data.clone();
    event.data = data.replace("\"v\":1", "\"v\":2");
    assert!(matches!(replay(&event), Err(Corrupt::LaterShape { found: 2, .. })));
    event.data = data.replace("\"max_players\":6", "\"max_players\":\"six\"");
    assert!(matches!(replay(&event), Err(Corrupt::Malformed { .. })));
    event.data = data;
    event.event_type = "session_dreamt".to_owned();
    assert!(matches!(replay(&event), Err(Corrupt::UnknownType(_))));
    event.event_type = "session_created".to_owned();
    event.version = Version(2);
    assert!(matches!(replay(&event), Err(Corrupt::Gap { .. })));
    let snapshot = golden("snapshot-1.json").replace("\"v\":1", "\"v\":9");
    assert!(matches!(Session::restore(id, &snapshot), Err(Corrupt::LaterShape { found: 9, .. })));
    let other = SessionId(crate::support::id(1));
    let other = Session::restore(other, &golden("snapshot-1.json"));
    assert!(matches!(other, Err(Corrupt::Misfit { .. })));
}

#[test]
fn every_type_of_event_is_in_the_golden_file() {
    let events = events("events-1.jsonl");
    let types: std::collections::BTreeSet<&str> =
        events.iter().map(|event| event.event_type.as_str()).collect();
    let expected = [
        "banned",
        "chat_message",
        "connected",
        "invite_created",
        "kicked",
        "member_joined",
        "member_left",
        "role_changed",
        "roll_result",
        "rolled_back",
        "session_created",
        "session_deleted",
        "session_status",
        "settings_changed",
        "state_saved",
        "state_update",
        "unbanned",
    ];
    assert_eq!(types.into_iter().collect::<Vec<_>>(), expected);
    let ids: std::collections::BTreeSet<EventId> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), events.len(), "no id twice");
}
