//! Where a creature is, heights included.

use serde::{Deserialize, Serialize};

use super::scale::Scale;
use super::square::{Footprint, Square};
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
}

/// The space a creature controls, as high as it is wide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// Where its lowest corner is.
    pub place: Place,
    /// Squares along an edge, at least 1.
    pub side: i32,
    /// What its squares are.
    pub scale: Scale,
}

impl Space {
    /// Of a creature of this size, on squares of 5 ft.
    pub const fn of(size: Size, place: Place) -> Self {
        Self::of_scale(size, place, Scale::Squares)
    }

    /// Of a creature of this size.
    pub const fn of_scale(size: Size, place: Place, scale: Scale) -> Self {
        Self { place, side: scale.side(size), scale }
    }

    /// One square.
    pub const fn single(place: Place, scale: Scale) -> Self {
        Self { place, side: 1, scale }
    }

    /// The same elsewhere.
    pub const fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// One square, as high as this is.
    pub const fn square(self, square: Square) -> Self {
        Self::single(Place { square, ..self.place }, self.scale)
    }

    /// Feet above the ground of its upper end.
    pub const fn top_ft(self) -> i32 {
        self.place.elevation_ft.saturating_add(self.side.saturating_mul(self.scale.cell_ft()))
    }

    /// Of a creature of this size that squeezes.
    pub const fn squeezed(size: Size, place: Place, scale: Scale) -> Self {
        Self { place, side: scale.squeezed_side(size), scale }
    }

    /// Its squares.
    pub const fn footprint(self) -> Footprint {
        Footprint { corner: self.place.square, side: self.side }
    }

    /// Whether they share room: squares and heights.
    pub fn overlaps(self, other: Self) -> bool {
        self.levels(other) == 0 && self.footprint().overlaps(other.footprint())
    }

    /// Levels, each as high as a square is wide, between the nearest of one and of the other: 0 where they share one.
    pub fn levels(self, other: Self) -> i32 {
        let level = |space: Self| space.scale.level(space.place.elevation_ft);
        let (low, high) = (level(self), level(other));
        let over = high.saturating_sub(low.saturating_add(self.side - 1));
        let under = low.saturating_sub(high.saturating_add(other.side - 1));
        over.max(under).max(0)
    }
}
