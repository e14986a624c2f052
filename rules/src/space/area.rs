//! Areas of effect on squares (SRD 5.1 "Areas of Effect"; SRD 5.2.1 "Area of Effect" and the
//! entries of the shapes).
//!
//! The SRDs fix the shapes; which squares a shape affects is the table's [`AreaSquares`]. Centers
//! of squares are tested exactly. Covered areas are found exactly for boxes, between bounds that
//! close in for discs ([`disc`]), and to within four millionths of a square for shapes along a
//! direction ([`polygon`]), where half a square less than that counts as half.
//!
//! Lengths are in fifths of a square: in feet where squares are of 5 ft, in fifths of a foot on open
//! ground. There whoever has part in a shape is affected, whatever the table's setting.
//!
//! A cone, line, cube or emanation that starts at a creature leaves its space out, unless its
//! creator wishes otherwise. What total cover hides from the point of origin is left out.

mod disc;
mod placement;
mod polygon;

pub use placement::PlacementError;

use serde::{Deserialize, Serialize};

use super::cover::{Cover, point_cover};
use super::direction::{Direction, Point, SQUARE};
use super::grid::{Bounds, Terrain};
use super::place::Space;
use super::scale::Scale;
use super::square::{Footprint, SQUARE_FT, Square};
use crate::rule_set::AreaSquares;

/// A shape in its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Template {
    /// A sphere on its middle plane, or a cylinder.
    Disc {
        /// Point of origin.
        center: Point,
        /// Feet.
        radius_ft: i32,
    },
    /// All around a creature.
    Emanation {
        /// Its space, which is not in it.
        from: Footprint,
        /// Feet from its edges.
        distance_ft: i32,
    },
    /// A cube, its edges along the grid.
    Cube {
        /// The corner with the least `x` and `y`.
        least: Point,
        /// Feet.
        edge_ft: i32,
    },
    /// As wide at any point as that point is far from the origin, with a flat end.
    Cone {
        /// Point of origin.
        from: Point,
        /// Where it points.
        toward: Direction,
        /// Feet.
        length_ft: i32,
    },
    /// Straight and equally wide.
    Line {
        /// Middle of its near end.
        from: Point,
        /// Where it points.
        toward: Direction,
        /// Feet.
        length_ft: i32,
        /// Feet.
        width_ft: i32,
    },
}

impl Template {
    /// A cone that starts at the edge of a creature's space and points at a square; none: that
    /// square is in the middle of its space.
    pub fn cone(from: Footprint, at: Square, length_ft: i32) -> Option<Self> {
        let toward = Direction::toward(from, at)?;
        Some(Self::Cone { from: edge(from, toward), toward, length_ft })
    }

    /// A line that starts at the edge of a creature's space and points at a square; none: that
    /// square is in the middle of its space.
    pub fn line(from: Footprint, at: Square, length_ft: i32, width_ft: i32) -> Option<Self> {
        let toward = Direction::toward(from, at)?;
        Some(Self::Line { from: edge(from, toward), toward, length_ft, width_ft })
    }

    /// A cube on the squares next to a creature's space, toward a square: its near face is centered
    /// on the creature's as well as squares allow, or it touches the creature at a corner. None:
    /// that square is in the middle of the space.
    pub fn cube(from: Footprint, at: Square, edge_ft: i32) -> Option<Self> {
        let toward = Direction::toward(from, at)?;
        let (dx, dy) = toward.nearest_of_eight();
        let own = from.side.saturating_mul(SQUARE);
        let edge = edge_ft.saturating_mul(2);
        let along = |step: i32, aside: i32| match step {
            1 => own,
            -1 => -edge,
            // Half a square too far to one side is made up for toward where it points.
            _ => {
                let offset = own.saturating_sub(edge).div_euclid(2);
                let odd = offset.rem_euclid(SQUARE);
                offset - odd + if odd > 0 && aside > 0 { SQUARE } else { 0 }
            }
        };
        let corner = Point::corner(from.corner);
        let least = corner.shifted(along(dx, toward.dx()), along(dy, toward.dy()));
        Some(Self::Cube { least, edge_ft })
    }

