//! Areas of effect on squares (SRD 5.1 "Areas of Effect"; SRD 5.2.1 "Area of Effect" and the
//! entries of the shapes).
//!
//! The SRDs fix the shapes; which squares a shape affects is the table's [`AreaSquares`]. Centers
//! of squares are tested exactly. Covered areas are found exactly for boxes, between bounds that
//! close in for discs ([`disc`]), and to within four millionths of a square for shapes along a
//! direction ([`polygon`]), where half a square less than that counts as half.
//!
//! A cone, line, cube or emanation that starts at a creature leaves its space out, unless its
//! creator wishes otherwise. What total cover hides from the point of origin is left out.

mod disc;
mod polygon;

use super::cover::{Cover, point_cover};
use super::direction::{Direction, Point, SQUARE};
use super::grid::{Bounds, Terrain};
use super::square::{Footprint, Square};
use crate::rule_set::AreaSquares;

/// A shape in its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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

/// How high a cylinder is: its footprint is a [`Template::Disc`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cylinder {
    /// Feet above the ground of its base.
    pub base_ft: i32,
    /// Feet.
    pub height_ft: i32,
}

impl Cylinder {
    /// Whether it holds anything of a creature that stands `elevation_ft` high and is `tall_ft`.
    pub const fn reaches(self, elevation_ft: i32, tall_ft: i32) -> bool {
        let top = self.base_ft.saturating_add(self.height_ft);
        elevation_ft < top && self.base_ft < elevation_ft.saturating_add(tall_ft)
    }
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

    /// Whether the table counts this square as affected.
    pub fn covers(&self, square: Square, policy: AreaSquares) -> bool {
        match *self {
            Self::Disc { center, radius_ft } => {
                disc::covers(center, i64::from(radius_ft) * 2, square, policy)
            }
            Self::Emanation { from, distance_ft } => surrounds(from, distance_ft, square, policy),
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

/// Whether so much of `whole` is as much as the policy asks; a middle is where half of it is.
fn enough(covered: i64, whole: i64, policy: AreaSquares) -> bool {
    match policy {
        AreaSquares::AnyOverlap => covered > 0,
        AreaSquares::HalfCovered | AreaSquares::CenterIn => 2 * covered >= whole,
    }
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
    enough(x * y, side * side, policy)
}

fn surrounds(from: Footprint, distance_ft: i32, square: Square, policy: AreaSquares) -> bool {
    let (dx, dy) = from.gap(Footprint::single(square));
    let reach = i64::from(distance_ft) * 2;
    if (dx, dy) == (0, 0) {
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
    let whole = i64::from(SQUARE);
    enough((reach - nearest).clamp(0, whole), whole, policy)
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
}

impl Area {
    /// The squares affected, column by column: none that is filled or that filled squares hide
    /// from the origin.
    pub fn squares(&self, terrain: &Terrain<'_>, policy: AreaSquares) -> Vec<Square> {
        let mut squares = self.template.squares(policy, terrain.grid.bounds());
        squares.retain(|square| {
            !self.left_out.is_some_and(|space| space.contains(*square))
                && !terrain.is_filled(*square)
                && point_cover(terrain, &[], self.origin, *square) < Cover::Total
        });
        squares
    }
}
