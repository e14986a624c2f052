//! Armor and shields.

use serde::{Deserialize, Serialize};

use super::Key;

/// Armor (SRD 5.1 "Armor"; SRD 5.2.1 "Armor").
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Armor {
    /// Its key.
    pub id: Key,
    /// As it is printed.
    pub name: String,
    /// Its category.
    pub category: ArmorCategory,
    /// Armor Class; of a shield: what it adds.
    pub ac: i32,
    /// The Dexterity modifier counts, up to this; absent: it does not count. 99: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dex_max: Option<i32>,
    /// Strength below which its bearer is 10 ft slower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<u8>,
    /// Disadvantage on Dexterity (Stealth) checks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stealth_disadvantage: bool,
}

/// Category of armor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ArmorCategory {
    Light,
    Medium,
    Heavy,
    Shield,
}
