//! Commands that stop for an answer, and go on from it as if they had not.

use gss_rules::combat::{Answer, Command, Fact, Question, Refusal};
use gss_rules::space::Square;
use gss_rules::{Edition, Key, MovementMode};

use crate::table::{GOBLIN, HERO, Table, attack};

fn leave() -> Command {
    let path = (1..=3).map(|y| Square { x: 0, y }).collect();
    Command::Move { who: HERO, mode: MovementMode::Walk, path }
}

#[test]
fn leaving_a_reach_waits_for_the_one_who_may_strike() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let facts = table.play(leave(), "");
    assert_eq!(facts.len(), 1, "the first step stays within reach: {facts:?}");
    let prompt = table.combat.prompt().expect("a question").clone();
    let options = vec![Key::parse("longsword").expect("a key")];
    assert_eq!(prompt.question, Question::OpportunityAttack { target: HERO, options });
    assert_eq!(prompt.who, GOBLIN);
    assert_eq!(table.refused(attack(HERO, GOBLIN, "longsword")), Refusal::AwaitingDecision);
    let option = Key::parse("longsword").expect("a key");
    table.answer(Answer::React { option }, "20:15 8:4");
    assert_eq!(table.hp(HERO), 13);
    let hero = table.combat.combatant(HERO).expect("there");
    assert_eq!((hero.position, hero.economy.moved_ft), (Some(Square { x: 0, y: 3 }), 15));
    assert!(!table.combat.combatant(GOBLIN).expect("there").economy.reaction);
}

#[test]
fn a_struck_down_mover_goes_no_further() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(leave(), "");
    let option = Key::parse("longsword").expect("a key");
    table.answer(Answer::React { option }, "20:20 8:8 8:8");
    assert_eq!(table.hp(HERO), 1);
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(attack(HERO, GOBLIN, "longsword"), "20:1");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(attack(GOBLIN, HERO, "longsword"), "20:15 8:8");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    table.play(leave(), "");
    let option = Key::parse("longsword").expect("a key");
    table.answer(Answer::React { option }, "20:15 8:6");
    assert_eq!(table.hp(HERO), 0);
    assert_eq!(table.combat.combatant(HERO).expect("there").position, Some(Square { x: 0, y: 1 }));
}

#[test]
fn a_declined_reaction_is_kept() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(leave(), "");
    let facts = table.answer(Answer::Decline, "");
    assert!(facts.iter().all(|fact| matches!(fact, Fact::Moved { .. })), "{facts:?}");
    assert!(table.combat.combatant(GOBLIN).expect("there").economy.reaction);
    assert!(table.combat.prompt().is_none());
}
