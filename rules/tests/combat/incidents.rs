//! What a game master makes happen at once: damage, saves, falls.

use gss_rules::combat::{Actor, Answer, CombatantId, Command, Fact, Input, Life, Refusal};
use gss_rules::effect::EffectTemplate;
use gss_rules::{Ability, Condition, DamageType, Edition};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::table::{GOBLIN, HERO, Table, block, combatant};

/// An effect that is over at once.
fn at_once(members: Value, source: Option<CombatantId>, targets: &[CombatantId]) -> Command {
    let mut effect = json!({"name": "Rockfall", "duration": {"kind": "instant"}});
    for (name, value) in members.as_object().expect("members") {
        effect[name] = value.clone();
    }
    let effect: EffectTemplate = serde_json::from_value(effect).expect("an effect");
    Command::ApplyEffect { effect: Box::new(effect), source, targets: targets.to_vec() }
}

fn update(id: CombatantId, changes: Value) -> Command {
    Command::Update { id, changes: Box::new(serde_json::from_value(changes).expect("changes")) }
}

fn falls(who: CombatantId, to_ft: i32) -> Command {
    Command::Fall { who, to_ft, changes: Box::default() }
}

/// Whom an instance hurt, what it dealt by type, and what temporary hit points took of it.
type Dealt = (CombatantId, Vec<(DamageType, i32)>, i32);

fn dealt(facts: &[Fact]) -> Vec<Dealt> {
    let damaged = |fact: &Fact| match fact {
        Fact::Damaged { target, parts, temp_absorbed, .. } => {
            let parts = parts.iter().map(|part| (part.kind, part.applied)).collect();
            Some((*target, parts, *temp_absorbed))
        }
        _ => None,
    };
    facts.iter().filter_map(damaged).collect()
}

fn saves(facts: &[Fact]) -> Vec<(CombatantId, Ability, i32, bool)> {
    let save = |fact: &Fact| match fact {
        Fact::SaveMade { who, ability, dc, success } => Some((*who, *ability, *dc, *success)),
        _ => None,
    };
    facts.iter().filter_map(save).collect()
}

#[test]
fn damage_by_a_word_goes_the_way_of_all_damage() {
    use DamageType::{Bludgeoning, Fire};
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(update(HERO, json!({"hp": {"temp": 3}})), "");
    let fireproof = json!({
        "name": "Fireproof", "duration": {"kind": "permanent"},
        "modifiers": [{"kind": "resistance", "types": ["fire"]}]
    });
    table.play(at_once(fireproof, None, &[GOBLIN]), "");
    let damage = json!({"damage": {
        "dice": [{"dice": "2d6", "type": "bludgeoning"}, {"dice": "5", "type": "fire"}],
        "edge": "start", "save": {"ability": "dex", "dc": 13, "half": true}
    }});
    // Rolled once for both: 7. The hero saves with 11 + 2, the goblin does not with 10 + 2.
    let facts = table.play(at_once(damage, None, &[HERO, GOBLIN]), "6:3 6:4 20:11 20:10");
    assert_eq!(saves(&facts), [(HERO, Ability::Dex, 13, true), (GOBLIN, Ability::Dex, 13, false)]);
    assert_eq!(
        dealt(&facts),
        [
            (HERO, vec![(Bludgeoning, 3), (Fire, 2)], 3),
            (GOBLIN, vec![(Bludgeoning, 7), (Fire, 2)], 0)
        ]
    );
    assert_eq!((table.hp(HERO), table.hp(GOBLIN)), (18, 11));
    assert_eq!(table.combat.effects_on(HERO).count(), 0);
}

