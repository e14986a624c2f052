//! Movement that somebody is made to do: pushes, pulls, and the nearest room for one that appears
//! in an occupied space (SRD 5.1 "Shoving a Creature", "Opportunity Attacks"; SRD 5.2.1 "Forced
//! Movement", "Unarmed Strike", "Teleportation"). It costs no movement and stops at obstacles.

use super::direction::{Direction, Point};
use super::grid::Terrain;
use super::path::{Mover, step};
use super::place::{Place, Space};
use super::square::{Footprint, SQUARE_FT, Square};
use crate::creature::Size;
use crate::rule_set::RuleSet;
use crate::space::gait::Gait;

/// The places that a creature is pushed through, in order: straight away from the middle of
/// `source`, as many squares as `feet` hold, until what is filled, the edge of the map or another
/// creature stops it. Empty: it does not move.
pub fn push(
    terrain: &Terrain<'_>,
    others: &[Space],
    (size, at): (Size, Place),
    source: Footprint,
    feet: i32,
) -> Vec<Place> {
    let middle = Point::middle(Footprint::of(size, at.square));
    let from = Point::middle(source);
    let away = Direction::new(middle.x.saturating_sub(from.x), middle.y.saturating_sub(from.y));
    let Some(away) = away else { return Vec::new() };
    slide(terrain, others, (size, at), away, feet / SQUARE_FT)
}

/// The places that a creature is pulled through, in order: straight toward the middle of `source`,
/// until it is next to it or stopped. Empty: it does not move.
pub fn pull(
    terrain: &Terrain<'_>,
    others: &[Space],
    (size, at): (Size, Place),
    source: Footprint,
    feet: i32,
) -> Vec<Place> {
    let own = Footprint::of(size, at.square);
    let (middle, to) = (Point::middle(own), Point::middle(source));
    let toward = Direction::new(to.x.saturating_sub(middle.x), to.y.saturating_sub(middle.y));
    let Some(toward) = toward else { return Vec::new() };
    let (dx, dy) = own.gap(source);
    slide(terrain, others, (size, at), toward, (feet / SQUARE_FT).min(dx.max(dy) - 1))
}

/// Along the squares nearest to a straight line, one along its longer axis at a time.
fn slide(
    terrain: &Terrain<'_>,
    others: &[Space],
    (size, at): (Size, Place),
    direction: Direction,
    squares: i32,
) -> Vec<Place> {
    let rules = RuleSet::of(crate::rule_set::Edition::E52);
    let mover = Mover { size, gait: Gait::WALK, rules: &rules };
    let most = direction.dx().abs().max(direction.dy().abs());
    let mut places = Vec::new();
    let mut last = at;
    for count in 1..=squares {
        // Rounded half away from where it started, the same to every side.
        let part = |step: i32| {
            let (count, step, most) = (i64::from(count), i64::from(step), i64::from(most));
            let rounded = (2 * count * step.abs() + most) / (2 * most);
            i32::try_from(rounded * step.signum()).unwrap_or(0)
        };
        let square = at.square.shifted(part(direction.dx()), part(direction.dy()));
        let next = Place { square, ..at };
        let free = !others.iter().any(|other| other.overlaps(Space::of(size, next)));
        if !free || step(&mover, terrain, &[], (last, next), 0).is_err() {
            break;
        }
        places.push(next);
        last = next;
    }
    places
}

/// The free place nearest to `wanted` at its height, itself first; of equally near ones that with
/// the least column, then row. None: the map is full.
pub fn nearest_free(
    terrain: &Terrain<'_>,
    others: &[Space],
    size: Size,
    wanted: Place,
) -> Option<Place> {
    let bounds = terrain.grid.bounds();
    let free = |square: &Square| {
        let footprint = Footprint::of(size, *square);
        let space = Space::of(size, Place { square: *square, ..wanted });
        terrain.outside(footprint).is_none()
            && terrain.filled(footprint).is_none()
            && !others.iter().any(|other| other.overlaps(space))
    };
    let farthest = terrain.grid.width.max(terrain.grid.height);
    let found = (0..=farthest).flat_map(|ring| around(wanted.square, ring));
    let square = found.filter(|square| bounds.contains(*square)).find(free)?;
    Some(Place { square, ..wanted })
}

/// The squares that many squares away, column by column.
fn around(square: Square, ring: i32) -> impl Iterator<Item = Square> {
    (-ring..=ring).flat_map(move |dx| {
        // Whole columns at the two ends, two squares of each between them.
        let step = if dx.abs() == ring { 1 } else { 2 * ring };
        let rows = (-ring..=ring).step_by(usize::try_from(step).unwrap_or(1).max(1));
        rows.map(move |dy| square.shifted(dx, dy))
    })
}
