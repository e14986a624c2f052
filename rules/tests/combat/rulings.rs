//! What a game master changes of combatants.

use gss_rules::combat::{Actor, Command, Fact, Input, Life, Refusal};
use gss_rules::space::Square;
use gss_rules::{Condition, Edition};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::table::{GOBLIN, HERO, Table};

fn update(id: gss_rules::combat::CombatantId, changes: Value) -> Command {
    let changes = Box::new(serde_json::from_value(changes).expect("changes"));
    Command::Update { id, changes }
}

#[test]
fn only_a_game_master_changes_combatants() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let owner = Uuid::from_u128(5);
    table.play(update(HERO, json!({"owner_id": owner})), "");
    assert_eq!(table.combat.combatant(HERO).expect("there").owner, Some(owner));
    let command = update(HERO, json!({"ac": 30}));
    let input = Input::Command { by: Actor::Player(owner), command };
    assert_eq!(table.input(input, ""), Err(Refusal::NotGameMaster));
    table.play(update(HERO, json!({"owner_id": null})), "");
    assert_eq!(table.combat.combatant(HERO).expect("there").owner, None);
}

#[test]
fn numbers_change_and_what_is_absent_stays() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let changes = json!({
        "name": "Rat", "side": "party", "position": [4, 4], "elevation_ft": 10, "hidden": true,
        "hp": {"current": 3, "temp": 4}, "ac": 12, "speeds": {"walk": 20, "fly": 60},
        "size": "small", "economy": {"reaction": false},
        "resources": {"rage": {"current": 1, "max": 2}}
    });
    table.play(update(GOBLIN, changes), "");
    let goblin = table.combat.combatant(GOBLIN).expect("there");
    assert_eq!((goblin.name.as_str(), goblin.side.as_str()), ("Rat", "party"));
    assert_eq!(goblin.position, Some(Square { x: 4, y: 4 }));
    assert_eq!((goblin.hp.current, goblin.hp.max, goblin.hp.temp), (3, 20, 4));
    assert_eq!((goblin.block.ac, goblin.block.speeds.fly), (12, Some(60)));
    assert!(goblin.hidden && !goblin.economy.reaction && goblin.elevation_ft == 10);
    assert_eq!(table.play(update(GOBLIN, json!({})), ""), []);
}

#[test]
fn what_cannot_be_is_refused() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    for changes in [
        json!({"hp": {"current": 21}}),
        json!({"hp": {"max": 0}}),
        json!({"hp": {"temp": -1}}),
        json!({"ac": -1}),
        json!({"name": ""}),
        json!({"resources": {"rage": {"current": 3, "max": 2}}}),
        json!({"conditions_add": [{"condition": "exhaustion", "level": 7}]}),
    ] {
        assert_eq!(table.refused(update(GOBLIN, changes)), Refusal::InvalidCombatant);
    }
    let at = Some(Square { x: 0, y: 0 });
    let taken = update(GOBLIN, json!({"position": [0, 0]}));
    assert_eq!(table.refused(taken), Refusal::InvalidPath { at });
    let id = gss_rules::combat::CombatantId(Uuid::from_u128(9));
    let nobody = json!({"conditions_add": [{"condition": "prone", "source_id": id}]});
    assert_eq!(table.refused(update(HERO, nobody)), Refusal::UnknownCombatant { id });
}

#[test]
fn what_follows_from_hit_points_follows() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(update(HERO, json!({"hp": {"current": 0}})), "");
    assert_eq!(table.life(HERO), Life::Dying { successes: 0, failures: 0 });
    let unconscious = |table: &Table| {
        table.combat.effects_on(HERO).any(|it| it.template.conditions == [Condition::Unconscious])
    };
    assert!(unconscious(&table));
    let saves = json!({"death_saves": {"successes": 1, "failures": 2, "stable": false}});
    table.play(update(HERO, saves), "");
    assert_eq!(table.life(HERO), Life::Dying { successes: 1, failures: 2 });
    table.play(update(HERO, json!({"hp": {"current": 7}})), "");
    assert_eq!((table.life(HERO), table.hp(HERO)), (Life::Alive, 7));
    assert!(!unconscious(&table));
    table.play(update(GOBLIN, json!({"alive": false})), "");
    assert_eq!((table.life(GOBLIN), table.hp(GOBLIN)), (Life::Dead, 0));
    table.play(update(GOBLIN, json!({"alive": true})), "");
    assert_eq!((table.life(GOBLIN), table.hp(GOBLIN)), (Life::Alive, 1));
}

#[test]
fn conditions_come_and_go() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let add = json!({"conditions_add": [
        {"condition": "poisoned", "duration": {"kind": "rounds", "rounds": 1}},
        {"condition": "exhaustion", "level": 2}, {"condition": "frightened", "source_id": GOBLIN}
    ]});
    let facts = table.play(update(HERO, add), "");
    let started = |fact: &&Fact| matches!(fact, Fact::EffectStarted { .. });
    assert_eq!(facts.iter().filter(started).count(), 3);
    let remove = json!({"conditions_remove": ["frightened", "exhaustion"]});
    table.play(update(HERO, remove), "");
    let left: Vec<_> =
        table.combat.effects_on(HERO).map(|it| it.template.conditions.clone()).collect();
    assert_eq!(left, [vec![Condition::Poisoned]]);
}

#[test]
fn a_count_moves_it_in_the_order_and_the_turn_stays() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(update(GOBLIN, json!({"initiative": 40})), "");
    assert_eq!(table.combat.order, [GOBLIN, HERO]);
    assert_eq!((table.combat.active(), table.combat.turn), (Some(HERO), Some(1)));
}

#[test]
fn spell_slots_are_for_who_casts() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let slots = json!({"spell_slots": {"2": {"current": 1, "max": 3}}});
    assert_eq!(table.refused(update(HERO, slots)), Refusal::InvalidCombatant);
}

#[test]
fn nobody_comes_back_to_life_where_another_stands() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(update(GOBLIN, json!({"alive": false})), "");
    let path = vec![Square { x: 1, y: 0 }];
    let mode = gss_rules::MovementMode::Walk;
    table.play(Command::Move { who: HERO, mode, path, drag: Vec::new(), elevation_ft: None }, "");
    let at = Some(Square { x: 1, y: 0 });
    let alive = |rest: Value| {
        let mut changes = json!({"alive": true, "hp": {"current": 5}});
        changes.as_object_mut().expect("members").extend(rest.as_object().cloned().expect("more"));
        update(GOBLIN, changes)
    };
    assert_eq!(table.refused(alive(json!({}))), Refusal::InvalidPath { at });
    // What else is changed of the dead needs no room.
    table.play(update(GOBLIN, json!({"name": "Rat"})), "");
    table.play(alive(json!({"position": [2, 0]})), "");
    assert_eq!((table.hp(GOBLIN), table.life(GOBLIN)), (5, Life::Alive));
}
