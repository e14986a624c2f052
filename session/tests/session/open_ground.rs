//! Fights without a grid: positions are feet.

use std::collections::BTreeSet;

use gss_session::Verdict;
use gss_shared::error_code::{ClientError, ErrorCode};
use serde_json::{Value, json};

use crate::fights::{ARIA, BREN, CLERIC, Fight, GM, GOBLIN, HERO, combatants};
use crate::support::id;

/// Everybody at these feet, in this order.
fn start(positions: [[i32; 2]; 5]) -> Value {
    let mut all = combatants();
    for (combatant, position) in all.as_array_mut().expect("a list").iter_mut().zip(positions) {
        combatant["position"] = json!(position);
    }
    json!({"combatants": all, "options": {"initiative": "all"}})
}

/// Aria, Bren, a goblin, an ogre of 10 feet, one that hides.
const PLACES: [[i32; 2]; 5] = [[0, 0], [-8, 0], [15, 12], [60, 0], [-40, -40]];

fn at_turn_of(who: u128, start: Value) -> Fight {
    let mut fight = Fight::new(json!({}));
    fight.frame(GM, "combat_start", start).expect("starts");
    fight.at_turn_of(who);
    fight
}

fn moves(fight: &mut Fight, path: Value) -> Result<Verdict, ClientError> {
    fight.declare(ARIA, HERO, "move", &[], json!({ "path": path }))
}

#[test]
fn a_fight_without_a_grid_goes_from_its_start_to_a_hit() {
    let mut fight = at_turn_of(HERO, start(PLACES));
    let shown = fight.combat(ARIA);
    assert_eq!(shown.get("grid"), None, "no columns and rows");
    assert_eq!(shown["combatants"][id(CLERIC).to_string()]["position"], json!([-8, 0]));
    // The goblin is 10 feet to the right and 7 down: 12.2.
    let sword = json!({"attack_id": "longsword"});
    let far = fight.declare(ARIA, HERO, "attack", &[GOBLIN], sword.clone()).expect_err("too far");
    assert_eq!((far.code, &far.details["distance_ft"]), (ErrorCode::OutOfReach, &json!(13)));
    let long = moves(&mut fight, json!([[0, 31]])).expect_err("too long");
    assert_eq!((long.code, &long.details["cost_ft"]), (ErrorCode::NotEnoughMovement, &json!(31)));
    let taken = moves(&mut fight, json!([[12, 10]])).expect_err("in the goblin's space");
    assert_eq!(taken.details["rule"], json!("invalid_path"));
    moves(&mut fight, json!([[7, 0], [7, 8]])).expect("walks");
    let aria = &fight.combat(GM)["combatants"][id(HERO).to_string()];
    assert_eq!(
        (&aria["position"], &aria["economy"]["movement_left_ft"]),
        (&json!([7, 8]), &json!(15))
    );
    // 3 feet away now; each chance throws other dice.
    let mut hits = 0;
    for chance in 0..12 {
        let mut fight = at_turn_of(HERO, start(PLACES));
        moves(&mut fight, json!([[7, 8]])).expect("walks");
        fight.chance = chance;
        fight.declare(ARIA, HERO, "attack", &[GOBLIN], sword.clone()).expect("strikes");
        let told = fight.got(ARIA).into_iter().find(|it| it["type"] == "action_resolve");
        let outcome = &told.expect("told")["data"]["outcomes"][0];
        assert_eq!(outcome["target_id"], json!(id(GOBLIN)));
        hits += i32::from(outcome["effects"][0] == "hit");
    }
    assert!(hits > 0);
}

#[test]
fn positions_without_a_grid_are_within_bounds_and_in_nobodys_space() {
    for wrong in [[100_001, 0], [0, -100_001], [99_997, 0], [-4, 4]] {
        let mut fight = Fight::new(json!({}));
        let places = [PLACES[0], wrong, PLACES[2], PLACES[3], PLACES[4]];
        let error = fight.frame(GM, "combat_start", start(places)).expect_err("refused");
        assert_eq!(error.code, ErrorCode::RuleViolation, "{wrong:?}: {error:?}");
    }
    let mut fight = Fight::new(json!({}));
    let places = [PLACES[0], [99_996, -100_000], [-5, 0], PLACES[3], PLACES[4]];
    fight.frame(GM, "combat_start", start(places)).expect("side by side");
    assert_eq!(fight.combat(GM)["combatants"][id(GOBLIN).to_string()]["position"], json!([-5, 0]));
}

