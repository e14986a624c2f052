//! Who takes part: joins, leaves, has a place in the order.

use std::collections::BTreeSet;

use gss_shared::error_code::ErrorCode;
use serde_json::{Map, Value, json};

use crate::fights::{ARIA, BREN, CLERIC, Fight, GM, HERO, OGRE, WATCHER, combatants};
use crate::support::id;

#[test]
fn the_fight_begins_when_the_last_who_has_to_roll_leaves() {
    let mut fight = Fight::new(json!({}));
    let start = json!({"combatants": combatants(), "grid": {"width": 12, "height": 12}});
    fight.frame(GM, "combat_start", start).expect("starts");
    fight.frame(ARIA, "initiative_roll", json!({"character_id": id(HERO)})).expect("rolls");
    assert_eq!(fight.combat(ARIA)["phase"], "rolling_initiative");
    fight.frame(GM, "combatant_remove", json!({"character_id": id(CLERIC)})).expect("removes");
    assert_eq!(fight.types(WATCHER), ["combatant_changed", "turn_change"]);
    let combat = fight.combat(WATCHER);
    assert_eq!((&combat["phase"], &combat["round"]), (&json!("running"), &json!(1)));
    assert_eq!(combat["order"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_combatant_has_at_most_a_hundred_pools() {
    let mut fight = Fight::started(json!({}));
    let pools = |from: usize, count: usize| {
        let pool = json!({"current": 1, "max": 1});
        let pools = (from..from + count).map(|at| (format!("pool-{at}"), pool.clone()));
        let pools: Map<String, Value> = pools.collect();
        json!({"character_id": id(OGRE), "fields": {"resources": pools}})
    };
    let refused = fight.frame(GM, "combatant_update", pools(0, 101)).expect_err("at once");
    assert_eq!(
        (refused.code, &refused.details["limit"]),
        (ErrorCode::InvalidArgument, &json!(100))
    );
    fight.frame(GM, "combatant_update", pools(0, 60)).expect("updates");
    fight.frame(GM, "combatant_update", pools(50, 50)).expect("updates");
    let refused =
        fight.frame(GM, "combatant_update", pools(100, 1)).expect_err("one after another");
    assert_eq!(
        (refused.code, &refused.details["rule"]),
        (ErrorCode::InvalidArgument, &json!("invalid_combatant"))
    );
    fight.frame(GM, "combatant_update", pools(99, 1)).expect("one that is there");
    let full = json!({"current": 2, "max": 1});
    let update = json!({"character_id": id(OGRE), "fields": {"resources": {"pool-1": full}}});
    let refused = fight.frame(GM, "combatant_update", update).expect_err("more than it holds");
    assert_eq!(refused.code, ErrorCode::InvalidArgument);
}

#[test]
fn why_a_game_master_ends_an_effect_is_told() {
    let mut fight = Fight::started(json!({}));
    let effect = json!({
        "name": "Hexed", "duration": {"kind": "permanent"}, "concentration": true,
        "source_id": id(CLERIC),
    });
    for targets in [None, Some(json!([id(OGRE)]))] {
        let apply = json!({"effect": effect, "target_ids": [id(HERO), id(OGRE)]});
        fight.frame(GM, "effect_apply", apply).expect("applies");
        let effects = fight.combat(GM)["effects"].clone();
        let (hexed, _) = effects.as_object().expect("effects").iter().next().expect("one");
        let mut remove = json!({"effect_id": hexed, "reason": "Washed off"});
        if let Some(targets) = targets {
            remove["target_ids"] = targets;
        }
        fight.frame(GM, "effect_remove", remove).expect("removes");
        let told = fight.got(WATCHER);
        let ended = told.iter().find(|frame| frame["type"] == "effect_ended").expect("told");
        assert_eq!(
            (&ended["data"]["reason"], &ended["data"]["text"]),
            (&json!("removed"), &json!("Washed off"))
        );
    }
}

#[test]
fn each_step_of_a_command_has_an_action_of_its_own() {
    let mut fight = Fight::new(json!({}));
    let mut combatants = combatants();
    combatants[1]["custom"]["spellcasting"]["spells"] = json!(["fly"]);
    combatants[3]["side"] = json!("party");
    combatants[3]["position"] = json!([0, 4]);
    combatants[0]["position"] = json!([2, 3]);
    let (grid, options) = (json!({"width": 12, "height": 12}), json!({"initiative": "all"}));
    let start = json!({"combatants": combatants, "grid": grid, "options": options});
    fight.frame(GM, "combat_start", start).expect("starts");
    fight.pass_to(CLERIC);
    let fly = json!({"spell": "fly", "slot_level": 4});
    fight.declare(BREN, CLERIC, "cast", &[HERO, OGRE], fly).expect("casts");
    for flier in [HERO, OGRE] {
        let up = json!({"character_id": id(flier), "fields": {"elevation_ft": 20}});
        fight.frame(GM, "combatant_update", up).expect("is up there");
    }
    let effects = fight.combat(GM)["effects"].clone();
    let (fly, _) = effects.as_object().expect("effects").iter().next().expect("one");
    let remove = json!({"effect_id": fly, "target_ids": [id(HERO), id(OGRE)]});
    fight.frame(GM, "effect_remove", remove).expect("removes");
    // Each falls by itself.
    let told = fight.got(GM).into_iter().filter(|told| told["data"]["cause"]["kind"] == "rule");
    let actions: Vec<String> = told.map(|told| told["data"]["action_id"].to_string()).collect();
    let apart: BTreeSet<&String> = actions.iter().collect();
    assert_eq!((actions.len(), apart.len()), (2, 2), "{actions:?}");
}
