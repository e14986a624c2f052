//! Cover and lines of sight (SRD 5.1 "Cover", "Areas of Effect"; SRD 5.2.1 "Cover", "Area of
//! Effect").
//!
//! The SRDs name degrees of cover but no way to find them on squares. Here lines are drawn from one
//! corner of the attacker's space to the four corners of a square of the target: an obstacle gives
//! half cover when it is in the way of one of them, three-quarters when of three, total when of all
//! four, and never more than what it is good for. The attacker uses the corner and the square of
//! the target that serve it best; of several obstacles only the best cover counts. A line is
//! obstructed where it has more than one point in common with a square, edges included, or passes
//! between two filled squares that touch at a corner. On open ground the lines are those between the
//! corners of the two spaces.

use serde::{Deserialize, Serialize};

use super::direction::{Point, SQUARE};
use super::grid::{Bounds, Terrain};
use super::scale::Scale;
use super::square::{Footprint, Square};

/// How well a target is protected; each protects better than those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cover {
    /// Not at all.
    #[default]
    None,
    /// By a low wall, a tree, a creature.
    Half,
    /// By an arrow slit.
    ThreeQuarters,
    /// It cannot be targeted.
    Total,
}

impl Cover {
    /// What it adds to AC and Dexterity saving throws; none: it cannot be targeted.
    pub const fn bonus(self) -> Option<i32> {
        match self {
            Self::None => Some(0),
            Self::Half => Some(2),
            Self::ThreeQuarters => Some(5),
            Self::Total => None,
        }
    }

    /// Of so many obstructed lines out of four.
    const fn of(obstructed: usize) -> Self {
        match obstructed {
            0 => Self::None,
            1 | 2 => Self::Half,
            3 => Self::ThreeQuarters,
            _ => Self::Total,
        }
    }
}

/// A square that is not filled but gives cover: a creature half, an object what it is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Obstacle {
    /// Where.
    pub square: Square,
    /// The most it gives.
    pub most: Cover,
}

/// Cover of a target against an attacker. Neither of them is among the obstacles.
pub fn cover(
    terrain: &Terrain<'_>,
    obstacles: &[Obstacle],
    attacker: Footprint,
    target: Footprint,
) -> Cover {
    let scene = Scene::of(terrain, obstacles, lane(attacker, target));
    if scene.is_clear() {
        return Cover::None;
    }
    let mut best = Cover::Total;
    if terrain.scale() == Scale::Feet {
        let to = outer(target);
        let from = outer(attacker).into_iter().filter(|corner| !scene.is_crack(*corner));
        return from.map(|from| scene.seen_from(from, to)).min().unwrap_or(best);
    }
    for from in corners(attacker).into_iter().filter(|corner| !scene.is_crack(*corner)) {
        for square in target.squares() {
            best = best.min(scene.seen_from(from, corners_of(square)));
            if best == Cover::None {
                return best;
            }
        }
    }
    best
}

/// Where all is that may be in the way between two spaces.
pub(crate) fn lane(one: Footprint, other: Footprint) -> Bounds {
    let (one, other) = (far_corners(one), far_corners(other));
    let low = Point { x: one[0].x.min(other[0].x), y: one[0].y.min(other[0].y) };
    let high = Point { x: one[1].x.max(other[1].x), y: one[1].y.max(other[1].y) };
    between(low, high)
}

/// Whether nothing filled is between all of one creature and all of another.
pub fn line_of_sight(terrain: &Terrain<'_>, from: Footprint, to: Footprint) -> bool {
    terrain.is_open() || cover(terrain, &[], from, to) < Cover::Total
}

/// Cover of a square against what comes from a point: total if neither its corners nor its middle
/// can be seen from there.
pub fn point_cover(
    terrain: &Terrain<'_>,
    obstacles: &[Obstacle],
    from: Point,
    square: Square,
) -> Cover {
    let [low, high] = far_corners(Footprint::single(square));
    let least = Point { x: low.x.min(from.x), y: low.y.min(from.y) };
    let most = Point { x: high.x.max(from.x), y: high.y.max(from.y) };
    let scene = Scene::of(terrain, obstacles, between(least, most));
    if scene.is_clear() {
        return Cover::None;
    }
    let cover = scene.seen_from(from, corners_of(square));
    if cover == Cover::Total && scene.blocks(from, Point::center(square)) < Cover::Total {
        return Cover::ThreeQuarters;
    }
    cover
}

