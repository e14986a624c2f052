//! Suites of geometry: areas, distances, ranges, cover, opportunity attacks.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use gss_rules::content::{RangeFt, Texts, Weapon};
use gss_rules::space::{
    Area, Cover, Direction, Footprint, Grid, Obstacle, Place, Point, Shot, Space, Square, Template,
    Terrain, cover, crowded, distance_ft, near_side, shot,
};
use gss_rules::{AreaSquares, Edition, Size};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::play::Play;
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[
    ("aoe_grid", aoe_grid),
    ("aoe_line_of_effect", aoe_line_of_effect),
    ("cover_line", cover_line),
    ("distance_grid", distance_grid),
    ("range", range),
];

/// Columns and rows of a map for areas.
const WIDE: i32 = 200;
/// Where the cases' square `[0, 0]` lies on it, for areas have squares with lesser numbers.
const MIDDLE: i32 = 100;

const POLICIES: [(&str, AreaSquares); 3] = [
    ("center_in", AreaSquares::CenterIn),
    ("half_covered", AreaSquares::HalfCovered),
    ("any_overlap", AreaSquares::AnyOverlap),
];

#[derive(Deserialize)]
#[serde(tag = "shape", rename_all = "snake_case")]
enum Shape {
    Sphere { radius_ft: i32, origin_ft: [f64; 2] },
    Cylinder { radius_ft: i32, origin_ft: [f64; 2] },
    Emanation { distance_ft: i32, from: String },
    Cone { length_ft: i32, origin_ft: [f64; 2], angle_deg: f64 },
    Line { length_ft: i32, width_ft: i32, origin_ft: [f64; 2], angle_deg: f64 },
    Cube { side_ft: i32, origin_ft: [f64; 2], origin_at: String, direction: String },
}

fn aoe_grid(play: &mut Play<'_>) -> Result<Value> {
    let area = play.inputs::<Shape>()?.area()?;
    let grid = Grid::open(WIDE, WIDE);
    let terrain = Terrain::of(&grid);
    let (mut counts, mut cells) = (Map::new(), Map::new());
    for (name, policy) in POLICIES {
        let squares = area.squares(&terrain, policy);
        counts.insert(name.to_owned(), json!(squares.len()));
        let squares = squares.into_iter().map(|square| square.shifted(-MIDDLE, -MIDDLE));
        cells.insert(name.to_owned(), json!(squares.collect::<Vec<_>>()));
    }
    Ok(json!({ "counts": counts, "cells": cells }))
}

impl Shape {
    fn area(self) -> Result<Area> {
        let (origin, template) = match self {
            Self::Sphere { radius_ft, origin_ft } | Self::Cylinder { radius_ft, origin_ft } => {
                let center = point(origin_ft)?;
                // A point of origin is in such an area.
                let template = Template::Disc { center, radius_ft };
                return Ok(Area::new(template, center, None));
            }
            Self::Emanation { distance_ft, from } => {
                let from = creature(&from)?;
                (Point::middle(from), Template::Emanation { from, distance_ft })
            }
            Self::Cone { length_ft, origin_ft, angle_deg } => {
                let (from, toward) = (point(origin_ft)?, direction(angle_deg)?);
                (from, Template::Cone { from, toward, length_ft })
            }
            Self::Line { length_ft, width_ft, origin_ft, angle_deg } => {
                let (from, toward) = (point(origin_ft)?, direction(angle_deg)?);
                (from, Template::Line { from, toward, length_ft, width_ft })
            }
            Self::Cube { side_ft, origin_ft, origin_at, direction } => {
                let origin = point(origin_ft)?;
                let aside = if origin_at.contains("centred") { -side_ft } else { 0 };
                let least = match direction.as_str() {
                    "east" => origin.shifted(0, aside),
                    "west" => origin.shifted(-2 * side_ft, aside),
                    "south" => origin.shifted(aside, 0),
                    "north" => origin.shifted(aside, -2 * side_ft),
                    other => bail!("a cube has no face to the {other}"),
                };
                (origin, Template::Cube { least, edge_ft: side_ft })
            }
        };
        // A creature's space is where the origin is, unless it is on the edge of it.
        let square = origin.square();
        let inside = origin == Point::center(square);
        Ok(Area::new(template, origin, inside.then(|| Footprint::single(square))))
    }
}

/// Feet, halves included, of the cases' map.
fn point(feet: [f64; 2]) -> Result<Point> {
    let [x, y] = feet.map(|feet| {
        let half = feet * 2.0;
        (half.fract() == 0.0 && half.abs() < 1_000.0).then_some(half as i32)
    });
    let point = x.zip(y).map(|(x, y)| Point { x, y });
    let middle = Point::corner(Square { x: MIDDLE, y: MIDDLE });
    Ok(point.context("a point in half feet")?.shifted(middle.x, middle.y))
}

/// An angle as the engine has it, a direction of whole numbers: in ten thousandths, and no farther
/// from the nearest axis than the angle, so that a square whose middle is on the edge of a line at
/// 30 degrees comes to lie inside, as it counts where nothing is rounded.
fn direction(degrees: f64) -> Result<Direction> {
    let (down, right) = degrees.to_radians().sin_cos();
    let [x, y] = [right, down].map(|part| part * 10_000.0);
    let away = |part: f64| part.abs().ceil().copysign(part);
    let (x, y) = match (x.round().abs(), y.round().abs()) {
        (a, b) if a == b => (x.round(), y.round()),
        (a, b) if a < b => (x.trunc(), away(y)),
        _ => (away(x), y.trunc()),
    };
    Direction::new(x as i32, y as i32).context("a direction")
}

