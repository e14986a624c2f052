//! Attacks at a square: who guessed learns of a hit, and nothing else of who is there.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::fights::{ALL, ARIA, Fight, GM, HERO, LURKER, combatants};
use crate::support::id;

/// Where the lurker is.
const THERE: [i32; 2] = [3, 5];
/// Where nobody is.
const NOBODY: [i32; 2] = [6, 1];

/// Aria shoots at a square; what she and the game master are told comes of it.
fn shot(at: [i32; 2], chance: u64) -> [Value; 2] {
    let mut fight = Fight::new(json!({}));
    fight.chance = chance;
    let grid = json!({"width": 12, "height": 12});
    let options = json!({"initiative": "all"});
    let start = json!({"combatants": combatants(), "grid": grid, "options": options});
    fight.frame(GM, "combat_start", start).expect("starts");
    let order: Vec<Uuid> = ALL.iter().map(|who| id(*who)).collect();
    fight.frame(GM, "initiative_order", json!({"order": order})).expect("ordered");
    while fight.combat(GM)["active_character"] != json!(id(HERO)) {
        let active = fight.combat(GM)["active_character"].clone();
        fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
    }
    let details = json!({"attack_id": "longbow", "at": at});
    fight.declare(ARIA, HERO, "attack", &[], details).expect("shoots");
    [ARIA, GM].map(|viewer| {
        let told = fight.got(viewer).into_iter().find(|it| it["type"] == "action_resolve");
        told.expect("told")["data"].clone()
    })
}

#[test]
fn a_miss_does_not_say_whether_anybody_was_there() {
    let (mut hits, mut misses) = (0, 0);
    for chance in 0..24 {
        let ([aria, gm], [wrong, gm_of_wrong]) = (shot(THERE, chance), shot(NOBODY, chance));
        assert_eq!(gm_of_wrong["outcomes"][0]["effects"], json!(["automatic_miss"]));
        let outcome = &wrong["outcomes"][0];
        assert_eq!(outcome["target_id"], json!(Uuid::nil()));
        assert_eq!(outcome["effects"], json!(["miss"]));
        assert_eq!(wrong["rolls"], json!([]), "a 20 that misses would tell");
        if aria["outcomes"][0]["effects"] == json!(["miss"]) {
            misses += 1;
            assert_eq!(gm["outcomes"][0]["target_id"], json!(id(LURKER)));
            assert_eq!(aria, wrong);
        } else {
            hits += 1;
            let hit = &aria["outcomes"][0];
            assert_eq!(hit["target_id"], json!(Uuid::nil()));
            assert!(["hit", "critical_hit"].contains(&hit["effects"][0].as_str().expect("one")));
            assert_eq!(aria["outcomes"].as_array().map(Vec::len), Some(1));
            assert!(gm["outcomes"].to_string().contains(&id(LURKER).to_string()));
        }
    }
    assert!(hits > 0 && misses > 0, "{hits} hits, {misses} misses");
}