/// Where an effect aimed at a square that cannot be seen takes place: the last square before what
/// is filled, on the straight line from middle to middle.
pub fn near_side(terrain: &Terrain<'_>, from: Footprint, aimed: Square) -> Square {
    if terrain.is_open() {
        return aimed;
    }
    let (a, b) = (Point::middle(from), Point::center(aimed));
    let clear = |square: Square| {
        let to = Point::center(square);
        let scene = Scene::of(terrain, &[], between(a, to));
        !terrain.is_filled(square) && scene.blocks(a, to) < Cover::Total
    };
    let (dx, dy) = (i64::from(b.x) - i64::from(a.x), i64::from(b.y) - i64::from(a.y));
    // Every square on the way is met, for no step is longer than a square.
    let steps = dx.abs().max(dy.abs()) / i64::from(SQUARE) + 1;
    let along = |start: i32, by: i64, step: i64| {
        i32::try_from(i64::from(start) + (by * step).div_euclid(steps)).unwrap_or(start)
    };
    let points = (0..=steps).map(|step| Point { x: along(a.x, dx, step), y: along(a.y, dy, step) });
    let squares = points.map(Point::square).take_while(|square| clear(*square));
    squares.last().unwrap_or_else(|| a.square())
}

/// What may be in the way within some bounds.
struct Scene<'a> {
    terrain: &'a Terrain<'a>,
    filled: Vec<Square>,
    obstacles: Vec<Obstacle>,
}

impl<'a> Scene<'a> {
    fn of(terrain: &'a Terrain<'a>, obstacles: &[Obstacle], bounds: Bounds) -> Self {
        let within = |obstacle: &&Obstacle| bounds.contains(obstacle.square);
        let obstacles = obstacles.iter().filter(within).copied().collect();
        Self { terrain, filled: terrain.filled_within(bounds), obstacles }
    }

    /// Nothing is.
    fn is_clear(&self) -> bool {
        self.filled.is_empty() && self.obstacles.is_empty()
    }

    fn seen_from(&self, from: Point, corners: [Point; 4]) -> Cover {
        let blocked =
            corners.map(|to| if self.is_crack(to) { Cover::Total } else { self.blocks(from, to) });
        let given = |most: Cover| {
            Cover::of(blocked.iter().filter(|blocks| **blocks >= most).count()).min(most)
        };
        // Asked for less cover, more obstacles are in the way.
        given(Cover::Half).max(given(Cover::ThreeQuarters)).max(given(Cover::Total))
    }

    /// The most cover that anything in the way of the line is good for.
    fn blocks(&self, from: Point, to: Point) -> Cover {
        let obstructs = |square: &Square| {
            shares_length(from, to, *square) || slips_past(self.terrain, from, to, *square)
        };
        if !self.filled.is_empty() {
            let bounds = between(from, to);
            if self.filled.iter().filter(|square| bounds.contains(**square)).any(obstructs) {
                return Cover::Total;
            }
        }
        self.obstacles
            .iter()
            .filter(|obstacle| shares_length(from, to, obstacle.square))
            .map(|obstacle| obstacle.most)
            .max()
            .unwrap_or_default()
    }

    /// Whether two filled squares touch at this point, and only there.
    fn is_crack(&self, point: Point) -> bool {
        if self.filled.is_empty() {
            return false;
        }
        let after = point.square();
        let filled = |dx, dy| self.terrain.is_filled(after.shifted(dx, dy));
        let [a, b, c, d] = [filled(-1, -1), filled(0, 0), filled(-1, 0), filled(0, -1)];
        point == Point::corner(after) && ((a && b && !c && !d) || (c && d && !a && !b))
    }
}

