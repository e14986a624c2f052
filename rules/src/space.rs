//! Space: where creatures stand, how they move, what they reach, see and hit from there.
//!
//! Plain functions of squares, sizes and rules; nobody's turn, no state. Feet are whole numbers and
//! geometry is decided in integers, so that every machine decides alike.

mod area;
mod cover;
mod departure;
mod direction;
mod distance;
mod fall;
mod forced;
mod gait;
mod grid;
mod jump;
mod line;
mod passage;
mod path;
mod place;
mod range;
mod reachable;
mod scale;
mod speed;
mod square;

pub(crate) use cover::lane;

pub use area::{Area, Far, PlacementError, Rise, Template};
pub use cover::{Cover, Obstacle, cover, line_of_sight, near_side, point_cover};
pub use departure::{Departure, MoveCause, Watcher};
pub use direction::{Direction, Point};
pub use distance::{distance_ft, within_ft};
pub use fall::{FALL_INTO_WATER_DC, Flight, fall_dice, lands_prone, water_softens};
pub use forced::{nearest_free, pull, push, push_to};
pub use gait::{Gait, cost_per_foot, drag_burdens, squeezing_hampers};
pub use grid::{Bounds, Grid, Obscured, Terrain};
pub use jump::{JUMP_LANDING_DC, RUN_UP_FT, high_jump_ft, long_jump_ft};
pub use line::{Leg, line, offset_ft};
pub use passage::{Occupant, Passage, Relation, falls_for_room, kept_from, passage};
pub use path::{
    Mover, Passing, PathRefusal, Step, StepRefusal, path, path_among, step, way_among, waypoints,
};
pub use place::{Place, Space};
pub use range::{Shot, crowded, shot};
pub use reachable::reachable;
pub use scale::Scale;
pub use speed::{Change, movement_ft, movement_left_ft, pay_half_speed, speed_ft};
pub use square::{Footprint, SQUARE_FT, Square};
