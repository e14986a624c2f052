//! Lair actions, on count 20 of the initiative (SRD 5.1 "Lair Actions").

use std::collections::BTreeMap;

use gss_rules::combat::{
    Actor, Answer, Changes, CombatantKind, Command, Fact, Input, Phase, Question, Refusal,
};
use gss_rules::{Condition, Edition, Key, Switch};
use serde_json::{Value, json};

use crate::table::{GOBLIN, HERO, OGRE, Table, block, combatant};

fn key(text: &str) -> Key {
    Key::parse(text).expect("a key")
}

/// The dragon of a lair, the hero and the ogre, with these counts; nobody has begun.
fn before(edition: Edition, counts: [i32; 3]) -> Table {
    let fall = |id: &str| {
        json!({"use_id": id, "name": id, "cost": "lair", "targets": 1, "range_ft": 120,
               "damage": [{"dice": "1d6", "type": "bludgeoning"}],
               "save": {"ability": "dex", "dc": 15, "half": true}})
    };
    let dragon = json!({"uses": [fall("rocks-fall"), fall("tremor"),
        {"use_id": "roar", "name": "Roar", "cost": "action"}]});
    let mut table = Table::new(edition);
    let all = [
        (GOBLIN, "dragons", [5, 5], dragon),
        (HERO, "party", [8, 5], json!({})),
        (OGRE, "party", [12, 5], json!({})),
    ];
    for ((id, side, at, changes), count) in all.into_iter().zip(counts) {
        let mut one = combatant(id, CombatantKind::Monster, side, at, block(changes));
        one.initiative = Some(count);
        table.play(Command::AddCombatant { combatant: Box::new(one) }, "");
    }
    table
}

fn lair(edition: Edition, counts: [i32; 3]) -> Table {
    let mut table = before(edition, counts);
    table.play(Command::Begin, "");
    table
}

/// What the dragon is asked now.
fn asked(table: &Table) -> Option<Vec<&str>> {
    let prompt = table.combat.prompt()?;
    assert_eq!(prompt.who, GOBLIN);
    match &prompt.question {
        Question::LairAction { options } => Some(options.iter().map(Key::as_str).collect()),
        other => panic!("{other:?}"),
    }
}

fn using(id: &str) -> Answer {
    Answer::Use {
        id: key(id),
        targets: vec![HERO],
        at: None,
        direction: None,
        option: None,
        path: Vec::new(),
        choices: BTreeMap::new(),
    }
}

fn end(table: &mut Table) -> Vec<Fact> {
    let who = table.combat.active().expect("a turn");
    table.play(Command::EndTurn { who }, "")
}

#[test]
fn count_20_comes_after_those_who_have_it_and_before_those_who_have_less() {
    let mut table = lair(Edition::E51, [5, 20, 19]);
    assert_eq!((table.combat.active(), asked(&table)), (Some(HERO), None));
    end(&mut table);
    assert_eq!(asked(&table), Some(vec!["rocks-fall", "tremor"]));
    assert_eq!(table.refused(Command::EndTurn { who: OGRE }), Refusal::AwaitingDecision);
    table.answer(using("rocks-fall"), "6:4 20:1");
    assert_eq!((table.hp(HERO), table.combat.active()), (16, Some(OGRE)));
    end(&mut table);
    // Its own turn has no lair actions.
    let Answer::Use { id, targets, at, direction, option, path, choices } = using("tremor") else {
        panic!("a use");
    };
    let own = Command::UseAction { who: GOBLIN, id, targets, at, direction, option, path, choices };
    assert_eq!(table.refused(own), Refusal::NotAnAction);
}

