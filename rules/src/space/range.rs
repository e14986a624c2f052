//! Ranges of attacks (SRD 5.1 "Range", "Ranged Attacks in Close Combat"; SRD 5.2.1 "Range",
//! "Ranged Attacks in Close Combat").

use serde::{Deserialize, Serialize};

/// How far a ranged attack goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Range {
    /// Feet up to which nothing hinders it.
    pub normal_ft: i32,
    /// Feet beyond which it cannot be made; absent: those above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_ft: Option<i32>,
}

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

impl Range {
    /// How far is too far.
    pub fn shot(self, distance_ft: i32) -> Shot {
        if distance_ft <= self.normal_ft {
            Shot::Normal
        } else if self.long_ft.is_some_and(|long| distance_ft <= long) {
            Shot::Long
        } else {
            Shot::Beyond
        }
    }
}

/// Whether a hostile creature this far away hinders ranged attacks: within 5 ft, if it sees the
/// attacker and is not incapacitated.
pub const fn crowded(distance_ft: i32, sees_attacker: bool, incapacitated: bool) -> bool {
    distance_ft <= super::square::SQUARE_FT && sees_attacker && !incapacitated
}
