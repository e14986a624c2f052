//! Questions that hold a command up until somebody answers.

use serde::{Deserialize, Serialize};

use super::{CombatantId, PromptId, Purpose};
use crate::Key;

/// A question to whoever commands a combatant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Prompt {
    /// Its name.
    pub id: PromptId,
    /// Whose decision it is.
    pub who: CombatantId,
    /// What is asked.
    pub question: Question,
}

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Question {
    /// Faces of physical dice.
    Dice {
        /// Sides of each die.
        sides: Vec<u32>,
        /// What they are for.
        purpose: Purpose,
    },
    /// Whether to react. Not answered in time: no.
    OpportunityAttack {
        /// Who is about to leave the reach.
        target: CombatantId,
        /// Attacks it could make.
        options: Vec<Key>,
    },
    /// One of several. Not answered in time: `default`.
    Choice {
        /// What is chosen.
        choice: Choice,
        /// One of them.
        options: Vec<Key>,
        /// Taken where nobody chooses.
        default: Key,
    },
}

/// What is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The ability of a save: `str`, `dex`.
    SaveAbility,
    /// The skill of a contest: `athletics`, `acrobatics`.
    ContestSkill,
    /// Which temporary hit points: `keep`, `replace`.
    TempHp,
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// Faces, in the order asked for.
    Faces {
        /// One per die.
        faces: Vec<u32>,
    },
    /// No reaction, and of a choice the default; what counts when time runs out.
    Decline,
    /// A reaction.
    React {
        /// The option taken.
        option: Key,
    },
    /// One of the options of a choice.
    Choose {
        /// Which.
        option: Key,
    },
    /// The server throws the dice that were asked for; what counts when time runs out.
    Roll,
}
