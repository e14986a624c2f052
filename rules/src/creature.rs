//! What kind of creature one is: size, type, ways of moving.

use serde::{Deserialize, Serialize};

/// Size (SRD 5.1 "Creature Size"; SRD 5.2.1 "Creature Size").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// 2½ by 2½ ft.
    Tiny,
    /// 5 by 5 ft.
    Small,
    /// 5 by 5 ft.
    Medium,
    /// 10 by 10 ft.
    Large,
    /// 15 by 15 ft.
    Huge,
    /// 20 by 20 ft.
    Gargantuan,
}

impl Size {
    /// Squares of 5 ft along an edge of its space; a Tiny creature takes one.
    pub const fn squares(self) -> i32 {
        match self {
            Self::Tiny | Self::Small | Self::Medium => 1,
            Self::Large => 2,
            Self::Huge => 3,
            Self::Gargantuan => 4,
        }
    }

    /// The size so many steps larger; none: there is none.
    pub fn larger(self, steps: i32) -> Option<Self> {
        let all =
            [Self::Tiny, Self::Small, Self::Medium, Self::Large, Self::Huge, Self::Gargantuan];
        let index = (self as i32).checked_add(steps)?;
        all.get(usize::try_from(index).ok()?).copied()
    }

    /// How many sizes larger than `other`: negative if smaller.
    pub const fn steps_above(self, other: Self) -> i32 {
        self as i32 - other as i32
    }
}

/// Type of a creature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum CreatureType {
    Aberration,
    Beast,
    Celestial,
    Construct,
    Dragon,
    Elemental,
    Fey,
    Fiend,
    Giant,
    Humanoid,
    Monstrosity,
    Ooze,
    Plant,
    Undead,
}

/// A way of moving.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum MovementMode {
    Walk,
    Fly,
    Swim,
    Climb,
    Burrow,
}

/// Speeds in feet per turn; absent: none of that kind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speeds {
    /// On foot.
    pub walk: i32,
    /// In the air.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fly: Option<i32>,
    /// In water.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swim: Option<i32>,
    /// Up walls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub climb: Option<i32>,
    /// Through earth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burrow: Option<i32>,
    /// Stays in the air whatever happens to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hover: bool,
}

impl Speeds {
    /// The speed of one kind; none: it has none of its own.
    pub const fn of(&self, mode: MovementMode) -> Option<i32> {
        match mode {
            MovementMode::Walk => Some(self.walk),
            MovementMode::Fly => self.fly,
            MovementMode::Swim => self.swim,
            MovementMode::Climb => self.climb,
            MovementMode::Burrow => self.burrow,
        }
    }
}

/// Special senses, in feet; absent: none.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Senses {
    /// Sees in darkness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub darkvision_ft: Option<i32>,
    /// Perceives without sight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blindsight_ft: Option<i32>,
    /// Feels what touches the same ground.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tremorsense_ft: Option<i32>,
    /// Sees what is invisible or disguised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truesight_ft: Option<i32>,
    /// What others' Stealth is held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passive_perception: Option<i32>,
}