#[test]
fn who_is_down_fails_and_who_concentrates_saves() {
    let mut table = Table::duel(Edition::E51, [1, 0]);
    let bless = json!({"name": "Bless", "duration": {"kind": "rounds", "rounds": 10},
                       "concentration": true});
    table.play(at_once(bless, Some(GOBLIN), &[GOBLIN]), "");
    table.play(update(HERO, json!({"hp": {"current": 0}})), "");
    let damage = json!({"damage": {"dice": [{"dice": "9", "type": "cold"}], "edge": "start"}});
    let facts = table.play(at_once(damage, Some(GOBLIN), &[HERO, GOBLIN]), "20:7");
    assert_eq!(table.life(HERO), Life::Dying { successes: 0, failures: 1 });
    assert_eq!(saves(&facts), [(GOBLIN, Ability::Con, 10, false)]);
    assert_eq!(table.combat.combatant(GOBLIN).expect("there").concentration, None);
}

#[test]
fn a_save_is_asked_for_and_so_is_one_to_go_on_concentrating() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let save = |ability: &str, dc: i32, concentration: bool| {
        json!({"concentration": concentration, "damage": {
            "dice": [], "edge": "start", "save": {"ability": ability, "dc": dc}
        }})
    };
    let facts = table.play(at_once(save("wis", 12, false), None, &[GOBLIN]), "20:12");
    assert_eq!(saves(&facts), [(GOBLIN, Ability::Wis, 12, true)]);
    assert_eq!(dealt(&facts), []);
    // Nobody concentrates.
    let shaken = at_once(save("con", 10, true), None, &[HERO, GOBLIN]);
    assert_eq!(table.refused(shaken.clone()), Refusal::NothingToDo);
    let bless = json!({"name": "Bless", "duration": {"kind": "rounds", "rounds": 10},
                       "concentration": true});
    table.play(at_once(bless, Some(HERO), &[HERO]), "");
    let facts = table.play(shaken.clone(), "20:8");
    assert_eq!(saves(&facts), [(HERO, Ability::Con, 10, true)]);
    assert!(table.combat.combatant(HERO).expect("there").concentration.is_some());
    let facts = table.play(shaken, "20:7");
    assert_eq!(saves(&facts), [(HERO, Ability::Con, 10, false)]);
    assert_eq!(table.combat.combatant(HERO).expect("there").concentration, None);
}

#[test]
fn nothing_happens_for_no_reason() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let none = at_once(json!({"conditions": ["prone"]}), None, &[HERO]);
    assert_eq!(table.refused(none), Refusal::NothingToDo);
    let empty = json!({"damage": {"dice": [], "edge": "end"}});
    assert_eq!(table.refused(at_once(empty, None, &[HERO])), Refusal::NothingToDo);
    let damage = json!({"damage": {"dice": [{"dice": "9", "type": "cold"}], "edge": "start"}});
    table.play(update(GOBLIN, json!({"alive": false})), "");
    let dead = at_once(damage.clone(), None, &[HERO, GOBLIN]);
    assert_eq!(table.refused(dead), Refusal::InvalidTarget);
    let nobody = at_once(damage.clone(), None, &[]);
    assert_eq!(table.refused(nobody), Refusal::InvalidTarget);
    for command in [at_once(damage, None, &[HERO]), falls(HERO, -10)] {
        let input = Input::Command { by: Actor::Player(Uuid::from_u128(5)), command };
        assert_eq!(table.input(input, ""), Err(Refusal::NotGameMaster));
    }
}

fn prone(table: &Table, who: CombatantId) -> bool {
    table.combat.effects_on(who).any(|it| it.template.conditions.contains(&Condition::Prone))
}

#[test]
fn who_loses_the_ground_falls() {
    for edition in [Edition::E51, Edition::E52] {
        let mut table = Table::duel(edition, [1, 0]);
        table.play(update(HERO, json!({"elevation_ft": 30})), "");
        assert_eq!(table.hp(HERO), 20);
        let up = falls(HERO, 30);
        assert_eq!(table.refused(up), Refusal::NothingToDo);
        // A die for every 10 feet.
        let facts = table.play(falls(HERO, 5), "6:3 6:4");
        assert_eq!(dealt(&facts), [(HERO, vec![(DamageType::Bludgeoning, 7)], 0)]);
        assert_eq!(table.combat.combatant(HERO).expect("there").elevation_ft, 5);
        assert!(prone(&table, HERO));
        // A trapdoor: below the ground. Nine feet do no harm.
        table.play(falls(GOBLIN, -9), "");
        assert_eq!((table.hp(GOBLIN), prone(&table, GOBLIN)), (20, false));
        table.play(falls(GOBLIN, -29), "6:1 6:1");
        assert_eq!((table.hp(GOBLIN), prone(&table, GOBLIN)), (18, true));
        table.play(update(GOBLIN, json!({"alive": false})), "");
        let dead = falls(GOBLIN, -90);
        assert_eq!(table.refused(dead), Refusal::InvalidTarget);
    }
}

