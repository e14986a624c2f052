//! Suites of movement: steps, costs, speeds, jumps, falls, other creatures' spaces.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use gss_rules::combat::{CombatantKind, Guard, Portion};
use gss_rules::space::{
    Change, Flight, Gait, Grid, Mover, Occupant, Place, Relation, Space, Square, Terrain,
    cost_per_foot, drag_burdens, fall_dice, high_jump_ft, lands_prone, long_jump_ft, movement_ft,
    movement_left_ft, passage, path, pay_half_speed, reachable, speed_ft, squeezing_hampers,
};
use gss_rules::{Condition, Diagonals, Dice as _, MovementMode, Size, Switch};
use serde::Deserialize;
use serde_json::{Value, json};

use super::play::Play;
use super::stage::{self, Stage};
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[
    ("falling", falling),
    ("jump", jump),
    ("movement_cost", movement_cost),
    ("movement_grid", movement_grid),
    ("pass_through", pass_through),
    ("speed", speed),
    ("stand_up", stand_up),
];

/// Columns and rows of a map whose size a case does not say.
const WIDE: [i32; 2] = [1_000, 1_000];

#[derive(Deserialize)]
struct Way {
    #[serde(default)]
    path: Vec<Square>,
    #[serde(default)]
    difficult_terrain: BTreeSet<Square>,
    #[serde(default)]
    blocked: BTreeSet<Square>,
    diagonal_steps: Option<i32>,
    diagonal_rule: Option<String>,
    start: Option<Square>,
    #[serde(default)]
    budget_ft: i32,
    grid: Option<[i32; 2]>,
}

