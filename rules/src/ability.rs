//! The six abilities, the skills that build on them, and a creature's scores.

use serde::{Deserialize, Serialize};

/// One of the six abilities (SRD 5.1 "Using Ability Scores"; SRD 5.2.1 "The Six Abilities").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// Strength.
    Str,
    /// Dexterity.
    Dex,
    /// Constitution.
    Con,
    /// Intelligence.
    Int,
    /// Wisdom.
    Wis,
    /// Charisma.
    Cha,
}

impl Ability {
    /// All six, in the order of a stat block.
    pub const ALL: [Self; 6] = [Self::Str, Self::Dex, Self::Con, Self::Int, Self::Wis, Self::Cha];

    /// As a roll's modifier names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Str => "strength",
            Self::Dex => "dexterity",
            Self::Con => "constitution",
            Self::Int => "intelligence",
            Self::Wis => "wisdom",
            Self::Cha => "charisma",
        }
    }
}

/// A creature's scores, 1 to 30 each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Abilities {
    /// Strength.
    pub str: u8,
    /// Dexterity.
    pub dex: u8,
    /// Constitution.
    pub con: u8,
    /// Intelligence.
    pub int: u8,
    /// Wisdom.
    pub wis: u8,
    /// Charisma.
    pub cha: u8,
}

impl Abilities {
    /// The score of one of them.
    pub const fn score(&self, ability: Ability) -> u8 {
        match ability {
            Ability::Str => self.str,
            Ability::Dex => self.dex,
            Ability::Con => self.con,
            Ability::Int => self.int,
            Ability::Wis => self.wis,
            Ability::Cha => self.cha,
        }
    }

    /// Its modifier: −5 to +10.
    pub fn modifier(&self, ability: Ability) -> i32 {
        modifier(self.score(ability))
    }
}

/// The modifier of a score: half of what it is above 10, rounded down.
pub fn modifier(score: u8) -> i32 {
    i32::from(score).div_euclid(2) - 5
}

/// A skill (SRD 5.1 "Skills"; SRD 5.2.1 "Skill Proficiencies").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Skill {
    Acrobatics,
    AnimalHandling,
    Arcana,
    Athletics,
    Deception,
    History,
    Insight,
    Intimidation,
    Investigation,
    Medicine,
    Nature,
    Perception,
    Performance,
    Persuasion,
    Religion,
    SleightOfHand,
    Stealth,
    Survival,
}

impl Skill {
    /// The ability it is usually checked with.
    pub const fn ability(self) -> Ability {
        match self {
            Self::Athletics => Ability::Str,
            Self::Acrobatics | Self::SleightOfHand | Self::Stealth => Ability::Dex,
            Self::Arcana | Self::History | Self::Investigation | Self::Nature | Self::Religion => {
                Ability::Int
            }
            Self::AnimalHandling
            | Self::Insight
            | Self::Medicine
            | Self::Perception
            | Self::Survival => Ability::Wis,
            Self::Deception | Self::Intimidation | Self::Performance | Self::Persuasion => {
                Ability::Cha
            }
        }
    }
}
