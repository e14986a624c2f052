//! What keeps a spell from being cast, and what casting costs.

use std::collections::BTreeMap;

use gss_rules::combat::{CombatantKind, Command, Fact, Refusal};
use gss_rules::effect::Choice;
use gss_rules::space::Square;
use gss_rules::{Condition, Edition, Key};
use serde_json::{Value, json};

use crate::table::{GOBLIN, HERO, Table, block, combatant};

/// The hero casts at [0, 0], the goblin stands at [4, 0].
fn table(edition: Edition, spells: &[&str], more: Value) -> Table {
    let mut spellcasting = json!({
        "ability": "int", "dc": 15, "attack_bonus": 7, "level": 9,
        "slots": {"1": 2, "2": 1, "3": 1}, "spells": spells
    });
    for (name, value) in more.as_object().expect("members") {
        spellcasting[name] = value.clone();
    }
    let mut table = Table::with_content(edition);
    let caster = block(json!({"spellcasting": spellcasting}));
    for (id, side, at, block) in
        [(HERO, "party", [0, 0], caster), (GOBLIN, "foes", [4, 0], block(json!({})))]
    {
        let combatant = combatant(id, CombatantKind::Monster, side, at, block);
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10");
    table
}

fn cast(spell: &str, slot_level: u8) -> Command {
    Command::Cast {
        who: HERO,
        spell: Key::parse(spell).expect("a key"),
        slot_level,
        targets: vec![GOBLIN],
        at: Some(Square { x: 4, y: 0 }),
        direction: None,
        choices: BTreeMap::new(),
        ritual: false,
        item: None,
    }
}

#[test]
fn only_spells_that_are_known_are_cast() {
    let mut table = table(Edition::E52, &["fire-bolt"], json!({}));
    assert_eq!(table.refused(cast("fireball", 3)), Refusal::UnknownSpell);
    assert_eq!(table.refused(cast("no-such-spell", 3)), Refusal::UnknownSpell);
    assert_eq!(table.refused(cast("fire-bolt", 1)), Refusal::NoSlot { level: 1 });
}

#[test]
fn a_slot_is_of_the_spells_level_or_higher_and_is_left() {
    let mut table = table(Edition::E51, &["fireball"], json!({}));
    for level in [0, 2, 4] {
        assert_eq!(table.refused(cast("fireball", level)), Refusal::NoSlot { level });
    }
    let faces = "6:1 ".repeat(8) + "20:10";
    let facts = table.play(cast("fireball", 3), &faces);
    assert!(facts.contains(&Fact::SlotsSet { who: HERO, level: 3, spent: 1 }));
    assert_eq!(table.refused(cast("fireball", 3)), Refusal::NoActionLeft);
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    assert_eq!(table.refused(cast("fireball", 3)), Refusal::NoSlot { level: 3 });
}

#[test]
fn what_is_cast_so_often_a_day_needs_no_slot() {
    let more = json!({"slots": {}, "per_day": {"fireball": 1}});
    let mut table = table(Edition::E52, &[], more);
    let faces = "6:1 ".repeat(8) + "20:10";
    table.play(cast("fireball", 0), &faces);
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    assert_eq!(table.refused(cast("fireball", 0)), Refusal::Spent);
}

/// 5.1: beside a spell of a bonus action only cantrips. 5.2: one slot a turn.
#[test]
fn one_turn_has_so_many_spells() {
    let spells = ["healing-word", "magic-missile", "fire-bolt"];
    let heal = Command::Cast {
        who: HERO,
        spell: Key::parse("healing-word").expect("a key"),
        slot_level: 1,
        targets: vec![HERO],
        at: None,
        direction: None,
        choices: BTreeMap::new(),
        ritual: false,
        item: None,
    };
    for (edition, dice) in [(Edition::E51, "4:1"), (Edition::E52, "4:1 4:1")] {
        let mut table = table(edition, &spells, json!({}));
        table.play(heal.clone(), dice);
        assert_eq!(table.refused(cast("magic-missile", 1)), Refusal::SpellLimit);
        table.play(cast("fire-bolt", 0), "20:2");
    }
}

#[test]
fn words_need_a_voice_and_reactions_a_cause() {
    let spells = ["fire-bolt", "shield", "hold-person"];
    let mut table = table(Edition::E51, &spells, json!({}));
    assert_eq!(table.refused(cast("shield", 1)), Refusal::NotAnAction);
    // The goblin is no humanoid here.
    assert_eq!(table.refused(cast("hold-person", 2)), Refusal::InvalidTarget);
    table.rule(Condition::Poisoned, r#"{"kind": "cannot_speak"}"#);
    table.afflict(HERO, Condition::Poisoned);
    assert_eq!(table.refused(cast("fire-bolt", 0)), Refusal::CannotSpeak);
}

#[test]
fn range_number_and_choice_of_targets_are_checked() {
    let spells = ["cure-wounds", "eldritch-blast", "fireball", "blindness-deafness"];
    let mut table = table(Edition::E51, &spells, json!({}));
    let far = Refusal::OutOfRange { distance_ft: 20, range_ft: 5 };
    assert_eq!(table.refused(cast("cure-wounds", 1)), far);
    // Two beams at 9th level.
    assert_eq!(table.refused(cast("eldritch-blast", 0)), Refusal::TargetCount { most: 2 });
    let of = Key::parse("condition").expect("a key");
    let missing = Refusal::InvalidChoice { of: of.clone() };
    assert_eq!(table.refused(cast("blindness-deafness", 2)), missing);
    let mut poisoned = cast("blindness-deafness", 2);
    if let Command::Cast { choices, .. } = &mut poisoned {
        choices.insert(of, Choice::Word("poisoned".to_owned()));
    }
    assert_eq!(table.refused(poisoned), missing);
    let mut nowhere = cast("fireball", 3);
    if let Command::Cast { at, .. } = &mut nowhere {
        *at = None;
    }
    assert_eq!(table.refused(nowhere), Refusal::InvalidArea);
}

/// Ten minutes and an action, each of them in a turn: no slot.
#[test]
fn a_ritual_takes_its_action_of_so_many_turns() {
    let mut table = table(Edition::E52, &["detect-magic"], json!({}));
    let mut ritual = cast("detect-magic", 0);
    if let Command::Cast { ritual, targets, .. } = &mut ritual {
        (*ritual, *targets) = (true, Vec::new());
    }
    let was_cast = |fact: &Fact| matches!(fact, Fact::SpellCast { who: HERO, slot: 1, .. });
    for _ in 0..100 {
        let facts = table.play(ritual.clone(), "");
        assert!(!facts.iter().any(was_cast), "{facts:?}");
        table.play(Command::EndTurn { who: HERO }, "");
        table.play(Command::EndTurn { who: GOBLIN }, "");
    }
    let facts = table.play(ritual, "");
    assert!(facts.iter().any(was_cast), "{facts:?}");
    assert!(!facts.iter().any(|fact| matches!(fact, Fact::SlotsSet { .. })), "{facts:?}");
    let hero = table.combat.combatant(HERO).expect("there");
    let held = hero.concentration.and_then(|held| table.combat.effects.get(&held));
    assert!(held.is_some_and(|held| held.template.casting.is_some()), "the spell itself");
}

/// A second spell that is concentrated on ends the first as it is cast.
#[test]
fn one_spell_is_concentrated_on() {
    let mut table = table(Edition::E51, &["bane", "faerie-fire"], json!({}));
    table.play(cast("bane", 1), "20:1");
    let held = |table: &Table| table.combat.combatant(HERO).and_then(|it| it.concentration);
    let first = held(&table).expect("it concentrates");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    table.play(cast("faerie-fire", 1), "20:1");
    assert!(!table.combat.effects.contains_key(&first));
    assert!(held(&table).is_some_and(|second| second != first));
}

/// What no program says is the game master's, after all that is checked and paid.
#[test]
fn a_spell_without_a_program_asks_for_a_ruling() {
    let mut table = table(Edition::E52, &["suggestion"], json!({}));
    let facts = table.play(cast("suggestion", 2), "");
    let asks = |fact: &Fact| matches!(fact, Fact::RulingNeeded { who: HERO, .. });
    assert!(facts.iter().any(asks), "{facts:?}");
    assert!(facts.contains(&Fact::SlotsSet { who: HERO, level: 2, spent: 1 }));
    assert!(table.combat.combatant(HERO).is_some_and(|it| it.concentration.is_some()));
}
