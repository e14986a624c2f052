//! Jumps (SRD 5.1 "Jumping"; SRD 5.2.1 "Long Jump", "High Jump"): every foot costs movement.

/// Feet moved on foot right before a jump, for the whole of it.
pub const RUN_UP_FT: i32 = 10;
/// DC of the Dexterity (Acrobatics) check of one that lands in difficult terrain, or falls prone.
pub const JUMP_LANDING_DC: i32 = 10;

/// Feet across: the Strength score, half of it without a run-up.
pub fn long_jump_ft(strength: u8, run_up: bool) -> i32 {
    part(i32::from(strength), run_up)
}

/// Feet up: 3 and the Strength modifier, half of that without a run-up; at least 0.
pub fn high_jump_ft(strength_modifier: i32, run_up: bool) -> i32 {
    part(strength_modifier.saturating_add(3).max(0), run_up)
}

const fn part(feet: i32, run_up: bool) -> i32 {
    if run_up { feet } else { feet / 2 }
}
