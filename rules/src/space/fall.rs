//! Falls (SRD 5.1 "Falling", "Flying Movement"; SRD 5.2.1 "Falling", "Flying").

use crate::rule_set::Edition;

/// Feet of a fall for each die.
const FEET_PER_DIE: i32 = 10;
/// Dice of the longest fall.
const MOST_DICE: u32 = 20;

/// DC of the Athletics or Acrobatics check, a reaction, of one that falls into water.
pub const FALL_INTO_WATER_DC: i32 = 15;

/// Dice, each a d6, of bludgeoning damage.
pub fn fall_dice(feet: i32) -> u32 {
    u32::try_from(feet / FEET_PER_DIE).map_or(0, |dice| dice.min(MOST_DICE))
}

/// Whether one that falls lands prone: unless it takes no damage.
pub const fn lands_prone(damage: i32) -> bool {
    damage > 0
}

/// Whether a check of this total halves the damage of a fall into water; SRD 5.1 has no such rule.
pub const fn water_softens(rule: Edition, total: i32) -> bool {
    match rule {
        Edition::E51 => false,
        Edition::E52 => total >= FALL_INTO_WATER_DC,
    }
}

/// What keeps a flying creature up, and what brings it down.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Flight {
    /// It hovers.
    pub hover: bool,
    /// Magic, not wings, holds it.
    pub held_by_magic: bool,
    /// Prone.
    pub prone: bool,
    /// Its speed is 0.
    pub stopped: bool,
    /// Incapacitated, or it cannot move for another reason.
    pub incapacitated: bool,
}

impl Flight {
    /// Whether it falls.
    pub const fn falls(self, rule: Edition) -> bool {
        let held = match rule {
            Edition::E51 => self.hover || self.held_by_magic,
            Edition::E52 => self.hover,
        };
        !held && (self.prone || self.stopped || self.incapacitated)
    }
}