/// Squares that the line can touch.
fn between(from: Point, to: Point) -> Bounds {
    let low = |a: i32, b: i32| (a.min(b) - 1).div_euclid(SQUARE);
    let high = |a: i32, b: i32| a.max(b).div_euclid(SQUARE);
    Bounds {
        least: Square { x: low(from.x, to.x), y: low(from.y, to.y) },
        most: Square { x: high(from.x, to.x), y: high(from.y, to.y) },
    }
}

/// Whether the line and the square, edges included, have more than one point in common.
fn shares_length(from: Point, to: Point, square: Square) -> bool {
    let (least, [dx, dy]) = (Point::corner(square), difference(from, to));
    let side = i64::from(SQUARE);
    let beside = |at: i32, edge: i32| (0..=side).contains(&(i64::from(at) - i64::from(edge)));
    let along = |a: i32, b: i32, edge: i32| {
        let (low, high, edge) = (i64::from(a.min(b)), i64::from(a.max(b)), i64::from(edge));
        low.max(edge) < high.min(edge + side)
    };
    if dx == 0 {
        return beside(from.x, least.x) && along(from.y, to.y, least.y);
    }
    if dy == 0 {
        return beside(from.y, least.y) && along(from.x, to.x, least.x);
    }
    // A slanting line that only touches the square has all four corners on one side.
    let [px, py] = difference(from, least).map(i128::from);
    let at_least = i128::from(dx) * py - i128::from(dy) * px;
    let low = at_least + i128::from(side * (dx.min(0) - dy.max(0)));
    let high = at_least + i128::from(side * (dx.max(0) - dy.min(0)));
    along(from.x, to.x, least.x) && along(from.y, to.y, least.y) && low < 0 && high > 0
}

/// Whether the line passes between a filled square and one that it touches at a corner.
fn slips_past(terrain: &Terrain<'_>, from: Point, to: Point, square: Square) -> bool {
    [-1, 1].into_iter().filter(|dy| terrain.is_filled(square.shifted(1, *dy))).any(|dy| {
        let crack = Point::corner(square.shifted(1, i32::from(dy > 0)));
        let cross = cross(from, to, crack);
        let (a, b) = (dot(from, to, crack), dot(to, from, crack));
        cross == 0 && a > 0 && b > 0
    })
}

fn cross(from: Point, to: Point, point: Point) -> i64 {
    let [dx, dy] = difference(from, to);
    let [px, py] = difference(from, point);
    dx * py - dy * px
}

fn dot(from: Point, to: Point, point: Point) -> i64 {
    let [dx, dy] = difference(from, to);
    let [px, py] = difference(from, point);
    dx * px + dy * py
}

fn difference(from: Point, to: Point) -> [i64; 2] {
    [i64::from(to.x) - i64::from(from.x), i64::from(to.y) - i64::from(from.y)]
}

/// The least and the greatest corner of a space.
fn far_corners(footprint: Footprint) -> [Point; 2] {
    let (least, side) = (footprint.corner, footprint.side);
    [Point::corner(least), Point::corner(least.shifted(side, side))]
}

/// Corners of a square.
fn corners_of(square: Square) -> [Point; 4] {
    [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dx, dy)| Point::corner(square.shifted(dx, dy)))
}

/// The four corners of a space.
fn outer(footprint: Footprint) -> [Point; 4] {
    let [least, most] = far_corners(footprint);
    [least, Point { x: least.x, y: most.y }, Point { x: most.x, y: least.y }, most]
}

/// Corners of the squares on the edge of a space.
fn corners(footprint: Footprint) -> Vec<Point> {
    let (least, side) = (footprint.corner, footprint.side);
    let offsets = (0..=side).flat_map(|dx| (0..=side).map(move |dy| (dx, dy)));
    let edge = move |(dx, dy): &(i32, i32)| [0, side].contains(dx) || [0, side].contains(dy);
    offsets.filter(edge).map(|(dx, dy)| Point::corner(least.shifted(dx, dy))).collect()
}
