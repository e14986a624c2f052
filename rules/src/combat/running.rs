//! An effect that runs on a creature.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{CombatantId, EffectId};
use crate::Key;
use crate::effect::{Edge, EffectTemplate};
use crate::space::{Far, Space, Square};

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
    /// Where it is on the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<Covered>,
    /// Whom it did something to this turn that it does once a turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touched: Vec<CombatantId>,
    /// What it counts, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<Key, u32>,
    /// Where its bearer was before it was taken off the board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Square>,
}

impl Effect {
    /// Whether it is this one or hangs on it: what hangs on another is known by the other's name.
    pub fn is_of(&self, id: EffectId) -> bool {
        self.id == id || self.parent == Some(id)
    }
}

/// Where an effect is on the map.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covered {
    /// Its squares.
    pub squares: BTreeSet<Square>,
    /// What of it is so far off that its squares are not listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub far: Option<Far>,
    /// Feet above the ground of its lower end.
    pub low_ft: i32,
    /// Feet above the ground of its upper end.
    pub high_ft: i32,
}

impl Covered {
    /// Whether a square of the map has part in it.
    pub fn contains(&self, square: Square) -> bool {
        self.squares.contains(&square) || self.far.is_some_and(|far| far.covers(square))
    }

    /// Whether a space has part in it.
    pub fn touches(&self, space: Space) -> bool {
        space.place.elevation_ft < self.high_ft
            && self.low_ft < space.top_ft()
            && space.footprint().squares().any(|square| self.contains(square))
    }

    /// Whether a square is in both, and listed of one of them.
    pub fn meets(&self, other: &Self) -> bool {
        self.squares.iter().any(|square| other.contains(*square))
            || other.squares.iter().any(|square| self.contains(*square))
    }

    /// The same so many columns and rows away, so many feet higher.
    pub fn shifted(&self, [dx, dy]: [i32; 2], up_ft: i32) -> Self {
        Self {
            squares: self.squares.iter().map(|at| at.shifted(dx, dy)).collect(),
            far: self.far.map(|far| far.shifted(dx, dy)),
            low_ft: self.low_ft.saturating_add(up_ft),
            high_ft: self.high_ft.saturating_add(up_ft),
        }
    }

    /// The columns, rows and feet up by which another is the same in another place; none: it has
    /// another shape, or neither is anywhere.
    pub(super) fn shift_to(&self, other: &Self) -> Option<([i32; 2], i32)> {
        let (from, to) = (self.squares.first()?, other.squares.first()?);
        let by = [to.x.checked_sub(from.x)?, to.y.checked_sub(from.y)?];
        let up_ft = other.low_ft.checked_sub(self.low_ft)?;
        (self.shifted(by, up_ft) == *other).then_some((by, up_ft))
    }
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
