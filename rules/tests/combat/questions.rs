//! Questions that are no reactions: dice of players' own, and choices.

use std::collections::BTreeSet;

use gss_rules::combat::{
    Actor, Answer, Choice, CombatantKind, Command, Fact, Input, Purpose, Question, Refusal,
};
use gss_rules::{Edition, Key};
use serde_json::json;
use uuid::Uuid;

use crate::table::{GOBLIN, HERO, Table, attack, block, combatant};

const PLAYER: Uuid = Uuid::from_u128(77);

/// The hero's player throws dice of its own.
fn own_dice() -> Table {
    let mut table = Table::new(Edition::E52);
    let hero = combatant(HERO, CombatantKind::Character, "party", [0, 0], block(json!({})));
    let hero = gss_rules::combat::Combatant { owner: Some(PLAYER), ..hero };
    let goblin = combatant(GOBLIN, CombatantKind::Monster, "foes", [1, 0], block(json!({})));
    for combatant in [hero, goblin] {
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    let players = BTreeSet::from([PLAYER]);
    let by_player = Input::Command {
        by: Actor::Player(PLAYER),
        command: Command::PhysicalDice { players: players.clone() },
    };
    assert_eq!(table.input(by_player, ""), Err(Refusal::NotGameMaster));
    table.play(Command::PhysicalDice { players }, "");
    table
}

fn rolls(facts: &[Fact]) -> Vec<(i64, String)> {
    let roll = |fact: &Fact| match fact {
        Fact::Rolled { roll, .. } => Some((roll.total, roll.by.clone())),
        _ => None,
    };
    facts.iter().filter_map(roll).collect()
}

#[test]
fn a_player_throws_its_own_dice_and_the_server_the_others() {
    let mut table = own_dice();
    // The goblin's die is the server's: it is thrown after the player told the hero's.
    assert_eq!(table.play(Command::Begin, ""), []);
    let question = &table.combat.prompt().expect("a question").question;
    assert_eq!(*question, Question::Dice { sides: vec![20], purpose: Purpose::Initiative });
    let facts = table.answer(Answer::Faces { faces: vec![15] }, "20:10");
    let by = PLAYER.to_string();
    assert_eq!(rolls(&facts), [(17, by.clone()), (12, "server".to_owned())]);
    table.play(attack(HERO, GOBLIN, "longsword"), "");
    table.answer(Answer::Faces { faces: vec![12] }, "");
    let prompt = table.combat.prompt().expect("a question").clone();
    assert_eq!(prompt.question, Question::Dice { sides: vec![8], purpose: Purpose::Damage });
    for faces in [vec![9], vec![0], vec![1, 1], Vec::new()] {
        let answer = Answer::Faces { faces };
        let input = Input::Answer { by: Actor::Player(PLAYER), prompt: prompt.id, answer };
        assert_eq!(table.input(input, ""), Err(Refusal::WrongAnswer));
    }
    let facts = table.answer(Answer::Faces { faces: vec![8] }, "");
    assert_eq!(rolls(&facts), [(11, by)]);
    assert_eq!(table.hp(GOBLIN), 9);
}

#[test]
fn when_time_runs_out_the_server_throws() {
    let mut table = own_dice();
    table.play(Command::Begin, "");
    let prompt = table.combat.prompt().expect("a question").id;
    let decline = Input::Answer { by: Actor::Clock, prompt, answer: Answer::Decline };
    assert_eq!(table.input(decline, ""), Err(Refusal::WrongAnswer));
    let roll = Input::Answer { by: Actor::Clock, prompt, answer: Answer::Roll };
    let facts = table.input(roll, "20:3 20:10").expect("it rolls");
    assert_eq!(rolls(&facts), [(5, "server".to_owned()), (12, "server".to_owned())]);
}

fn give(amount: i32) -> Command {
    Command::GiveTempHp { target: HERO, amount }
}

fn temp(table: &Table) -> i32 {
    table.combat.combatant(HERO).expect("there").hp.temp
}

#[test]
fn temporary_hit_points_are_kept_or_replaced_never_added() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    assert_eq!(table.refused(give(0)), Refusal::NothingToDo);
    table.play(give(5), "");
    assert_eq!(temp(&table), 5);
    table.play(give(5), "");
    assert_eq!(temp(&table), 5);
    for (choice, expected) in [("keep", 5), ("replace", 8)] {
        table.play(give(8), "");
        let prompt = table.combat.prompt().expect("a question");
        let key = |word| Key::parse(word).expect("a key");
        let options = vec![key("keep"), key("replace")];
        let default = key("replace");
        let asked = Question::Choice { choice: Choice::TempHp, options, default, about: None };
        assert_eq!(prompt.question, asked);
        table.answer(Answer::Choose { option: key(choice) }, "");
        assert_eq!(temp(&table), expected);
    }
    // Nobody chooses: the more.
    table.play(give(3), "");
    table.answer(Answer::Decline, "");
    assert_eq!(temp(&table), 8);
}

