//! An effect that runs on a creature.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{CombatantId, EffectId};
use crate::effect::{Edge, EffectTemplate};

/// An effect on a creature. One casting on several creatures is as many effects with one `parent`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// Its name.
    pub id: EffectId,
    /// What it does.
    pub template: Arc<EffectTemplate>,
    /// Whose doing it is; none: a ruling, or the surroundings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<CombatantId>,
    /// Whom it is on.
    pub target: CombatantId,
    /// The effect it ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<EffectId>,
    /// When it runs out; none: not by time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Moment>,
    /// Another creature that it has to do with: the one to be attacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<CombatantId>,
}

/// A point in the order of turns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// Round, from 1.
    pub round: u32,
    /// Whose turn.
    pub of: CombatantId,
    /// Which point of it.
    pub at: Point,
}

/// A point of a turn, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// As it starts.
    Start,
    /// When everything that belongs to its start is done: where counted rounds end.
    Within,
    /// As it ends.
    End,
}

impl From<Edge> for Point {
    fn from(edge: Edge) -> Self {
        match edge {
            Edge::Start => Self::Start,
            Edge::End => Self::End,
        }
    }
}

/// Why an effect ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Its time was over.
    Expired,
    /// The save that ends it.
    Saved,
    /// Its source concentrates on it no more.
    Concentration,
    /// The effect it belonged to ended.
    Parent,
    /// Another of its key took its place.
    Replaced,
    /// What it needs is gone: the creature woke, died, was let go.
    Over,
    /// Somebody removed it.
    Removed,
}
