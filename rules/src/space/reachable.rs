//! Where a creature can get with the movement it has.

use std::collections::{BTreeMap, BTreeSet};

use super::grid::Terrain;
use super::passage::Occupant;
use super::path::{Mover, step};
use super::place::Place;
use super::square::Square;

/// Squares that a creature can end its move on at its present height, its own included, each with
/// the least feet of movement that it takes. `diagonals` are those made in this turn already.
pub fn reachable(
    mover: &Mover<'_>,
    terrain: &Terrain<'_>,
    occupants: &[Occupant],
    from: Place,
    diagonals: u32,
    budget_ft: i32,
) -> BTreeMap<Square, i32> {
    // What a diagonal costs depends on how many there were, so that a square is reached in two ways.
    let mut least = BTreeMap::from([((from.square, diagonals % 2), 0)]);
    let mut open = BTreeSet::from([(0, from.square, diagonals % 2)]);
    while let Some((cost, square, parity)) = open.pop_first() {
        for to in neighbors(square) {
            let there = |square| Place { square, ..from };
            let places = (there(square), there(to));
            let Ok(step) = step(mover, terrain, occupants, places, parity) else { continue };
            let cost = cost + step.cost_ft;
            let parity = (parity + u32::from(step.diagonal)) % 2;
            let known = least.get(&(to, parity)).copied();
            if cost <= budget_ft && known.is_none_or(|known| cost < known) {
                open.remove(&(known.unwrap_or(cost), to, parity));
                open.insert((cost, to, parity));
                least.insert((to, parity), cost);
            }
        }
    }
    let mut squares = BTreeMap::new();
    for ((square, _), cost) in least {
        let scale = terrain.scale();
        let place = Place { square, ..from };
        let space = super::place::Space { place, side: mover.side(scale), scale };
        let free = !occupants.iter().any(|occupant| occupant.space.overlaps(space));
        if free || square == from.square {
            let least = squares.entry(square).or_insert(cost);
            *least = cost.min(*least);
        }
    }
    squares
}

fn neighbors(square: Square) -> impl Iterator<Item = Square> {
    let around = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy)));
    around.filter(|offset| *offset != (0, 0)).map(move |(dx, dy)| square.shifted(dx, dy))
}
