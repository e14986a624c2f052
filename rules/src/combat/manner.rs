//! How an attack is made, where there is a choice.

use serde::{Deserialize, Serialize};

use crate::Ability;

/// How an attack is made.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manner {
    /// With what else it is made, or in place of what.
    #[serde(skip_serializing_if = "Extra::is_none")]
    pub extra: Extra,
    /// A versatile weapon in two hands.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub two_handed: bool,
    /// Thrown, also at somebody within reach.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub thrown: bool,
    /// With the weapon's mastery property (SRD 5.2.1 "Mastery Properties").
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mastery: bool,
    /// Strength or Dexterity, with a finesse weapon; absent: the higher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ability: Option<Ability>,
    /// As the other of two things that the attack can be: another damage type, a hold.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub other: bool,
}

/// What an attack is besides one of the action's.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// One of the action's.
    #[default]
    None,
    /// With a second light weapon, as a bonus action.
    OffHand,
    /// With a second light weapon, as part of the action (SRD 5.2.1 "Nick").
    Nick,
    /// On a second creature beside the one that was hit (SRD 5.2.1 "Cleave").
    Cleave,
    /// On who lies prone where it was charged, as a bonus action (SRD 5.1 "Pounce", "Trampling
    /// Charge").
    Pounce,
}

impl Extra {
    /// Whether it is one of the action's.
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether the ability modifier is added to its damage only where it is negative.
    pub const fn is_without_modifier(self) -> bool {
        matches!(self, Self::OffHand | Self::Nick | Self::Cleave)
    }
}

impl Manner {
    /// Whether nothing was chosen.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}
