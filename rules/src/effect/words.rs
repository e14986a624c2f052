//! What the words of a program carry: one struct for each word that has members.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::program::{Case, Op, Whom};
use super::{Duration, Edge, Ending, Grant, Inside, Modifier, Trigger, Zone};
use crate::content::{Area, DamagePart, Scaling, SpellAttack};
use crate::{Ability, Condition, CreatureType, DamageType, Expression, Key, Skill};

/// A save, and what depends on it.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SaveOp {
    /// What it is made with; absent: as the record says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ability: Option<Ability>,
    /// Half damage on a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half: Option<bool>,
    /// Absent: the record's; none, if empty or further in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<Vec<DamagePart>>,
    /// The record's damage, where this is not among the program's own words but further in.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub printed: bool,
    /// Cover does not help.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_cover: bool,
    /// Advantage, if one of these holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advantage: Vec<Case>,
    /// Disadvantage, if one of these holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disadvantage: Vec<Case>,
    /// Fails without a roll, if one of these holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fails: Vec<Case>,
    /// Succeeds without a roll, if one of these holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub succeeds: Vec<Case>,
    /// The maximum of the damage, on a failure, if one of these holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub greatest: Vec<Case>,
    /// On a failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fail: Vec<Op>,
    /// On a success.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub success: Vec<Op>,
    /// On either.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub always: Vec<Op>,
    /// On a failure the maximum of hit points is less by the damage taken, for an hour.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub saps: bool,
    /// 5.1: the damage leaves 1 hit point (SRD 5.1 "Harm").
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub damage_leaves_one: bool,
    /// Water does not lessen the damage.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub scalds: bool,
    /// It is the caster's check with the spellcasting ability against 10 and the level of the spell
    /// reacted to.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub counters: bool,
    /// It must reach this, not the caster's DC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dc: Option<i32>,
    /// It is a check with this skill instead of a save.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Skill>,
    /// It is not a save against magic: an ability check with the ability.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_check: bool,
    /// On a failure by much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<Margin>,
    /// The maximum of hit points is less by the damage taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
    /// Dice that the damage is more for each that the effect has counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
}

/// Dice for what an effect has counted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// What.
    pub of: Key,
    /// For each.
    pub dice: Expression,
}

/// A spell attack, and what depends on it.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttackOp {
    /// Absent: as the record says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<SpellAttack>,
    /// On a hit; absent: the record's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<Vec<DamagePart>>,
    /// The record's damage, where this is not among the program's own words but further in.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub printed: bool,
    /// The caster's modifier is added to the first part.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub modifier: bool,
    /// Each of the dice that comes up highest is thrown once more, in all as often as the
    /// spellcasting ability's modifier.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bursts: bool,
    /// Half of the damage on a miss.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub miss_half: bool,
    /// Advantage, if one of these holds of the target.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advantage: Vec<Case>,
    /// On a hit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hit: Vec<Op>,
    /// On a miss.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub miss: Vec<Op>,
    /// It is made from the square named, not by the caster's own hand.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub far: bool,
    /// Half of the damage dealt comes back to the attacker.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drains: bool,
}

/// Damage without a save.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DamageOp {
    /// Absent: the record's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<Vec<DamagePart>>,
    /// The record's damage, where this is not among the program's own words but further in.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub printed: bool,
    /// The caster's modifier is added to the first part.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub modifier: bool,
    /// Half of it comes to the caster as hit points.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drains: bool,
    /// All of it does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub feeds: bool,
    /// Half of what is rolled.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub half: bool,
}

/// A number of hit points.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Amount {
    /// Absent: the record's healing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dice: Option<Expression>,
    /// What it becomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// The spellcasting ability's modifier is added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modifier: Option<bool>,
    /// As many as are missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// One pool for all: each gets what it lacks as long as there is some.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// The most that the dice can come to, instead of a throw.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub greatest: bool,
}

/// An effect that a spell puts on a creature.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EffectSpec {
    /// Absent: the spell's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Absent: the spell's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// Absent: the spell's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// By the slot's level, instead.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub duration_at_slot: BTreeMap<u8, Duration>,
    /// It does not end with the caster's concentration.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub apart: bool,
    /// Conditions held while it lasts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// There is nothing of it on who cannot have its first condition.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// The condition is the word chosen for `condition`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub chosen_condition: bool,
    /// What else it changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// A save repeated each turn that ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_ends: Option<Repeat>,
    /// What it waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// What it lets its bearer do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// Where it is on the map; with an area of the record or of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// Its area; absent: the record's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// Feet added to the area's size for each slot level above the spell's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_per_slot_ft: Option<i32>,
    /// The area is the squares of the choice `squares`, at most so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub squares: Option<u16>,
    /// What ends it before its time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ends_on: Vec<Ending>,
    /// A curse.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub curse: bool,
    /// Off the board while it lasts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
    /// In the caster's space while it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<Inside>,
    /// What a check must reach to break free of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escape_dc: Option<i32>,
    /// It alters the form of whom it is on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub alters_form: bool,
    /// Does things so often, and is over then; a count of what it has left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<u32>,
}

/// A save at an edge of the bearer's turns that ends an effect.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Repeat {
    /// Absent: the record's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ability: Option<Ability>,
    /// At which edge.
    pub edge: Edge,
}

/// What ends.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Remove {
    /// These conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// That of them alone which was chosen for `condition`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub chosen: bool,
    /// Effects of these keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
    /// Curses.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub curses: bool,
    /// What lessens ability scores or maximum hit points.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reductions: bool,
    /// One level of exhaustion.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub exhaustion: bool,
}