    /// The same so many columns and rows away.
    fn shifted(self, dx: i32, dy: i32) -> Self {
        let moved =
            |point: Point| point.shifted(dx.saturating_mul(SQUARE), dy.saturating_mul(SQUARE));
        match self {
            Self::Disc { center, radius_ft } => Self::Disc { center: moved(center), radius_ft },
            Self::Emanation { from, distance_ft } => {
                Self::Emanation { from: from.at(from.corner.shifted(dx, dy)), distance_ft }
            }
            Self::Cube { least, edge_ft } => Self::Cube { least: moved(least), edge_ft },
            Self::Cone { from, toward, length_ft } => {
                Self::Cone { from: moved(from), toward, length_ft }
            }
            Self::Line { from, toward, length_ft, width_ft } => {
                Self::Line { from: moved(from), toward, length_ft, width_ft }
            }
        }
    }

    /// Whether the table counts this square as affected.
    pub fn covers(&self, square: Square, policy: AreaSquares) -> bool {
        self.covers_apart(square, policy, 0)
    }

    /// The same of what is so many feet above or below, where less of a sphere is.
    fn covers_apart(&self, square: Square, policy: AreaSquares, apart_ft: i32) -> bool {
        let left = |feet: i32| 4 * (i64::from(feet).pow(2) - i64::from(apart_ft).pow(2));
        match *self {
            Self::Disc { center, radius_ft } => {
                disc::covers(center, left(radius_ft), square, policy)
            }
            Self::Emanation { from, distance_ft } => {
                surrounds(from, left(distance_ft), square, policy)
            }
            Self::Cube { least, edge_ft } => in_box(least, edge_ft, square, policy),
            Self::Cone { from, toward, length_ft } => {
                polygon::cone(from, toward, length_ft).covers(square, policy)
            }
            Self::Line { from, toward, length_ft, width_ft } => {
                polygon::line(from, toward, length_ft, width_ft).covers(square, policy)
            }
        }
    }

    /// The affected squares within these bounds, column by column.
    pub fn squares(&self, policy: AreaSquares, bounds: Bounds) -> Vec<Square> {
        let extent = self.extent().common(bounds);
        extent.squares().filter(|square| self.covers(*square, policy)).collect()
    }

    /// Squares that it can touch.
    fn extent(&self) -> Bounds {
        let (low, high, reach) = match *self {
            Self::Disc { center, radius_ft } => (center, center, radius_ft),
            Self::Emanation { from, distance_ft } => {
                let low = Point::corner(from.corner);
                let far = Point::corner(from.corner.shifted(from.side, from.side));
                (low, far, distance_ft)
            }
            Self::Cube { least, edge_ft } => {
                (least, least.shifted(edge_ft.saturating_mul(2), edge_ft.saturating_mul(2)), 0)
            }
            Self::Cone { from, length_ft, .. } => (from, from, length_ft.saturating_mul(2)),
            Self::Line { from, length_ft, width_ft, .. } => {
                (from, from, length_ft.saturating_add(width_ft))
            }
        };
        let reach = reach.saturating_mul(2);
        let (low, high) = (low.shifted(-reach, -reach), high.shifted(reach, reach));
        Bounds { least: low.square(), most: high.square() }
    }
}

/// The point of a creature's edge nearest to a direction: the middle of a side or a corner.
fn edge(from: Footprint, toward: Direction) -> Point {
    let (dx, dy) = toward.nearest_of_eight();
    let half = from.side.saturating_mul(SQUARE / 2);
    Point::middle(from).shifted(dx.saturating_mul(half), dy.saturating_mul(half))
}