/// Bren casts a spell on the ground 40 feet off, or around itself.
fn cast(spell: &str) -> Fight {
    let mut start = start(PLACES);
    let spells = &mut start["combatants"][1]["custom"]["spellcasting"]["spells"];
    spells.as_array_mut().expect("spells").push(json!("daylight"));
    let mut fight = at_turn_of(CLERIC, start);
    let details = json!({"spell": spell, "slot_level": 3, "at": [2, 40]});
    fight.declare(BREN, CLERIC, "cast", &[], details).expect("casts");
    fight
}

/// What everybody is shown of where it is.
fn zone(fight: &Fight) -> Value {
    let effects = fight.combat(ARIA)["effects"].clone();
    let mut zones = effects.as_object().expect("effects").values();
    zones.find(|effect| effect["area"].is_object()).expect("an area").clone()
}

#[test]
fn squares_are_listed_of_an_area_that_is_not_too_large() {
    // More square feet than are listed of anything: what the area is says where.
    let large = zone(&cast("daylight"));
    assert_eq!(large.get("squares"), None, "{large}");
    // 15 feet around a space of 5 feet.
    let guardians = zone(&cast("spirit-guardians"));
    let feet = guardians["squares"].as_array().expect("squares");
    assert!((1_030..1_120).contains(&feet.len()), "{}", feet.len());
    for (at, within) in [([11, 2], true), ([12, 2], false), ([-23, 0], true), ([-24, 0], false)] {
        assert_eq!(feet.contains(&json!(at)), within, "{at:?}");
    }
}

/// What is stored of an area that goes along is how far it went; what is told is where it is.
#[test]
fn what_goes_along_is_shown_where_it_is() {
    let mut fight = cast("spirit-guardians");
    let feet = |fight: &Fight| -> BTreeSet<(i64, i64)> {
        let listed = zone(fight)["squares"].as_array().expect("squares").clone();
        let number = |at: &Value, of: usize| at[of].as_i64().expect("a number");
        listed.iter().map(|at| (number(at, 0), number(at, 1))).collect()
    };
    let (before, stored) = (feet(&fight), fight.table.journal.len());
    let path = json!({"path": [[-8, -12]]});
    fight.declare(BREN, CLERIC, "move", &[], path).expect("walks");
    assert_eq!(feet(&fight), before.iter().map(|(x, y)| (*x, y - 12)).collect());
    let events = fight.table.journal[stored..].iter().map(|event| event.data.as_str());
    let events: String = events.collect();
    assert_eq!(events.matches("effect_shifted").count(), 3);
    assert_eq!(events.matches("effect_moved").count(), 0);
    let mut told = fight.got(ARIA).into_iter().filter(|it| it["type"] == "action_resolve");
    let changes = told.next_back().expect("told")["data"]["changes"].clone();
    let changes = changes.as_array().expect("changes");
    let squares = changes.iter().filter(|it| it["path"].to_string().contains("/squares"));
    let squares: Vec<&Value> = squares.map(|it| &it["value"]).collect();
    assert_eq!(squares, [&zone(&fight)["squares"]]);
}

/// Whom a zone slows depends on the side of who made it; those slowed did not change themselves. That
/// everybody is told is checked after every command.
#[test]
fn who_made_a_zone_changes_sides_and_it_slows_others() {
    let mut fight = cast("spirit-guardians");
    let walks = |fight: &Fight| {
        let all = &fight.combat(GM)["combatants"];
        [HERO, GOBLIN].map(|who| all[id(who).to_string()]["speeds"]["walk"].clone())
    };
    let near = json!({"character_id": id(GOBLIN), "fields": {"position": [-8, 8]}});
    fight.frame(GM, "combatant_update", near).expect("put there");
    assert_eq!(walks(&fight), [json!(30), json!(15)]);
    let side = fight.combat(GM)["combatants"][id(GOBLIN).to_string()]["side"].clone();
    let over = json!({"character_id": id(CLERIC), "fields": {"side": side}});
    fight.frame(GM, "combatant_update", over).expect("changes sides");
    assert_eq!(walks(&fight), [json!(15), json!(30)]);
}
