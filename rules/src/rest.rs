//! What a long rest gives back (SRD 5.1 "Long Rest", "Exhaustion"; SRD 5.2.1 "Long Rest",
//! "Exhaustion").

use crate::rule_set::Edition;

/// Levels of exhaustion after a long rest: one less. In SRD 5.1 only for who had food and drink.
pub const fn exhaustion_after_long_rest(level: u8, fed_and_watered: bool, rule: Edition) -> u8 {
    match rule {
        Edition::E51 if !fed_and_watered => level,
        Edition::E51 | Edition::E52 => level.saturating_sub(1),
    }
}