fn in_box(least: Point, edge_ft: i32, square: Square, policy: AreaSquares) -> bool {
    let corner = Point::corner(square);
    let edge = i64::from(edge_ft) * 2;
    let shared = |own: i32, other: i32| {
        let (own, other) = (i64::from(own), i64::from(other));
        let end = (own + i64::from(SQUARE)).min(other + edge);
        (end - own.max(other)).max(0)
    };
    let side = i64::from(SQUARE);
    let (x, y) = (shared(corner.x, least.x), shared(corner.y, least.y));
    if policy == AreaSquares::CenterIn {
        let center = Point::center(square);
        let inside =
            |own: i32, other: i32| (0..=edge).contains(&(i64::from(own) - i64::from(other)));
        return inside(center.x, least.x) && inside(center.y, least.y);
    }
    let covered = x * y;
    if policy == AreaSquares::AnyOverlap { covered > 0 } else { 2 * covered >= side * side }
}

/// Around a creature, as far as the root of `reach`, in squares of half feet.
fn surrounds(from: Footprint, reach: i64, square: Square, policy: AreaSquares) -> bool {
    let (dx, dy) = from.gap(Footprint::single(square));
    if (dx, dy) == (0, 0) || reach <= 0 {
        return false;
    }
    if dx > 0 && dy > 0 {
        // Around the nearest corner of the creature's space.
        let far = |own: i32, least: i32| if own < least { least } else { least + from.side };
        let (own, least) = (square, from.corner);
        let corner = Square { x: far(own.x, least.x), y: far(own.y, least.y) };
        return disc::covers(Point::corner(corner), reach, square, policy);
    }
    let nearest = i64::from(dx.max(dy) - 1) * i64::from(SQUARE);
    match policy {
        AreaSquares::AnyOverlap => nearest.pow(2) < reach,
        AreaSquares::HalfCovered | AreaSquares::CenterIn => {
            (nearest + i64::from(SQUARE) / 2).pow(2) <= reach
        }
    }
}

/// What of a shape is too far from its middle for its squares to be listed, on open ground.
///
/// It is the plain shape: what total cover hides from the point of origin is in it, and so are the
/// squares that its creator spares. It is asked who has part in it, sees badly there and treads
/// there; nothing there is filled, keeps anybody from seeing or shooting past, or gives cover.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Far {
    /// The whole shape.
    shape: Template,
    /// Where its squares are listed.
    listed: Bounds,
}

impl Far {
    /// Whether a square has part in the shape, and is not where its squares are listed.
    pub fn covers(&self, square: Square) -> bool {
        !self.listed.contains(square) && self.shape.covers(square, AreaSquares::AnyOverlap)
    }

    /// So many columns and rows away.
    pub fn shifted(self, dx: i32, dy: i32) -> Self {
        let Bounds { least, most } = self.listed;
        let listed = Bounds { least: least.shifted(dx, dy), most: most.shifted(dx, dy) };
        Self { shape: self.shape.shifted(dx, dy), listed }
    }
}

/// How high an area goes from its base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rise {
    /// As far as to the side, from anywhere on a body this tall: a sphere (0 ft), an emanation.
    Round {
        /// Feet.
        tall_ft: i32,
    },
    /// Upwards: cylinders, cubes.
    Up {
        /// Feet.
        feet: i32,
    },
    /// Up and down: lines half their width, cones half their length.
    Both {
        /// Feet.
        feet: i32,
    },
}

/// An area of effect with all that decides whom it can affect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Area {
    /// Its shape.
    pub template: Template,
    /// Where its lines start: straight lines from here reach what is affected.
    pub origin: Point,
    /// The creature it starts at, whose space is left out.
    pub left_out: Option<Footprint>,
    /// Feet above the ground of its origin, or of its lower end.
    pub base_ft: i32,
    /// How high it goes.
    pub rise: Rise,
}

