//! What a map is measured in: squares of 5 ft, or on open ground without a grid feet, each a square
//! of 1 ft (SRD 5.1 "Creature Size", "Movement and Position"; SRD 5.2.1 "Creature Size and Space",
//! "Playing on a Grid").

use serde::{Deserialize, Serialize};

use super::square::{SQUARE_FT, Square};
use crate::creature::Size;

/// Bits of a foot that lengths are found to.
pub(super) const FINE: u32 = 16;

/// What columns and rows count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Squares of 5 ft.
    #[default]
    Squares,
    /// Feet: nothing lies along squares, distances are straight lines.
    Feet,
}

impl Scale {
    /// Whether it is squares of 5 ft.
    pub fn is_squares(&self) -> bool {
        *self == Self::Squares
    }

    /// Feet along an edge of a square.
    pub const fn cell_ft(self) -> i32 {
        match self {
            Self::Squares => SQUARE_FT,
            Self::Feet => 1,
        }
    }

    /// Squares that so many feet hold.
    pub const fn cells(self, feet: i32) -> i32 {
        match self {
            Self::Squares => feet / SQUARE_FT,
            Self::Feet => feet,
        }
    }

    /// Squares of this scale along an edge of one of 5 ft.
    pub const fn block(self) -> i32 {
        self.cells(SQUARE_FT)
    }

    /// Squares along an edge of the space of a creature of this size; of the 2½ ft of a Tiny one on
    /// open ground 3.
    pub const fn side(self, size: Size) -> i32 {
        match (self, size) {
            (Self::Feet, Size::Tiny) => 3,
            _ => size.squares() * self.block(),
        }
    }

    /// Squares along an edge of the space of one size smaller (SRD 5.1 "Squeezing into a Smaller
    /// Space"), of one that is at most 5 ft wide of its own.
    pub(super) const fn squeezed_side(self, size: Size) -> i32 {
        let (side, block) = (self.side(size), self.block());
        if side > block { side - block } else { side }
    }

    /// The level that a height lies in: as high as a square is wide.
    pub(super) const fn level(self, elevation_ft: i32) -> i32 {
        match self {
            Self::Squares => elevation_ft.div_euclid(SQUARE_FT),
            Self::Feet => elevation_ft,
        }
    }

    /// Squares all of what is drawn on the map in squares of 5 ft, each named by its least corner.
    pub fn drawn(self, squares: Vec<Square>) -> Vec<Square> {
        let block = self.block();
        if block == 1 {
            return squares;
        }
        let within = move |at: Square| {
            (0..block).flat_map(move |x| (0..block).map(move |y| at.shifted(x, y)))
        };
        squares.into_iter().flat_map(within).collect()
    }

    /// So many feet along a direction, as columns and rows: on squares the nearest of the eight.
    pub fn ahead(self, (dx, dy): (i32, i32), feet: i32) -> (i32, i32) {
        match self {
            Self::Squares => (dx.signum() * self.cells(feet), dy.signum() * self.cells(feet)),
            Self::Feet => {
                let (wide, high) = (i64::from(dx), i64::from(dy));
                let long = length([wide, high, 0], FINE).max(1);
                // Rounded to the nearest, half away from where it starts.
                let part = |part: i64| {
                    let twice = ((2 * part * i64::from(feet)) << FINE) / long;
                    i32::try_from((twice + part.signum()) / 2).unwrap_or(0)
                };
                (part(wide), part(high))
            }
        }
    }
}

/// Length of the diagonal of a box, in parts of a foot of so many bits, rounded down.
pub(super) fn length(edges: [i64; 3], bits: u32) -> i64 {
    let square: u128 = edges.iter().map(|edge| u128::from(edge.unsigned_abs()).pow(2)).sum();
    i64::try_from((square << (2 * bits)).isqrt()).unwrap_or(i64::MAX)
}

/// Feet along the diagonal of a box, rounded up.
pub(super) fn diagonal_ft(edges: [i64; 3]) -> i32 {
    let square: u64 = edges.iter().map(|edge| edge.unsigned_abs().pow(2)).sum();
    let root = square.isqrt();
    let feet = if root * root < square { root + 1 } else { root };
    i32::try_from(feet).unwrap_or(i32::MAX)
}
