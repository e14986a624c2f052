//! Fights without a grid: what one walk makes of effects that go along, and how much is told of it.

use gss_rules::combat::{
    Combat, CombatantId, CombatantKind, Command, Covered, Fact, Ground, Refusal,
};
use gss_rules::effect::EffectTemplate;
use gss_rules::space::{Grid, Scale, Square};
use gss_rules::{Edition, MovementMode};
use serde_json::{Value, json};

use crate::table::{GOBLIN, HERO, Table, attack, block, combatant};

/// The hero at [0, 0] and the goblin at [100, 0], on open ground.
fn meeting(changes: Value) -> Table {
    let mut table = Table::new(Edition::E52);
    let rules = (*table.combat.rules).clone();
    table.combat = Combat::new(rules, Grid::without_squares());
    let hero = combatant(HERO, CombatantKind::Character, "party", [0, 0], block(changes));
    let goblin = combatant(GOBLIN, CombatantKind::Monster, "foes", [100, 0], block(json!({})));
    for combatant in [hero, goblin] {
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10");
    table
}

fn put(table: &mut Table, on: CombatantId, template: Value) -> Vec<Fact> {
    let effect: EffectTemplate = serde_json::from_value(template).expect("an effect");
    let effect = Box::new(effect);
    table.play(Command::ApplyEffect { effect, source: Some(on), targets: vec![on] }, "")
}

fn walk(who: CombatantId, path: &[[i32; 2]]) -> Command {
    Command::Move {
        who,
        mode: MovementMode::Walk,
        path: path.iter().map(|at| Square::from(*at)).collect(),
        drag: Vec::new(),
        elevation_ft: None,
    }
}

fn aura(size_ft: i32) -> Value {
    json!({"name": "Aura", "duration": {"kind": "permanent"},
           "area": {"shape": "emanation", "size_ft": size_ft},
           "zone": {"follows": true, "difficult": true, "whom": "others"}})
}

fn fog(size_ft: i32, at: [i32; 2]) -> Value {
    json!({"name": "Fog", "duration": {"kind": "permanent"},
           "area": {"shape": "sphere", "size_ft": size_ft, "at": at},
           "zone": {"obscured": true}})
}

fn covers(table: &Table) -> &Covered {
    let mut effects = table.combat.effects_on(HERO);
    effects.next().and_then(|effect| effect.covers.as_ref()).expect("around the hero")
}

/// 60 ft of a way beside fog of 100 ft, with rough ground of 30 ft around who walks.
#[test]
fn of_a_walk_no_more_is_told_than_changes() {
    let mut table = meeting(json!({"speeds": {"walk": 120}}));
    put(&mut table, GOBLIN, fog(100, [0, 200]));
    put(&mut table, HERO, aura(30));
    let facts = table.play(walk(HERO, &[[60, 0]]), "");
    let told = serde_json::to_string(&facts).expect("encoded").len();
    assert!(told < 80_000, "{told} bytes, {} facts", facts.len());
    let fresh: Ground = serde_json::from_value(json!({
        "difficult": covers(&table).squares, "obscured": table.combat.ground.obscured,
    }))
    .expect("ground");
    assert_eq!(*table.combat.ground, fresh);
    assert!(fresh.obscured.len() > 30_000);
}

#[test]
fn what_goes_along_goes_every_five_feet_and_at_the_end_of_the_way() {
    let mut table = meeting(json!({}));
    put(
        &mut table,
        HERO,
        json!({
            "name": "Guard", "duration": {"kind": "permanent"},
            "area": {"shape": "emanation", "size_ft": 10}, "zone": {"follows": true, "whom": "others"},
        }),
    );
    let facts = table.play(walk(HERO, &[[0, 7]]), "");
    assert_eq!(shifts(&facts), [([0, 5], 0), ([0, 2], 0)]);
    assert_eq!(covers(&table).squares.len(), 25 * 25 - 4 * CORNER);
}

/// What areas are told to be shifted by; none is told square by square.
fn shifts(facts: &[Fact]) -> Vec<([i32; 2], i32)> {
    let shift = |fact: &Fact| match fact {
        Fact::EffectShifted { by, up_ft, .. } => Some((*by, *up_ft)),
        Fact::EffectMoved { .. } => panic!("{fact:?}"),
        _ => None,
    };
    facts.iter().filter_map(shift).collect()
}

/// An area of which not all squares are listed goes along in the air, and is where one is that was
/// laid there.
#[test]
fn what_goes_along_keeps_its_shape() {
    let mut table = meeting(json!({"speeds": {"walk": 30, "fly": 30}}));
    put(&mut table, HERO, aura(110));
    let Command::Move { who, path, drag, .. } = walk(HERO, &[[3, -4]]) else { panic!("a move") };
    let (mode, elevation_ft) = (MovementMode::Fly, Some(12));
    let facts = table.play(Command::Move { who, mode, path, drag, elevation_ft }, "");
    let (by, up): (Vec<_>, Vec<_>) = shifts(&facts).into_iter().unzip();
    let sum = |of: usize| by.iter().map(|by| by[of]).sum::<i32>();
    assert_eq!((sum(0), sum(1), up.iter().sum::<i32>()), (3, -4, 12));
    let moved = covers(&table).clone();
    assert!(moved.far.is_some());
    assert_eq!((moved.low_ft, moved.high_ft), (-98, 127));
    let id = table.combat.effects_on(HERO).next().expect("around the hero").id;
    table.play(Command::RemoveEffect { id }, "");
    put(&mut table, HERO, aura(110));
    assert_eq!(*covers(&table), moved);
}

/// Beside what is filled an area has another shape: its squares are told.
#[test]
fn what_goes_along_is_listed_where_its_shape_changes() {
    let mut table = meeting(json!({}));
    put(&mut table, HERO, aura(10));
    let wall = json!({"name": "Wall", "duration": {"kind": "permanent"},
                      "area": {"shape": "cube", "size_ft": 5, "at": [0, 24]}, "zone": {"solid": true}});
    put(&mut table, GOBLIN, wall);
    let facts = table.play(walk(HERO, &[[0, 10]]), "");
    let told = |fact: &Fact| match fact {
        Fact::EffectShifted { .. } => Some("shifted"),
        Fact::EffectMoved { .. } => Some("moved"),
        _ => None,
    };
    assert_eq!(facts.iter().filter_map(told).collect::<Vec<_>>(), ["shifted", "moved"]);
    assert!(!covers(&table).contains(Square { x: 0, y: 24 }));
}

/// Squares of a corner of 10 ft that no foot of a circle is in.
const CORNER: usize = 14;

/// Positions and maps of fights that were stored before there was open ground: without columns they
/// had no positions, and still have none.
#[test]
fn a_fight_without_columns_of_before_is_played_on() {
    let table = Table::duel(Edition::E52, [1, 0]);
    let mut stored = serde_json::to_value(&table.combat).expect("encoded");
    stored["grid"] = json!({"width": 0, "height": 0});
    for combatant in stored["combatants"].as_object_mut().expect("combatants").values_mut() {
        let members = combatant.as_object_mut().expect("a combatant");
        members.remove("scale");
        members.remove("position");
    }
    let mut table = table;
    table.combat = serde_json::from_value(stored).expect("a fight");
    assert_eq!(table.combat.grid.scale(), Scale::Squares);
    assert_eq!(table.refused(walk(HERO, &[[1, 0]])), Refusal::InvalidPath { at: None });
    let facts = table.play(attack(HERO, GOBLIN, "longsword"), "20:15 8:4");
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Damaged { target: GOBLIN, .. })));
    table.play(Command::EndTurn { who: HERO }, "");
    assert_eq!(table.combat.active(), Some(GOBLIN));
}
