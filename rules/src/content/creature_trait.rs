//! Traits of creatures in the language of effects: one effect for all blocks that have the trait.
//!
//! The numbers of an aura or a retaliation are those of the block: the facts of its record.

use serde::{Deserialize, Serialize};

use super::{Key, OutcomeSpec, Requirement, Who};
use crate::effect::Modifier;

/// What a trait does. It runs on its bearer from when that joins a combat.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trait {
    /// Its key.
    pub id: Key,
    /// The trait of the block, where it is another for these creatures than for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Key>,
    /// Only for these; empty: for all that have the trait.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monsters: Vec<Key>,
    /// What it changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// What it does to those around.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aura: Option<Aura>,
    /// Who hits it with a melee attack from within 5 feet takes the record's damage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retaliates: bool,
}

/// What happens to those within the record's feet: its damage, its save.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aura {
    /// When.
    pub at: AuraEdge,
    /// Whom of them; absent: all but the bearer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
    /// What they must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Requirement>,
    /// Besides the damage, on a failed save or without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<OutcomeSpec>,
    /// Who succeeds against it is safe from it for a day.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub immunizes: bool,
    /// Not while the bearer is incapacitated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_action: bool,
    /// Whom the bearer grapples or is grappled by, instead of those around.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grappling: bool,
}

/// When an aura does something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuraEdge {
    /// As its bearer's turn starts.
    BearerStart,
    /// As its bearer's turn ends.
    BearerEnd,
    /// As the turn of somebody in it starts.
    OtherStart,
}
