//! Effects as records describe them: how long, what they change, how they end.

use serde::{Deserialize, Serialize};

use super::{Area, DamageDice, Formula, Key, SaveSpec, Unless};
use crate::{Ability, Condition, DamageType, Skill};

/// How long something lasts. Concentration is a member of the effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DurationSpec {
    /// It is over at once.
    Instant,
    /// Until something ends it.
    Permanent,
    /// To the same point of the source's turn, so many rounds later.
    Rounds {
        /// At least 1.
        rounds: u32,
    },
    /// So long; 6 s are a round.
    Seconds {
        /// At least 1.
        seconds: u32,
    },
    /// To an edge of a turn.
    Until {
        /// Its start or its end.
        edge: Edge,
        /// Of whose turn.
        whose: Whose,
        /// This turn or the next one.
        which: Which,
    },
}

/// Edge of a turn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Edge {
    Start,
    End,
}

/// Whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Whose {
    Source,
    Target,
}

/// Which of the turns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Which {
    This,
    Next,
}

/// An effect to be put on creatures or, with an area, on the map.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectSpec {
    /// As players see it.
    pub name: String,
    /// Effects of one key do not add up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// For how long.
    pub duration: DurationSpec,
    /// Whether the source concentrates on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub concentration: bool,
    /// Conditions that it gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Levels of exhaustion that it gives: 1 to 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhaustion: Option<u8>,
    /// What it changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<ModifierSpec>,
    /// A save that ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save_ends: Option<EffectSave>,
    /// Damage at an edge of the target's turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<RecurringDamage>,
    /// Where it is, if on the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
}

/// A save that ends an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectSave {
    /// Of the target.
    pub ability: Ability,
    /// 0 to 50.
    pub dc: i32,
    /// At which edge of the target's turns.
    #[serde(default = "end")]
    pub edge: Edge,
}

const fn end() -> Edge {
    Edge::End
}

/// Damage at an edge of the target's turns.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecurringDamage {
    /// What is rolled.
    pub dice: Vec<DamageDice>,
    /// When.
    pub edge: Edge,
    /// Against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save: Option<SaveSpec>,
}

/// A change to numbers or rolls.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifierSpec {
    /// What sort of change.
    pub kind: ModifierKind,
    /// Rolls it is for; empty: as the kind says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<RollKind>,
    /// Only with these abilities; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abilities: Vec<Ability>,
    /// Only with these skills; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<Skill>,
    /// Number added; feet for speed, sense and reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i32>,
    /// Dice added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dice: Option<Formula>,
    /// `value` replaces instead of adding.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub set: bool,
    /// Damage types it is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<DamageType>,
    /// What gets past it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<Unless>,
}

/// Sort of a change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub enum ModifierKind {
    Advantage,
    Disadvantage,
    AdvantageToAttackers,
    DisadvantageToAttackers,
    Bonus,
    Die,
    AutoFail,
    AutoCritical,
    Ac,
    Speed,
    MaxHp,
    Resistance,
    Immunity,
    Vulnerability,
    Reduce,
    CannotAct,
    CannotReact,
    Sense,
    Reach,
    Size,
}

/// Sort of a roll.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub enum RollKind {
    Attack,
    MeleeAttack,
    RangedAttack,
    SpellAttack,
    Save,
    Check,
    Damage,
    Initiative,
    Concentration,
    DeathSave,
}
