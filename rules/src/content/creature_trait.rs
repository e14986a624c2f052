//! Traits of creatures in the language of effects: one effect for all blocks that have the trait.
//!
//! The numbers of an aura or a retaliation are those of the block: the facts of its record.

use serde::{Deserialize, Serialize};

use super::{Area, Key, OutcomeSpec, Requirement, Who};
use crate::effect::{Case, Ending, Grant, Modifier, RollKind, Trigger, Zone};
use crate::{Condition, Expression, Size, Speeds};

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
    /// Conditions it always has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// What it lets its bearer do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// What ends all this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends_on: Vec<Ending>,
    /// The area around its bearer that `zone` is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// What it makes of that area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// Weapons that hit it corrode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrodes: Option<Corrosion>,
    /// Forms that it takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<Form>,
    /// It takes a form only where all of these hold of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes_when: Vec<Case>,
    /// What a run straight at somebody adds to a hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Charge>,
    /// What becomes of it as it dies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub death: Option<Death>,
}

/// What becomes of nonmagical weapons that hit a creature: each hit takes 1 of their attack or damage
/// rolls.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corrosion {
    /// Of which rolls: of attack, or of damage.
    pub on: RollKind,
    /// Weapons of another stuff.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spares: Vec<Key>,
}

/// A form of a shapechanger. Hit points stay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Its name, the choice `form`.
    pub id: Key,
    /// The record whose numbers it has then; absent: its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monster: Option<Key>,
    /// Another size than the record's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Other speeds than the record's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speeds: Option<Speeds>,
    /// What else is so while it has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// Its true form: it has it again as it dies.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

/// A run straight at somebody who is hit then: as far as the record's first distance, with its
/// damage and its save, on a failed one prone and as far away as its second distance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// Attacks that it ends with.
    pub with: Vec<Key>,
    /// Attacks one of which it may make as a bonus action on who lies prone then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Key>,
}

/// What becomes of a creature as it dies.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Death {
    /// It bursts: the record's damage and save around it, as far as the record's first distance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
    /// No body is left.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub vanishes: bool,
    /// Days after which it lives again with all its hit points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns_days: Option<Expression>,
    /// It lives again elsewhere, not where it died.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub elsewhere: bool,
    /// Not where the combat is on this plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_on: Option<Key>,
    /// Only where the combat is on this plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_on: Option<Key>,
    /// Not where its slayer has an effect of this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless_slayer_under: Option<Key>,
}

/// A burst.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Burst {
    /// Half damage on a successful save.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub half: bool,
    /// Besides the damage, on a failed save.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail: Option<OutcomeSpec>,
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
