//! A casting: the numbers that a spell's words are read with, kept by what it leaves behind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::space::Square;
use crate::{Ability, DamageType, Key, Skill};

/// A spell as somebody cast it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Casting {
    /// Which spell.
    pub spell: Key,
    /// As it is printed.
    pub name: String,
    /// Level of the spell, 0 to 9; 0 is a cantrip.
    pub level: u8,
    /// Level of the slot, at least the spell's.
    pub slot: u8,
    /// Level of the caster, 1 to 20, by which cantrips grow.
    pub caster_level: u8,
    /// What saves against it must reach.
    pub dc: i32,
    /// Added to its attack rolls.
    pub attack_bonus: i32,
    /// The spellcasting ability's modifier.
    pub modifier: i32,
    /// What the spell left open, as it was chosen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub choices: BTreeMap<Key, Choice>,
    /// The square it was aimed at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Square>,
    /// The square it was pointed at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Square>,
    /// It is no spell but a use of a stat block: whether that is magic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_magic: Option<bool>,
}

/// What was chosen where a spell leaves something open.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Choice {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(i64),
    /// A word: a damage type, an ability, a condition, one of a program's options.
    Word(String),
    /// Several numbers: columns and rows of squares, in turn.
    Numbers(Vec<i32>),
    /// Several words.
    Words(Vec<String>),
}

impl Choice {
    /// How many characters or numbers it takes.
    pub fn length(&self) -> usize {
        match self {
            Self::Flag(_) | Self::Number(_) => 1,
            Self::Word(word) => word.len(),
            Self::Numbers(numbers) => numbers.len(),
            Self::Words(words) => words.iter().map(|word| word.len() + 1).sum(),
        }
    }
}

impl Casting {
    /// Whether it is a spell.
    pub const fn is_spell(&self) -> bool {
        self.use_magic.is_none()
    }

    /// Whether it is magic: a spell, or a use that is.
    pub fn is_magical(&self) -> bool {
        self.use_magic != Some(false)
    }

    /// The word chosen for something.
    pub fn word(&self, of: &str) -> Option<&str> {
        match self.choices.get(of)? {
            Choice::Word(word) => Some(word),
            Choice::Flag(_) | Choice::Number(_) | Choice::Numbers(_) | Choice::Words(_) => None,
        }
    }

    /// The words chosen for something: one or several.
    pub fn words(&self, of: &str) -> Vec<&str> {
        match self.choices.get(of) {
            Some(Choice::Word(word)) => vec![word],
            Some(Choice::Words(words)) => words.iter().map(String::as_str).collect(),
            Some(Choice::Flag(_) | Choice::Number(_) | Choice::Numbers(_)) | None => Vec::new(),
        }
    }

    /// The number chosen for something.
    pub fn number(&self, of: &str) -> Option<i64> {
        match self.choices.get(of)? {
            Choice::Number(number) => Some(*number),
            Choice::Flag(_) | Choice::Word(_) | Choice::Numbers(_) | Choice::Words(_) => None,
        }
    }

    /// The squares chosen for something.
    pub fn squares(&self, of: &str) -> Vec<Square> {
        let Some(Choice::Numbers(numbers)) = self.choices.get(of) else { return Vec::new() };
        numbers.chunks_exact(2).map(|pair| Square { x: pair[0], y: pair[1] }).collect()
    }

    /// The damage type chosen.
    pub fn damage_type(&self) -> Option<DamageType> {
        self.read("damage_type")
    }

    /// The ability chosen.
    pub fn ability(&self) -> Option<Ability> {
        self.read("ability")
    }

    /// The skill chosen.
    pub fn skill(&self) -> Option<Skill> {
        self.read("skill")
    }

    fn read<T: serde::de::DeserializeOwned>(&self, of: &str) -> Option<T> {
        serde_json::from_value(serde_json::Value::from(self.word(of)?)).ok()
    }
}
