//! Riding at a table: whom a rider's player moves, and what the others are told of it.

use gss_shared::error_code::ErrorCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fights::{ALL, ARIA, BREN, Fight, GM, HERO, LURKER, WATCHER};
use crate::support::id;

const HORSE: u128 = 106;

fn in_turn_of_aria(owner: Option<u128>) -> Fight {
    let mut fight = Fight::started(json!({}));
    let horse = json!({
        "character_id": id(HORSE), "name": "Dun", "kind": "npc", "side": "party",
        "owner_id": owner.map(id), "position": [0, 2],
        "custom": {
            "size": "large",
            "abilities": {"str": 16, "dex": 10, "con": 12, "int": 2, "wis": 11, "cha": 7},
            "ac": 10, "hp": {"current": 19, "max": 19, "temp": 0}, "speeds": {"walk": 60},
        },
    });
    fight.frame(GM, "combatant_add", json!({"combatant": horse})).expect("joins");
    let order: Vec<Uuid> = ALL.iter().chain([&HORSE]).map(|who| id(*who)).collect();
    fight.frame(GM, "initiative_order", json!({"order": order})).expect("ordered");
    fight.pass_to(HERO);
    fight
}

fn shown(fight: &Fight, viewer: u128, who: u128) -> Value {
    fight.combat(viewer)["combatants"][id(who).to_string()].clone()
}

#[test]
fn a_rider_moves_its_mount_and_all_see_it() {
    let mut fight = in_turn_of_aria(None);
    let early = fight.declare(ARIA, HORSE, "move", &[], json!({"path": [[0, 3]]}));
    assert_eq!(early.expect_err("no rider").code, ErrorCode::NotYourCharacter);
    fight.declare(ARIA, HERO, "mount", &[HORSE], json!({})).expect("gets on");
    let told = fight.got(WATCHER).into_iter().find(|frame| frame["type"] == "action_resolve");
    let outcomes = told.expect("told")["data"]["outcomes"].clone();
    let rider = outcomes.as_array().into_iter().flatten();
    let rider = rider.clone().find(|it| it["target_id"] == json!(id(HERO))).expect("the rider");
    assert_eq!(rider["effects"], json!(["mounted", "moved"]));
    assert_eq!(shown(&fight, WATCHER, HERO)["mount_id"], json!(id(HORSE)));
    assert_eq!(shown(&fight, WATCHER, HERO)["position"], json!([0, 2]));
    // It is hers to move for now, and nobody else's.
    let path = json!({"path": [[0, 3], [1, 4]]});
    let other = fight.declare(BREN, HORSE, "move", &[], path.clone());
    assert_eq!(other.expect_err("ridden").code, ErrorCode::NotYourCharacter);
    let bites = fight.declare(ARIA, HORSE, "hide", &[], json!({})).expect_err("controlled");
    assert_eq!(bites.code, ErrorCode::RuleViolation);
    assert_eq!(bites.details["rule"], "controlled_mount");
    fight.declare(ARIA, HORSE, "move", &[], json!({"path": [[0, 3], [0, 4]]})).expect("moves");
    assert_eq!(shown(&fight, WATCHER, HERO)["position"], json!([0, 4]));
    assert_eq!(shown(&fight, GM, HORSE)["economy"]["movement_left_ft"], json!(50));
    let again = fight.declare(ARIA, HERO, "dismount", &[], json!({"to": [0, 6]}));
    assert_eq!(again.expect_err("once a turn").code, ErrorCode::NoActionLeft);
    fight.frame(ARIA, "turn_end", json!({"character_id": id(HERO)})).expect("ends");
    while fight.combat(GM)["active_character"] != json!(id(HERO)) {
        let active = fight.combat(GM)["active_character"].clone();
        assert_ne!(active, json!(id(HORSE)), "it has no turn of its own");
        fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
    }
    fight.declare(ARIA, HERO, "dismount", &[], json!({"to": [0, 6]})).expect("gets off");
    assert_eq!(shown(&fight, WATCHER, HERO).get("mount_id"), None);
    assert_eq!(shown(&fight, WATCHER, HERO)["position"], json!([0, 6]));
}