/// One of two ways.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// All of these hold.
    pub when: Vec<Case>,
    /// If so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Op>,
    /// If not.
    #[serde(default, rename = "else", skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<Op>,
}

/// A choice of the caster.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choose {
    /// What is chosen.
    pub of: Key,
    /// What may be chosen, and what it does.
    pub among: BTreeMap<String, Vec<Op>>,
    /// Done before that, whatever is chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<Op>,
}

/// Whoever is around a target.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Around {
    /// Feet from its space.
    pub feet: i32,
    /// Which of them.
    #[serde(default, skip_serializing_if = "Whom::is_all")]
    pub whom: Whom,
    /// The target too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub and_it: bool,
    /// What is done to them.
    pub does: Vec<Op>,
}

/// To another place.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Teleport {
    /// At most so many feet from where it is; absent: the spell's range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_ft: Option<i32>,
    /// Off the board: it is gone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
    /// To the square of the choice of this name, not to that of the casting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Key>,
}

/// An attack of the caster's block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockAttack {
    /// Which.
    pub attack: Key,
    /// Besides what it does itself, on a hit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hit: Vec<Op>,
}

/// A counter of an effect.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Its name.
    pub of: Key,
    /// By so much; absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<u32>,
    /// By the damage that set this off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_damage: bool,
    /// At this number.
    pub to: u32,
    /// This is done.
    pub then: Vec<Op>,
}

/// A creature runs.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Flee {
    /// It takes its reaction; without one it stays.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reaction: bool,
    /// It takes its action to run twice as far, and all its movement.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dash: bool,
    /// Feet; absent: its speed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feet: Option<i32>,
}

/// What a die decides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Sides of the die.
    pub sides: u32,
    /// By the least face.
    pub rows: BTreeMap<u32, Vec<Op>>,
    /// The caster throws it, once for all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub once: bool,
}

/// For how long, and to whose, somebody is immune.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Immune {
    /// For so long.
    pub seconds: u32,
    /// Of all creatures of these kinds; empty: of the one whose doing it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<Key>,
}

/// What failing a save by much brings besides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margin {
    /// By so much or more.
    pub by: i32,
    /// This.
    pub fail: Vec<Op>,
}

/// What damage does to the maximum of hit points.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Drain {
    /// Damage of these types; empty: all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<DamageType>,
    /// Whose doing it is regains as much.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub heals: bool,
    /// Who has no hit points left by it dies.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub kills: bool,
}

/// Hit points' worth of creatures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// How many.
    pub dice: Expression,
    /// What it becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// Those of whom this is not so are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Case>,
    /// What is done to those affected.
    pub does: Vec<Op>,
}

/// Those on whom an effect is of the caster's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bearers {
    /// Its key.
    pub of: Key,
    /// What is done to them.
    pub does: Vec<Op>,
}

/// Others than those it was about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AboutOp {
    /// Who is in this area around the square that the casting names.
    pub area: Area,
    /// Which of them.
    #[serde(default, skip_serializing_if = "Whom::is_all")]
    pub whom: Whom,
    /// What is done to them.
    pub does: Vec<Op>,
}

/// A way that somebody is made to go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum March {
    /// That of the choice of this name: `north`, `northeast` … `northwest`.
    Chosen(Key),
    /// That of a die with so many sides, 4 or 8, north first and then clockwise.
    Thrown(u32),
    /// Toward the caster, until it is beside it.
    ToCaster,
}

/// An attack of the caster's block as a spell changes it.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeaponOp {
    /// The spellcasting ability's modifier counts in place of the weapon's ability.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub spell_ability: bool,
    /// Its damage is of this type where the choice `damage_type` says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_deal: Option<DamageType>,
    /// More damage, by the caster's level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<DamagePart>,
}

/// A check of the caster's against one of the target's: more than that wins.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContestOp {
    /// What is added to the caster's; absent: the spellcasting ability's modifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bonus: Option<i32>,
    /// The caster's has advantage, if one of these holds of the target.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advantage: Vec<Case>,
    /// What the target's is made with; absent: Strength.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ability: Option<Ability>,
    /// The skill of the target's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<Skill>,
    /// If the caster wins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub win: Vec<Op>,
    /// If not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lose: Vec<Op>,
}

/// Spells that end where another's area has part in theirs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disperse {
    /// These.
    pub spells: Vec<Key>,
    /// From a slot of this level or a lower one.
    pub level: u8,
}

/// Creatures of the bestiary that come.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Summon {
    /// Of one of these types.
    pub types: Vec<CreatureType>,
    /// By the highest challenge rating among them, in eighths: how many at most.
    pub most: BTreeMap<u32, usize>,
    /// By the slot's level: so many times as many.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub times_at_slot: BTreeMap<u8, usize>,
    /// A tag that they have besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<Key>,
}

/// A wall that can be broken, section by section.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Raise {
    /// At most so many squares, two to a section.
    pub squares: u16,
    /// Armor Class of a section.
    pub ac: i32,
    /// Hit points of a section.
    pub hp: i32,
    /// Damage that does it nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub immunities: Vec<DamageType>,
    /// Damage that counts double.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vulnerabilities: Vec<DamageType>,
    /// What a section is, as long as it stands.
    pub section: EffectSpec,
    /// Done to those who were pushed aside because it appeared where they stood; absent: it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cuts: Option<Vec<Op>>,
}
