//! Equal counts of initiative, as a table's settings have them decided.

use gss_shared::error_code::ErrorCode;
use serde_json::{Value, json};

use crate::fights::{ARIA, CLERIC, Fight, GM, GOBLIN, HERO, LURKER, OGRE, combatants};
use crate::support::id;

/// The hero and the goblin have 12 both, the others less.
fn tied(ties: &str) -> Fight {
    let mut fight = Fight::new(json!({"rules": {"initiative_ties": ties}}));
    let mut all = combatants();
    let each = all.as_array_mut().expect("a list").iter_mut();
    for (one, initiative) in each.zip([12, 10, 12, 8, 6]) {
        one["initiative"] = json!(initiative);
    }
    let grid = json!({"width": 12, "height": 12});
    let options = json!({"initiative": "all"});
    let start = json!({"combatants": all, "grid": grid, "options": options});
    fight.frame(GM, "combat_start", start).expect("starts");
    fight
}

fn order(who: &[u128]) -> Value {
    let order: Vec<_> = who.iter().map(|who| id(*who)).collect();
    json!({"order": order})
}

#[test]
fn a_fight_waits_for_the_order_of_the_game_master() {
    let mut fight = tied("gm_order");
    let seen = fight.combat(ARIA);
    assert_eq!(
        (&seen["phase"], &seen["active_character"]),
        (&json!("rolling_initiative"), &json!(null))
    );
    let meant = order(&[GOBLIN, HERO, CLERIC, OGRE, LURKER]);
    let by_player = fight.frame(ARIA, "initiative_order", meant.clone()).expect_err("not hers");
    assert_eq!(by_player.code, ErrorCode::Forbidden);
    let short = fight.frame(GM, "initiative_order", order(&[GOBLIN, HERO])).expect_err("short");
    assert_eq!(short.code, ErrorCode::InvalidArgument);
    fight.frame(GM, "initiative_order", meant).expect("ordered");
    let seen = fight.combat(GM);
    assert_eq!(
        (&seen["phase"], &seen["active_character"]),
        (&json!("running"), &json!(id(GOBLIN)))
    );
    assert_eq!(seen["order"], order(&[GOBLIN, HERO, CLERIC, OGRE, LURKER])["order"]);
}

#[test]
fn a_fight_whose_ties_are_rolled_off_waits_for_nobody() {
    let seen = tied("roll_off").combat(GM);
    assert_eq!(seen["phase"], "running");
    let first: Vec<Value> = seen["order"].as_array().expect("an order")[..2].to_vec();
    assert!(first.contains(&json!(id(GOBLIN))) && first.contains(&json!(id(HERO))), "{first:?}");
}
