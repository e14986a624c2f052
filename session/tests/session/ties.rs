//! Equal counts of initiative, as a table's settings have them decided.

use gss_shared::error_code::ErrorCode;
use serde_json::{Value, json};

use crate::fights::{
    ARIA, BREN, CLERIC, Fight, GM, GOBLIN, HERO, LURKER, OGRE, WATCHER, combatants,
};
use crate::support::id;

/// Those of [`ALL`] with these counts.
fn counted(ties: &str, counts: [i32; 5]) -> Fight {
    among(ties, counts, combatants())
}

fn among(ties: &str, counts: [i32; 5], mut all: Value) -> Fight {
    let mut fight = Fight::new(json!({"rules": {"initiative_ties": ties}}));
    let each = all.as_array_mut().expect("a list").iter_mut();
    for (one, initiative) in each.zip(counts) {
        one["initiative"] = json!(initiative);
    }
    let grid = json!({"width": 12, "height": 12});
    let options = json!({"initiative": "all"});
    let start = json!({"combatants": all, "grid": grid, "options": options});
    fight.frame(GM, "combat_start", start).expect("starts");
    fight
}

/// The hero and the goblin have 12 both, the others less.
fn tied(ties: &str) -> Fight {
    counted(ties, [12, 10, 12, 8, 6])
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

fn refused(fight: &mut Fight, who: u128, meant: &[u128]) -> ErrorCode {
    fight.frame(who, "initiative_order", order(meant)).expect_err("is refused").code
}

#[test]
fn players_order_their_characters_before_the_first_turn() {
    let mut fight = counted("gm_order", [12, 12, 10, 8, 6]);
    assert_eq!(fight.combat(ARIA)["phase"], "rolling_initiative");
    for (who, meant, code) in [
        (ARIA, vec![GOBLIN, CLERIC, HERO, OGRE], ErrorCode::Forbidden),
        (ARIA, vec![CLERIC, HERO, OGRE, GOBLIN], ErrorCode::Forbidden),
        (ARIA, vec![CLERIC, HERO, GOBLIN], ErrorCode::Forbidden),
        (ARIA, vec![CLERIC, CLERIC, GOBLIN, OGRE], ErrorCode::InvalidArgument),
        (WATCHER, vec![CLERIC, HERO, GOBLIN, OGRE], ErrorCode::Forbidden),
        // Who guesses the name of somebody hidden hears what it hears of nobody.
        (ARIA, vec![CLERIC, HERO, GOBLIN, OGRE, LURKER], ErrorCode::Forbidden),
        (ARIA, vec![CLERIC, HERO, GOBLIN, OGRE, 999], ErrorCode::Forbidden),
    ] {
        assert_eq!(refused(&mut fight, who, &meant), code, "{meant:?}");
    }
    let meant = order(&[CLERIC, HERO, GOBLIN, OGRE]);
    fight.frame(ARIA, "initiative_order", meant.clone()).expect("ordered");
    assert_eq!(fight.combat(ARIA)["active_character"], json!(id(CLERIC)));
    assert_eq!(fight.combat(ARIA)["order"], meant["order"]);
    assert_eq!(fight.combat(GM)["order"], order(&[CLERIC, HERO, GOBLIN, OGRE, LURKER])["order"]);
}

#[test]
fn players_order_no_tie_that_others_have_a_part_in() {
    for counts in [[12, 12, 12, 8, 6], [12, 12, 8, 8, 6]] {
        let mut fight = counted("gm_order", counts);
        let meant = [CLERIC, HERO, GOBLIN, OGRE];
        assert_eq!(refused(&mut fight, ARIA, &meant), ErrorCode::Forbidden, "{counts:?}");
    }
}

#[test]
fn players_order_their_characters_where_nobody_acts_twice_for_it() {
    let mut fight = counted("gm_order", [12, 12, 10, 8, 6]);
    fight.frame(GM, "initiative_order", order(&[HERO, CLERIC, GOBLIN, OGRE, LURKER])).expect("set");
    let other = [CLERIC, HERO, GOBLIN, OGRE];
    for active in [HERO, CLERIC] {
        assert_eq!(refused(&mut fight, BREN, &other), ErrorCode::Forbidden);
        fight.frame(GM, "turn_end", json!({"character_id": id(active)})).expect("ends");
    }
    // As it stands is no new order.
    let same = [HERO, CLERIC, GOBLIN, OGRE];
    assert_eq!(refused(&mut fight, BREN, &same), ErrorCode::Forbidden);
    fight.frame(BREN, "initiative_order", order(&other)).expect("ordered");
    assert_eq!(fight.combat(GM)["active_character"], json!(id(GOBLIN)));
    for active in [GOBLIN, OGRE, LURKER] {
        fight.frame(GM, "turn_end", json!({"character_id": id(active)})).expect("ends");
    }
    assert_eq!(fight.combat(GM)["active_character"], json!(id(CLERIC)));
}

#[test]
fn players_order_nothing_that_dice_decided() {
    let mut fight = counted("roll_off", [12, 12, 15, 8, 6]);
    let seen = fight.combat(ARIA);
    let hero_first = seen["order"][1] == json!(id(HERO));
    let pair = if hero_first { [CLERIC, HERO] } else { [HERO, CLERIC] };
    let other = [GOBLIN, pair[0], pair[1], OGRE];
    assert_eq!(refused(&mut fight, ARIA, &other), ErrorCode::Forbidden);
}

#[test]
fn players_order_their_characters_in_the_first_round_alone() {
    let mut fight = counted("gm_order", [12, 12, 15, 8, 6]);
    fight.frame(GM, "initiative_order", order(&[GOBLIN, HERO, CLERIC, OGRE, LURKER])).expect("set");
    let other = [GOBLIN, CLERIC, HERO, OGRE];
    for active in [GOBLIN, HERO, CLERIC, OGRE, LURKER] {
        fight.frame(GM, "turn_end", json!({"character_id": id(active)})).expect("ends");
    }
    assert_eq!(refused(&mut fight, ARIA, &other), ErrorCode::Forbidden);
}

#[test]
fn who_is_hidden_is_between_nobody() {
    let mut fight = counted("gm_order", [12, 12, 15, 8, 12]);
    fight.frame(GM, "initiative_order", order(&[GOBLIN, HERO, LURKER, CLERIC, OGRE])).expect("set");
    let other = order(&[GOBLIN, CLERIC, HERO, OGRE]);
    fight.frame(ARIA, "initiative_order", other).expect("ordered");
    let meant = order(&[GOBLIN, CLERIC, LURKER, HERO, OGRE]);
    assert_eq!(fight.combat(GM)["order"], meant["order"]);
}

#[test]
fn a_say_in_one_tie_is_none_in_another() {
    let mut all = combatants();
    for other in [2, 3] {
        all[other]["kind"] = json!("character");
        all[other]["owner_id"] = json!(id(BREN));
    }
    let mut fight = among("gm_order", [12, 12, 10, 10, 6], all);
    let across = [HERO, GOBLIN, CLERIC, OGRE];
    assert_eq!(refused(&mut fight, BREN, &across), ErrorCode::Forbidden);
    let both = [CLERIC, HERO, OGRE, GOBLIN];
    assert_eq!(refused(&mut fight, ARIA, &both), ErrorCode::Forbidden);
    fight.frame(BREN, "initiative_order", order(&both)).expect("ordered");
}
