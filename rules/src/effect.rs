//! The language of effects: what conditions, spells, traits and rulings do to a creature.
//!
//! Owns the words and their meaning as data; [`crate::combat`] puts effects on creatures, asks
//! them about rolls and ends them. Conditions are written in it like everything else.

mod casting;
mod completion;
mod duration;
mod modifier;
mod program;
mod trigger;
mod words;

use serde::{Deserialize, Serialize};

pub use casting::{Casting, Choice};
pub(crate) use completion::printed_duration;
pub use duration::{Duration, Edge, Which, Whose};
pub(crate) use modifier::Kinds;
pub use modifier::{Chosen, Modifier, ModifierKind, Quality, RollKind, RuleOf, When};
pub use program::{Case, Op, Pick, Program, Reacts, Targets, Whom};
pub use trigger::{Grant, Hook, Light, Party, Trigger, Zone};
pub use words::{
    AboutOp, Amount, Around, AttackOp, Bearers, BlockAttack, Branch, Choose, ContestOp, Count,
    Counted, DamageOp, Disperse, Drain, EffectSpec, Flee, Immune, March, Margin, Pool, Raise,
    Remove, Repeat, SaveOp, Summon, Table, Teleport, WeaponOp,
};

use crate::content::Area;
use crate::{Ability, Condition, DamageType, Expression, Key};

/// An effect to be put on creatures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectTemplate {
    /// Shown to players.
    pub name: String,
    /// Effects of one key do not add up on one creature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// When it ends by itself.
    pub duration: Duration,
    /// Whether its source has to concentrate on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub concentration: bool,
    /// Conditions held while it lasts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Levels of exhaustion, 1 to 6, when that is among the conditions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhaustion: Option<u8>,
    /// What else it changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// A save repeated each turn that ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save_ends: Option<SaveEnds>,
    /// Damage taken each turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<TurnDamage>,
    /// Where it is, if on the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// What ends it before its time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends_on: Vec<Ending>,
    /// What a check must reach to break free of it, or to find whom it hides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dc: Option<i32>,
    /// The casting it comes of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub casting: Option<Box<Casting>>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// What it lets its bearer do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// What it makes of the map, with an area that is placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// A curse.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub curse: bool,
    /// Its bearer is off the board while it lasts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
    /// Its bearer is in its source's space, and goes where that goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<Inside>,
}

/// How a creature is in another's space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inside {
    /// Open to all.
    Shared,
    /// With total cover against everything outside.
    Covered,
    /// On its back: a rider.
    Ridden,
}

/// Something that ends an effect before its time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The first roll that it says something to: the bearer's, or one against it.
    Roll,
    /// The bearer makes an attack roll.
    BearerAttacks,
    /// The bearer casts a spell with a verbal component.
    BearerCasts,
    /// The bearer takes damage.
    BearerDamaged,
    /// The bearer cannot act, or is at 0 hit points.
    BearerIncapacitated,
    /// Its source cannot act, or is at 0 hit points.
    SourceIncapacitated,
    /// Its source is dead, or gone.
    SourceDies,
    /// The bearer moves of its own will, attacks, casts or does anything else.
    BearerStirs,
}

impl EffectTemplate {
    /// Whether it is a curse.
    pub const fn is_curse(&self) -> bool {
        self.curse
    }

    /// Whether it lessens maximum hit points or what abilities are good for.
    pub fn reduces(&self) -> bool {
        let lessens = |modifier: &Modifier| {
            modifier.kind == ModifierKind::MaxHp && modifier.value.unwrap_or(0) < 0
        };
        self.modifiers.iter().any(lessens)
    }

    /// How much it changes, to compare effects of one key: twice its numbers and average dice.
    pub(crate) fn potency(&self) -> i64 {
        let dice =
            |dice: &Expression| (dice.minimum().unwrap_or(0) + dice.maximum().unwrap_or(0)).abs();
        let changed = self.modifiers.iter().map(|modifier| {
            let value = i64::from(modifier.value.unwrap_or(0)).abs() * 2;
            value + modifier.dice.as_ref().map_or(0, dice)
        });
        let dealt = self.damage.iter().flat_map(|damage| &damage.dice);
        changed.chain(dealt.map(|part| dice(&part.dice))).sum()
    }
}

/// A save that ends an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaveEnds {
    /// What it is made with.
    pub ability: Ability,
    /// What it must reach.
    pub dc: i32,
    /// At which edge of the creature's turns.
    #[serde(default)]
    pub edge: Edge,
}

/// Damage at an edge of each of the creature's turns.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnDamage {
    /// How much, of what.
    pub dice: Vec<DamageDice>,
    /// At which edge.
    pub edge: Edge,
    /// What may lessen it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save: Option<SaveSpec>,
}

/// Dice of one type of damage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DamageDice {
    /// With the numbers added.
    pub dice: Expression,
    /// Type.
    #[serde(rename = "type")]
    pub kind: DamageType,
}

/// A save asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaveSpec {
    /// What it is made with.
    pub ability: Ability,
    /// What it must reach.
    pub dc: i32,
    /// Whether a success halves the damage instead of avoiding it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub half: bool,
}
