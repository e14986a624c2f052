//! Stat blocks: the numbers of a creature, as clients send them and as the bestiary holds them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Attack, AttackKind, AttackProperty, DamageDice, Expression, HitPoints, Key, Quality, RangeFt,
    SpecialAction,
};
use crate::{Abilities, Ability, Condition, CreatureType, DamageType, Senses, Size, Skill, Speeds};

/// Name of the attack with the body that every creature has.
pub const UNARMED: &str = "unarmed";
/// Name of the attack with whatever is at hand that every creature has.
pub const IMPROVISED: &str = "improvised";

/// The proficiency bonus of the least.
const LEAST_PROFICIENCY: i32 = 2;

/// Numbers of a creature (SRD 5.1 "Monsters", "Statistics"; SRD 5.2.1 "Monsters", "Stat Block
/// Overview").
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatBlock {
    /// Size.
    pub size: Size,
    /// Type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creature_type: Option<CreatureType>,
    /// Subtypes: `demon`, `goblinoid`, `shapechanger`, `swarm` …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Key>,
    /// Scores.
    pub abilities: Abilities,
    /// 0 to 9; absent: the bonuses below say all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proficiency_bonus: Option<i32>,
    /// Armor Class with all that the creature wears.
    pub ac: i32,
    /// Hit points.
    pub hp: HitPoints,
    /// What `hp.max` is the average of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hp_dice: Option<Expression>,
    /// Feet per turn.
    pub speeds: Speeds,
    /// Special senses.
    #[serde(default)]
    pub senses: Senses,
    /// Absent: the Dexterity modifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiative_bonus: Option<i32>,
    /// Total bonuses, where they differ from the ability modifier.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub saves: BTreeMap<Ability, i32>,
    /// Total bonuses, likewise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skills: BTreeMap<Skill, i32>,
    /// Half damage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resistances: Vec<Defense>,
    /// No damage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub immunities: Vec<Defense>,
    /// Double damage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vulnerabilities: Vec<Defense>,
    /// Conditions it cannot have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub condition_immunities: Vec<Condition>,
    /// Attacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attacks: Vec<Attack>,
    /// Each entry is one allowed set of `attack_id` and `use_id`; fewer are always allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub multiattack: Vec<Vec<Key>>,
    /// Special actions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<SpecialAction>,
    /// Spells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spellcasting: Option<Spellcasting>,
    /// Legendary actions and resistance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legendary: Option<Legendary>,
    /// Pools that uses spend from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<Key, Pool>,
    /// Features and traits by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<Key>,
}

/// Damage types that a creature takes otherwise than others do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defense {
    /// At least one.
    pub types: Vec<DamageType>,
    /// Attacks of any of these kinds get past it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<Quality>,
}

/// Spells of a creature.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spellcasting {
    /// Its spellcasting ability.
    pub ability: Ability,
    /// Against its spells.
    pub dc: i32,
    /// With its spells.
    pub attack_bonus: i32,
    /// How many of each level, by level: `1` to `9`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slots: BTreeMap<u8, u8>,
    /// All it can cast: those of `per_day` so often, cantrips and (without slots) others at will.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spells: Vec<Key>,
    /// Times a day, each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_day: BTreeMap<Key, u8>,
    /// Level of the caster, 1 to 20, by which cantrips grow; absent: the least that has its slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
}

/// What makes a creature legendary.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Legendary {
    /// Legendary actions a round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<u8>,
    /// Failed saves a day that it can turn into successes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resistances: Option<u8>,
}

/// Something that is spent and comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// 0 to `max`.
    pub current: u32,
    /// At most.
    pub max: u32,
    /// When it is full again; absent: never by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recover: Option<Recover>,
}

/// When a pool is full again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Recover {
    Turn,
    ShortRest,
    LongRest,
    Day,
    None,
}

impl Spellcasting {
    /// Without any spells or slots; the DC is 8 and the bonus.
    pub(crate) fn plain(ability: Ability, attack_bonus: i32) -> Self {
        Self {
            ability,
            dc: attack_bonus.saturating_add(8),
            attack_bonus,
            slots: BTreeMap::new(),
            spells: Vec::new(),
            per_day: BTreeMap::new(),
            level: None,
        }
    }

