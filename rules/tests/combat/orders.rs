//! Effects that do something at the same edge of a turn: whoever's turn it is puts them in order
//! (SRD 5.2.1 "Simultaneous Effects").

use std::collections::BTreeSet;

use gss_rules::Edition;
use gss_rules::combat::{
    Actor, Answer, Command, EffectId, EndReason, Fact, Input, Question, Refusal,
};
use serde_json::{Value, json};

use crate::table::{GOBLIN, HERO, Table};

fn put(table: &mut Table, effect: Value) -> EffectId {
    let before: BTreeSet<EffectId> = table.combat.effects.keys().copied().collect();
    let effect = Box::new(serde_json::from_value(effect).expect("an effect"));
    table.play(Command::ApplyEffect { effect, source: Some(GOBLIN), targets: vec![HERO] }, "");
    let mut new = table.combat.effects.keys().filter(|id| !before.contains(id));
    *new.next().expect("an effect")
}

/// Burns at the end of each turn.
fn burning() -> Value {
    json!({"name": "Burning", "duration": {"kind": "permanent"},
           "damage": {"dice": [{"dice": "1d6", "type": "fire"}], "edge": "end"}})
}

/// Restrained: two dice for Dexterity, the lower counts.
fn held(edge: &str) -> Value {
    json!({"name": "Held", "duration": {"kind": "permanent"}, "conditions": ["restrained"],
           "save_ends": {"ability": "dex", "dc": 12, "edge": edge}})
}

fn dazed() -> Value {
    json!({"name": "Dazed", "duration": {"kind": "permanent"},
           "save_ends": {"ability": "wis", "dc": 12}})
}

fn ended(facts: &[Fact]) -> Vec<EffectId> {
    let of = |fact: &Fact| match fact {
        Fact::EffectEnded { id, reason: EndReason::Saved } => Some(*id),
        _ => None,
    };
    facts.iter().filter_map(of).collect()
}

#[test]
fn its_player_says_which_comes_first() {
    let mut table = Table::duel(Edition::E52, [9, 9]);
    let (burning, held, dazed) =
        (put(&mut table, burning()), put(&mut table, held("end")), put(&mut table, dazed()));
    assert_eq!(table.play(Command::EndTurn { who: HERO }, ""), []);
    let prompt = table.combat.prompt().expect("a question").clone();
    assert_eq!(prompt.who, HERO);
    // Saves come before damage, the older before the newer.
    let effects = vec![held, dazed, burning];
    assert_eq!(prompt.question, Question::EffectOrder { effects: effects.clone() });
    for wrong in [vec![held, dazed], vec![held, held, burning], vec![held, dazed, burning, held]] {
        let answer = Answer::Order { effects: wrong };
        let input = Input::Answer { by: Actor::Gm, prompt: prompt.id, answer };
        assert_eq!(table.input(input, ""), Err(Refusal::WrongAnswer));
    }
    let by = Actor::Clock;
    let answer = Answer::Order { effects };
    let late = Input::Answer { by, prompt: prompt.id, answer };
    assert_eq!(table.input(late, ""), Err(Refusal::NotYours));
    let chosen = Answer::Order { effects: vec![dazed, burning, held] };
    let facts = table.answer(chosen, "20:12 6:5 20:10 20:11");
    assert_eq!(ended(&facts), [dazed, held]);
    assert_eq!((table.hp(HERO), table.combat.active()), (15, Some(GOBLIN)));
}

#[test]
fn not_in_time_saves_come_first() {
    let mut table = Table::duel(Edition::E52, [9, 9]);
    put(&mut table, burning());
    let (held, dazed) = (put(&mut table, held("end")), put(&mut table, dazed()));
    table.play(Command::EndTurn { who: HERO }, "");
    let prompt = table.combat.prompt().expect("a question").id;
    let declined = Input::Answer { by: Actor::Clock, prompt, answer: Answer::Decline };
    let facts = table.input(declined, "20:12 20:11 20:12 6:5").expect("it fits");
    assert_eq!((ended(&facts), table.hp(HERO)), (vec![held, dazed], 15));
}

/// Saves and damage of two effects: all saves before all damage.
#[test]
fn by_the_older_rules_nobody_is_asked() {
    let mut table = Table::duel(Edition::E51, [9, 9]);
    let both = |name: &str| {
        json!({"name": name, "duration": {"kind": "permanent"},
               "save_ends": {"ability": "wis", "dc": 12},
               "damage": {"dice": [{"dice": "1d6", "type": "fire"}], "edge": "end"}})
    };
    let (first, second) = (put(&mut table, both("First")), put(&mut table, both("Second")));
    let facts = table.play(Command::EndTurn { who: HERO }, "20:12 20:1 6:5");
    assert!(table.combat.prompt().is_none());
    assert_eq!((ended(&facts), table.hp(HERO)), (vec![first], 15));
    assert!(table.combat.effects.contains_key(&second));
}

/// What moved or killed whom it is about, or ended it, is not followed by what no longer is so.
#[test]
fn what_is_no_longer_so_is_not_done() {
    let mut table = Table::duel(Edition::E52, [9, 9]);
    let fatal = json!({"name": "Doom", "duration": {"kind": "permanent"},
                       "triggers": [{"on": "turn_end", "does": [
                           {"damage": {"damage": [{"dice": "1d6", "types": ["fire"]}]}}, "kill"]}]});
    let (held, doom) = (put(&mut table, held("end")), put(&mut table, fatal));
    table.play(Command::EndTurn { who: HERO }, "");
    let facts = table.answer(Answer::Order { effects: vec![doom, held] }, "6:1");
    assert_eq!(ended(&facts), []);
}

#[test]
fn nobody_is_asked_about_one_or_about_different_edges() {
    let mut table = Table::duel(Edition::E52, [9, 9]);
    put(&mut table, burning());
    put(&mut table, held("start"));
    let harmless = json!({"name": "Blessed", "duration": {"kind": "permanent"},
                          "modifiers": [{"kind": "die", "on": ["attack"], "dice": "1d4"}]});
    put(&mut table, harmless);
    table.play(Command::EndTurn { who: HERO }, "6:1");
    assert!(table.combat.prompt().is_none());
    table.play(Command::EndTurn { who: GOBLIN }, "20:1 20:1");
    assert_eq!((table.hp(HERO), table.combat.active()), (19, Some(HERO)));
}