impl Area {
    /// On the ground, and as high as shapes of its kind are; a disc is a sphere.
    pub const fn new(template: Template, origin: Point, left_out: Option<Footprint>) -> Self {
        let rise = match template {
            Template::Disc { .. } => Rise::Round { tall_ft: 0 },
            Template::Emanation { from, .. } => Rise::Round { tall_ft: from.side * SQUARE_FT },
            Template::Cube { edge_ft, .. } => Rise::Up { feet: edge_ft },
            Template::Cone { length_ft, .. } => Rise::Both { feet: length_ft / 2 },
            Template::Line { width_ft, .. } => Rise::Both { feet: width_ft / 2 },
        };
        Self { template, origin, left_out, base_ft: 0, rise }
    }

    /// The squares affected on the level of its origin, column by column: none that is filled or
    /// that filled squares hide from the origin.
    pub fn squares(&self, terrain: &Terrain<'_>, policy: AreaSquares) -> Vec<Square> {
        let (policy, bounds) = (terrain.policy(policy), terrain.around(self.origin));
        let mut squares = self.template.squares(policy, bounds);
        squares.retain(|square| self.reaches(terrain, *square));
        squares
    }

    /// What of it is too far off for [`Area::squares`]; none: nothing.
    pub fn far(&self, terrain: &Terrain<'_>) -> Option<Far> {
        let all = self.template.extent().common(terrain.grid.bounds());
        let listed = terrain.around(self.origin);
        (all.common(listed) != all).then_some(Far { shape: self.template, listed })
    }

    /// Whether it affects a creature: a square of its space, as high as it is.
    pub fn affects(&self, terrain: &Terrain<'_>, policy: AreaSquares, space: Space) -> bool {
        if !self.template.extent().meets(space.footprint()) {
            return false;
        }
        let policy = terrain.policy(policy);
        let low = i64::from(space.place.elevation_ft) * i64::from(space.scale.block());
        let high = low + i64::from(space.side) * i64::from(SQUARE_FT);
        let base = i64::from(self.base_ft);
        let apart = match self.rise {
            Rise::Round { tall_ft } => (low - base - i64::from(tall_ft)).max(base - high).max(0),
            Rise::Up { feet } if low < base + i64::from(feet) && base < high => 0,
            Rise::Both { feet }
                if low <= base + i64::from(feet) && base - i64::from(feet) <= high =>
            {
                0
            }
            Rise::Up { .. } | Rise::Both { .. } => return false,
        };
        let apart = i32::try_from(apart).unwrap_or(i32::MAX);
        let mut squares = space.footprint().squares();
        squares.any(|square| {
            self.template.covers_apart(square, policy, apart) && self.reaches(terrain, square)
        })
    }

    /// Feet above the ground of its lower and its upper end.
    pub fn heights_ft(&self, scale: Scale) -> (i32, i32) {
        let reach = match self.template {
            Template::Disc { radius_ft: reach, .. }
            | Template::Emanation { distance_ft: reach, .. } => reach,
            Template::Cube { .. } | Template::Cone { .. } | Template::Line { .. } => 0,
        };
        let feet = |length: i32| length / scale.block();
        let base = feet(self.base_ft);
        match self.rise {
            Rise::Round { tall_ft } => {
                let reach = feet(reach);
                (
                    base.saturating_sub(reach),
                    base.saturating_add(feet(tall_ft)).saturating_add(reach),
                )
            }
            Rise::Up { feet: up } => (base, base.saturating_add(feet(up))),
            Rise::Both { feet: both } => {
                (base.saturating_sub(feet(both)), base.saturating_add(feet(both).max(1)))
            }
        }
    }

    /// Whether a straight line from the origin reaches the square, and nothing leaves it out.
    fn reaches(&self, terrain: &Terrain<'_>, square: Square) -> bool {
        !self.left_out.is_some_and(|space| space.contains(square))
            && !terrain.is_filled(square)
            && point_cover(terrain, &[], self.origin, square) < Cover::Total
    }
}
