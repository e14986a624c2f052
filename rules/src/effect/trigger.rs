//! What an effect waits for, where it is on the map, and what it lets its bearer do.

use serde::{Deserialize, Serialize};

use super::Modifier;
use super::program::{Case, Op, Targets, Whom};
use crate::content::Cost;
use crate::space::Cover;
use crate::{Condition, Key};

/// Something that happens, and what an effect does then.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// What happens.
    pub on: Hook,
    /// All of these must hold of the one it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Case>,
    /// Whom `does` is about.
    #[serde(default, skip_serializing_if = "Party::is_bearer")]
    pub whom: Party,
    /// What is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub does: Vec<Op>,
    /// The effect is over then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends: bool,
    /// Of an area: at most once a turn for each creature.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub once_a_turn: bool,
}

/// Something that happens; "the bearer" is whom the effect is on, or, of an area, whoever is in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// A turn of the bearer starts.
    TurnStart,
    /// A turn of the bearer ends.
    TurnEnd,
    /// A turn of the effect's source starts.
    SourceTurnStart,
    /// A turn of the effect's source ends.
    SourceTurnEnd,
    /// The bearer made an attack roll; the other is its target.
    Attacks,
    /// The bearer hit with an attack; the other is its target.
    Hits,
    /// The bearer hit with an attack of a weapon or unarmed.
    HitsWithWeapon,
    /// An attack was rolled against the bearer; the other is the attacker.
    Attacked,
    /// The bearer was hit by an attack; the other is the attacker.
    Hit,
    /// The bearer was hit by a melee attack from within 5 feet.
    HitInMelee,
    /// The bearer took damage; the other is whose doing it was.
    Damaged,
    /// The bearer took damage of the effect's source or its side.
    DamagedBySource,
    /// The bearer dealt damage.
    DealsDamage,
    /// The bearer cast a spell.
    Casts,
    /// The bearer came down to 0 hit points.
    DropsToZero,
    /// The bearer moved of its own will.
    Moves,
    /// The effect ended by its time.
    Expires,
    /// The effect ended, whatever the reason.
    Ends,
    /// The area appeared on the bearer.
    Appears,
    /// The bearer came into the area.
    Enters,
    /// The area came to be on the bearer by moving.
    Reaches,
    /// The bearer moved 5 feet within the area, or into it.
    Crosses,
    /// The bearer made an ability check.
    Checks,
    /// The bearer made a saving throw.
    Saves,
    /// A stake was driven into the bearer's heart.
    Staked,
    /// The bearer came into the space of the other; once a turn is for each of them.
    Overruns,
    /// A gallon of water was splashed on the bearer.
    Splashed,
    /// The bearer brought somebody down to 0 hit points with a melee attack in its own turn.
    Fells,
}

/// Who something is about.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The bearer.
    #[default]
    Bearer,
    /// The other in it.
    Other,
    /// The effect's source.
    Source,
}

impl Party {
    fn is_bearer(&self) -> bool {
        *self == Self::Bearer
    }
}

/// An effect's place on the map and what it makes of it.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Whom it concerns.
    #[serde(default, skip_serializing_if = "Whom::is_all")]
    pub whom: Whom,
    /// All of these must hold of whom it concerns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Case>,
    /// Difficult terrain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub difficult: bool,
    /// Filled: no way and no sight through it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub solid: bool,
    /// Heavily obscured.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub obscured: bool,
    /// Light of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub light: Option<Light>,
    /// Conditions that who is in it has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What else it does to who is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// Its squares are the choice of this name, where it has no area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Key>,
    /// Whom it concerns cannot come into it by moving.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bars: bool,
    /// Whom it concerns cannot leave it by moving.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds: bool,
    /// The area stays around the effect's bearer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follows: bool,
    /// Feet beyond the area that its light is dim in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dim_ft: Option<i32>,
    /// Difficult terrain for those alone whom it concerns.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hinders: bool,
    /// Overgrown: a foot of it costs four.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overgrown: bool,
    /// No sight through it or into it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opaque: bool,
    /// Arrows, bolts and the like miss who is behind it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deflects: bool,
    /// The cover that it gives to who is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<Cover>,
    /// Nothing gets in or out: who is in it and who is not have total cover against each other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
    /// Feet that it rises where its squares are drawn; absent: without bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_ft: Option<i32>,
    /// The squares of the choice of this name are not of its area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spares: Option<Key>,
}

/// Light of an area.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Light {
    Bright,
    Dim,
    Dark,
}

/// Something that an effect lets its bearer do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Its name.
    pub id: Key,
    /// What it takes.
    pub cost: Cost,
    /// Whom or what it is about.
    #[serde(default)]
    pub targets: Targets,
    /// Moves the effect's area to the square named, at most so many feet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves_area_ft: Option<i32>,
    /// What is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub does: Vec<Op>,
    /// How often in all; absent: while the effect lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u8>,
    /// Once a turn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub once_a_turn: bool,
    /// Who is within so many feet of the bearer may do it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others_within_ft: Option<i32>,
    /// The effect's source does it, not the bearer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_source: bool,
    /// As its bearer's turn starts: before it does anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_start: bool,
    /// Not its bearer alone may do it, but whoever is within 5 feet of the effect's area.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anybody: bool,
}
