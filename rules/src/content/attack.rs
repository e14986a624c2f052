//! Attacks of a stat block.

use serde::{Deserialize, Serialize};

use super::{DamageDice, Key, Rider};

/// An attack (SRD 5.1 "Monsters", "Melee and Ranged Attacks"; SRD 5.2.1 "Monsters", "Attack
/// Notation").
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// Its name in the block.
    pub attack_id: Key,
    /// As it is printed.
    pub name: String,
    /// Melee, ranged, or either.
    pub kind: AttackKind,
    /// A spell attack.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spell: bool,
    /// Added to the d20.
    pub bonus: i32,
    /// Of a melee attack; absent: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach_ft: Option<i32>,
    /// Of a ranged attack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_ft: Option<RangeFt>,
    /// On a hit; may be none.
    pub damage: Vec<DamageDice>,
    /// Instead, with two hands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub two_handed_damage: Vec<DamageDice>,
    /// Of the weapon.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<AttackProperty>,
    /// Of the weapon, for who has mastered it (SRD 5.2.1 "Mastery Properties").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mastery: Option<Mastery>,
    /// What follows a hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_hit: Option<Box<Rider>>,
}

impl Attack {
    /// One with this name and bonus, and nothing on a hit. None: the name is none.
    pub(crate) fn plain(name: &str, kind: AttackKind, bonus: i32) -> Option<Self> {
        Some(Self {
            attack_id: Key::parse(name).ok()?,
            name: name.to_owned(),
            kind,
            spell: false,
            bonus,
            reach_ft: None,
            range_ft: None,
            damage: Vec::new(),
            two_handed_damage: Vec::new(),
            properties: Vec::new(),
            mastery: None,
            on_hit: None,
        })
    }

    /// Whether it has a property.
    pub fn has(&self, property: AttackProperty) -> bool {
        self.properties.contains(&property)
    }
}

/// How an attack reaches its target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackKind {
    /// Within reach.
    Melee,
    /// Within range.
    Ranged,
    /// Either, as the attacker chooses.
    MeleeOrRanged,
}

/// Range in feet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeFt {
    /// Without disadvantage.
    pub normal: i32,
    /// With it; absent: none beyond `normal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<i32>,
}

/// Property of a weapon or of an attack with it (SRD 5.1 "Weapon Properties"; SRD 5.2.1
/// "Properties").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum AttackProperty {
    Ammunition,
    Finesse,
    Heavy,
    Light,
    Loading,
    Reach,
    Thrown,
    TwoHanded,
    Versatile,
    Magical,
    Silvered,
    Adamantine,
}

/// Mastery property (SRD 5.2.1 "Mastery Properties").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Mastery {
    Cleave,
    Graze,
    Nick,
    Push,
    Sap,
    Slow,
    Topple,
    Vex,
}
