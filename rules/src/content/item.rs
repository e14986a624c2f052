//! What things do that are used up, or whose charges are, in a fight.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Expression, Key};

/// What is built in, for both editions.
pub(super) const BUILT_IN: &str = include_str!("../../content/items.json");

/// What a thing does to the creature it is used on (SRD 5.1 "Adventuring Gear", "Magic Items"; SRD
/// 5.2.1 "Adventuring Gear", "Magic Items").
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Hit points regained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healing: Option<Expression>,
    /// Who lies dying does so no more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stabilizes: bool,
    /// It is drunk: in SRD 5.2.1 a bonus action ("Potions").
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drunk: bool,
    /// It is driven into the heart of whom it is used on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stakes: bool,
    /// Spells are cast with it in hand instead of materials.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub focus: bool,
    /// It is splashed on whom it is used on: a gallon of water.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub splashes: bool,
    /// Spells cast from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub casts: Vec<ItemSpell>,
}

/// A spell cast from a thing, for charges of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemSpell {
    /// Which.
    pub spell: Key,
    /// What it takes at the lowest level; absent: 1. Each level above takes one more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charges: Option<u8>,
    /// The lowest level that it is cast at; absent: the spell's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// The highest; absent: the lowest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u8>,
    /// The highest by SRD 5.2.1; absent: no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_52: Option<u8>,
    /// Against it; absent: its user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dc: Option<i32>,
    /// With it; absent: its user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attack_bonus: Option<i32>,
}

/// Reads them from an object, one member per thing.
pub(super) fn read(json: &str) -> Result<BTreeMap<Key, Item>, serde_json::Error> {
    serde_json::from_str(json)
}
