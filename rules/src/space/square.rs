//! Squares of 5 ft and the squares that a creature takes (SRD 5.1 "Creature Size", "Space"; SRD
//! 5.2.1 "Creature Size and Space").

use serde::{Deserialize, Serialize};

use crate::creature::Size;

/// Feet along an edge of a square.
pub const SQUARE_FT: i32 = 5;

/// Column and row of a square; `[0, 0]` is at the top left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(from = "[i32; 2]", into = "[i32; 2]")]
pub struct Square {
    /// Column.
    pub x: i32,
    /// Row; it grows downwards.
    pub y: i32,
}

impl From<[i32; 2]> for Square {
    fn from([x, y]: [i32; 2]) -> Self {
        Self { x, y }
    }
}

impl From<Square> for [i32; 2] {
    fn from(square: Square) -> Self {
        [square.x, square.y]
    }
}

impl Square {
    /// The square some columns and rows away.
    pub const fn shifted(self, dx: i32, dy: i32) -> Self {
        Self { x: self.x.saturating_add(dx), y: self.y.saturating_add(dy) }
    }
}

/// The squares a creature stands on: as many rows as columns, from the one with the least `x` and
/// `y`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Footprint {
    /// The square with the least column and row.
    pub corner: Square,
    /// Squares along an edge, at least 1.
    pub side: i32,
}

impl Footprint {
    /// Of a creature of this size.
    pub const fn of(size: Size, corner: Square) -> Self {
        Self { corner, side: size.squares() }
    }

    /// One square.
    pub const fn single(square: Square) -> Self {
        Self { corner: square, side: 1 }
    }

    /// The same squares elsewhere.
    pub const fn at(self, corner: Square) -> Self {
        Self { corner, side: self.side }
    }

    /// With so many squares more on every side.
    pub fn grown(self, by: i32) -> Self {
        let side = self.side.saturating_add(by.saturating_mul(2));
        Self { corner: self.corner.shifted(-by, -by), side }
    }

    /// Its squares, column by column.
    pub fn squares(self) -> impl Iterator<Item = Square> {
        let columns = 0..self.side;
        columns.flat_map(move |dx| (0..self.side).map(move |dy| self.corner.shifted(dx, dy)))
    }

    /// Whether the square is one of its own.
    pub fn contains(self, square: Square) -> bool {
        self.gap(Self::single(square)) == (0, 0)
    }

    /// Whether they have a square in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.gap(other) == (0, 0)
    }

    /// Columns and rows from the nearest square of one to the nearest of the other: 0 where they
    /// share one, 1 where they touch.
    pub fn gap(self, other: Self) -> (i32, i32) {
        let along = |a: i32, b: i32| {
            let over = b.saturating_sub(a.saturating_add(self.side - 1));
            let under = a.saturating_sub(b.saturating_add(other.side - 1));
            over.max(under).max(0)
        };
        (along(self.corner.x, other.corner.x), along(self.corner.y, other.corner.y))
    }
}
