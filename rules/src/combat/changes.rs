//! What a game master changes of a combatant; what is absent stays.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::CombatantId;
use crate::content::Pool;
use crate::effect::Duration;
use crate::space::Square;
use crate::{Condition, Key, Size, Speeds};

/// Changes of a combatant.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Changes {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The player that commands it; null: the game masters.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "said")]
    pub owner_id: Option<Option<Uuid>>,
    /// Its side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// Where it stands; null: off the board.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "said")]
    pub position: Option<Option<Square>>,
    /// Feet above the ground.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elevation_ft: Option<i32>,
    /// Whether only its owner and the game masters know of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Whether it is caught off guard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surprised: Option<bool>,
    /// Its count; its place in the order follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiative: Option<i32>,
    /// Hit points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hp: Option<HitPointsChange>,
    /// Armor class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ac: Option<i32>,
    /// Speeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speeds: Option<Speeds>,
    /// Size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Conditions gained.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions_add: Vec<ConditionAdded>,
    /// Conditions lost, wherever they come from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions_remove: Vec<Condition>,
    /// Pools that are now so.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<Key, Pool>,
    /// Spell slots that are now so, by their level: 1 to 9.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub spell_slots: BTreeMap<u8, Pool>,
    /// What it has left this turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub economy: Option<EconomyChange>,
    /// Its death saves, at 0 hit points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub death_saves: Option<DeathSaves>,
    /// Whether it lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alive: Option<bool>,
}

impl Changes {
    /// Whether everything stays.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What is said is there, null included.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Hit points, as far as they change.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HitPointsChange {
    /// Now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<i32>,
    /// At most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<i32>,
    /// Temporary ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temp: Option<i32>,
}

/// A condition gained.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionAdded {
    /// Which.
    pub condition: Condition,
    /// Levels of exhaustion gained, 1 to 6; absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// Whose doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<CombatantId>,
    /// How long; absent: until something ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
}

/// What is left this turn, as far as it changes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EconomyChange {
    /// Its action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<bool>,
    /// Its bonus action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bonus_action: Option<bool>,
    /// Its reaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaction: Option<bool>,
    /// The free interaction with an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interaction: Option<bool>,
    /// Feet that it can still walk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement_left_ft: Option<i32>,
}

/// Death saves so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeathSaves {
    /// 0 to 3.
    pub successes: u8,
    /// 0 to 3.
    pub failures: u8,
    /// Out of danger.
    pub stable: bool,
}
