//! What of rolled damage gets through: adjustments, resistance, vulnerability, immunity.
//!
//! The order is the SRDs': other modifiers first, then resistance, then vulnerability (SRD 5.1
//! "Damage Resistance and Vulnerability"; SRD 5.2.1 "Order of Application"). Several resistances
//! to one type count once.

use serde::{Deserialize, Serialize};

use crate::DamageType;

/// Damage of one type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DamagePart {
    /// Type.
    #[serde(rename = "type")]
    pub kind: DamageType,
    /// Dice and numbers, before anything lessens it; 0 or more.
    pub rolled: i32,
    /// What came through.
    pub applied: i32,
}

/// How one type of damage meets a creature.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Guard {
    /// Added to the damage, usually negative.
    pub adjustment: i32,
    /// Halves it.
    pub resistant: bool,
    /// Doubles it.
    pub vulnerable: bool,
    /// Nothing of it counts.
    pub immune: bool,
}

/// What a save makes of damage.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Portion {
    /// All of it.
    #[default]
    Full,
    /// Half of it, rounded down.
    Half,
    /// None.
    None,
}

impl Portion {
    /// What is left after a save against damage: on a success half, or none.
    pub const fn after(saved: bool, half: bool) -> Self {
        match (saved, half) {
            (false, _) => Self::Full,
            (true, true) => Self::Half,
            (true, false) => Self::None,
        }
    }

    /// The share of an amount.
    pub const fn of(self, amount: i32) -> i32 {
        match self {
            Self::Full => amount,
            Self::Half => amount / 2,
            Self::None => 0,
        }
    }
}

impl Guard {
    /// What comes through of damage of this type.
    pub fn applied(self, rolled: i32, portion: Portion) -> i32 {
        if self.immune {
            return 0;
        }
        let adjusted = portion.of(rolled.saturating_add(self.adjustment).max(0));
        let resisted = if self.resistant { adjusted / 2 } else { adjusted };
        if self.vulnerable { resisted.saturating_mul(2) } else { resisted }
    }
}
