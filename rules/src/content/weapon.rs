//! Weapons.

use serde::{Deserialize, Serialize};

use super::{AttackKind, AttackProperty, DamageDice, Expression, Key, Mastery, RangeFt};

/// A weapon (SRD 5.1 "Weapons"; SRD 5.2.1 "Weapons").
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weapon {
    /// Its key.
    pub id: Key,
    /// As it is printed.
    pub name: String,
    /// Whose proficiency it takes.
    pub category: WeaponCategory,
    /// Melee or ranged; a melee weapon may be thrown.
    pub kind: AttackKind,
    /// Absent: it deals none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<DamageDice>,
    /// Instead, with two hands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versatile: Option<Expression>,
    /// Of a ranged weapon, or thrown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_ft: Option<RangeFt>,
    /// Properties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<AttackProperty>,
    /// It has a rule of its own: `lance`, `net`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub special: bool,
    /// Two hands, unless its bearer is mounted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub two_handed_unless_mounted: bool,
    /// What it shoots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ammunition: Option<Key>,
    /// SRD 5.2.1 "Mastery Properties".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mastery: Option<Mastery>,
}

impl Weapon {
    /// Whether it is the lance of SRD 5.1 "Special Weapons": of those with a rule of their own the one
    /// for melee. It takes two hands of who is not mounted, and is too long within 5 ft.
    pub fn is_lance(&self) -> bool {
        self.special && self.kind == AttackKind::Melee
    }
}

/// Category of a weapon.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum WeaponCategory {
    Simple,
    Martial,
}
