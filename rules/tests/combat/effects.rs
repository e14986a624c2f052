//! Effects: concentration, their ends, their dice.

use gss_rules::combat::{Command, Fact, Refusal};
use gss_rules::effect::EffectTemplate;
use gss_rules::{Condition, Edition};
use serde_json::json;

use crate::table::{GOBLIN, HERO, Table, attack};

fn bless() -> Box<EffectTemplate> {
    let bless = json!({
        "name": "Bless", "key": "bless", "duration": {"kind": "seconds", "seconds": 60},
        "concentration": true,
        "modifiers": [{"kind": "die", "on": ["attack", "save"], "dice": "1d4"}]
    });
    Box::new(serde_json::from_value(bless).expect("an effect"))
}

#[test]
fn an_effect_lends_its_dice_and_ends_with_concentration() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let targets = vec![HERO];
    table.play(Command::ApplyEffect { effect: bless(), source: Some(HERO), targets }, "");
    table.play(attack(HERO, GOBLIN, "longsword"), "20:8 4:2 8:1");
    assert_eq!(table.hp(GOBLIN), 16);
    table.play(Command::EndTurn { who: HERO }, "");
    // 9 damage asks for a save at DC 10, which Bless helps too.
    table.play(attack(GOBLIN, HERO, "longsword"), "20:15 8:6 20:7 4:1");
    assert_eq!(table.combat.effects.len(), 2);
    table.play(Command::EndTurn { who: GOBLIN }, "");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(attack(GOBLIN, HERO, "longsword"), "20:15 8:6 20:6 4:1");
    assert_eq!(table.combat.effects.len(), 0);
}

#[test]
fn what_takes_the_wits_ends_concentration() {
    let mut table = Table::duel(Edition::E51, [1, 0]);
    let targets = vec![HERO, GOBLIN];
    table.play(Command::ApplyEffect { effect: bless(), source: Some(HERO), targets }, "");
    assert_eq!(table.combat.effects.len(), 3);
    table.afflict(HERO, Condition::Stunned);
    assert_eq!(table.combat.effects.len(), 1);
}

#[test]
fn a_minute_ends_within_the_turn_in_which_it_began() {
    let mut table = Table::duel(Edition::E52, [9, 9]);
    let targets = vec![GOBLIN];
    table.play(Command::ApplyEffect { effect: bless(), source: Some(HERO), targets }, "");
    for _ in 0..10 {
        assert_eq!(table.combat.effects.len(), 2);
        table.play(Command::EndTurn { who: HERO }, "");
        table.play(Command::EndTurn { who: GOBLIN }, "");
    }
    assert_eq!((table.combat.round, table.combat.effects.len()), (11, 0));
}

#[test]
fn a_save_at_the_end_of_its_turn_frees_it() {
    let mut table = Table::duel(Edition::E52, [9, 9]);
    let hold = json!({
        "name": "Held", "duration": {"kind": "seconds", "seconds": 60},
        "conditions": ["paralyzed"], "save_ends": {"ability": "wis", "dc": 13}
    });
    let effect = Box::new(serde_json::from_value(hold).expect("an effect"));
    let targets = vec![HERO];
    table.play(Command::ApplyEffect { effect, source: Some(GOBLIN), targets }, "");
    table.play(Command::EndTurn { who: HERO }, "20:12");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    let facts = table.play(Command::EndTurn { who: HERO }, "20:13");
    assert!(facts.iter().any(|fact| matches!(fact, Fact::EffectEnded { .. })));
    assert_eq!(table.combat.effects.len(), 0);
}

#[test]
fn dodging_ends_as_the_next_turn_begins() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(Command::Dodge { who: HERO }, "");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(attack(GOBLIN, HERO, "longsword"), "20:15 20:2");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    assert_eq!(table.combat.effects.len(), 0);
}

#[test]
fn an_effect_that_ends_its_own_concentration_is_nowhere() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let daze = json!({
        "name": "Daze", "duration": {"kind": "permanent"}, "concentration": true,
        "conditions": ["stunned"]
    });
    let effect: Box<EffectTemplate> = Box::new(serde_json::from_value(daze).expect("an effect"));
    let targets = vec![HERO, GOBLIN];
    table.play(Command::ApplyEffect { effect, source: Some(HERO), targets }, "");
    assert_eq!(table.combat.effects.len(), 0);
    assert_eq!(table.combat.combatant(HERO).expect("there").concentration, None);
}

#[test]
fn the_charmed_do_not_harm_their_charmer() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let charm = json!({
        "name": "Charm", "duration": {"kind": "permanent"}, "conditions": ["charmed"]
    });
    let effect: Box<EffectTemplate> = Box::new(serde_json::from_value(charm).expect("an effect"));
    let targets = vec![HERO];
    table.play(Command::ApplyEffect { effect, source: Some(GOBLIN), targets }, "");
    assert_eq!(table.refused(attack(HERO, GOBLIN, "longsword")), Refusal::CharmedByTarget);
}

#[test]
fn one_breaks_free_by_the_name_of_what_is_concentrated_on() {
    let mut table = Table::duel(Edition::E52, [9, 9]);
    let web = json!({
        "name": "Web", "duration": {"kind": "permanent"}, "concentration": true,
        "conditions": ["restrained"], "dc": 12
    });
    let effect: Box<EffectTemplate> = Box::new(serde_json::from_value(web).expect("an effect"));
    let targets = vec![HERO];
    table.play(Command::ApplyEffect { effect, source: Some(GOBLIN), targets }, "");
    let held = table.combat.combatant(GOBLIN).and_then(|goblin| goblin.concentration);
    assert_ne!(table.combat.effects_on(HERO).next().map(|web| web.id), held);
    table.play(Command::Escape { who: HERO, effect: held, skill: None }, "20:10");
    assert_eq!(table.combat.effects.len(), 0);
}