/// As in "Large creature in cells (0,0)-(1,1)".
fn creature(text: &str) -> Result<Footprint> {
    let size = text.split(' ').next().unwrap_or_default().to_lowercase();
    let size: Size = serde_json::from_value(json!(size))?;
    let corner = text.split(['(', ')']).nth(1).and_then(|corner| corner.split_once(','));
    let (x, y) = corner.context("the creature's square")?;
    let corner = Square { x: x.trim().parse()?, y: y.trim().parse()? };
    Ok(Footprint::of(size, corner.shifted(MIDDLE, MIDDLE)))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Effect {
    Hidden { radius_ft: i32, target_behind_total_cover_from_origin: bool },
    Aimed { placed_at_unseen_point_behind_wall: bool },
}

/// A wall over the whole height of the map, two columns right of where the origin is.
fn aoe_line_of_effect(play: &mut Play<'_>) -> Result<Value> {
    let origin = Square { x: MIDDLE, y: MIDDLE };
    let (wall, beyond) = (origin.shifted(2, 0), origin.shifted(3, 0));
    let mut grid = Grid::open(WIDE, WIDE);
    let walled = match play.inputs()? {
        Effect::Hidden { target_behind_total_cover_from_origin: walled, .. } => walled,
        Effect::Aimed { placed_at_unseen_point_behind_wall: walled } => walled,
    };
    if walled {
        grid.blocking = (0..WIDE).map(|y| Square { x: wall.x, y }).collect();
    }
    let terrain = Terrain::of(&grid);
    Ok(match play.inputs()? {
        Effect::Hidden { radius_ft, .. } => {
            let center = Point::center(origin);
            let template = Template::Disc { center, radius_ft };
            let area = Area::new(template, center, None);
            let squares = area.squares(&terrain, play.rules.area_squares);
            json!({ "affected": squares.contains(&beyond) })
        }
        Effect::Aimed { .. } => {
            let at = near_side(&terrain, Footprint::single(origin), beyond);
            let near = if at.x < wall.x { "near side of the wall" } else { "where it was aimed" };
            json!({ "point_of_origin": near })
        }
    })
}

#[derive(Deserialize)]
struct Shielded {
    attacker: Square,
    target: Square,
    cover_objects: Vec<(Square, Cover)>,
    creatures_between: Vec<Square>,
}

fn cover_line(play: &mut Play<'_>) -> Result<Value> {
    let case: Shielded = play.inputs()?;
    let grid = Grid::open(WIDE, WIDE);
    let objects = case.cover_objects.into_iter();
    let creatures = case.creatures_between.into_iter().map(|square| (square, Cover::Half));
    let obstacles = objects.chain(creatures).map(|(square, most)| Obstacle { square, most });
    let obstacles: Vec<Obstacle> = obstacles.collect();
    let (attacker, target) = (Footprint::single(case.attacker), Footprint::single(case.target));
    Ok(json!({ "cover": cover(&Terrain::of(&grid), &obstacles, attacker, target) }))
}

#[derive(Deserialize)]
struct Apart {
    a: Position,
    b: Position,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Position {
    Square(Square),
    Creature {
        size: Size,
        #[serde(alias = "anchor_cell")]
        cell: Square,
    },
}

impl Position {
    fn space(&self) -> Space {
        let (size, square) = match self {
            Self::Square(square) => (Size::Medium, *square),
            Self::Creature { size, cell } => (*size, *cell),
        };
        Space::of(size, Place::ground(square))
    }
}

fn distance_grid(play: &mut Play<'_>) -> Result<Value> {
    let case: Apart = play.inputs()?;
    let distance = distance_ft(case.a.space(), case.b.space(), play.rules.diagonals);
    Ok(json!({ "distance_ft": distance }))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Shooting {
    At {
        weapon: String,
        distance_ft: i32,
    },
    Crowded {
        ranged_attack: bool,
        hostile_within_5ft: bool,
        that_hostile_can_see_you: bool,
        that_hostile_incapacitated: bool,
    },
}

/// A weapon's range, from the content of the edition. SRD 5.1 calls a light crossbow a crossbow,
/// light.
fn weapon(name: &str, edition: Edition) -> Result<RangeFt> {
    let weapons: Vec<Weapon> = serde_json::from_str(Texts::of(edition).weapons)?;
    let words = |key: &str| key.split('-').map(str::to_owned).collect::<BTreeSet<_>>();
    let named = words(name);
    let weapon = weapons.into_iter().find(|weapon| words(weapon.id.as_str()) == named);
    weapon.and_then(|weapon| weapon.range_ft).with_context(|| format!("the range of {name}"))
}

fn range(play: &mut Play<'_>) -> Result<Value> {
    Ok(match play.inputs()? {
        Shooting::At { weapon: name, distance_ft } => {
            let range = weapon(&name, play.rules.edition)?;
            let mode = match shot(range, distance_ft) {
                Shot::Normal => Some("normal"),
                Shot::Long => Some("disadvantage"),
                Shot::Beyond => None,
            };
            json!({
                "normal": range.normal,
                "long": range.long,
                "legal": mode.is_some(),
                "mode": mode,
            })
        }
        Shooting::Crowded {
            ranged_attack,
            hostile_within_5ft,
            that_hostile_can_see_you: sees,
            that_hostile_incapacitated: incapacitated,
        } => {
            let distance_ft = if hostile_within_5ft { 5 } else { 10 };
            let hinders = ranged_attack && crowded(distance_ft, || sees, || incapacitated);
            json!({ "mode": if hinders { "disadvantage" } else { "normal" } })
        }
    })
}
