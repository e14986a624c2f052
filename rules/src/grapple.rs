//! Grappling and shoving (SRD 5.1 "Grappling", "Shoving a Creature", "Contests"; SRD 5.2.1
//! "Unarmed Strike", "Grappling").

use crate::creature::Size;

/// Whether one may grapple or shove the other: it is at most one size larger.
pub fn may_grapple(attacker: Size, target: Size) -> bool {
    target.steps_above(attacker) <= 1
}

/// SRD 5.2.1: what the target's Strength or Dexterity save must reach, and its check to escape.
pub const fn grapple_dc(strength_modifier: i32, proficiency_bonus: i32) -> i32 {
    8 + strength_modifier + proficiency_bonus
}

/// SRD 5.1: whether the one who wants to change something wins the contest; a tie changes nothing.
pub const fn contest_won(total: i64, against: i64) -> bool {
    total > against
}
