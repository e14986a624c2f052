//! Between life and death: who is stable comes to itself again, and whom a player spares.

use std::collections::BTreeSet;

use gss_rules::combat::{
    Actor, Answer, Choice, Combatant, CombatantId, CombatantKind, Command, Fact, HitPoints, Input,
    Life, Manner, Purpose, Question,
};
use gss_rules::{Condition, Edition, Key};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::table::{GOBLIN, HERO, OGRE, Table, attack, block, combatant};

const PLAYER: Uuid = Uuid::from_u128(77);

fn update(id: CombatantId, changes: Value) -> Command {
    Command::Update { id, changes: Box::new(serde_json::from_value(changes).expect("changes")) }
}

fn is(table: &Table, who: CombatantId, condition: Condition) -> bool {
    table.combat.effects_on(who).any(|it| it.template.conditions.contains(&condition))
}

/// Whether it waits for its first hit point.
fn recovers(table: &Table, who: CombatantId) -> bool {
    table.combat.effects_on(who).any(|it| it.template.name == "stable")
}

fn rounds(table: &mut Table, count: usize) {
    for _ in 0..count {
        for who in table.combat.order.clone() {
            table.play(Command::EndTurn { who }, "");
        }
    }
}

/// The hero lies stable; the die of hours shows this.
fn stable(edition: Edition, hours: u32) -> Table {
    let mut table = Table::duel(edition, [1, 0]);
    table.play(update(HERO, json!({"hp": {"current": 0}})), "");
    let saves = json!({"death_saves": {"successes": 3, "failures": 1, "stable": false}});
    table.play(update(HERO, saves), &format!("4:{hours}"));
    assert_eq!(table.life(HERO), Life::Stable);
    table
}

#[test]
fn who_is_stable_has_a_hit_point_again_after_hours() {
    for edition in [Edition::E51, Edition::E52] {
        let mut table = stable(edition, 1);
        rounds(&mut table, 599);
        assert_eq!((table.hp(HERO), table.life(HERO)), (0, Life::Stable));
        rounds(&mut table, 1);
        assert_eq!((table.hp(HERO), table.life(HERO)), (1, Life::Alive));
        assert!(!is(&table, HERO, Condition::Unconscious) && is(&table, HERO, Condition::Prone));
        assert!(!recovers(&table, HERO));
    }
    let table = stable(Edition::E52, 4);
    let waits = table.combat.effects_on(HERO).find(|it| it.template.name == "stable");
    assert_eq!(waits.and_then(|it| it.ends).map(|ends| ends.round), Some(2_401));
}

#[test]
fn healing_and_harm_end_the_waiting() {
    let mut healed = stable(Edition::E52, 2);
    healed.play(update(HERO, json!({"hp": {"current": 4}})), "");
    assert!(!recovers(&healed, HERO));
    let mut hurt = stable(Edition::E52, 2);
    hurt.play(Command::EndTurn { who: HERO }, "");
    // From beside, who lies there is hit critically: two failures.
    hurt.play(attack(GOBLIN, HERO, "longsword"), "20:15 20:15 8:1 8:1");
    assert_eq!(hurt.life(HERO), Life::Dying { successes: 0, failures: 2 });
    assert!(!recovers(&hurt, HERO));
    // Stable again, it waits anew, for one thing.
    let saves = json!({"death_saves": {"successes": 0, "failures": 2, "stable": true}});
    hurt.play(update(HERO, saves), "4:3");
    let waits = hurt.combat.effects_on(HERO).filter(|it| it.template.name == "stable");
    assert_eq!(waits.count(), 1);
}

