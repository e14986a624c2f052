//! Bounds: of the document, of what is told, of memory.

use gss_session::Verdict;
use gss_shared::error_code::ErrorCode;
use gss_shared::ids::PlayerId;
use gss_shared::limits;
use gss_shared::link::frame::ReadKind;
use gss_shared::message::Effect;
use serde_json::{Value, json};

use crate::support::{Table, id};

const GM: PlayerId = PlayerId(id(1));

fn table(players: u128) -> Table {
    let mut table = Table::new();
    let create = json!({
        "kind": "create", "campaign_id": id(200), "name": "Lost Mine, evening 7",
        "settings": {"max_players": 100, "rules": {"edition": "5.2"}},
    });
    table.rest(GM, 1_000, &create).expect("create");
    for player in 2..2 + players {
        let join = json!({"kind": "join", "character_id": id(100 + player)});
        table.rest(PlayerId(id(player)), 1_000 + player, &join).expect("join");
    }
    table
}

#[test]
fn an_idle_table_of_five_takes_less_than_four_kilobytes() {
    let mut table = table(4);
    let save = json!({"kind": "save_state", "state": {"shared": {"door": {"open": true}}}});
    table.rest(GM, 1_100, &save).expect("save");
    let size = table.session().size_bytes();
    assert!(size < 4_096, "{size} bytes");
}

/// A document of exactly this many bytes.
fn document(bytes: usize) -> Value {
    json!({"a": "x".repeat(bytes - r#"{"a":""}"#.len())})
}

#[test]
fn a_document_of_a_mebibyte_is_taken_and_not_a_byte_more() {
    let mut table = table(0);
    let save = |bytes| json!({"kind": "save_state", "state": document(bytes)});
    let error = table.rest(GM, 2_000, &save(limits::STATE_BYTES + 1)).expect_err("too large");
    assert_eq!(error.code, ErrorCode::StateTooLarge);
    assert_eq!(error.details["limit_bytes"], limits::STATE_BYTES);
    table.rest(GM, 2_001, &save(limits::STATE_BYTES)).expect("save");
    let change = |action: u128, changes: Value| {
        let data = json!({"action_id": id(action), "changes": changes});
        json!({"type": "state_change", "data": data}).to_string()
    };
    let grow = change(2_002, json!([{"path": "/b", "value": 1}]));
    assert_eq!(table.frame(GM, &grow).expect_err("too large").code, ErrorCode::StateTooLarge);
    // All or none: what counts is the document after all changes.
    let both = json!([{"path": "/b", "value": 1}, {"path": "/a", "value": "y"}]);
    table.frame(GM, &change(2_003, both)).expect("smaller in the end");
    assert_eq!(table.sync(GM), json!({"a": "y", "b": 1}));
}

#[test]
fn a_save_too_deep_or_with_too_much_metadata_is_refused() {
    let mut table = table(0);
    let deep = (1..limits::STATE_DEPTH).fold(json!({}), |inner, _| json!({"a": inner}));
    let save = json!({"kind": "save_state", "state": deep});
    table.rest(GM, 2_000, &save).expect("32 levels");
    let save = json!({"kind": "save_state", "state": {"a": deep}});
    let error = table.rest(GM, 2_001, &save).expect_err("33 levels");
    assert_eq!((error.code, &error.details["limit_depth"]), (ErrorCode::StateTooLarge, &json!(32)));
    let metadata = json!({"note": "x".repeat(16 << 10)});
    let save = json!({"kind": "save_state", "state": {}, "metadata": metadata});
    let error = table.rest(GM, 2_002, &save).expect_err("too much metadata");
    assert_eq!(error.code, ErrorCode::InvalidArgument);
}

#[test]
fn what_is_too_large_to_be_told_is_sent_anew() {
    let mut table = table(9);
    let mut state = document(limits::STATE_BYTES - 2_000);
    for player in 2..11 {
        state["players"][id(player).to_string()] = json!({"x": 1});
    }
    let save = json!({"kind": "save_state", "state": state});
    let Verdict::Accepted(decision) = table.rest(GM, 2_000, &save).expect("save") else {
        panic!("not accepted");
    };
    assert_eq!(decision.messages[0].variants, []);
    assert_eq!(decision.messages[0].effects, [Effect::Resync { players: None }]);
}

#[test]
fn changes_and_paths_of_one_frame_are_bounded() {
    let mut table = table(0);
    let change = |action: u128, count: usize| {
        let changes: Vec<Value> =
            (0..count).map(|at| json!({"path": format!("/m{at}/x"), "value": at})).collect();
        let data = json!({"action_id": id(action), "changes": changes});
        json!({"type": "state_change", "data": data}).to_string()
    };
    let error = table.frame(GM, &change(2_000, limits::CHANGES + 1)).expect_err("too many");
    assert_eq!((error.code, &error.details["limit"]), (ErrorCode::InvalidArgument, &json!(256)));
    table.frame(GM, &change(2_001, limits::CHANGES)).expect("as many as may be");

    let sync = |count: usize| {
        let beneath = (0..count).map(|at| format!("/m{at}/x"));
        let above = (0..limits::SYNC_PATHS).map(|at| format!("/m{at}"));
        ReadKind::Sync { paths: beneath.chain(above).collect() }
    };
    let held = table.read(GM, &sync(limits::SYNC_PATHS)).expect("each beneath another");
    assert_eq!(held["state"].as_object().map(serde_json::Map::len), Some(limits::SYNC_PATHS));
    let error = table.read(GM, &sync(limits::SYNC_PATHS + 1)).expect_err("too many");
    assert_eq!((error.code, &error.details["limit"]), (ErrorCode::InvalidArgument, &json!(64)));
}

#[test]
fn changes_for_too_many_players_are_sent_anew() {
    let mut table = table(1);
    let change = |action: u128, count: u128| {
        let own = |at| json!({"path": format!("/players/{}", id(at)), "value": {"x": 1}});
        let changes: Vec<Value> = (2..2 + count).map(own).collect();
        let data = json!({"action_id": id(action), "changes": changes});
        json!({"type": "state_change", "data": data}).to_string()
    };
    let mut told = |frame: &str| match table.frame(GM, frame).expect("accepted") {
        Verdict::Accepted(decision) => {
            let message = decision.messages.last().expect("a message");
            (message.variants.len(), message.effects.clone())
        }
        other => panic!("{other:?}"),
    };
    // The first command also makes the session active: the changes' message is the last.
    // 64 players times 64 changes: the GMs' variant and one for each.
    assert_eq!(told(&change(2_000, 64)), (65, vec![]));
    assert_eq!(told(&change(2_001, 65)), (0, vec![Effect::Resync { players: None }]));
    let seen = table.sync(PlayerId(id(2)));
    assert_eq!(seen, json!({"players": {id(2).to_string(): {"x": 1}}}));
}
