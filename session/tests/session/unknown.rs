//! What players could learn of who is hidden by trying: nothing.

use gss_shared::error_code::ErrorCode;
use serde_json::{Value, json};

use crate::fights::{ARIA, CLERIC, Fight, GM, HERO, LURKER};
use crate::support::id;

/// The hero's turn, who has left everybody's mind: it may move without being struck.
fn turn() -> Fight {
    let mut fight = Fight::started(json!({}));
    fight.at_turn_of(HERO);
    fight
}

#[test]
fn a_walk_into_somebody_unknown_stops_before_and_is_paid() {
    let mut fight = turn();
    fight.declare(ARIA, HERO, "disengage", &[], json!({})).expect("disengages");
    // The lurker stands at [3, 5].
    let path = json!({"path": [[3, 3], [3, 4], [3, 5]]});
    fight.declare(ARIA, HERO, "move", &[], path).expect("is tried");
    let hero = &fight.combat(ARIA)["combatants"][id(HERO).to_string()];
    assert_eq!(hero["position"], json!([3, 4]));
    assert_eq!(hero["economy"]["movement_left_ft"], 20);
}

#[test]
fn ids_anywhere_in_an_action_are_as_unknown_as_those_of_nobody() {
    let mut fight = turn();
    // In its turn, and out of it.
    for _ in 0..2 {
        let mut refusals = [LURKER, 999].map(|unknown| {
            let unknown = json!(id(unknown));
            let trigger = json!({"on": "moves", "who": [unknown]});
            let dodge = json!({"action_type": "dodge", "targets": [], "details": {}});
            let grapple = json!({"action_type": "grapple", "targets": [unknown], "details": {}});
            let rows = [
                ("help", json!({"kind": "attack", "enemy_id": unknown})),
                ("move", json!({"path": [[2, 3]], "drag": [unknown]})),
                ("ready", json!({"trigger": trigger, "action": dodge})),
                ("ready", json!({"trigger": {"on": "moves"}, "action": grapple})),
            ];
            let refused = rows.map(|(kind, details)| {
                let targets: &[u128] = if kind == "help" { &[CLERIC] } else { &[] };
                let refused = fight.declare(ARIA, HERO, kind, targets, details);
                let mut refused = refused.expect_err(kind);
                assert_eq!(refused.code, ErrorCode::CharacterNotFound, "{kind}: {refused:?}");
                assert_eq!(refused.details.remove("character_id"), Some(unknown.clone()));
                refused.details.remove("action_id");
                refused
            });
            refused.to_vec()
        });
        let [hidden, nobody] = &mut refusals;
        assert_eq!(hidden, nobody);
        let active = fight.combat(GM)["active_character"].clone();
        fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
    }
}

#[test]
fn an_effect_on_somebody_unknown_is_none() {
    let mut fight = turn();
    let effect = json!({"name": "Held", "duration": {"kind": "permanent"}});
    let apply = json!({"effect": effect, "target_ids": [id(LURKER)]});
    fight.frame(GM, "effect_apply", apply).expect("applies");
    let effects = fight.combat(GM)["effects"].clone();
    let held = effects.as_object().expect("effects").keys().next().expect("one").clone();
    let mut refusals = [held, id(999).to_string()].map(|effect| {
        let details = json!({"effect_id": effect});
        let mut refused = fight.declare(ARIA, HERO, "escape", &[], details).expect_err("unknown");
        assert_eq!(refused.details.remove("effect_id"), Some(json!(effect)));
        refused.details.remove("action_id");
        refused
    });
    let [hidden, nobody] = &mut refusals;
    assert_eq!(hidden.code, ErrorCode::NotFound);
    assert_eq!(hidden, nobody);
}

#[test]
fn ids_of_combatants_do_not_follow_each_other() {
    let mut fight = Fight::new(json!({}));
    let one = json!({"kind": "monster", "side": "enemies", "stat_block": "goblin-warrior"});
    let start = json!({"combatants": [one, one, one], "grid": {"width": 5, "height": 5}});
    fight.frame(GM, "combat_start", start).expect("starts");
    let combat = fight.combat(GM);
    let ids: Vec<u128> = combat["combatants"]
        .as_object()
        .expect("combatants")
        .keys()
        .map(|id| id.parse::<uuid::Uuid>().expect("an id").as_u128())
        .collect();
    assert!(ids.windows(2).all(|pair| pair[1] - pair[0] > u128::from(u64::MAX)), "{ids:?}");
}

#[test]
fn effects_of_clients_are_no_programs() {
    let mut fight = turn();
    let nested = json!({"around": {"feet": 5000, "and_it": true, "does": []}});
    let effect = json!({
        "name": "x", "duration": {"kind": "permanent"},
        "triggers": [{"on": "turn_end", "does": [nested]}],
    });
    let apply = json!({"effect": effect, "target_ids": [id(HERO)]});
    let refused = fight.frame(GM, "effect_apply", apply).expect_err("a program");
    assert_eq!(refused.code, ErrorCode::InvalidFrame);
    let many: Vec<Value> = vec![json!({"condition": "prone"}); 16];
    let update = json!({"character_id": id(HERO), "fields": {"conditions_add": many}});
    let refused = fight.frame(GM, "combatant_update", update).expect_err("too many");
    assert_eq!((refused.code, &refused.details["limit"]), (ErrorCode::InvalidArgument, &json!(15)));
    let update = |fields: Value| json!({"character_id": id(HERO), "fields": fields});
    for fields in [json!({"initiative": 2_147_483_647}), json!({"speeds": {"walk": -5}})] {
        let refused = fight.frame(GM, "combatant_update", update(fields)).expect_err("too much");
        assert_eq!(refused.code, ErrorCode::InvalidArgument);
    }
}

/// Who could tell a name's number would know how many were given to what it is not shown.
#[test]
fn names_of_effects_and_questions_have_no_number_that_anybody_could_tell() {
    let mut fight = turn();
    let effect = json!({"name": "Hexed", "duration": {"kind": "permanent"}});
    fight
        .frame(GM, "effect_apply", json!({"effect": effect, "target_ids": [id(HERO)]}))
        .expect("applies");
    let combat = fight.combat(ARIA);
    let fight_id: uuid::Uuid =
        combat["combat_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let effects = combat["effects"].as_object().expect("effects");
    let named = |number: u32| {
        let mut bytes = fight_id.as_bytes().to_vec();
        bytes.extend_from_slice(b"effect");
        bytes.extend_from_slice(&number.to_be_bytes());
        let hash = xxhash_rust::xxh3::xxh3_128(&bytes);
        uuid::Builder::from_random_bytes(hash.to_be_bytes()).into_uuid().to_string()
    };
    assert!(!effects.is_empty() && !(0..100).any(|number| effects.contains_key(&named(number))));
}
