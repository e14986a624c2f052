//! Where a creature is, heights included.

use serde::{Deserialize, Serialize};

use super::square::{Footprint, SQUARE_FT, Square};
use crate::creature::Size;

/// A square and a height above the ground.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The square, or of a larger creature the one with the least column and row.
    pub square: Square,
    /// Feet; below the ground negative.
    pub elevation_ft: i32,
}

impl Place {
    /// On the ground.
    pub const fn ground(square: Square) -> Self {
        Self { square, elevation_ft: 0 }
    }

    /// The level of 5 ft that the height lies in.
    pub const fn level(self) -> i32 {
        self.elevation_ft.div_euclid(SQUARE_FT)
    }
}

/// Squares along an edge of the space of one size smaller (SRD 5.1 "Squeezing into a Smaller
/// Space"), at least 1.
pub(super) const fn squeezed_side(size: Size) -> i32 {
    let side = size.squares();
    if side > 1 { side - 1 } else { side }
}

/// The space a creature controls, as high as it is wide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// Where its lowest corner is.
    pub place: Place,
    /// Squares along an edge, at least 1.
    pub side: i32,
}

impl Space {
    /// Of a creature of this size.
    pub const fn of(size: Size, place: Place) -> Self {
        Self { place, side: size.squares() }
    }

    /// Of a creature of this size that squeezes.
    pub const fn squeezed(size: Size, place: Place) -> Self {
        Self { place, side: squeezed_side(size) }
    }

    /// Its squares.
    pub const fn footprint(self) -> Footprint {
        Footprint { corner: self.place.square, side: self.side }
    }

    /// Whether they share room: squares and heights.
    pub fn overlaps(self, other: Self) -> bool {
        self.levels(other) == 0 && self.footprint().overlaps(other.footprint())
    }

    /// Levels of 5 ft between the nearest of one and of the other: 0 where they share one.
    pub fn levels(self, other: Self) -> i32 {
        let (low, high) = (self.place.level(), other.place.level());
        let over = high.saturating_sub(low.saturating_add(self.side - 1));
        let under = low.saturating_sub(high.saturating_add(other.side - 1));
        over.max(under).max(0)
    }
}
