//! From what content says of an area, and where somebody puts it, to its place on the map.

use super::super::direction::{Point, SQUARE};
use super::super::place::Space;
use super::super::square::{Footprint, SQUARE_FT, Square};
use super::{Area, Rise, Template};
use crate::content::{Area as Spec, Shape};

/// Feet a line is wide that does not say so.
const LINE_WIDTH_FT: i32 = 5;

/// Why an area has no place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlacementError {
    /// A cone or line that points nowhere, or at the middle of who creates it.
    #[error("the area needs a direction")]
    Direction,
    /// A cube that is neither somewhere nor points somewhere.
    #[error("the area needs a place")]
    Place,
}

impl Area {
    /// The area in its place; `creator` is the space of the creature that creates it, on whose
    /// height it lies. A square named as point of origin stands for its middle, and a cube named
    /// by a square lies around it, with the odd square toward greater columns and rows.
    ///
    /// # Errors
    /// [`PlacementError`] says what is missing.
    pub fn placed(spec: &Spec, creator: Space) -> Result<Self, PlacementError> {
        let from = creator.footprint();
        let at = spec.at.map(Square::from);
        let direction = spec.direction.map(Square::from);
        let stretched = |feet: i32| feet.saturating_mul(creator.scale.block());
        let size_ft = stretched(spec.size_ft);
        let template = match spec.shape {
            Shape::Sphere | Shape::Cylinder => {
                let center = at.map_or_else(|| Point::middle(from), Point::center);
                Template::Disc { center, radius_ft: size_ft }
            }
            Shape::Emanation => Template::Emanation { from, distance_ft: size_ft },
            Shape::Cone => {
                let to = direction.ok_or(PlacementError::Direction)?;
                Template::cone(from, to, size_ft).ok_or(PlacementError::Direction)?
            }
            Shape::Line => {
                let to = direction.ok_or(PlacementError::Direction)?;
                let width_ft = stretched(spec.width_ft.unwrap_or(LINE_WIDTH_FT));
                Template::line(from, to, size_ft, width_ft).ok_or(PlacementError::Direction)?
            }
            Shape::Cube => match (at, direction) {
                (Some(at), _) => around(at, size_ft),
                (None, Some(to)) => {
                    Template::cube(from, to, size_ft).ok_or(PlacementError::Direction)?
                }
                (None, None) => return Err(PlacementError::Place),
            },
        };
        let mut area = Self::of(template, from, at.is_some());
        area.base_ft = stretched(creator.place.elevation_ft);
        if let (Shape::Cylinder, Some(feet)) = (spec.shape, spec.height_ft) {
            area.rise = Rise::Up { feet: stretched(feet) };
        }
        Ok(area)
    }

    /// What starts at a point away from its creator leaves nobody out.
    fn of(template: Template, creator: Footprint, away: bool) -> Self {
        let (origin, left_out) = match template {
            Template::Disc { center, .. } => (center, None),
            Template::Emanation { from, .. } => (Point::middle(from), Some(from)),
            Template::Cone { from, .. } | Template::Line { from, .. } => (from, Some(creator)),
            Template::Cube { least, edge_ft } if away => (least.shifted(edge_ft, edge_ft), None),
            Template::Cube { .. } => (Point::middle(creator), Some(creator)),
        };
        Self::new(template, origin, left_out)
    }
}

fn around(at: Square, edge_ft: i32) -> Template {
    let before = (edge_ft / SQUARE_FT - 1).max(0) / 2 * SQUARE;
    Template::Cube { least: Point::corner(at).shifted(-before, -before), edge_ft }
}