#[test]
fn who_comes_down_on_somebody_lies_beside() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(update(GOBLIN, json!({"elevation_ft": 10, "position": [0, 0]})), "");
    table.play(falls(GOBLIN, 0), "6:2");
    let places = [HERO, GOBLIN].map(|who| table.combat.combatant(who).expect("there").position);
    assert!(places[0].is_some() && places[1].is_some() && places[0] != places[1], "{places:?}");
    let weak = combatant(
        crate::table::OGRE,
        gss_rules::combat::CombatantKind::Monster,
        "foes",
        [5, 5],
        block(json!({"hp": {"current": 2, "max": 2, "temp": 0}})),
    );
    table.play(Command::AddCombatant { combatant: Box::new(weak) }, "20:1");
    table.play(falls(crate::table::OGRE, -10), "6:2");
    assert_eq!(table.life(crate::table::OGRE), Life::Dead);
}

#[test]
fn what_is_changed_of_who_falls_is_changed_first() {
    let player = Uuid::from_u128(5);
    let with = |who: CombatantId, changes: Value| Command::Fall {
        who,
        to_ft: 0,
        changes: Box::new(serde_json::from_value(changes).expect("changes")),
    };
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(update(HERO, json!({"elevation_ft": 30, "owner_id": player})), "");
    let before = table.combat.clone();
    let sick = with(HERO, json!({"hp": {"current": 999}}));
    assert_eq!(table.refused(sick), Refusal::InvalidCombatant);
    assert_eq!(table.combat, before);
    let changes = json!({"position": [3, 3], "hp": {"temp": 5}});
    let facts = table.play(with(HERO, changes), "6:1 6:2 6:4");
    assert_eq!(dealt(&facts), [(HERO, vec![(DamageType::Bludgeoning, 7)], 5)]);
    let hero = table.combat.combatant(HERO).expect("there");
    assert_eq!((hero.position, hero.elevation_ft), (Some([3, 3].into()), 0));
    // Who is dead falls no more, and who is nowhere neither.
    for changes in [json!({"position": null}), json!({"alive": false})] {
        table.play(update(GOBLIN, json!({"position": [1, 0], "elevation_ft": 20})), "");
        assert_eq!(dealt(&table.play(with(GOBLIN, changes), "")), []);
        assert_eq!(table.combat.combatant(GOBLIN).expect("there").elevation_ft, 0);
    }
    // What the changes ask comes before the fall.
    table.play(update(HERO, json!({"elevation_ft": 20})), "");
    table.play(Command::PhysicalDice { players: [player].into() }, "");
    let stable = json!({"successes": 0, "failures": 0, "stable": true});
    table.play(with(HERO, json!({"hp": {"current": 0}, "death_saves": stable})), "");
    let height = |table: &Table| table.combat.combatant(HERO).expect("there").elevation_ft;
    assert_eq!((table.life(HERO), height(&table)), (Life::Stable, 20));
    assert_eq!(table.answer(Answer::Faces { faces: vec![3] }, "").len(), 3);
    let facts = table.answer(Answer::Faces { faces: vec![1, 2] }, "");
    assert_eq!(dealt(&facts), [(HERO, vec![(DamageType::Bludgeoning, 3)], 0)]);
    assert_eq!((table.life(HERO), height(&table)), (Life::Dying { successes: 0, failures: 1 }, 0));
}
