//! Programs: what a spell does, in words that the engine carries out in order.
//!
//! Dice, save, attack, area, range and duration that a program does not say are those of the
//! spell's record: [`Program::completed`] fills them in once, when content is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Duration, Edge, Grant, Modifier, Trigger, Zone};
use crate::content::{Area, DamagePart, Scaling, SpellAttack};
use crate::{Ability, Condition, CreatureType, Edition, Expression, Key, Size, Skill};

/// What a spell does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Key of the spell.
    pub id: Key,
    /// Whom it is about; absent: as its record says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
    /// Of a spell cast as a reaction: to what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reacts: Option<Reacts>,
    /// Whom it is about may cast in reaction as if to this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warns: Option<Reacts>,
    /// Cast from a slot of this level or higher it needs no concentration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_concentration_from: Option<u8>,
    /// What is done, in order.
    pub does: Vec<Op>,
}

/// What a spell is cast in reaction to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reacts {
    /// The caster is hit by an attack, before its damage.
    Hit,
    /// The caster took damage.
    Damaged,
    /// A creature within range casts a spell.
    Casting,
    /// A creature within range falls.
    Falling,
}

/// Whom something is about.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// How they are found.
    pub pick: Pick,
    /// How many are named; absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u8>,
    /// So many more for each slot level above the spell's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_slot: Option<u8>,
    /// So many instead, from a caster's level on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at_level: BTreeMap<u8, u8>,
    /// One may be named several times, and all are to be named.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
    /// Feet; absent: the spell's range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_ft: Option<i32>,
    /// From the area of the effect, not from the caster.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_area: bool,
    /// All within so many feet of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart_ft: Option<i32>,
    /// The area; absent: the spell's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// How many such areas, at the squares of the choice `points`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub areas: Option<u8>,
    /// Of those in the area.
    #[serde(default, skip_serializing_if = "Whom::is_all")]
    pub whom: Whom,
    /// All of these must hold: who is named and is not so is refused, who is in the area is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Case>,
    /// Only those who let it happen: who is not of the caster's side is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub willing: bool,
    /// The caster has to see them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seen: bool,
    /// The dead, and they alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dead: bool,
}

/// How targets are found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// Those named.
    #[default]
    Named,
    /// The caster.
    Caster,
    /// The creature that the reaction is to.
    Other,
    /// Whoever is in the area.
    Area,
    /// Those named, all in the area.
    NamedInArea,
    /// A square within range; it is about the caster.
    Place,
}

/// Which creatures an area concerns.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// All.
    #[default]
    All,
    /// Those of other sides than the caster's.
    Enemies,
    /// The caster and those of its side.
    Allies,
    /// All but the caster.
    Others,
}

impl Whom {
    pub(super) fn is_all(&self) -> bool {
        *self == Self::All
    }
}

/// Something that is or is not so of a creature, or of the casting.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    /// It is of one of these types.
    Types(Vec<CreatureType>),
    /// It is of none of these types.
    NotTypes(Vec<CreatureType>),
    /// It has this tag.
    Tag(Key),
    /// It is at most this large.
    MaxSize(Size),
    /// It has at most so many hit points.
    HpAtMost(i32),
    /// It has this condition.
    Has(Condition),
    /// It has not this condition.
    HasNot(Condition),
    /// It can have this condition.
    CanHave(Condition),
    /// It is hostile to the caster: of another side.
    Hostile,
    /// It is of the caster's side.
    Friendly,
    /// It is the caster.
    IsCaster,
    /// It is the effect's source.
    IsSource,
    /// It is at 0 hit points.
    AtZero,
    /// It is dead.
    Dead,
    /// It hears.
    Hears,
    /// It sees the caster.
    SeesCaster,
    /// It sees.
    Sees,
    /// It has lost hit points.
    Wounded,
    /// This was chosen.
    Chosen {
        /// For what.
        of: Key,
        /// What.
        is: String,
    },
    /// The slot is of this level or higher.
    Slot(u8),
    /// Intelligence is at least so.
    IntAtLeast(u8),
    /// The rule is this edition's at the table.
    Edition(Edition),
    /// It has an effect of this key.
    Under(Key),
    /// It is within so many feet of the caster.
    WithinFt(i32),
    /// It is farther than so many feet from the caster.
    BeyondFt(i32),
    /// The attack rolled a critical hit.
    Critical,
    /// The effect has counted so far.
    Counted {
        /// What.
        of: Key,
        /// At least.
        least: u32,
    },
    /// It is not so.
    Not(Box<Case>),
    /// One of these is so.
    Any(Vec<Case>),
}

/// Something to be done to those it is about, one after another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Each makes a saving throw; damage is rolled once for all.
    Save(Box<SaveOp>),
    /// An attack roll against each.
    Attack(Box<AttackOp>),
    /// Damage, rolled once for all.
    Damage(DamageOp),
    /// Hit points come back, rolled once for all.
    Heal(Amount),
    /// Temporary hit points, where they are more than those there.
    TempHp(Amount),
    /// An effect.
    Effect(Box<EffectSpec>),
    /// Ends conditions and effects.
    Remove(Remove),
    /// Depends.
    If(Branch),
    /// By the slot's level: those of the highest level that it reaches.
    BySlot(BTreeMap<u8, Vec<Op>>),
    /// By what was chosen.
    Choose(Choose),
    /// The same about the caster.
    OnCaster(Vec<Op>),
    /// About whoever is around each.
    Around(Around),
    /// Straight away from the caster, at most so many feet.
    Push(i32),
    /// Straight toward the caster, at most so many feet.
    Pull(i32),
    /// Up so many feet, down if negative.
    Lift(i32),
    /// To another place.
    Teleport(Teleport),
    /// Dead at once.
    Kill,
    /// Out of danger.
    Stabilize,
    /// Alive again with so many hit points.
    Revive(i32),
    /// The effect that does this ends.
    End,
    /// Counts; at so many, something is done.
    Count(Count),
    /// The concentration of each ends.
    BreakConcentration,
    /// What is cast in front of it fails: the spell reacted to.
    Counter,
    /// A creature moves away as far as its speed goes, with its reaction where that is named.
    Flee(Flee),
    /// A game master rules it.
    Rule(Key),
    /// A throw of a die decides.
    Table(Table),
    /// The reaction is gone.
    SpendReaction,
    /// What the spell's hit point dice can afford, the lowest hit points first.
    Pool(Pool),
    /// Falls from where it is.
    Fall,
    /// Movement as of a Dash.
    Dash,
    /// Its movement provokes nobody this turn.
    Disengage,
    /// The bearer makes one attack of its block on each: that named by the choice `attack`, or the
    /// first.
    Strike,
    /// So many feet of movement are spent; without them nothing more is done.
    SpendMovement(i32),
}

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
    /// The damage leaves 1 hit point.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub damage_leaves_one: bool,
    /// It is a check with this skill instead of a save.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Skill>,
    /// It is not a save against magic: an ability check with the ability.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_check: bool,
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
    /// A curse.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub curse: bool,
    /// Off the board while it lasts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
    /// Does things so often, and is over then; a count of what it has left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<u32>,
    /// Whom it counts as coming from: who is with its bearer, not the caster.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub from_other: bool,
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
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Teleport {
    /// At most so many feet from where it is; absent: the spell's range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_ft: Option<i32>,
    /// Off the board: it is gone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
}

/// A counter of an effect.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Its name.
    pub of: Key,
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
