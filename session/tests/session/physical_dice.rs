//! Players that throw dice of their own.

use gss_session::judge;
use serde_json::json;

use crate::fights::{ALL, ARIA, Fight, GM, HERO};
use crate::support::id;

const GOBLIN: u128 = 103;

fn shoots(fight: &mut Fight) {
    let bow = json!({"attack_id": "longbow"});
    fight.declare(ARIA, HERO, "attack", &[GOBLIN], bow).expect("shoots");
}

/// The hero's next turn.
fn next_turn(fight: &mut Fight) {
    for _ in 0..ALL.len() {
        let active = fight.combat(GM)["active_character"].clone();
        fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
        if fight.combat(GM)["active_character"] == json!(id(HERO)) {
            return;
        }
    }
    panic!("the hero has no turn");
}

fn asked(fight: &Fight) -> Option<String> {
    fight.combat(ARIA)["prompts"].as_object()?.keys().next().cloned()
}

#[test]
fn who_throws_follows_the_settings_in_the_middle_of_a_fight() {
    let mut fight = Fight::started(json!({"reaction_seconds": 0}));
    fight.in_order();
    while fight.combat(GM)["active_character"] != json!(id(HERO)) {
        next_turn(&mut fight);
    }
    let set = |fight: &mut Fight, on: bool| {
        let settings = json!({"physical_dice": on});
        fight.rest(GM, json!({"kind": "update", "settings": settings})).expect("set");
    };
    shoots(&mut fight);
    assert_eq!(asked(&fight), None, "the server throws");
    let resolved = fight.got(ARIA).into_iter().find(|told| told["type"] == "action_resolve");
    assert_eq!(resolved.expect("told")["data"]["spent"], json!({"cost": "action"}));
    set(&mut fight, true);
    // Nothing happened in the fight, and nothing is told.
    let version = fight.table.position().version;
    let active = fight.combat(GM)["active_character"].clone();
    fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
    assert_eq!(fight.types(GM), ["turn_change"]);
    assert_eq!(fight.table.position().version, version.next());
    next_turn(&mut fight);
    shoots(&mut fight);
    let prompt = asked(&fight).expect("Aria throws");
    // Who is asked already still answers.
    set(&mut fight, false);
    fight.frame(ARIA, "dice", json!({"prompt_id": prompt, "faces": [2]})).expect("thrown");
    assert_eq!(asked(&fight), None, "a miss");
    next_turn(&mut fight);
    shoots(&mut fight);
    assert_eq!(asked(&fight), None, "the server throws again");
    judge(fight.table.id, &fight.table.journal).expect("the rules come to the same again");
}
