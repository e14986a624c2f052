//! Squares of cones and lines, which need not lie along the grid.
//!
//! Their corners are irrational and rounded to 2⁻²⁰ of a half foot, and so are those that clipping
//! by a square makes: a corner is off by less than two such parts, an area by less than the 2¹⁸th
//! part of a square, which is what is allowed for. All in integers, so that every machine rounds
//! alike. Centers are tested without rounding.

use super::super::direction::{Direction, Point, SQUARE};
use super::super::square::Square;
use crate::rule_set::AreaSquares;

/// Bits of a half foot.
const FINE: u32 = 20;
/// Further bits of the length of a direction.
const ROOT: u32 = 40;
/// Twice the area of a square in fine parts.
const WHOLE: i128 = 2 * ((SQUARE as i128) << FINE) * ((SQUARE as i128) << FINE);
/// What rounding may take from it.
const ROUNDING: i128 = WHOLE >> 18;

type Corner = (i128, i128);

/// A cone or a line, and what of it is exact.
pub(super) struct Polygon {
    corners: Vec<Corner>,
    from: Point,
    toward: Direction,
    length_ft: i32,
    sides: Sides,
}

/// How far to the side of the axis it goes.
#[derive(Clone, Copy)]
enum Sides {
    /// Half as far as along it.
    Cone,
    /// So many half feet.
    Line(i32),
}

/// So many half feet along a direction, in fine parts.
fn along(toward: Direction, half_feet: i64) -> Corner {
    let (dx, dy) = (i128::from(toward.dx()), i128::from(toward.dy()));
    let square = u128::try_from(dx * dx + dy * dy).unwrap_or(1) << (2 * ROOT);
    let length = i128::try_from(square.isqrt()).unwrap_or(i128::MAX);
    let part = |part: i128| {
        let scaled = (part * i128::from(half_feet)) << (FINE + ROOT);
        (2 * scaled + length).div_euclid(2 * length)
    };
    (part(dx), part(dy))
}

fn fine(point: Point) -> Corner {
    (i128::from(point.x) << FINE, i128::from(point.y) << FINE)
}

/// The point `ahead` and `aside` of another, both vectors along the axis.
fn offset(from: Corner, ahead: Corner, aside: Corner, sign: i128) -> Corner {
    (from.0 + ahead.0 - sign * aside.1, from.1 + ahead.1 + sign * aside.0)
}

pub(super) fn cone(from: Point, toward: Direction, length_ft: i32) -> Polygon {
    let start = fine(from);
    let ahead = along(toward, i64::from(length_ft) * 2);
    let aside = along(toward, i64::from(length_ft));
    let corners = vec![start, offset(start, ahead, aside, -1), offset(start, ahead, aside, 1)];
    Polygon { corners, from, toward, length_ft, sides: Sides::Cone }
}

pub(super) fn line(from: Point, toward: Direction, length_ft: i32, width_ft: i32) -> Polygon {
    let start = fine(from);
    let ahead = along(toward, i64::from(length_ft) * 2);
    let aside = along(toward, i64::from(width_ft));
    let corners = vec![
        offset(start, (0, 0), aside, -1),
        offset(start, ahead, aside, -1),
        offset(start, ahead, aside, 1),
        offset(start, (0, 0), aside, 1),
    ];
    Polygon { corners, from, toward, length_ft, sides: Sides::Line(width_ft) }
}

impl Polygon {
    pub(super) fn covers(&self, square: Square, policy: AreaSquares) -> bool {
        match policy {
            AreaSquares::CenterIn => self.holds(Point::center(square)),
            AreaSquares::HalfCovered => 2 * (self.shared(square) + ROUNDING) >= WHOLE,
            AreaSquares::AnyOverlap => self.shared(square) > ROUNDING,
        }
    }

    /// Along and beside the axis, both times the length of the direction.
    fn holds(&self, point: Point) -> bool {
        let (dx, dy) = (i128::from(self.toward.dx()), i128::from(self.toward.dy()));
        let x = i128::from(point.x) - i128::from(self.from.x);
        let y = i128::from(point.y) - i128::from(self.from.y);
        let (ahead, aside) = (x * dx + y * dy, x * dy - y * dx);
        let square = dx * dx + dy * dy;
        let length = i128::from(self.length_ft) * 2;
        let beside = match self.sides {
            Sides::Cone => 2 * aside.abs() <= ahead,
            Sides::Line(half) => aside * aside <= i128::from(half) * i128::from(half) * square,
        };
        ahead >= 0 && ahead * ahead <= length * length * square && beside
    }

    /// Twice the area it has in common with a square.
    fn shared(&self, square: Square) -> i128 {
        let least = fine(Point::corner(square));
        let side = i128::from(SQUARE) << FINE;
        let mut corners: Vec<Corner> =
            self.corners.iter().map(|(x, y)| (x - least.0, y - least.1)).collect();
        // The edges x = 0, y = side, x = side and y = 0, each turned to where the first one is.
        for _ in 0..4 {
            corners = clip(&corners).into_iter().map(|(x, y)| (y, side - x)).collect();
        }
        twice_area(&corners)
    }
}

/// What of a convex polygon lies at x ≥ 0.
fn clip(corners: &[Corner]) -> Vec<Corner> {
    let next = corners.iter().cycle().skip(1);
    let mut clipped = Vec::with_capacity(corners.len() + 1);
    for (a, b) in corners.iter().zip(next) {
        if a.0 >= 0 {
            clipped.push(*a);
        }
        if (a.0 < 0) != (b.0 < 0) {
            let (way, rise) = (b.0 - a.0, b.1 - a.1);
            // Rounded to the nearest; the divisor of div_euclid may be negative.
            let y = a.1 + (2 * -a.0 * rise + way).div_euclid(2 * way);
            clipped.push((0, y));
        }
    }
    clipped
}

fn twice_area(corners: &[Corner]) -> i128 {
    let next = corners.iter().cycle().skip(1);
    corners.iter().zip(next).map(|(a, b)| a.0 * b.1 - a.1 * b.0).sum::<i128>().abs()
}
