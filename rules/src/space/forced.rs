//! Movement that somebody is made to do: pushes, pulls, and the nearest room for one that appears
//! in an occupied space (SRD 5.1 "Shoving a Creature", "Opportunity Attacks"; SRD 5.2.1 "Forced
//! Movement", "Unarmed Strike", "Teleportation"). It costs no movement and stops at obstacles.

use super::direction::{Direction, Point};
use super::grid::Terrain;
use super::line::offset_ft;
use super::path::{Mover, step};
use super::place::{Place, Space};
use super::scale::Scale;
use super::square::{Footprint, Square};
use crate::creature::Size;
use crate::rule_set::RuleSet;
use crate::space::gait::Gait;

/// Feet around a place on open ground within which there is room.
const FARTHEST_FT: i32 = 200;

/// The places that a creature is pushed through, in order: straight away from the middle of
/// `source`, as many squares as `feet` hold, on open ground as far as a straight line of so many feet, until what is filled, the edge of the map or another
/// creature stops it. Empty: it does not move. Who squeezes goes on with the space it takes.
pub fn push(
    terrain: &Terrain<'_>,
    others: &[Space],
    (size, at, squeezed): (Size, Place, bool),
    source: Footprint,
    feet: i32,
) -> Vec<Place> {
    let own = space_of(size, at, squeezed, terrain.scale()).footprint();
    let middle = Point::middle(own);
    let from = Point::middle(source);
    let away = Direction::new(middle.x.saturating_sub(from.x), middle.y.saturating_sub(from.y));
    let Some(away) = away else { return Vec::new() };
    slide(terrain, others, (size, at, squeezed), away, (feet, i32::MAX))
}

/// The places that a creature is pulled through, in order: straight toward the middle of `source`,
/// until it is next to it or stopped. Empty: it does not move.
pub fn pull(
    terrain: &Terrain<'_>,
    others: &[Space],
    (size, at, squeezed): (Size, Place, bool),
    source: Footprint,
    feet: i32,
) -> Vec<Place> {
    let own = space_of(size, at, squeezed, terrain.scale()).footprint();
    let (middle, to) = (Point::middle(own), Point::middle(source));
    let toward = Direction::new(to.x.saturating_sub(middle.x), to.y.saturating_sub(middle.y));
    let Some(toward) = toward else { return Vec::new() };
    let (dx, dy) = own.gap(source);
    slide(terrain, others, (size, at, squeezed), toward, (feet, dx.max(dy) - 1))
}

/// The places that a creature is pushed through straight toward a square, in order, as far as that
/// is. Empty: it does not move.
pub fn push_to(
    terrain: &Terrain<'_>,
    others: &[Space],
    (size, at, squeezed): (Size, Place, bool),
    to: Square,
) -> Vec<Place> {
    let away = Direction::new(to.x.saturating_sub(at.square.x), to.y.saturating_sub(at.square.y));
    let Some(away) = away else { return Vec::new() };
    let feet = offset_ft(at.square, to, terrain.scale());
    slide(terrain, others, (size, at, squeezed), away, (feet, i32::MAX))
}

const fn space_of(size: Size, at: Place, squeezed: bool, scale: Scale) -> Space {
    if squeezed { Space::squeezed(size, at, scale) } else { Space::of_scale(size, at, scale) }
}

/// Along the squares nearest to a straight line, one along its longer axis at a time.
fn slide(
    terrain: &Terrain<'_>,
    others: &[Space],
    (size, at, squeezed): (Size, Place, bool),
    direction: Direction,
    (feet, squares): (i32, i32),
) -> Vec<Place> {
    let scale = terrain.scale();
    let rules = RuleSet::of(crate::rule_set::Edition::E52);
    let mover = Mover { size, gait: Gait { squeezing: squeezed, ..Gait::WALK }, rules: &rules };
    let most = direction.dx().abs().max(direction.dy().abs());
    let mut places = Vec::new();
    let mut last = at;
    for count in 1..=scale.cells(feet).min(squares) {
        // Rounded half away from where it started, the same to every side.
        let part = |step: i32| {
            let (count, step, most) = (i64::from(count), i64::from(step), i64::from(most));
            let rounded = (2 * count * step.abs() + most) / (2 * most);
            i32::try_from(rounded * step.signum()).unwrap_or(0)
        };
        let square = at.square.shifted(part(direction.dx()), part(direction.dy()));
        let next = Place { square, ..at };
        let space = space_of(size, next, squeezed, scale);
        let free = !others.iter().any(|other| other.overlaps(space));
        let far = scale == Scale::Feet && offset_ft(at.square, square, scale) > feet;
        if far || !free || step(&mover, terrain, &[], (last, next), 0).is_err() {
            break;
        }
        places.push(next);
        last = next;
    }
    places
}

/// The free place nearest to `wanted` at its height, itself first; of equally near ones that with
/// the least column, then row. None: the map is full, on open ground within 200 ft.
pub fn nearest_free(
    terrain: &Terrain<'_>,
    others: &[Space],
    size: Size,
    wanted: Place,
) -> Option<Place> {
    let bounds = terrain.grid.bounds();
    let free = |square: &Square| {
        let place = Place { square: *square, ..wanted };
        let space = Space::of_scale(size, place, terrain.scale());
        let footprint = space.footprint();
        terrain.outside(footprint).is_none()
            && terrain.filled(footprint).is_none()
            && !others.iter().any(|other| other.overlaps(space))
    };
    let within = |ring| around(wanted.square, ring).filter(|square| bounds.contains(*square));
    let square = match terrain.scale() {
        Scale::Squares => {
            let farthest = terrain.grid.width.max(terrain.grid.height);
            (0..=farthest).flat_map(within).find(free)?
        }
        Scale::Feet => {
            let apart = |at: &Square| squared(wanted.square, *at);
            let first = (0..=FARTHEST_FT).find(|ring| within(*ring).any(|at| free(&at)))?;
            // A corner of that ring is as far as the middle of a side of one half as large again.
            let rings = (first..=first + first / 2).flat_map(within).filter(free);
            rings.min_by_key(|at| (apart(at), *at))?
        }
    };
    Some(Place { square, ..wanted })
}

/// The square of how far one is from another.
fn squared(one: Square, other: Square) -> u64 {
    let apart = |one: i32, other: i32| u64::from(one.abs_diff(other)).pow(2);
    apart(one.x, other.x) + apart(one.y, other.y)
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
