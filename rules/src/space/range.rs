//! Ranges of attacks (SRD 5.1 "Range", "Ranged Attacks in Close Combat"; SRD 5.2.1 "Range",
//! "Ranged Attacks in Close Combat").

use crate::content::RangeFt;

/// How a distance lies to a range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shot {
    /// Within normal range.
    Normal,
    /// Within long range: disadvantage.
    Long,
    /// Out of range.
    Beyond,
}

/// Whether a distance in feet is within a range. One that is single is the most there is.
pub fn shot(range: RangeFt, distance_ft: i32) -> Shot {
    if distance_ft <= range.normal {
        Shot::Normal
    } else if range.long.is_some_and(|long| distance_ft <= long) {
        Shot::Long
    } else {
        Shot::Beyond
    }
}

/// Whether a hostile creature this far away hinders ranged attacks: within 5 ft, if it sees the
/// attacker and is not incapacitated.
pub fn crowded(
    distance_ft: i32,
    sees_attacker: impl FnOnce() -> bool,
    incapacitated: impl FnOnce() -> bool,
) -> bool {
    distance_ft <= super::square::SQUARE_FT && sees_attacker() && !incapacitated()
}
