//! A map with ground of all kinds, and walks on it, for random fights.

use gss_rules::combat::{Combat, Combatant, CombatantId, Command, Life};
use gss_rules::space::{Grid, Scale, Square};
use gss_rules::{Key, MovementMode, Size};

use crate::chance::Chance;

/// Whether a creature shares the spaces of others.
fn shares(who: &Combatant) -> bool {
    let forms = ["air-form", "water-form", "fire-form"];
    who.is_swarm() || who.block.traits.iter().any(|it| forms.contains(&it.as_str()))
}

/// Whether two Tiny creatures have room in a square: until four are there.
fn have_room(all: &[&Combatant], one: &Combatant, other: &Combatant) -> bool {
    let tiny = |it: &Combatant| it.block.size == Size::Tiny && it.life != Life::Dead;
    let Some(here) = one.space().filter(|_| tiny(one) && tiny(other)) else { return false };
    let there = |it: &Combatant| it.space().is_some_and(|it| it.overlaps(here));
    here.scale == Scale::Feet || all.iter().filter(|it| tiny(it) && there(it)).count() <= 4
}

/// Whether two are where only one of them can be, and were not before.
pub(crate) fn share_a_space(
    now: &Combat,
    before: &Combat,
    one: &Combatant,
    other: &Combatant,
) -> bool {
    let (Some(here), Some(there)) = (one.space(), other.space()) else { return false };
    // One who falls on the way through another's space lies there.
    let living = one.life == Life::Alive && other.life == Life::Alive;
    // In another, or on it.
    let within = |one: &Combatant| now.effects_on(one.id).any(|it| it.template.inside.is_some());
    let may = |one: &Combatant| shares(one) || within(one);
    if !living || may(one) || may(other) || !here.overlaps(there) {
        return false;
    }
    let all: Vec<&Combatant> = now.combatants.values().map(AsRef::as_ref).collect();
    // The dead are in nobody's way.
    let was = |id| before.combatant(id).filter(|it| it.life != Life::Dead);
    let were = |id| was(id).and_then(Combatant::space);
    let already = were(one.id).zip(were(other.id)).is_some_and(|(a, b)| a.overlaps(b));
    let size = |it: &Combatant| before.combatant(it.id).map(|it| it.block.size);
    let grew = [one, other].iter().any(|it| size(it) < Some(it.block.size));
    !have_room(&all, one, other) && (!already || grew)
}

/// A map with ground of all kinds.
pub(crate) fn map() -> Grid {
    let mut grid = Grid::open(30, 30);
    let strip = |x: i32, rows: std::ops::Range<i32>| rows.map(move |y| Square { x, y });
    grid.difficult.extend(strip(8, 0..9));
    grid.blocking.extend(strip(15, 0..8));
    for (kind, x, rows) in [
        ("web", 8, 0..4),
        ("ice", 8, 4..9),
        ("sheer", 9, 0..4),
        ("ceiling", 9, 4..9),
        ("stone", 15, 0..3),
        ("crack", 15, 3..5),
        ("earth", 15, 5..8),
        ("running-water", 4, 0..9),
        ("residence", 14, 0..5),
    ] {
        let kind = Key::parse(kind).expect("a key");
        grid.surfaces.entry(kind).or_default().extend(strip(x, rows));
    }
    grid
}

/// Whether a creature has its reaction in every turn.
pub(crate) fn reacts_often(who: &Combatant) -> bool {
    who.block.traits.iter().any(|it| it.as_str() == "reactive")
}

/// A walk of somebody, more or less toward somebody.
pub(crate) fn any_walk(
    chance: &mut Chance,
    (who, target): (CombatantId, CombatantId),
    (at, toward): (Square, Square),
    stride: i32,
) -> Command {
    let steps = chance.below(6) + 1;
    let mut square = at;
    let mut path = Vec::new();
    for _ in 0..steps {
        let wild = chance.one_in(3);
        let mut step = |from: i32, to: i32| {
            let random = i32::try_from(chance.below(3)).expect("small") - 1;
            from + stride * if wild { random } else { (to - from).signum() }
        };
        square = Square { x: step(square.x, toward.x), y: step(square.y, toward.y) };
        path.push(square);
    }
    let drag = if chance.one_in(8) { vec![target] } else { Vec::new() };
    let others = [MovementMode::Climb, MovementMode::Burrow, MovementMode::Fly, MovementMode::Swim];
    let other = chance.of(&others).copied().filter(|_| chance.one_in(4));
    let up = i32::try_from(chance.below(8)).expect("small") * 5;
    let elevation_ft = other.map(|_| up).filter(|_| chance.one_in(2));
    let mode = other.unwrap_or(MovementMode::Walk);
    Command::Move { who, mode, path, drag, elevation_ft }
}