#[test]
fn it_comes_before_the_first_turn_and_after_the_last() {
    let mut low = before(Edition::E51, [5, 10, 19]);
    low.play(Command::Begin, "");
    assert_eq!((low.combat.phase, low.combat.active()), (Phase::Running, None));
    assert_eq!(asked(&low), Some(vec!["rocks-fall", "tremor"]));
    low.answer(using("tremor"), "6:4 20:20");
    assert_eq!((low.hp(HERO), low.combat.active(), low.combat.round), (18, Some(OGRE), 1));
    let mut high = lair(Edition::E51, [25, 30, 20]);
    for _ in 0..2 {
        end(&mut high);
        assert_eq!(asked(&high), None);
    }
    end(&mut high);
    assert_eq!((asked(&high).is_some(), high.combat.round), (true, 1));
    high.answer(Answer::Decline, "");
    assert_eq!((high.combat.round, high.combat.active()), (2, Some(HERO)));
}

#[test]
fn the_same_is_not_done_two_rounds_in_a_row() {
    let mut table = lair(Edition::E51, [5, 20, 19]);
    let mut round = |answer: Answer, faces: &str, options: &[&str]| {
        end(&mut table);
        assert_eq!(asked(&table).as_deref(), Some(options));
        let refused = table.combat.prompt().expect("a question").id;
        if let [only] = options {
            let other = if *only == "tremor" { "rocks-fall" } else { "tremor" };
            let answer = Input::Answer { by: Actor::Gm, prompt: refused, answer: using(other) };
            assert_eq!(table.input(answer, ""), Err(Refusal::WrongAnswer));
        }
        table.answer(answer, faces);
        end(&mut table);
        end(&mut table);
    };
    round(using("tremor"), "6:1 20:20", &["rocks-fall", "tremor"]);
    round(using("rocks-fall"), "6:1 20:20", &["rocks-fall"]);
    round(Answer::Decline, "", &["tremor"]);
    round(using("rocks-fall"), "6:1 20:20", &["rocks-fall", "tremor"]);
}

#[test]
fn nobody_answers_in_time_and_nothing_is_done() {
    let mut table = lair(Edition::E51, [5, 20, 19]);
    end(&mut table);
    let prompt = table.combat.prompt().expect("a question").id;
    let by = Actor::Clock;
    let late = Input::Answer { by, prompt, answer: using("tremor") };
    assert_eq!(table.input(late, ""), Err(Refusal::NotYours));
    let facts = table.input(Input::Answer { by, prompt, answer: Answer::Decline }, "");
    let facts = facts.expect("it fits");
    assert!(matches!(
        facts.as_slice(),
        [Fact::LairActed { who: GOBLIN, round: 1, id: None }, Fact::TurnStarted { who: OGRE, .. }]
    ));
    assert_eq!((table.hp(HERO), table.combat.active()), (20, Some(OGRE)));
}

#[test]
fn who_cannot_act_has_no_lair_action() {
    let mut table = lair(Edition::E51, [5, 20, 19]);
    table.afflict(GOBLIN, Condition::Incapacitated);
    end(&mut table);
    assert_eq!((asked(&table), table.combat.active()), (None, Some(OGRE)));
}

#[test]
fn the_surprised_have_none_before_their_first_turn_is_over() {
    let mut table = before(Edition::E51, [5, 20, 19]);
    let surprised: Changes = serde_json::from_value(json!({"surprised": true})).expect("changes");
    table.play(Command::Update { id: GOBLIN, changes: Box::new(surprised) }, "");
    table.play(Command::Begin, "");
    end(&mut table);
    assert_eq!((asked(&table), table.combat.active()), (None, Some(OGRE)));
    end(&mut table);
    end(&mut table);
    end(&mut table);
    assert_eq!((asked(&table).is_some(), table.combat.round), (true, 2));
}

#[test]
fn the_newer_rules_have_none_unless_the_table_takes_them() {
    let mut table = lair(Edition::E52, [5, 20, 19]);
    end(&mut table);
    assert_eq!((asked(&table), table.combat.active()), (None, Some(OGRE)));
    let mut table = before(Edition::E52, [5, 20, 19]);
    let rules = std::sync::Arc::make_mut(&mut table.combat.rules);
    rules.switches.insert(Switch::LairActions, Edition::E51);
    table.play(Command::Begin, "");
    end(&mut table);
    assert!(asked(&table).is_some());
}

