//! Commands that stop for an answer, and go on from it as if they had not.

use gss_rules::combat::{
    Actor, Answer, Combatant, CombatantKind, Command, Fact, Input, Life, Question, Refusal,
};
use gss_rules::space::Square;
use gss_rules::{Condition, Edition, Key, MovementMode, Switch};
use serde_json::json;

use crate::table::{GOBLIN, HERO, OGRE, Table, attack, block, combatant};

fn leave() -> Command {
    let path = (1..=3).map(|y| Square { x: 0, y }).collect();
    Command::Move {
        who: HERO,
        mode: MovementMode::Walk,
        path,
        drag: Vec::new(),
        elevation_ft: None,
    }
}

#[test]
fn leaving_a_reach_waits_for_the_one_who_may_strike() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let facts = table.play(leave(), "");
    assert_eq!(facts.len(), 1, "the first step stays within reach: {facts:?}");
    let prompt = table.combat.prompt().expect("a question").clone();
    let options = ["longsword", "unarmed", "grapple", "shove-prone", "shove-push"];
    let options = options.map(|it| Key::parse(it).expect("a key")).to_vec();
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

#[test]
fn who_fell_is_not_struck_by_the_next() {
    let mut table = Table::new(Edition::E52);
    let weak = block(json!({"hp": {"current": 5, "max": 20, "temp": 0}}));
    for (id, side, at, block) in [
        (HERO, "party", [1, 1], weak),
        (GOBLIN, "foes", [0, 0], block(json!({}))),
        (OGRE, "foes", [1, 0], block(json!({}))),
    ] {
        let combatant = combatant(id, CombatantKind::Character, side, at, block);
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10 20:5");
    let path = vec![Square { x: 1, y: 2 }];
    table.play(
        Command::Move {
            who: HERO,
            mode: MovementMode::Walk,
            path,
            drag: Vec::new(),
            elevation_ft: None,
        },
        "",
    );
    let option = Key::parse("longsword").expect("a key");
    table.answer(Answer::React { option }, "20:15 8:4");
    assert!(table.combat.prompt().is_none());
    assert_eq!(table.life(HERO), Life::Dying { successes: 0, failures: 0 });
    assert_eq!(table.combat.combatant(HERO).expect("there").position, Some(Square { x: 1, y: 1 }));
}

#[test]
fn when_time_runs_out_nobody_reacts() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(leave(), "");
    let prompt = table.combat.prompt().expect("a question").id;
    let by = Actor::Clock;
    let option = Key::parse("longsword").expect("a key");
    let react = Input::Answer { by, prompt, answer: Answer::React { option } };
    assert_eq!(table.input(react, ""), Err(Refusal::NotYours));
    let attack = Input::Command { by, command: attack(HERO, GOBLIN, "longsword") };
    assert_eq!(table.input(attack, ""), Err(Refusal::AwaitingDecision));
    assert!(table.input(Input::Answer { by, prompt, answer: Answer::Decline }, "").is_ok());
    assert_eq!(table.combat.combatant(HERO).expect("there").position, Some(Square { x: 0, y: 3 }));
}

#[test]
fn a_waiting_command_that_other_rules_refuse_is_abandoned() {
    let mut table = Table::duel(Edition::E52, [1, 1]);
    table.play(Command::EndTurn { who: HERO }, "");
    table.afflict(GOBLIN, Condition::Deafened);
    // Asked before the first step; meanwhile the deaf cannot walk any more.
    let path = vec![Square { x: 2, y: 2 }];
    table.play(
        Command::Move {
            who: GOBLIN,
            mode: MovementMode::Walk,
            path,
            drag: Vec::new(),
            elevation_ft: None,
        },
        "",
    );
    table.rule(Condition::Deafened, r#"{"kind": "speed", "value": 0, "set": true}"#);
    assert_eq!(table.answer(Answer::Decline, ""), [Fact::Abandoned]);
    assert!(table.combat.prompt().is_none());
}

#[test]
fn a_bonus_action_that_moves_provokes_in_the_new_rules_alone() {
    for rule in [Edition::E51, Edition::E52] {
        let mut table = Table::with_content(Edition::E52);
        let rules = std::sync::Arc::make_mut(&mut table.combat.rules);
        rules.switches.insert(Switch::OpportunityAttack, rule);
        let leap = json!({"uses": [{"use_id": "leap", "name": "Leap", "cost": "bonus_action"}]});
        let lamia = combatant(HERO, CombatantKind::Monster, "foes", [0, 0], block(leap));
        let lamia = Combatant { monster: Key::parse("lamia").ok(), ..lamia };
        let goblin = combatant(GOBLIN, CombatantKind::Monster, "party", [1, 0], block(json!({})));
        for combatant in [lamia, goblin] {
            table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
        }
        table.play(Command::Begin, "20:15 20:10");
        let leap = json!({"use_action": {"who": HERO, "id": "leap", "at": [0, 5]}});
        table.play(serde_json::from_value(leap).expect("a command"), "");
        assert_eq!(table.combat.prompt().is_some(), rule == Edition::E52);
    }
}
