//! Questions that hold a command up until somebody answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CombatantId, EffectId, Happening, PromptId, Purpose};
use crate::effect::Reacts;
use crate::space::Square;
use crate::{Ability, Key};

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
    /// Whether to do what was prepared. Not answered in time: no.
    Readied {
        /// Whose doing it is.
        target: CombatantId,
        /// What happened.
        on: Happening,
    },
    /// One of several. Not answered in time: `default`.
    Choice {
        /// What is chosen.
        choice: Choice,
        /// One of them.
        options: Vec<Key>,
        /// Taken where nobody chooses.
        default: Key,
        /// Whom it is about, if about another.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<CombatantId>,
    },
    /// Whether to take a legendary action as another's turn is over. Not answered in time: no.
    LegendaryAction {
        /// Those it can take.
        options: Vec<Key>,
        /// Legendary actions it has left.
        left: u8,
    },
    /// Whether a failed save is to be a success. Not answered in time: no.
    LegendaryResistance {
        /// Of the save.
        ability: Ability,
        /// What it had to reach.
        dc: i32,
        /// How often it can still do so today.
        left: u8,
    },
    /// Whether to parry an attack that would hit. Not answered in time: no.
    Parry {
        /// Whose attack.
        attacker: CombatantId,
        /// What it was rolled to.
        total: i64,
        /// Reactions it can parry with.
        options: Vec<Key>,
    },
    /// Whether to cast a spell in reaction. Not answered in time: no.
    CastInReaction {
        /// To whose doing.
        target: CombatantId,
        /// What it does.
        to: Reacts,
        /// Spells it could cast; from a higher slot than it needs, as `shield_3`.
        options: Vec<Key>,
    },
    /// Whether to react to a fall, its own or that of whom it rides. Not answered in time: no.
    Falls {
        /// Who falls.
        of: CombatantId,
        /// What it could do.
        options: Vec<Key>,
    },
    /// Whether to take a lair action on count 20. Not answered in time: no.
    LairAction {
        /// Those it can take.
        options: Vec<Key>,
    },
    /// In which order effects do what they do as its turn starts or ends. Not answered in time:
    /// saves that end them, then damage, then the rest, of each in this order.
    EffectOrder {
        /// Which.
        effects: Vec<EffectId>,
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
    /// The type of damage dealt.
    DamageType,
    /// Whom an opportunity attack is made on: `mount`, `rider`.
    MountOrRider,
    /// What a melee attack does that brings somebody down: `strike_down`, `knock_out`.
    KnockOut,
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
    /// A special action, as [`super::Command::UseAction`] has it.
    Use {
        /// Which.
        id: Key,
        /// Whom.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        targets: Vec<CombatantId>,
        /// Where the area is, or where it goes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Square>,
        /// A square that the area points at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        direction: Option<Square>,
        /// Of what it can be, one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        option: Option<Key>,
        /// Where it steps with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        path: Vec<Square>,
        /// What a spell that it casts leaves open.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        choices: BTreeMap<Key, crate::effect::Choice>,
    },
    /// An order of effects.
    Order {
        /// All of those asked about, the first to do what it does first.
        effects: Vec<EffectId>,
    },
}