#[test]
fn what_began_before_the_first_turn_ends() {
    let mut table = Table::new(Edition::E52);
    let hero = combatant(HERO, CombatantKind::Character, "party", [0, 0], block(json!({})));
    table.play(Command::AddCombatant { combatant: Box::new(hero) }, "");
    let effect = json!({"name": "Aid", "duration": {"kind": "rounds", "rounds": 2}});
    let effect = Box::new(serde_json::from_value(effect).expect("an effect"));
    table.play(Command::ApplyEffect { effect, source: None, targets: vec![HERO] }, "");
    table.play(Command::Begin, "20:10");
    for left in [1, 1, 0] {
        assert_eq!(table.combat.effects.len(), left, "round {}", table.combat.round);
        table.play(Command::EndTurn { who: HERO }, "");
    }
}

#[test]
fn who_stands_up_keeps_what_came_with_the_fall() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let effect = json!({
        "name": "Slip", "duration": {"kind": "permanent"}, "conditions": ["prone", "poisoned"]
    });
    let effect = Box::new(serde_json::from_value(effect).expect("an effect"));
    table.play(Command::ApplyEffect { effect, source: None, targets: vec![HERO] }, "");
    table.play(Command::StandUp { who: HERO }, "");
    let held: Vec<_> = table.combat.effects_on(HERO).collect();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].template.conditions, [gss_rules::Condition::Poisoned]);
    assert_eq!(table.refused(Command::StandUp { who: HERO }), Refusal::NothingToDo);
}

#[test]
fn who_is_ruled_unconscious_still_lies_there_when_awake() {
    for edition in [Edition::E51, Edition::E52] {
        let mut table = Table::duel(edition, [1, 0]);
        table.afflict(HERO, gss_rules::Condition::Unconscious);
        let asleep = table.combat.effects_on(HERO).map(|effect| effect.id).max().expect("one");
        table.play(Command::RemoveEffect { id: asleep }, "");
        let held: Vec<_> = table.combat.effects_on(HERO).collect();
        assert_eq!(held.len(), 1);
        assert_eq!(held[0].template.conditions, [gss_rules::Condition::Prone]);
    }
}

#[test]
fn who_commands_a_creature_throws_its_dice() {
    let mut table = own_dice();
    table.play(Command::Begin, "");
    table.answer(Answer::Faces { faces: vec![15] }, "20:10");
    let obeys = |source, target| {
        let effect = json!({"name": "Dominated", "duration": {"kind": "permanent"},
                            "modifiers": [{"kind": "obeys_source"}]});
        let effect = Box::new(serde_json::from_value(effect).expect("an effect"));
        Command::ApplyEffect { effect, source: Some(source), targets: vec![target] }
    };
    table.play(obeys(HERO, GOBLIN), "");
    assert_eq!(table.combat.owner(GOBLIN), Some(PLAYER));
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(attack(GOBLIN, HERO, "longsword"), "");
    let prompt = table.combat.prompt().expect("a question").clone();
    let answer = Answer::Faces { faces: vec![2] };
    let by_player = Input::Answer { by: Actor::Player(PLAYER), prompt: prompt.id, answer };
    let facts = table.input(by_player, "").expect("its master's");
    assert_eq!(rolls(&facts), [(7, PLAYER.to_string())]);
    // Whose master is nobody's throws as monsters do.
    table.play(obeys(GOBLIN, HERO), "");
    table.play(Command::RemoveEffect { id: gss_rules::combat::EffectId(0) }, "");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    assert_eq!(table.combat.owner(HERO), None);
    table.play(attack(HERO, GOBLIN, "longsword"), "20:2");
}
