//! The record of one roll, as clients and the journal have it.

use serde::{Deserialize, Serialize};

/// Record of one roll.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Roll {
    /// As it was written.
    pub expression: String,
    /// Every face in draw order.
    pub faces: Vec<u32>,
    /// Those that count, in draw order.
    pub kept: Vec<u32>,
    /// Numbers added.
    pub modifiers: Vec<Modifier>,
    /// Whether the d20 was rolled twice.
    pub mode: RollMode,
    /// Everything that spoke for either side; both present: `mode` is normal.
    pub reasons: Vec<RollReason>,
    /// What came of it.
    pub total: i64,
    /// `server`, or the id of the player whose physical dice gave the faces.
    pub by: String,
}

impl Roll {
    /// One die and nothing else.
    pub fn plain(sides: u32, dice: &mut dyn super::Dice) -> Self {
        let face = dice.roll(sides);
        Self {
            expression: format!("1d{sides}"),
            faces: vec![face],
            kept: vec![face],
            modifiers: Vec::new(),
            mode: RollMode::Normal,
            reasons: Vec::new(),
            total: i64::from(face),
            by: "server".to_owned(),
        }
    }
}

/// A number added to a roll.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Modifier {
    /// Signed.
    pub value: i64,
    /// Where it comes from: `expression`, an ability, an effect.
    pub source: String,
}

/// Whether the d20 was rolled twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollMode {
    /// Once.
    Normal,
    /// Twice, the higher counts.
    Advantage,
    /// Twice, the lower counts.
    Disadvantage,
}

/// What spoke for advantage or disadvantage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RollReason {
    /// Which of the two.
    pub gives: RollMode,
    /// Condition, effect, cover or rule.
    pub why: String,
    /// Whose doing, when it is somebody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
}
