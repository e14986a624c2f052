//! The order of turns, and what a turn allows.

use gss_rules::combat::{Actor, CombatantKind, Command, Input, Phase, Refusal};
use gss_rules::space::Square;
use gss_rules::{Condition, Edition, MovementMode};
use serde_json::json;
use uuid::Uuid;

use crate::table::{GOBLIN, HERO, OGRE, Table, attack, block, combatant};

#[test]
fn highest_first_and_ties_by_dexterity_then_dice() {
    let mut table = Table::new(Edition::E52);
    for (id, dex) in [(HERO, 14), (GOBLIN, 14), (OGRE, 8)] {
        let block = block(json!({
            "abilities": {"str": 10, "dex": dex, "con": 10, "int": 10, "wis": 10, "cha": 10}
        }));
        let combatant = combatant(id, CombatantKind::Monster, "foes", [0, 0], block);
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    // 10 each: the ogre is slower; the others throw for it.
    table.play(Command::Begin, "20:8 20:8 20:11 20:3 20:17");
    assert_eq!(table.combat.order, [GOBLIN, HERO, OGRE]);
    assert_eq!((table.combat.phase, table.combat.round), (Phase::Running, 1));
}

#[test]
fn surprise_is_a_disadvantage_in_the_new_rules_only() {
    for (edition, faces) in [(Edition::E52, "20:18 20:3"), (Edition::E51, "20:18")] {
        let mut table = Table::new(edition);
        let mut hero = combatant(HERO, CombatantKind::Character, "party", [0, 0], block(json!({})));
        hero.surprised = true;
        table.play(Command::AddCombatant { combatant: Box::new(hero) }, "");
        table.play(Command::Begin, faces);
    }
}

#[test]
fn movement_is_paid_by_the_foot_and_twice_when_crawling() {
    let mut table = Table::duel(Edition::E52, [9, 9]);
    let path: Vec<[i32; 2]> = (1..=7).map(|x| [x, 0]).collect();
    let walk = |path: &[[i32; 2]]| {
        let path = path.iter().map(|square| Square::from(*square)).collect();
        Command::Move { who: HERO, mode: MovementMode::Walk, path }
    };
    let lacking = Refusal::NotEnoughMovement { cost_ft: 35, left_ft: 30 };
    assert_eq!(table.refused(walk(&path)), lacking);
    assert_eq!(
        table.refused(walk(&[[2, 0]])),
        Refusal::InvalidPath { at: Some(Square { x: 2, y: 0 }) }
    );
    table.play(walk(&path[..4]), "");
    table.play(Command::Dash { who: HERO }, "");
    table.afflict(HERO, Condition::Prone);
    table.play(walk(&[[5, 1], [6, 1], [7, 1], [8, 1]]), "");
    let none = Refusal::NotEnoughMovement { cost_ft: 10, left_ft: 0 };
    assert_eq!(table.refused(walk(&[[8, 2]])), none);
}

#[test]
fn players_command_their_own() {
    let mut table = Table::new(Edition::E52);
    let (mine, other) = (Uuid::from_u128(70), Uuid::from_u128(71));
    let mut hero = combatant(HERO, CombatantKind::Character, "party", [0, 0], block(json!({})));
    hero.owner = Some(mine);
    table.play(Command::AddCombatant { combatant: Box::new(hero) }, "");
    table.play(Command::Begin, "20:1");
    let by = |player, command| Input::Command { by: Actor::Player(player), command };
    let dodge = Command::Dodge { who: HERO };
    assert_eq!(table.input(by(other, dodge.clone()), ""), Err(Refusal::NotYours));
    assert_eq!(table.input(by(mine, Command::Begin), ""), Err(Refusal::NotGameMaster));
    assert!(table.input(by(mine, dodge), "").is_ok());
}

#[test]
fn who_leaves_takes_the_turn_along() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(Command::RemoveCombatant { id: HERO }, "");
    assert_eq!(table.combat.active(), Some(GOBLIN));
    let gone = Refusal::UnknownCombatant { id: HERO };
    assert_eq!(table.refused(attack(HERO, GOBLIN, "longsword")), gone);
    table.play(Command::EndTurn { who: GOBLIN }, "");
    assert_eq!((table.combat.active(), table.combat.round), (Some(GOBLIN), 2));
}
