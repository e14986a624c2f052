//! The numbers of a creature.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::combat::HitPoints;
use crate::effect::{DamageDice, Duration, EffectTemplate, Quality, SaveSpec};
use crate::{
    Abilities, Ability, Condition, CreatureType, DamageType, Expression, Key, Senses, Size, Skill,
    Speeds,
};

/// Stat block: numbers, no prose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatBlock {
    /// Size.
    pub size: Size,
    /// Type; unknown: absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creature_type: Option<CreatureType>,
    /// Narrower kinds: `goblinoid`, `shapechanger`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Key>,
    /// Scores.
    pub abilities: Abilities,
    /// 2 to 9.
    #[serde(default)]
    pub proficiency_bonus: i32,
    /// Armor class.
    pub ac: i32,
    /// At the beginning.
    pub hp: HitPoints,
    /// What `hp.max` is the average of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hp_dice: Option<Expression>,
    /// Feet per turn.
    pub speeds: Speeds,
    /// Feet.
    #[serde(default)]
    pub senses: Senses,
    /// Where it is not the Dexterity modifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiative_bonus: Option<i32>,
    /// Total bonus, where it differs from the modifier.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub saves: BTreeMap<Ability, i32>,
    /// Total bonus, where it differs from the modifier.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skills: BTreeMap<Skill, i32>,
    /// Damage halved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resistances: Vec<DamageRule>,
    /// Damage that does nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub immunities: Vec<DamageRule>,
    /// Damage doubled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vulnerabilities: Vec<DamageRule>,
    /// Conditions that cannot be put on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub condition_immunities: Vec<Condition>,
    /// Attacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attacks: Vec<Attack>,
    /// Known features and traits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<Key>,
}

/// Types of damage that are met in one way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DamageRule {
    /// Which.
    pub types: Vec<DamageType>,
    /// Unless the weapon has one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<Quality>,
}

/// An attack.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// Its name in commands.
    pub attack_id: Key,
    /// Shown to players.
    pub name: String,
    /// How it is made.
    pub kind: AttackKind,
    /// Whether a spell's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spell: bool,
    /// To hit.
    pub bonus: i32,
    /// Of a melee attack; absent: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach_ft: Option<i32>,
    /// Of a ranged attack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_ft: Option<Range>,
    /// On a hit.
    pub damage: Vec<DamageDice>,
    /// On a hit with both hands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_handed_damage: Option<Vec<DamageDice>>,
    /// Of the weapon.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<AttackProperty>,
    /// What follows a hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_hit: Option<Rider>,
}

/// How an attack is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum AttackKind {
    Melee,
    Ranged,
    MeleeOrRanged,
}

/// Feet a ranged attack goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Beyond it: disadvantage.
    pub normal: i32,
    /// Beyond it: not at all; absent: `normal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<i32>,
}

/// A property of a weapon.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
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

/// What follows a hit or a use.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rider {
    /// Damage of its own instance; what the hit itself deals stands in the attack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<DamageDice>,
    /// What may avoid or lessen it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save: Option<SaveSpec>,
    /// When the save fails, or none is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<Outcome>,
    /// When it succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Outcome>,
    /// Either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always: Option<Outcome>,
}

/// What happens to a target.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// More damage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<DamageDice>,
    /// Conditions, for `duration`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Of the conditions; absent: permanent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// Whether the same save at the end of each of its turns ends them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub save_ends: bool,
    /// Feet away from the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push_ft: Option<i32>,
    /// Feet towards the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_ft: Option<i32>,
    /// Anything else that lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectTemplate>,
}

/// Something that is used up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Left.
    pub current: u32,
    /// When full.
    pub max: u32,
    /// When it fills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recover: Option<Recover>,
}

/// When a pool fills.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Recover {
    Turn,
    ShortRest,
    LongRest,
    Day,
    None,
}

impl StatBlock {
    /// Bonus of a save, all told.
    pub fn save_bonus(&self, ability: Ability) -> i32 {
        self.saves.get(&ability).copied().unwrap_or_else(|| self.abilities.modifier(ability))
    }

    /// Bonus of a check with a skill, all told.
    pub fn skill_bonus(&self, skill: Skill) -> i32 {
        let plain = || self.abilities.modifier(skill.ability());
        self.skills.get(&skill).copied().unwrap_or_else(plain)
    }

    /// An attack by its name.
    pub fn attack(&self, id: &Key) -> Option<&Attack> {
        self.attacks.iter().find(|attack| attack.attack_id == *id)
    }
}
