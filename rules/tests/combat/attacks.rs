//! Attacks: modes with their reasons, hits, critical hits, damage, what happens at 0 hit points.

use gss_rules::combat::{CombatantKind, Command, Fact, Life, Manner, Refusal};
use gss_rules::{Condition, Edition, Key};
use serde_json::{Value, json};

use crate::table::{GOBLIN, HERO, OGRE, Table, attack, block, combatant};

fn told(facts: &[Fact]) -> Vec<Value> {
    facts.iter().map(|fact| serde_json::to_value(fact).expect("a fact")).collect()
}

#[test]
fn a_hit_is_told_with_all_that_made_it() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let facts = told(&table.play(attack(HERO, GOBLIN, "longsword"), "20:12 8:5"));
    let (hero, goblin) = (HERO.0.to_string(), GOBLIN.0.to_string());
    assert_eq!(
        facts,
        [
            json!({"economy_set": {"who": hero, "economy": {"action": false, "bonus_action": true,
                "reaction": true, "interaction": true, "made": ["longsword"], "moved_ft": 0, "diagonals": 0,
                "disengaged": false, "dashed_ft": 0}}}),
            json!({"rolled": {"who": hero,
                "purpose": {"for": "attack", "target": goblin, "attack": "longsword"},
                "roll": {"expression": "1d20", "faces": [12], "kept": [12],
                    "modifiers": [{"value": 5, "source": "longsword"}], "mode": "normal",
                    "reasons": [], "total": 17, "by": "server"}}}),
            json!({"attack_made": {"attacker": hero, "target": goblin, "attack": "longsword",
                "ac": 15, "cover": "none", "hit": true, "critical": false}}),
            json!({"rolled": {"who": hero, "purpose": {"for": "damage"},
                "roll": {"expression": "1d8+3", "faces": [5], "kept": [5],
                    "modifiers": [{"value": 3, "source": "expression"}], "mode": "normal",
                    "reasons": [], "total": 8, "by": "server"}}}),
            json!({"damaged": {"target": goblin, "source": hero,
                "parts": [{"type": "slashing", "rolled": 8, "applied": 8}], "temp_absorbed": 0,
                "hp": {"current": 12, "max": 20, "temp": 0}, "life": "alive"}}),
        ]
    );
    assert_eq!(table.refused(attack(HERO, GOBLIN, "longsword")), Refusal::NoActionLeft);
}

#[test]
fn reasons_on_both_sides_come_to_one_die() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.afflict(GOBLIN, Condition::Restrained);
    table.afflict(HERO, Condition::Poisoned);
    let facts = told(&table.play(attack(HERO, GOBLIN, "longsword"), "20:2"));
    assert_eq!(facts[1]["rolled"]["roll"]["mode"], json!("normal"));
    assert_eq!(
        facts[1]["rolled"]["roll"]["reasons"],
        json!([{"gives": "disadvantage", "why": "poisoned"},
            {"gives": "advantage", "why": "target_restrained"}])
    );
}

#[test]
fn a_bow_suffers_from_a_hostile_at_hand_and_from_prone_targets_afar() {
    let mut table = Table::duel(Edition::E51, [1, 0]);
    let facts = told(&table.play(attack(HERO, GOBLIN, "shortbow"), "20:18 20:3"));
    assert_eq!(facts[1]["rolled"]["roll"]["kept"], json!([3]));
    let mut table = Table::duel(Edition::E51, [5, 0]);
    table.afflict(GOBLIN, Condition::Prone);
    let facts = told(&table.play(attack(HERO, GOBLIN, "shortbow"), "20:18 20:3"));
    assert_eq!(
        facts[1]["rolled"]["roll"]["reasons"],
        json!([{"gives": "disadvantage", "why": "target_prone"}])
    );
}

#[test]
fn what_is_out_of_reach_range_or_sense_is_refused() {
    let mut table = Table::duel(Edition::E52, [2, 0]);
    let far = Refusal::OutOfReach { distance_ft: 10, reach_ft: 5 };
    assert_eq!(table.refused(attack(HERO, GOBLIN, "longsword")), far);
    assert_eq!(table.refused(attack(HERO, HERO, "longsword")), Refusal::InvalidTarget);
    assert_eq!(table.refused(attack(HERO, GOBLIN, "halberd")), Refusal::UnknownAttack);
    assert_eq!(
        table.refused(attack(GOBLIN, HERO, "longsword")),
        Refusal::NotItsTurn { active: Some(HERO) }
    );
    table.afflict(HERO, Condition::Stunned);
    assert_eq!(
        table.refused(attack(HERO, GOBLIN, "shortbow")),
        Refusal::CannotAct { condition: Some(Condition::Stunned) }
    );
}

