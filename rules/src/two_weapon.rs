//! The extra attack with a second light weapon (SRD 5.1 "Two-Weapon Fighting"; SRD 5.2.1 "Light").

/// What the ability modifier adds to that attack's damage: nothing, unless it is negative.
pub const fn second_hand_modifier(ability_modifier: i32) -> i32 {
    if ability_modifier < 0 { ability_modifier } else { 0 }
}
