//! Points and directions that need not lie along the grid.

use serde::{Deserialize, Serialize};

use super::square::{Footprint, Square};

/// Half feet along an edge of a square.
pub(super) const SQUARE: i32 = 10;
/// Greatest component of a direction; what is longer is shortened.
const LONGEST: i32 = 10_000;

/// A point of the map in half feet: intersections of the grid at multiples of 10, centers of
/// squares between them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Downwards.
    pub y: i32,
}

impl Point {
    /// The corner of a square with the least column and row.
    pub const fn corner(square: Square) -> Self {
        Self { x: square.x.saturating_mul(SQUARE), y: square.y.saturating_mul(SQUARE) }
    }

    /// The middle of a square.
    pub const fn center(square: Square) -> Self {
        Self::corner(square).shifted(SQUARE / 2, SQUARE / 2)
    }

    /// The middle of a creature's space.
    pub const fn middle(footprint: Footprint) -> Self {
        let half = footprint.side.saturating_mul(SQUARE / 2);
        Self::corner(footprint.corner).shifted(half, half)
    }

    /// The point so many half feet away.
    pub const fn shifted(self, dx: i32, dy: i32) -> Self {
        Self { x: self.x.saturating_add(dx), y: self.y.saturating_add(dy) }
    }

    /// The square it lies in; on an edge the one of the greater column or row.
    pub const fn square(self) -> Square {
        Square { x: self.x.div_euclid(SQUARE), y: self.y.div_euclid(SQUARE) }
    }
}

/// A direction: never none, in lowest terms, its components at most 10,000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Direction {
    dx: i32,
    dy: i32,
}

impl Direction {
    /// So far right and so far down; none: neither.
    pub fn new(dx: i32, dy: i32) -> Option<Self> {
        let (dx, dy) = (i64::from(dx), i64::from(dy));
        let most = dx.abs().max(dy.abs());
        let shorter = (most - 1).div_euclid(i64::from(LONGEST)) + 1;
        let (dx, dy) = if shorter > 1 { (dx / shorter, dy / shorter) } else { (dx, dy) };
        let divisor = gcd(dx.abs(), dy.abs());
        let part = |part: i64| i32::try_from(part.checked_div(divisor)?).ok();
        Some(Self { dx: part(dx)?, dy: part(dy)? })
    }

    /// From the middle of a creature's space to the middle of a square; none: they are the same.
    pub fn toward(from: Footprint, square: Square) -> Option<Self> {
        let (a, b) = (Point::middle(from), Point::center(square));
        Self::new(b.x.saturating_sub(a.x), b.y.saturating_sub(a.y))
    }

    /// To the right.
    pub const fn dx(self) -> i32 {
        self.dx
    }

    /// Downwards.
    pub const fn dy(self) -> i32 {
        self.dy
    }

    /// The nearest of the eight directions of the grid, as steps of −1, 0 or 1.
    pub const fn nearest_of_eight(self) -> (i32, i32) {
        let (dx, dy) = (self.dx.abs() as i64, self.dy.abs() as i64);
        let (less, more) = if dx < dy { (dx, dy) } else { (dy, dx) };
        // Below half of 45 degrees: the tangent is less than √2 − 1.
        let straight = (less + more) * (less + more) < 2 * more * more;
        let x = if straight && dx < dy { 0 } else { self.dx.signum() };
        let y = if straight && dy < dx { 0 } else { self.dy.signum() };
        (x, y)
    }
}

const fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