#[test]
fn a_monster_dies_and_a_character_falls() {
    let mut table = Table::new(Edition::E52);
    let weak = json!({"hp": {"current": 6, "max": 12, "temp": 2}});
    for (id, kind, side, at) in [
        (HERO, CombatantKind::Character, "party", [0, 0]),
        (GOBLIN, CombatantKind::Monster, "foes", [1, 0]),
        (OGRE, CombatantKind::Character, "foes", [0, 1]),
    ] {
        let combatant = combatant(id, kind, side, at, block(weak.clone()));
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10 20:5");
    table.play(attack(HERO, GOBLIN, "longsword"), "20:20 8:3 8:2");
    assert_eq!((table.hp(GOBLIN), table.life(GOBLIN)), (0, Life::Dead));
    assert_eq!(table.refused(attack(HERO, GOBLIN, "longsword")), Refusal::NoActionLeft);
    table.play(Command::EndTurn { who: HERO }, "");
    assert_eq!(table.combat.active(), Some(OGRE), "the dead take no turn");
    table.play(attack(OGRE, HERO, "longsword"), "20:10 8:8");
    assert_eq!((table.hp(HERO), table.life(HERO)), (0, Life::Dying { successes: 0, failures: 0 }));
    table.play(Command::EndTurn { who: OGRE }, "20:1");
    assert_eq!(table.life(HERO), Life::Dying { successes: 0, failures: 2 });
    table.play(Command::EndTurn { who: HERO }, "");
    // Unconscious within 5 feet: with advantage, and critical.
    table.play(attack(OGRE, HERO, "longsword"), "20:10 20:9 8:1 8:1");
    assert_eq!(table.life(HERO), Life::Dead);
}

#[test]
fn a_life_can_be_spared() {
    let spare = |edition, faces: &str| {
        let mut table = Table::duel(edition, [1, 0]);
        let weak = block(json!({"hp": {"current": 3, "max": 12, "temp": 0}}));
        let victim = combatant(OGRE, CombatantKind::Monster, "foes", [0, 1], weak);
        table.play(Command::AddCombatant { combatant: Box::new(victim) }, "20:1");
        let attack = Key::parse("longsword").expect("a key");
        let command = Command::Attack {
            who: HERO,
            target: OGRE,
            attack,
            knock_out: true,
            how: Manner::default(),
            ammunition: None,
        };
        table.play(command, faces);
        (table.hp(OGRE), table.life(OGRE), table.combat.effects_on(OGRE).count())
    };
    assert_eq!(spare(Edition::E51, "20:15 8:8 4:2"), (0, Life::Stable, 3));
    assert_eq!(spare(Edition::E52, "20:15 8:8"), (1, Life::Alive, 2));
}

#[test]
fn what_rides_on_a_hit_is_one_instance_with_it_and_doubles_with_it() {
    let mut table = Table::duel(Edition::E51, [1, 0]);
    let bite = block(json!({"attacks": [{
        "attack_id": "longsword", "name": "Bite", "kind": "melee", "bonus": 5,
        "damage": [{"dice": "1d8", "type": "piercing"}],
        "on_hit": {"damage": [{"dice": "2d6", "type": "poison"}],
            "save": {"ability": "con", "dc": 11, "half": true},
            "fail": {"conditions": ["poisoned"], "duration": {"kind": "rounds", "rounds": 1}}}
    }]}));
    let spider = combatant(OGRE, CombatantKind::Monster, "foes", [0, 1], bite);
    table.play(Command::AddCombatant { combatant: Box::new(spider) }, "20:1");
    for who in [HERO, GOBLIN] {
        table.play(Command::EndTurn { who }, "");
    }
    let facts = table.play(attack(OGRE, HERO, "longsword"), "20:20 8:3 8:2 20:9 6:4 6:3 6:2 6:2");
    let dealt: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Damaged { parts, .. } => Some(parts.iter().map(|part| part.applied).collect()),
            _ => None,
        })
        .collect::<Vec<Vec<i32>>>();
    assert_eq!(dealt, [[5, 5]], "con save 9 + 2 makes half of 11");
    assert_eq!(table.combat.effects_on(HERO).count(), 0);
}
