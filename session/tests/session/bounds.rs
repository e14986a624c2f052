//! Bounds: of the document, of what is told, of memory.

use gss_session::Verdict;
use gss_shared::error_code::ErrorCode;
use gss_shared::ids::PlayerId;
use gss_shared::limits;
use gss_shared::link::frame::ReadKind;
use gss_shared::message::Effect;
use serde_json::{Value, json};

use crate::fights::{Fight, GM as MASTER};
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
fn a_save_is_refused_if_it_or_its_metadata_is_too_deep_or_too_large() {
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
    let save = json!({"kind": "save_state", "state": {}, "metadata": {"a": deep}});
    let error = table.rest(GM, 2_003, &save).expect_err("metadata of 33 levels");
    let told = (error.code, &error.details["limit_depth"]);
    assert_eq!(told, (ErrorCode::InvalidArgument, &json!(32)));
    let save = json!({"kind": "save_state", "state": {}, "metadata": deep});
    table.rest(GM, 2_004, &save).expect("metadata of 32 levels");
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

/// A stat block with one member otherwise, by its path.
fn block(path: &str, value: Value) -> Value {
    let mut block = json!({
        "size": "medium", "ac": 12, "hp": {"current": 20, "max": 28, "temp": 0},
        "abilities": {"str": 8, "dex": 14, "con": 10, "int": 16, "wis": 8, "cha": 8},
        "speeds": {"walk": 30}, "senses": {}, "saves": {}, "skills": {}, "legendary": {},
        "resistances": [{"types": ["fire"]}],
        "spellcasting": {"ability": "wis", "dc": 14, "attack_bonus": 6, "slots": {}, "per_day": {}},
        "attacks": [{"attack_id": "bow", "name": "Bow", "kind": "ranged", "bonus": 4,
                     "damage": [], "range_ft": {"normal": 150, "long": 600}, "on_hit": {}}],
        "uses": [{"use_id": "pulse", "name": "Pulse", "cost": "action", "fail": {}}],
    });
    let (parent, member) = path.rsplit_once('/').expect("a path");
    let parent = block.pointer_mut(parent).expect("is there");
    match parent {
        Value::Array(list) => list[0] = value,
        parent => parent[member] = value,
    }
    block
}

/// The largest of each number.
const NUMBERS: [(&str, i64); 27] = [
    ("/ac", 50),
    ("/proficiency_bonus", 9),
    ("/initiative_bonus", 1_000),
    ("/abilities/str", 30),
    ("/speeds/walk", 5_000),
    ("/speeds/fly", 5_000),
    ("/senses/darkvision_ft", 5_000),
    ("/senses/passive_perception", 1_000),
    ("/saves/str", 1_000),
    ("/skills/arcana", 1_000),
    ("/legendary/actions", 20),
    ("/legendary/resistances", 20),
    ("/spellcasting/dc", 50),
    ("/spellcasting/attack_bonus", 1_000),
    ("/spellcasting/level", 20),
    ("/spellcasting/slots/1", 20),
    ("/spellcasting/per_day/bless", 20),
    ("/attacks/0/bonus", 1_000),
    ("/attacks/0/reach_ft", 5_000),
    ("/attacks/0/range_ft/normal", 5_000),
    ("/attacks/0/range_ft/long", 5_000),
    ("/uses/0/legendary_cost", 3),
    ("/uses/0/recharge", 6),
    ("/uses/0/range_ft", 5_000),
    ("/uses/0/targets", 100),
    ("/uses/0/fail/push_ft", 5_000),
    ("/uses/0/fail/pull_ft", 5_000),
];

#[test]
fn numbers_and_lists_of_a_stat_block_are_bounded() {
    let add = |fight: &mut Fight, block: Value| {
        let combatant = json!({"name": "A", "kind": "npc", "side": "party", "custom": block});
        fight.frame(MASTER, "combatant_add", json!({"combatant": combatant}))
    };
    let damage = json!({"dice": "1d4", "type": "fire"});
    let attack = json!({"attack_id": "a", "name": "A", "kind": "melee", "bonus": 1, "damage": []});
    let action = json!({"use_id": "a", "name": "A", "cost": "action"});
    let spells = |count: usize| (0..count).map(|at| format!("spell-{at}")).collect::<Vec<_>>();
    let daily = |count: usize| spells(count).into_iter().map(|it| (it, 1)).collect::<Value>();
    let rows = NUMBERS.map(|(path, most)| (path, json!(most), json!(most + 1)));
    let of = |what: &Value, most: usize| (json!(vec![what; most]), json!(vec![what; most + 1]));
    let lists = [
        ("/tags", of(&json!("demon"), 50)),
        ("/traits", of(&json!("amphibious"), 50)),
        ("/resistances", of(&json!({"types": ["fire"]}), 50)),
        ("/resistances/0", of(&json!("fire"), 50)),
        ("/condition_immunities", of(&json!("prone"), 15)),
        ("/attacks", of(&attack, 50)),
        ("/attacks/0/damage", of(&damage, 50)),
        ("/attacks/0/two_handed_damage", of(&damage, 50)),
        ("/attacks/0/properties", of(&json!("light"), 50)),
        ("/attacks/0/on_hit/damage", of(&damage, 50)),
        ("/uses", of(&action, 50)),
        ("/uses/0/damage", of(&damage, 50)),
        ("/uses/0/fail/damage", of(&damage, 50)),
        ("/uses/0/fail/conditions", of(&json!("prone"), 15)),
        ("/multiattack", of(&json!(["bow"]), 50)),
        ("/spellcasting/spells", (json!(spells(500)), json!(spells(501)))),
        ("/spellcasting/per_day", (daily(500), daily(501))),
    ];
    let lists = lists.map(|(path, (most, more))| (path, most, more));
    let mut fight = Fight::started(json!({}));
    for (path, most, more) in rows.into_iter().chain(lists) {
        let types = path == "/resistances/0";
        let wrap = |value: Value| if types { json!({"types": value}) } else { value };
        add(&mut fight, block(path, wrap(most)))
            .unwrap_or_else(|error| panic!("{path}: {error:?}"));
        let refused = add(&mut fight, block(path, wrap(more))).expect_err(path);
        assert_eq!(refused.code, ErrorCode::InvalidArgument, "{path}: {refused:?}");
    }
    let refused = add(&mut fight, block("/spellcasting/slots/10", json!(1))).expect_err("no level");
    assert_eq!(refused.code, ErrorCode::InvalidArgument);
}

#[test]
fn a_fight_takes_the_memory_of_its_blocks() {
    let size = |attacks: usize| {
        let damage = json!({"dice": "1d4", "type": "fire"});
        let attack = json!({"attack_id": "a", "name": "A", "kind": "melee", "bonus": 1,
                            "damage": vec![damage; 8]});
        let custom = block("/attacks", json!(vec![attack; attacks]));
        let npc = json!({"name": "A", "kind": "npc", "side": "party", "custom": custom});
        let mut fight = Fight::new(json!({}));
        let start = json!({"combatants": vec![npc; 20], "options": {"initiative": "all"}});
        fight.frame(MASTER, "combat_start", start).expect("starts");
        fight.table.session().size_bytes()
    };
    let (few, many) = (size(1), size(41));
    // 20 creatures, 40 attacks more, 8 dice with their texts each.
    assert!(many - few > 20 * 40 * 8 * 64, "{few} and {many} bytes");
}