#[test]
fn nobody_leads_what_is_another_players() {
    let mut fight = in_turn_of_aria(Some(BREN));
    fight.declare(ARIA, HERO, "mount", &[HORSE], json!({})).expect("gets on");
    let moved = fight.declare(ARIA, HORSE, "move", &[], json!({"path": [[0, 3]]}));
    assert_eq!(moved.expect_err("Bren's").code, ErrorCode::NotYourCharacter);
    for _ in ALL {
        let active = fight.combat(GM)["active_character"].clone();
        fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
        if fight.combat(GM)["active_character"] == json!(id(HORSE)) {
            fight.declare(BREN, HORSE, "move", &[], json!({"path": [[0, 3]]})).expect("moves");
            assert_eq!(shown(&fight, GM, HERO)["position"], json!([0, 3]), "and carries her");
            return;
        }
    }
    panic!("it has a turn of its own");
}

#[test]
fn who_gets_off_onto_somebody_unknown_stays_up_and_has_paid() {
    let mut fight = in_turn_of_aria(None);
    fight.declare(ARIA, HERO, "mount", &[HORSE], json!({})).expect("gets on");
    let lurker = json!({"position": [2, 2]});
    fight
        .frame(GM, "combatant_update", json!({"character_id": id(LURKER), "fields": lurker}))
        .expect("sneaks up");
    for _ in 0..=ALL.len() {
        let active = fight.combat(GM)["active_character"].clone();
        fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
        if fight.combat(GM)["active_character"] == json!(id(HERO)) {
            break;
        }
    }
    fight.declare(ARIA, HERO, "dismount", &[], json!({"to": [2, 2]})).expect("is tried");
    let hero = shown(&fight, ARIA, HERO);
    assert_eq!(hero["mount_id"], json!(id(HORSE)));
    assert_eq!(hero["economy"]["movement_left_ft"], json!(15));
    let off = fight.declare(ARIA, HERO, "dismount", &[], json!({"to": [2, 3]}));
    assert_eq!(off.expect_err("it has paid").code, ErrorCode::NoActionLeft);
}

#[test]
fn an_effect_that_is_called_riding_is_none() {
    let mut fight = in_turn_of_aria(None);
    let effect = json!({"name": "Odd", "key": "ridden", "source_id": id(HERO),
                        "duration": {"kind": "permanent"}});
    let apply = json!({"effect": effect, "target_ids": [id(HERO)]});
    fight.frame(GM, "effect_apply", apply).expect("applies");
    fight.declare(ARIA, HERO, "move", &[], json!({"path": [[3, 3]]})).expect("walks");
    assert_eq!(shown(&fight, GM, HERO)["position"], json!([3, 3]));
}

#[test]
fn all_see_that_a_large_creature_squeezes() {
    let mut fight = in_turn_of_aria(Some(ARIA));
    let beside = json!({"fields": {"position": [6, 7]}, "character_id": id(HORSE)});
    fight.frame(GM, "combatant_update", beside).expect("moved");
    fight.pass_to(HORSE);
    assert_eq!(shown(&fight, WATCHER, HORSE).get("squeezed"), None);
    fight.declare(ARIA, HORSE, "move", &[], json!({"path": [[7, 7]]})).expect("beside the wall");
    assert_eq!(shown(&fight, WATCHER, HORSE)["squeezed"], json!(true));
    assert_eq!(shown(&fight, GM, HORSE)["economy"]["movement_left_ft"], json!(50));
    fight.declare(ARIA, HORSE, "move", &[], json!({"path": [[6, 7]]})).expect("away again");
    assert_eq!(shown(&fight, WATCHER, HORSE).get("squeezed"), None);
    assert_eq!(shown(&fight, GM, HORSE)["economy"]["movement_left_ft"], json!(45));
}