fn movement_grid(play: &mut Play<'_>) -> Result<Value> {
    let way: Way = play.inputs()?;
    match way.diagonal_rule.as_deref() {
        None => {}
        Some("5-10-5") => play.rules.diagonals = Diagonals::Alternate,
        Some(other) => bail!("no table counts diagonals by {other}"),
    }
    let [width, height] = way.grid.unwrap_or(WIDE);
    let mut grid = Grid::open(width, height);
    (grid.difficult, grid.blocking) = (way.difficult_terrain, way.blocked);
    let terrain = Terrain::of(&grid);
    let mover = Mover { size: Size::Medium, gait: Gait::WALK, rules: &play.rules };
    if let Some(start) = way.start {
        let from = Place::ground(start);
        let cells = reachable(&mover, &terrain, &[], from, 0, way.budget_ft);
        return Ok(json!({ "reachable_cells": cells.len() }));
    }
    let diagonal = |steps: i32| (0..=steps).map(|step| Square { x: step, y: step }).collect();
    let squares = way.diagonal_steps.map_or(way.path, diagonal);
    let mut places = squares.into_iter().map(Place::ground);
    let Some(from) = places.next() else { bail!("the path is empty") };
    let to: Vec<Place> = places.collect();
    Ok(match path(&mover, &terrain, &[], from, &to, 0) {
        Ok(steps) => {
            let cost: i32 = steps.iter().map(|step| step.cost_ft).sum();
            json!({ "legal": true, "cost_ft": cost })
        }
        Err(_) => json!({ "legal": false, "cost_ft": null }),
    })
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Cost {
    mode: String,
    difficult: bool,
    climb: bool,
    climb_speed: bool,
    swim: bool,
    swim_speed: bool,
    crawl: bool,
    drag: Option<String>,
    speed: Option<i32>,
}

fn movement_cost(play: &mut Play<'_>) -> Result<Value> {
    let cost: Cost = play.inputs()?;
    let rules = &play.rules;
    let rule = rules.edition(Switch::DragCost);
    let dragged = match cost.drag.as_deref() {
        None => None,
        Some("same size") => Some((Size::Medium, Size::Medium)),
        Some("one size smaller") => Some((Size::Medium, Size::Small)),
        Some("two sizes smaller") => Some((Size::Large, Size::Small)),
        Some("tiny") => Some((Size::Medium, Size::Tiny)),
        Some(other) => bail!("nobody drags what is {other}"),
    };
    let burdened = dragged.is_some_and(|(mover, dragged)| drag_burdens(rule, mover, dragged));
    let (mode, own_speed) = match (cost.climb, cost.swim) {
        (true, _) => (MovementMode::Climb, cost.climb_speed),
        (_, true) => (MovementMode::Swim, cost.swim_speed),
        _ => (MovementMode::Walk, true),
    };
    let squeezing = cost.mode == "squeezing";
    let gait = Gait { mode, own_speed, crawling: cost.crawl, squeezing, dragging: burdened };
    let mut got = json!({ "cost_per_foot": cost_per_foot(gait, cost.difficult, rules) });
    if let Some(speed) = cost.speed {
        let halved = burdened && !rules.is_52(Switch::DragCost);
        let changes: &[Change] = if halved { &[Change::Halve] } else { &[] };
        got["effective_speed"] = json!(speed_ft(speed, changes));
    }
    if squeezing {
        let hampers = squeezing_hampers(rules.edition(Switch::Squeeze));
        let (own, others) =
            if hampers { ("disadvantage", "advantage") } else { ("normal", "normal") };
        got["attack_mode"] = json!(own);
        got["dex_save_mode"] = json!(own);
        got["attacks_against_mode"] = json!(others);
    }
    Ok(got)
}

#[derive(Deserialize)]
struct Passing {
    mover: Size,
    other: Size,
    relation: Relation,
    other_incapacitated: bool,
}

fn pass_through(play: &mut Play<'_>) -> Result<Value> {
    let case: Passing = play.inputs()?;
    let space = Space::of(case.other, Place::ground(Square { x: 0, y: 0 }));
    let (size, relation) = (case.other, case.relation);
    let other = Occupant { space, size, relation, incapacitated: case.other_incapacitated };
    let passage = passage(play.rules.edition(Switch::PassThrough), case.mover, &other);
    Ok(json!({
        "may_pass": passage.may_pass,
        "difficult_terrain": passage.difficult,
        "may_end_move_there": passage.may_end,
    }))
}

#[derive(Deserialize)]
struct Standing {
    speed: i32,
    movement_left: i32,
}

fn stand_up(play: &mut Play<'_>) -> Result<Value> {
    let case: Standing = play.inputs()?;
    let left = pay_half_speed(case.speed, case.movement_left);
    let after = left.unwrap_or(case.movement_left);
    Ok(json!({ "allowed": left.is_some(), "movement_left": after }))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Pace {
    Conditions { conditions: Vec<Condition>, base_speed: i32 },
    Dash { speed: i32, dashes: u32 },
    Switch(Switched),
}

#[derive(Deserialize)]
struct Switched {
    #[serde(flatten)]
    speeds: gss_rules::Speeds,
    moved_ft: i32,
    switch_to: MovementMode,
}

fn speed(play: &mut Play<'_>) -> Result<Value> {
    Ok(match play.inputs()? {
        Pace::Conditions { conditions, base_speed } => {
            let creature = |walk| stage::block(&json!({ "speeds": { "walk": walk } }));
            let actor = (CombatantKind::Monster, creature(base_speed)?);
            let other = (CombatantKind::Monster, creature(30)?);
            let mut stage = Stage::new(&play.rules, actor, other, 5)?;
            for condition in conditions {
                stage.afflict(stage::ACTOR, condition, Some(stage::OTHER))?;
            }
            let speed = stage.view().speed_ft(stage::ACTOR, MovementMode::Walk);
            json!({ "speed": speed })
        }
        Pace::Dash { speed, dashes } => json!({ "movement_ft": movement_ft(speed, dashes) }),
        Pace::Switch(case) => {
            let Some(speed) = case.speeds.of(case.switch_to) else { bail!("it has no such speed") };
            json!({ "can_still_move_ft": movement_left_ft(speed, 0, case.moved_ft) })
        }
    })
}

#[derive(Deserialize)]
struct Jump {
    strength: Option<u8>,
    str_mod: Option<i32>,
    running_start_10ft: bool,
}

fn jump(play: &mut Play<'_>) -> Result<Value> {
    let case: Jump = play.inputs()?;
    let run_up = case.running_start_10ft;
    let long = case.strength.map(|strength| long_jump_ft(strength, run_up));
    let high = case.str_mod.map(|modifier| high_jump_ft(modifier, run_up));
    Ok(json!({ "long_jump_ft": long, "high_jump_ft": high }))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Falling {
    Fall { fall_ft: i32, resistant_to: Option<String> },
    Flight { flying: bool, hover: bool, event: String },
}

fn falling(play: &mut Play<'_>) -> Result<Value> {
    Ok(match play.inputs()? {
        Falling::Fall { fall_ft, resistant_to } => {
            let dice = fall_dice(fall_ft);
            let rolled: u32 = (0..dice).map(|_| play.dice.roll(6)).sum();
            let resistant = resistant_to.as_deref() == Some("bludgeoning");
            let guard = Guard { resistant, ..Guard::default() };
            let damage = guard.applied(i32::try_from(rolled)?, Portion::Full);
            json!({ "dice": dice, "damage": damage, "prone": lands_prone(damage) })
        }
        Falling::Flight { flying, hover, event } => {
            let flight = Flight {
                hover,
                held_by_magic: event.contains("held aloft"),
                prone: event.contains("prone"),
                stopped: event.contains("speed reduced to 0"),
                incapacitated: event.contains("incapacitated"),
            };
            json!({ "falls": flying && flight.falls(play.rules.edition(Switch::FlyingFall)) })
        }
    })
}
