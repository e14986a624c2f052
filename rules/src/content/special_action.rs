//! Special actions of a stat block, and what follows a hit or a save.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{DamageDice, Duration, EffectTemplate, Expression, Key, SaveSpec};
use crate::{Ability, Condition, DamageType};

/// A special action of a stat block or feature: `use` on the wire.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecialAction {
    /// Its name in the block.
    pub use_id: Key,
    /// As it is printed.
    pub name: String,
    /// What it takes.
    pub cost: Cost,
    /// Legendary actions spent: 1 to 3; absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legendary_cost: Option<u8>,
    /// Least d6 face that recharges it: 2 to 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recharge: Option<u8>,
    /// Times a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u8>,
    /// Pool that it spends from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Key>,
    /// Of its targets, or of the area's origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_ft: Option<i32>,
    /// Whom it affects, where that is not chosen one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// How many creatures are chosen; absent: none, or all in the area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<u8>,
    /// Rolled once for all; on a failed save where there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<DamageDice>,
    /// Hit points regained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healing: Option<Expression>,
    /// Against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save: Option<SaveSpec>,
    /// Besides the damage, on a failed save.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<OutcomeSpec>,
    /// On a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<OutcomeSpec>,
    /// On either, or without a save.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always: Option<OutcomeSpec>,
}

impl SpecialAction {
    /// Whether it can be used only so often.
    pub(crate) const fn is_limited(&self) -> bool {
        self.per_day.is_some() || self.recharge.is_some() || self.resource.is_some()
    }
}

/// What an action takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Cost {
    Action,
    BonusAction,
    Reaction,
    Legendary,
    Lair,
    Free,
}

/// What follows a hit or a use.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rider {
    /// On a failed save where there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<DamageDice>,
    /// Against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save: Option<SaveSpec>,
    /// On a failed save.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<OutcomeSpec>,
    /// On a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<OutcomeSpec>,
    /// On either, or without a save.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always: Option<OutcomeSpec>,
    /// On a save that fails by 5 or more, in place of `fail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_badly: Option<OutcomeSpec>,
    /// When the damage brings the target down to 0 hit points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_zero: Option<Box<AtZero>>,
    /// Only where the attacker chooses it, in place of the damage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chosen: bool,
}

/// What happens to a target that comes down to 0 hit points.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtZero {
    /// Damage of these types must be among what brought it down; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<DamageType>,
    /// What happens.
    pub outcome: OutcomeSpec,
}

/// The maximum of hit points is less by the damage of a hit.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sap {
    /// By that of these types; empty: by all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<DamageType>,
    /// The attacker regains as much.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heals: bool,
}

/// An ability score is less.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weakens {
    /// Which.
    pub ability: Ability,
    /// By how much.
    pub dice: Expression,
}

/// What happens to a target.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeSpec {
    /// Damage taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<DamageDice>,
    /// Conditions gained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// For how long; absent: until something ends them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// The save is repeated at the end of each of the target's turns.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub save_ends: bool,
    /// Straight away from the source, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push_ft: Option<i32>,
    /// Straight toward the source, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_ft: Option<i32>,
    /// Anything else; beside a grapple it lasts as long as that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Arc<EffectTemplate>>,
    /// Of a hit: the maximum of hit points is less by the damage taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saps: Option<Sap>,
    /// An ability score is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weakens: Option<Weakens>,
    /// It is out of danger where it is dying.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stable: bool,
    /// It dies.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dies: bool,
    /// An effect on whose doing it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Arc<EffectTemplate>>,
}

/// An area of effect (SRD 5.1 "Areas of Effect"; SRD 5.2.1 "Area of Effect").
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// Its form.
    pub shape: Shape,
    /// Radius of sphere, cylinder, emanation; edge of cube; length of cone, line.
    pub size_ft: i32,
    /// Of a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width_ft: Option<i32>,
    /// Of a cylinder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_ft: Option<i32>,
    /// Where it is, once it is somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<[i32; 2]>,
    /// A square that it points at, once it points somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<[i32; 2]>,
}

/// Form of an area.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Shape {
    Sphere,
    Cylinder,
    Cube,
    Cone,
    Line,
    Emanation,
}

impl Area {
    /// One that is nowhere yet.
    pub const fn new(shape: Shape, size_ft: i32) -> Self {
        Self { shape, size_ft, width_ft: None, height_ft: None, at: None, direction: None }
    }
}