#[test]
fn a_round_has_one_count_20_whoever_joins_or_leaves() {
    let mut table = lair(Edition::E51, [5, 25, 19]);
    end(&mut table);
    table.answer(using("tremor"), "6:1 20:20");
    // The one whose turn it is leaves: the next below 20 is another, and 20 is past.
    table.play(Command::RemoveCombatant { id: OGRE }, "");
    assert_eq!((asked(&table), table.combat.active()), (None, Some(GOBLIN)));
    let late = combatant(OGRE, CombatantKind::Monster, "party", [12, 5], block(json!({})));
    let late = gss_rules::combat::Combatant { initiative: Some(20), ..late };
    table.play(Command::AddCombatant { combatant: Box::new(late) }, "");
    end(&mut table);
    end(&mut table);
    assert_eq!((asked(&table), table.combat.active()), (None, Some(OGRE)));
    end(&mut table);
    assert_eq!((asked(&table), table.combat.round), (Some(vec!["rocks-fall"]), 2));
    table.answer(Answer::Decline, "");
    assert_eq!(table.combat.active(), Some(GOBLIN));
    let state: Value = serde_json::to_value(table.combat.combatant(GOBLIN)).expect("encoded");
    assert_eq!(state["lair"], json!({"round": 2}));
}

#[test]
fn an_order_that_is_changed_skips_no_count_and_brings_none_twice() {
    // The hero's turn comes before the count of the round; the order then puts it last.
    let mut table = lair(Edition::E51, [5, 25, 19]);
    table.play(Command::SetOrder { order: vec![OGRE, GOBLIN, HERO] }, "");
    assert_eq!((table.combat.active(), table.combat.round), (Some(HERO), 1));
    end(&mut table);
    assert_eq!((asked(&table).is_some(), table.combat.round), (true, 1));
    table.answer(using("tremor"), "6:1 20:20");
    // That of the next round is before all who have less than 20.
    assert_eq!(asked(&table), Some(vec!["rocks-fall"]));
    table.answer(Answer::Decline, "");
    assert_eq!((table.combat.active(), table.combat.round), (Some(OGRE), 2));
    table.play(Command::SetOrder { order: vec![HERO, OGRE, GOBLIN] }, "");
    for active in [GOBLIN, HERO] {
        end(&mut table);
        assert_eq!((table.combat.active(), asked(&table)), (Some(active), None));
    }
    end(&mut table);
    assert_eq!((asked(&table).is_some(), table.combat.round), (true, 3));
    // The count's place is before that of the turn then: it comes as the turn is over.
    let mut table = lair(Edition::E51, [5, 25, 19]);
    table.play(Command::SetOrder { order: vec![OGRE, HERO, GOBLIN] }, "");
    end(&mut table);
    assert_eq!((asked(&table).is_some(), table.combat.active()), (true, Some(HERO)));
    table.answer(Answer::Decline, "");
    assert_eq!((asked(&table), table.combat.active()), (None, Some(GOBLIN)));
}

#[test]
fn who_comes_after_the_count_or_cannot_act_on_it_waits_for_the_next() {
    let mut table = lair(Edition::E51, [5, 25, 19]);
    table.afflict(GOBLIN, Condition::Incapacitated);
    end(&mut table);
    assert_eq!((table.combat.active(), asked(&table)), (Some(OGRE), None));
    let held = table.combat.effects_on(GOBLIN).next().expect("one").id;
    table.play(Command::RemoveEffect { id: held }, "");
    end(&mut table);
    assert_eq!((table.combat.active(), asked(&table)), (Some(GOBLIN), None));
    let gone = table.combat.combatant(GOBLIN).expect("there").clone();
    table.play(Command::RemoveCombatant { id: GOBLIN }, "");
    end(&mut table);
    assert_eq!(table.combat.active(), Some(OGRE));
    table.play(Command::AddCombatant { combatant: Box::new(gone) }, "");
    end(&mut table);
    assert_eq!((table.combat.active(), asked(&table)), (Some(GOBLIN), None));
    end(&mut table);
    end(&mut table);
    assert_eq!((asked(&table).is_some(), table.combat.round), (true, 3));
}