/// The hero, whose player throws its own dice, beside the goblin with so many hit points.
fn players(edition: Edition, goblin_hp: i32, physical: bool) -> Table {
    let mut table = Table::with_content(edition);
    let casting = json!({
        "spellcasting": {"ability": "int", "dc": 13, "attack_bonus": 5, "slots": {"1": 2},
                         "spells": ["shocking-grasp"]},
        "attacks": [
            {"attack_id": "longsword", "name": "Longsword", "kind": "melee", "bonus": 5,
             "damage": [{"dice": "1d8+3", "type": "slashing"}], "mastery": "graze"},
            {"attack_id": "shortbow", "name": "Shortbow", "kind": "ranged", "bonus": 4,
             "range_ft": {"normal": 80, "long": 320},
             "damage": [{"dice": "1d6+2", "type": "piercing"}]}
        ],
        "hp": {"current": 20, "max": 20, "temp": 0}
    });
    let hero = combatant(HERO, CombatantKind::Character, "party", [0, 0], block(casting));
    let hero = Combatant { owner: Some(PLAYER), ..hero };
    let weak = block(json!({"hp": {"current": goblin_hp, "max": 30, "temp": 0}}));
    let goblin = combatant(GOBLIN, CombatantKind::Monster, "foes", [1, 0], weak);
    for combatant in [hero, goblin] {
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10");
    if physical {
        table.play(Command::PhysicalDice { players: BTreeSet::from([PLAYER]) }, "");
    }
    table
}

#[test]
fn a_player_throws_the_hours_of_its_own() {
    let mut table = players(Edition::E52, 30, true);
    table.play(update(HERO, json!({"hp": {"current": 0}})), "");
    let saves = json!({"death_saves": {"successes": 2, "failures": 0, "stable": false}});
    table.play(update(HERO, saves), "");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    table.answer(Answer::Faces { faces: vec![12] }, "");
    let prompt = table.combat.prompt().expect("a question").clone();
    let id = Key::parse("stable").expect("a key");
    let hours = Question::Dice { sides: vec![4], purpose: Purpose::Duration { id } };
    assert_eq!((prompt.who, prompt.question), (HERO, hours));
    table.answer(Answer::Faces { faces: vec![3] }, "");
    assert_eq!(table.life(HERO), Life::Stable);
    let waits = table.combat.effects_on(HERO).find(|it| it.template.name == "stable");
    assert_eq!(waits.and_then(|it| it.ends).map(|ends| ends.round), Some(1_802));
}

fn spare(table: &mut Table, word: &str, faces: &str) -> Vec<Fact> {
    let prompt = table.combat.prompt().expect("a question").clone();
    let key = |word: &str| Key::parse(word).expect("a key");
    let options = vec![key("strike_down"), key("knock_out")];
    let default = key("strike_down");
    let question =
        Question::Choice { choice: Choice::KnockOut, options, default, about: Some(GOBLIN) };
    assert_eq!((prompt.who, prompt.question), (HERO, question));
    let answer = Answer::Choose { option: key(word) };
    let input = Input::Answer { by: Actor::Player(PLAYER), prompt: prompt.id, answer };
    table.input(input, faces).expect("it fits")
}

#[test]
fn a_player_says_as_the_damage_lands_whether_it_kills() {
    for (edition, after, faces) in
        [(Edition::E51, (0, Life::Stable), "4:2"), (Edition::E52, (1, Life::Alive), "")]
    {
        let mut table = players(edition, 3, false);
        let facts = table.play(attack(HERO, GOBLIN, "longsword"), "20:15 8:1");
        assert!(!facts.iter().any(|fact| matches!(fact, Fact::Damaged { .. })), "{facts:?}");
        spare(&mut table, "knock_out", faces);
        assert_eq!((table.hp(GOBLIN), table.life(GOBLIN)), after);
        assert!(is(&table, GOBLIN, Condition::Unconscious));
        assert_eq!(recovers(&table, GOBLIN), edition == Edition::E51);
        let mut table = players(edition, 3, false);
        table.play(attack(HERO, GOBLIN, "longsword"), "20:15 8:1");
        spare(&mut table, "strike_down", "");
        assert_eq!(table.life(GOBLIN), Life::Dead);
        // When time runs out it strikes down.
        let mut table = players(edition, 3, false);
        table.play(attack(HERO, GOBLIN, "longsword"), "20:15 8:1");
        let prompt = table.combat.prompt().expect("a question").id;
        let late = Input::Answer { by: Actor::Clock, prompt, answer: Answer::Decline };
        table.input(late, "").expect("it is over");
        assert_eq!(table.life(GOBLIN), Life::Dead);
    }
}

#[test]
fn a_spared_creature_sleeps_for_a_short_rest() {
    let mut table = players(Edition::E52, 3, false);
    table.play(attack(HERO, GOBLIN, "longsword"), "20:15 8:1");
    spare(&mut table, "knock_out", "");
    rounds(&mut table, 599);
    assert!(is(&table, GOBLIN, Condition::Unconscious));
    rounds(&mut table, 1);
    assert!(!is(&table, GOBLIN, Condition::Unconscious) && is(&table, GOBLIN, Condition::Prone));
    assert_eq!(
        table.combat.combatant(GOBLIN).expect("there").hp,
        HitPoints { current: 1, max: 30, temp: 0 }
    );
}

#[test]
fn a_life_is_spared_by_any_melee_attack() {
    // In reaction to who leaves.
    let mut table = players(Edition::E52, 3, false);
    table.play(Command::EndTurn { who: HERO }, "");
    let mode = gss_rules::MovementMode::Walk;
    let path = vec![gss_rules::space::Square { x: 2, y: 0 }];
    table.play(Command::Move { who: GOBLIN, mode, path, drag: Vec::new(), elevation_ft: None }, "");
    let option = Key::parse("longsword").expect("a key");
    table.answer(Answer::React { option }, "20:15 8:1");
    spare(&mut table, "knock_out", "");
    assert_eq!((table.hp(GOBLIN), table.life(GOBLIN)), (1, Life::Alive));
    // By a spell that touches.
    for (edition, faces) in [(Edition::E51, "4:2"), (Edition::E52, "")] {
        let mut table = players(edition, 3, false);
        let grasp = Command::Cast {
            who: HERO,
            spell: Key::parse("shocking-grasp").expect("a key"),
            slot_level: 0,
            targets: vec![GOBLIN],
            at: None,
            direction: None,
            choices: std::collections::BTreeMap::new(),
            ritual: false,
            item: None,
        };
        table.play(grasp, "20:15 8:8");
        spare(&mut table, "knock_out", faces);
        assert_ne!(table.life(GOBLIN), Life::Dead);
    }
}

#[test]
fn a_graze_spares_too() {
    let mut table = players(Edition::E52, 3, false);
    let how = Manner { mastery: true, ..Manner::default() };
    let longsword = Key::parse("longsword").expect("a key");
    let (who, target, knock_out, ammunition) = (HERO, GOBLIN, false, None);
    let grazes = Command::Attack { who, target, attack: longsword, knock_out, how, ammunition };
    table.play(grazes, "20:2");
    spare(&mut table, "knock_out", "");
    assert_eq!((table.hp(GOBLIN), table.life(GOBLIN)), (1, Life::Alive));
}

#[test]
fn nobody_is_asked_about_whom_something_keeps_up() {
    let kept = |edition, modifier: &str| {
        let mut table = players(edition, 3, false);
        let effect = json!({"name": "kept", "duration": {"kind": "permanent"},
                            "modifiers": [{"kind": modifier}]});
        let effect = Box::new(serde_json::from_value(effect).expect("an effect"));
        table.play(Command::ApplyEffect { effect, source: None, targets: vec![GOBLIN] }, "");
        table
    };
    for edition in [Edition::E51, Edition::E52] {
        for (modifier, faces) in [("death_ward", ""), ("undead_fortitude", "20:20")] {
            let mut table = kept(edition, modifier);
            table.play(attack(HERO, GOBLIN, "longsword"), &format!("20:15 8:1 {faces}"));
            let awake = !is(&table, GOBLIN, Condition::Unconscious);
            assert_eq!((table.combat.prompt(), table.hp(GOBLIN), awake), (None, 1, true));
        }
    }
    // Where the save fails it falls.
    let mut table = kept(Edition::E52, "undead_fortitude");
    table.play(attack(HERO, GOBLIN, "longsword"), "20:15 8:1 20:1");
    spare(&mut table, "knock_out", "");
    assert_eq!((table.hp(GOBLIN), is(&table, GOBLIN, Condition::Unconscious)), (1, true));
    // Who was to be knocked out is kept up as well.
    for edition in [Edition::E51, Edition::E52] {
        for (modifier, faces) in [("death_ward", ""), ("undead_fortitude", "20:20")] {
            let mut table = kept(edition, modifier);
            table.play(knocking_out(), &format!("20:15 8:1 {faces}"));
            assert_eq!((table.hp(GOBLIN), is(&table, GOBLIN, Condition::Unconscious)), (1, false));
        }
    }
    let mut table = kept(Edition::E52, "undead_fortitude");
    table.play(knocking_out(), "20:15 8:1 20:1");
    assert_eq!((table.hp(GOBLIN), is(&table, GOBLIN, Condition::Unconscious)), (1, true));
}

/// The hero's blow that is not to kill, said beforehand.
fn knocking_out() -> Command {
    Command::Attack {
        who: HERO,
        target: GOBLIN,
        attack: Key::parse("longsword").expect("a key"),
        knock_out: true,
        how: Manner::default(),
        ammunition: None,
    }
}

#[test]
fn who_is_left_a_hit_point_did_not_drop() {
    let spent = |edition: Edition, kept: Value, faces: &str| {
        let mut table = players(edition, 3, false);
        let effect = json!({"name": "kept", "duration": {"kind": "permanent"}, "modifiers": kept,
                            "triggers": [{"on": "drops_to_zero", "does": ["spend_reaction"]}]});
        let effect = Box::new(serde_json::from_value(effect).expect("an effect"));
        table.play(Command::ApplyEffect { effect, source: None, targets: vec![GOBLIN] }, "");
        table.play(knocking_out(), &format!("20:15 8:1 {faces}"));
        let reaction = table.combat.combatant(GOBLIN).expect("there").economy.reaction;
        (table.hp(GOBLIN), table.life(GOBLIN), !reaction)
    };
    assert_eq!(spent(Edition::E51, json!([]), "4:1"), (0, Life::Stable, true));
    for (kept, faces) in [
        (json!([{"kind": "relentless", "value": 10}]), ""),
        (json!([{"kind": "undead_fortitude"}]), "20:20"),
        (json!([{"kind": "death_ward"}]), ""),
        // SRD 5.2.1: knocked out at 1 hit point.
        (json!([]), ""),
    ] {
        assert_eq!(spent(Edition::E52, kept.clone(), faces), (1, Life::Alive, false), "{kept}");
    }
}

#[test]
fn a_life_is_spared_that_takes_half_of_the_blow() {
    let mut table = players(Edition::E51, 30, false);
    let weak = block(json!({"hp": {"current": 2, "max": 20, "temp": 0}}));
    let ogre = combatant(OGRE, CombatantKind::Monster, "others", [1, 1], weak);
    table.play(Command::AddCombatant { combatant: Box::new(ogre) }, "20:1");
    let mut apply = |effect: Value, source, target| {
        let effect = Box::new(serde_json::from_value(effect).expect("an effect"));
        table.play(Command::ApplyEffect { effect, source, targets: vec![target] }, "");
    };
    let lasts = json!({"kind": "permanent"});
    let modifiers = json!([{"kind": "halves_with_grappled"}]);
    apply(json!({"name": "half", "duration": lasts, "modifiers": modifiers}), None, GOBLIN);
    let held = json!({"name": "held", "duration": lasts, "conditions": ["grappled"]});
    apply(held, Some(GOBLIN), OGRE);
    table.play(attack(HERO, GOBLIN, "longsword"), "20:15 8:3");
    let prompt = table.combat.prompt().expect("a question").clone();
    let about = Some(OGRE);
    let asked = matches!(prompt.question, Question::Choice { choice: Choice::KnockOut, about: of, .. } if of == about);
    assert!(asked && prompt.who == HERO, "{prompt:?}");
    table.answer(Answer::Choose { option: Key::parse("knock_out").expect("a key") }, "4:1");
    assert_eq!((table.hp(OGRE), table.life(OGRE)), (0, Life::Stable));
    assert_eq!((table.hp(GOBLIN), table.life(GOBLIN)), (27, Life::Alive));
}

#[test]
fn nobody_is_asked_who_cannot_spare_or_has_said_so() {
    // From afar.
    let mut table = players(Edition::E52, 3, false);
    table.play(update(GOBLIN, json!({"position": [9, 0]})), "");
    table.play(attack(HERO, GOBLIN, "shortbow"), "20:15 6:5");
    assert_eq!((table.combat.prompt(), table.life(GOBLIN)), (None, Life::Dead));
    // Said beforehand.
    let mut table = players(Edition::E52, 3, false);
    table.play(knocking_out(), "20:15 8:1");
    assert_eq!((table.combat.prompt(), table.hp(GOBLIN)), (None, 1));
    // A game master's creature.
    let mut table = players(Edition::E52, 3, false);
    table.play(update(HERO, json!({"hp": {"current": 1}})), "");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(attack(GOBLIN, HERO, "longsword"), "20:15 8:1");
    assert_eq!(table.combat.prompt(), None);
    assert!(matches!(table.life(HERO), Life::Dying { .. }));
    // A thing.
    let mut table = players(Edition::E52, 30, false);
    let door = block(json!({"hp": {"current": 2, "max": 2, "temp": 0}}));
    let door = combatant(OGRE, CombatantKind::Object, "doors", [0, 1], door);
    table.play(Command::AddCombatant { combatant: Box::new(door) }, "20:1");
    table.play(attack(HERO, OGRE, "longsword"), "20:15 8:1");
    assert_eq!((table.combat.prompt(), table.life(OGRE)), (None, Life::Dead));
}
