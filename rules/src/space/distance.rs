//! Distance on the grid (SRD 5.2.1 "Playing on a Grid", "Ranges"; SRD 5.1 has no grid rule and is
//! counted alike): squares from one next to the one creature to the other, by the shortest route. On
//! open ground a straight line from edge to edge.

use super::place::Space;
use super::scale::{Scale, diagonal_ft};
use super::square::SQUARE_FT;
use crate::rule_set::Diagonals;

/// Feet between the nearest squares of two creatures: 0 in one space, 5 side by side. Heights count
/// in levels of 5 ft as columns and rows do.
///
/// Where every other diagonal costs double, a step along two axes is half a step more and one along
/// three axes three quarters of a step more, rounded down over the whole way.
///
/// On open ground: between the nearest edges, 0 where they touch, rounded up.
pub fn distance_ft(a: Space, b: Space, diagonals: Diagonals) -> i32 {
    let (dx, dy) = a.footprint().gap(b.footprint());
    let mut axes = [dx, dy, a.levels(b)];
    if a.scale == Scale::Feet {
        return diagonal_ft(axes.map(|squares| i64::from((squares - 1).max(0))));
    }
    axes.sort_unstable();
    let [least, middle, most] = axes.map(i64::from);
    let squares = match diagonals {
        Diagonals::Equal => most,
        Diagonals::Alternate => most + (2 * middle + least) / 4,
    };
    i32::try_from(squares * i64::from(SQUARE_FT)).unwrap_or(i32::MAX)
}

/// Whether one is within so many feet of the other: reach, range, auras.
pub fn within_ft(a: Space, b: Space, feet: i32, diagonals: Diagonals) -> bool {
    distance_ft(a, b, diagonals) <= feet
}
