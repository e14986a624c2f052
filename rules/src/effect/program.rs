//! Programs: what a spell does, in words that the engine carries out in order.
//!
//! Dice, save, attack, area, range and duration that a program does not say are those of the
//! spell's record: [`Program::completed`] fills them in once, when content is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Duration;
use super::words::{
    AboutOp, Amount, Around, AttackOp, Bearers, BlockAttack, Branch, Choose, ContestOp, Count,
    DamageOp, Disperse, EffectSpec, Flee, Immune, March, Pool, Raise, Remove, SaveOp, Summon,
    Table, Teleport, WeaponOp,
};
use crate::content::Area;
use crate::{Condition, CreatureType, DamageType, Edition, Key, Size};

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
    /// How long it is concentrated on; absent: as the record says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Duration>,
    /// How long it is concentrated on, by the slot's level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lasts_at_slot: BTreeMap<u8, Duration>,
    /// Cast from a slot of this level or higher it needs no concentration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_concentration_from: Option<u8>,
    /// No magic dispels it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undispelled: bool,
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
    /// The caster hit with an attack that is no spell, before its damage; takes the bonus action.
    Hits,
    /// The same of a melee attack.
    HitsInMelee,
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
    /// Feet added to the area's size for each slot level above the spell's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area_per_slot_ft: Option<i32>,
    /// How many such areas, at the squares of the choice `points`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub areas: Option<u8>,
    /// Of those in the area.
    #[serde(default, skip_serializing_if = "Whom::is_all")]
    pub whom: Whom,
    /// All of these must hold: who is in the area and is not so is left out; who is named is refused,
    /// or named by a spell in vain in 5.2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Case>,
    /// Only those who let it happen: who is not of the caster's side is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub willing: bool,
    /// The caster has to see them, or the place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seen: bool,
    /// 5.1: the place has to be free, as far as the caster knows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub free: bool,
    /// Of a place: whatever is in the way, it is that one. It is otherwise before that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub through: bool,
    /// The dead, and they alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dead: bool,
    /// The caster besides those named; nobody has to be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub and_caster: bool,
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
    /// Everybody of whom it holds what must hold, wherever.
    Everyone,
    /// Those named; where nobody is, a square within range.
    NamedOrPlace,
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
    /// The slot is of the level of the spell reacted to, or higher.
    SlotCovers,
    /// It concentrates on something.
    Concentrates,
    /// The square that the casting names is taken by another creature.
    PlaceTaken,
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
    /// It has this condition by the caster's doing.
    HasFrom(Condition),
    /// It shares the caster's space.
    InSpace,
    /// It used this at least so often since that came back.
    Spent {
        /// What.
        of: Key,
        /// So often.
        least: u8,
    },
    /// It is so of the caster.
    Caster(Box<Case>),
    /// It is under water.
    Underwater,
    /// It has half of its hit points or fewer.
    Bloodied,
    /// It is in dim light or darkness.
    Unlit,
    /// It grapples somebody.
    Grapples,
    /// Effects of this key run on so many by its doing.
    Holds {
        /// Of which.
        key: Key,
        /// At least.
        least: usize,
    },
    /// The damage that set this off was of one of these types.
    DamagedBy(Vec<DamageType>),
    /// The sun shines on it.
    InSunlight,
    /// Part of its space is ground of this kind.
    OnGround(Key),
    /// Part of its space is filled.
    InsideObject,
    /// All of these are so.
    All(Vec<Case>),
    /// It is above the ground.
    Airborne,
    /// Nobody has an effect of this key of the caster's.
    NobodyUnder(Key),
    /// It is in the area of an effect of this key of the caster's.
    Within(Key),
    /// The casting names a square.
    PlaceNamed,
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
    /// The effect's area moves so many feet away from its source.
    Drift(i32),
    /// The action of the turn is gone.
    SpendAction,
    /// About one of those whom the effect's area concerns.
    Bite(Vec<Op>),
    /// Its movement provokes nobody this turn.
    Disengage,
    /// The bearer makes one attack of its block on each: that named by the choice `attack`, or the
    /// first.
    Strike,
    /// So many feet of movement are spent; without them nothing more is done.
    SpendMovement(i32),
    /// Immune for a time to what is being done.
    Immune(Immune),
    /// The same about the effect's bearer.
    OnBearer(Vec<Op>),
    /// To 0 hit points at once.
    Down,
    /// The caster's effects of this key end, on whomever.
    EndOwn(Key),
    /// The caster makes an attack of its block on each.
    BlockAttack(BlockAttack),
    /// The caster's grapple ends.
    LetGo,
    /// What the effect counts under this name is none again.
    Reset(Key),
    /// A check to hide, where nobody hostile sees it.
    Hide,
    /// It takes the form that is the choice `form`.
    TakeForm,
    /// Movement of half its speed.
    HalfDash,
    /// About everybody whom the effect's area concerns, one by one.
    Inside(Vec<Op>),
    /// About everybody on whom an effect is of the caster's.
    Bearers(Bearers),
    /// About others than those it was about.
    About(Box<AboutOp>),
    /// The throw of the table that this is in counts for nothing and is made again.
    Again,
    /// Moves as far as it can in one direction, as in its own turn.
    March(March),
    /// The caster makes one attack of its block on each, as the spell changes it.
    Weapon(Box<WeaponOp>),
    /// Spells on each end: those up to the slot's level, those of higher ones by a check.
    Dispel,
    /// The caster's check against a check of each.
    Contest(Box<ContestOp>),
    /// Moves each at most so many feet, to the square that the casting names and up as far as its
    /// choice `up` says.
    Carry(i32),
    /// Moves the effect's area to the square that the use names, at most so many feet.
    MoveArea(i32),
    /// With its action each makes one melee attack on somebody within reach, whom a die says; where
    /// nobody is, this is done instead.
    Lash(Vec<Op>),
    /// Creatures come, those of the choice `creatures` in turn, one to each square of the choice
    /// `places`; they go when the spell ends, or with their last hit point.
    Summon(Summon),
    /// A wall of sections of 10 feet that can be broken, at the squares of the choice `squares`.
    Raise(Box<Raise>),
    /// Ends others' spells whose area has part in that of the casting's effects.
    Disperse(Disperse),
}
