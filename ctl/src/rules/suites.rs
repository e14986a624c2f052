//! Which suites there are: every family of suites is a file that lists its own.

use anyhow::Result;
use serde_json::Value;

use super::play::Play;
use super::{
    attacks, departure, dice_expr, endurance, geometry, health, initiative, legality, maneuvers,
    movement, scenario, spell_slots, turns,
};

/// Translates a case into calls of the engine and its answer into the members that the suite
/// expects. It decides no rule itself. An error: the inputs cannot be read.
pub(super) type Adapter = fn(&mut Play<'_>) -> Result<Value>;

/// Name and adapter.
pub(super) type Suite = (&'static str, Adapter);

const FAMILIES: &[&[Suite]] = &[
    attacks::SUITES,
    departure::SUITES,
    dice_expr::SUITES,
    endurance::SUITES,
    geometry::SUITES,
    health::SUITES,
    initiative::SUITES,
    legality::SUITES,
    maneuvers::SUITES,
    movement::SUITES,
    scenario::SUITES,
    spell_slots::SUITES,
    turns::SUITES,
];

/// The adapter of a suite.
pub(super) fn adapter(suite: &str) -> Option<Adapter> {
    let mut known = FAMILIES.iter().copied().flatten();
    known.find(|(name, _)| *name == suite).map(|(_, adapter)| *adapter)
}