    /// Level of the caster: 1 to 20.
    pub fn caster_level(&self) -> u8 {
        let highest = self.slots.iter().rfind(|(_, count)| **count > 0);
        let least = highest.map_or(1, |(level, _)| level.saturating_mul(2).saturating_sub(1));
        self.level.unwrap_or(least).clamp(1, 20)
    }
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

    /// Bonus of its initiative.
    pub fn initiative(&self) -> i32 {
        self.initiative_bonus.unwrap_or_else(|| self.abilities.modifier(Ability::Dex))
    }

    /// Proficiency bonus; where the block says none, the least there is.
    pub fn proficiency(&self) -> i32 {
        self.proficiency_bonus.unwrap_or(LEAST_PROFICIENCY)
    }

    /// An attack by its name, those that everybody has included: `unarmed`, `improvised`.
    pub fn any_attack(&self, id: &Key) -> Option<Cow<'_, Attack>> {
        self.attack(id).map(Cow::Borrowed).or_else(|| match id.as_str() {
            UNARMED => self.unarmed().map(Cow::Owned),
            IMPROVISED => self.improvised().map(Cow::Owned),
            _ => None,
        })
    }

    /// A blow with the body: 1 and the Strength modifier (SRD 5.1 "Melee Attacks"; SRD 5.2.1
    /// "Unarmed Strike").
    fn unarmed(&self) -> Option<Attack> {
        let strength = self.abilities.modifier(Ability::Str);
        let attack = Attack::plain(UNARMED, AttackKind::Melee, strength + self.proficiency())?;
        let damage = Expression::parse(&(1 + strength).max(0).to_string()).ok()?;
        let kind = DamageType::Bludgeoning;
        Some(Attack { damage: vec![DamageDice { dice: damage, kind }], ..attack })
    }

    /// A blow with whatever is at hand, or a throw of it, without proficiency (SRD 5.1 and SRD 5.2.1
    /// "Improvised Weapons").
    fn improvised(&self) -> Option<Attack> {
        let strength = self.abilities.modifier(Ability::Str);
        let attack = Attack::plain(IMPROVISED, AttackKind::MeleeOrRanged, strength)?;
        let damage = Expression::parse(&format!("1d4{strength:+}")).ok()?;
        Some(Attack {
            range_ft: Some(RangeFt { normal: 20, long: Some(60) }),
            damage: vec![DamageDice { dice: damage, kind: DamageType::Bludgeoning }],
            properties: vec![AttackProperty::Thrown],
            ..attack
        })
    }

    /// A thing of no ability in particular.
    pub const fn object(ac: i32, hp: i32) -> Self {
        Self {
            size: Size::Medium,
            creature_type: None,
            tags: Vec::new(),
            abilities: Abilities { str: 10, dex: 10, con: 10, int: 10, wis: 10, cha: 10 },
            proficiency_bonus: None,
            ac,
            hp: HitPoints { current: hp, max: hp, temp: 0 },
            hp_dice: None,
            speeds: Speeds {
                walk: 0,
                fly: None,
                swim: None,
                climb: None,
                burrow: None,
                hover: false,
            },
            senses: Senses {
                blindsight_ft: None,
                darkvision_ft: None,
                tremorsense_ft: None,
                truesight_ft: None,
                passive_perception: None,
            },
            initiative_bonus: None,
            saves: BTreeMap::new(),
            skills: BTreeMap::new(),
            resistances: Vec::new(),
            immunities: Vec::new(),
            vulnerabilities: Vec::new(),
            condition_immunities: Vec::new(),
            attacks: Vec::new(),
            multiattack: Vec::new(),
            uses: Vec::new(),
            spellcasting: None,
            legendary: None,
            resources: BTreeMap::new(),
            traits: Vec::new(),
        }
    }

    /// An attack by its name.
    pub fn attack(&self, id: &Key) -> Option<&Attack> {
        self.attacks.iter().find(|attack| attack.attack_id == *id)
    }
}
