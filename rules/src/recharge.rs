//! Actions that come back by a die (SRD 5.1 "Limited Usage"; SRD 5.2.1 "Limited Usage"): a d6 at
//! the start of each of the creature's turns while the action is spent.

/// Sides of the die.
pub const RECHARGE_SIDES: u32 = 6;

/// Whether this face brings back an action that recharges from `least` on: `Recharge 5–6` has 5.
pub fn recharges(least: u8, face: u32) -> bool {
    face >= u32::from(least)
}
