//! Up in the air: what rising costs, whom it takes out of reach, and who falls (SRD 5.1 "Flying
//! Movement", "Falling"; SRD 5.2.1 "Flying", "Falling").

use gss_rules::combat::{Answer, CombatantKind, Command, Question, Refusal};
use gss_rules::space::Square;
use gss_rules::{Edition, Key, MovementMode, Switch};
use serde_json::{Value, json};

use crate::table::{GOBLIN, HERO, Table, attack, block, combatant};

/// A hero of such speeds at [0, 0], a goblin at [1, 0]; the hero's turn.
fn duel(edition: Edition, speeds: Value) -> Table {
    let mut table = Table::new(edition);
    let hero = block(json!({"speeds": speeds}));
    let hero = combatant(HERO, CombatantKind::Character, "party", [0, 0], hero);
    let goblin = combatant(GOBLIN, CombatantKind::Monster, "foes", [1, 0], block(json!({})));
    for combatant in [hero, goblin] {
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10");
    table
}

fn go(mode: MovementMode, path: &[[i32; 2]], elevation_ft: i32) -> Command {
    let path = path.iter().map(|[x, y]| Square { x: *x, y: *y }).collect();
    Command::Move { who: HERO, mode, path, drag: Vec::new(), elevation_ft: Some(elevation_ft) }
}

fn height(table: &Table) -> i32 {
    table.combat.combatant(HERO).expect("there").elevation_ft
}

#[test]
fn every_step_rises_and_the_rest_goes_straight_up() {
    let mut table = duel(Edition::E52, json!({"walk": 30, "fly": 60}));
    // Two steps up by 5 ft each and two more feet of air, all at 5 ft a step; beside the goblin's
    // reach of 5 ft it is left at the second.
    table.play(go(MovementMode::Fly, &[[0, 1], [0, 2]], 20), "");
    let options = ["longsword", "unarmed", "grapple", "shove-prone", "shove-push"];
    let options = options.map(|it| Key::parse(it).expect("a key")).to_vec();
    let prompt = table.combat.prompt().expect("a question").question.clone();
    assert_eq!(prompt, Question::OpportunityAttack { target: HERO, options });
    table.answer(Answer::Decline, "");
    let hero = table.combat.combatant(HERO).expect("there");
    assert_eq!((hero.position, hero.elevation_ft), (Some(Square { x: 0, y: 2 }), 20));
    assert_eq!(hero.economy.moved_ft, 20);
    let refused = table.refused(attack(HERO, GOBLIN, "longsword"));
    assert_eq!(refused, Refusal::OutOfReach { distance_ft: 20, reach_ft: 5 });
    let refused = table.refused(go(MovementMode::Fly, &[[0, 3]], 90));
    assert_eq!(refused, Refusal::NotEnoughMovement { cost_ft: 70, left_ft: 40 });
}

#[test]
fn straight_up_leaves_a_reach_too() {
    let mut table = duel(Edition::E52, json!({"walk": 30, "fly": 60}));
    table.play(go(MovementMode::Fly, &[[0, 0]], 30), "");
    assert_eq!(height(&table), 5, "the goblin is asked before the next 5 ft");
    table.answer(Answer::Decline, "");
    assert_eq!(height(&table), 30);
}

#[test]
fn on_foot_nobody_rises_and_nobody_flies_into_the_ground() {
    let mut table = duel(Edition::E52, json!({"walk": 30, "fly": 60}));
    for (mode, to) in [(MovementMode::Walk, 5), (MovementMode::Fly, -5)] {
        let refused = table.refused(go(mode, &[[0, 1]], to));
        assert_eq!(refused, Refusal::InvalidPath { at: None });
    }
    let refused = table.refused(go(MovementMode::Fly, &[[0, 1]], i32::MAX));
    assert_eq!(refused, Refusal::InvalidPath { at: None });
    let mut walker = duel(Edition::E52, json!({"walk": 30}));
    assert_eq!(walker.refused(go(MovementMode::Fly, &[[0, 1]], 5)), Refusal::NoSuchSpeed);
}

#[test]
fn who_is_knocked_down_up_there_falls() {
    for edition in [Edition::E51, Edition::E52] {
        let mut table = duel(edition, json!({"walk": 30, "fly": 60}));
        table.play(go(MovementMode::Fly, &[[0, 0]], 30), "");
        table.answer(Answer::Decline, "");
        prone(&mut table, "6:1 6:2 6:3");
        assert_eq!((height(&table), table.hp(HERO)), (0, 14), "{edition:?}: 3d6");
        let lies = table.refused(Command::DropProne { who: HERO });
        assert_eq!(lies, Refusal::NothingToDo);
    }
}

#[test]
fn who_hovers_stays_up() {
    let mut table = duel(Edition::E52, json!({"walk": 5, "fly": 60, "hover": true}));
    table.play(go(MovementMode::Fly, &[[0, 0]], 30), "");
    table.answer(Answer::Decline, "");
    prone(&mut table, "");
    assert_eq!((height(&table), table.hp(HERO)), (30, 20));
}

#[test]
fn a_climber_is_the_game_masters_to_let_go() {
    let mut table = duel(Edition::E52, json!({"walk": 30}));
    table.play(go(MovementMode::Climb, &[[0, 0]], 10), "");
    table.answer(Answer::Decline, "");
    assert_eq!(table.combat.combatant(HERO).expect("there").economy.moved_ft, 20);
    prone(&mut table, "");
    assert_eq!(height(&table), 10);
}

#[test]
fn who_falls_is_a_rule_of_its_own() {
    for (edition, by_switch) in [(Edition::E51, Edition::E52), (Edition::E52, Edition::E51)] {
        for rule in [edition, by_switch] {
            let mut table = duel(edition, json!({"walk": 30}));
            let rules = std::sync::Arc::make_mut(&mut table.combat.rules);
            rules.switches.insert(Switch::FlyingFall, rule);
            let effect = serde_json::from_value(json!({
                "name": "wings", "duration": {"kind": "permanent"},
                "modifiers": [{"kind": "gains_speed", "modes": ["fly"], "value": 60}]
            }))
            .expect("an effect");
            table.play(Command::ApplyEffect { effect, source: None, targets: vec![HERO] }, "");
            table.play(go(MovementMode::Fly, &[[0, 0]], 10), "");
            table.answer(Answer::Decline, "");
            // 5.1: what magic holds up stays there; 5.2: only who hovers.
            prone(&mut table, if rule == Edition::E52 { "6:1" } else { "" });
            assert_eq!(height(&table), if rule == Edition::E52 { 0 } else { 10 });
        }
    }
}

fn prone(table: &mut Table, faces: &str) {
    let effect = serde_json::from_value(json!({
        "name": "test", "duration": {"kind": "permanent"}, "conditions": ["prone"]
    }))
    .expect("an effect");
    table.play(Command::ApplyEffect { effect, source: None, targets: vec![HERO] }, faces);
}
