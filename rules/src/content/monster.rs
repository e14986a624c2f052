//! Creatures of the bestiary: a stat block, and what the wire's stat block has no field for.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Component, DamageDice, Expression, Key, SaveSpec, StatBlock};
use crate::{Ability, Condition, CreatureType, MovementMode, Size, Skill};

/// A creature of the bestiary.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monster {
    /// Its key.
    pub id: Key,
    /// As it is printed.
    pub name: String,
    /// Challenge rating: `0`, `1/8`, `1/4`, `1/2`, `1` … `30`.
    pub challenge: String,
    /// Experience points.
    pub xp: u32,
    /// The other forms of a shapechanger that have a record of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<Key>,
    /// Other Armor Classes that are printed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ac_when: Vec<ArmorClassWhen>,
    /// The numbers, shared by all that are such a creature.
    pub block: Arc<StatBlock>,
    /// About attacks and uses of the block, by `attack_id` or `use_id`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<Key, Detail>,
    /// Everything that is printed below the numbers, in that order.
    pub entries: Vec<Entry>,
}

impl Monster {
    /// Its challenge rating in eighths; none: what is printed is no rating.
    pub fn challenge_eighths(&self) -> Option<u32> {
        match self.challenge.split_once('/') {
            Some((part, of)) => {
                let (part, of): (u32, u32) = (part.parse().ok()?, of.parse().ok()?);
                part.checked_mul(8)?.checked_div(of)
            }
            None => self.challenge.parse::<u32>().ok()?.checked_mul(8),
        }
    }
}

/// An Armor Class that holds at times.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmorClassWhen {
    /// The Armor Class.
    pub ac: i32,
    /// While it has this condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// While this spell is on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spell: Option<Key>,
    /// Without this spell or armor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<Key>,
}

/// One entry of a stat block: a trait, action, reaction …
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Key of the attack, use or trait.
    pub id: Key,
    /// Where it stands.
    pub section: Section,
    /// How much of it the record says.
    pub class: EntryClass,
}

/// Part of a stat block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Section {
    Trait,
    Action,
    BonusAction,
    Reaction,
    Legendary,
}

/// How much of an entry the record says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryClass {
    /// An attack: all of it.
    Attack,
    /// An attack and what follows a hit: all of it.
    AttackRider,
    /// An attack: its numbers. What else follows a hit is the game master's.
    AttackPart,
    /// The allowed sets: all of it.
    Multiattack,
    /// Damage, healing, a save, conditions: all of it.
    Use,
    /// Attacks, other uses, movement, a check, usual actions: all of it.
    Makes,
    /// A spell: all of it.
    Casts,
    /// The list of spells: all of it.
    Spellcasting,
    /// How often; the rule is the engine's.
    LegendaryResistance,
    /// A name: what it does is an effect program's to say.
    Trait,
    /// A name, its cost and how often: the game master resolves it.
    Named,
}

/// What the wire's attack and use have no field for. Absent: not so.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// To escape from the grapple that it makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escape_dc: Option<i32>,
    /// How many creatures it can have grappled at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grapples: Option<u8>,
    /// Conditions that a target has for as long as that grapple lasts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub while_grappled: Vec<Condition>,
    /// While the grapple lasts the creature cannot use this on anybody else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_on_grappled: bool,
    /// Whom it can be used on at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Requirement>,
    /// Whom its rider, or for a use its outcome, applies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rider: Option<Requirement>,
    /// Whom an area affects; absent: every creature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
    /// Damage at times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Variant>,
    /// Its save is against magic.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub magical: bool,
    /// A success, or the end of the effect, makes immune to it for so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immune_seconds: Option<u32>,
    /// Attacks and uses that it consists of: allowed sets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub makes: Vec<Vec<Key>>,
    /// Movement that it is, or that comes with it, in hundredths of the Speed: 50 or 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves_percent: Option<u8>,
    /// That movement provokes no opportunity attacks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unprovoking: bool,
    /// That movement is flight.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flies: bool,
    /// Spells that it casts: one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub casts: Vec<Casting>,
    /// Spells of 1st level and above that it casts without a slot, as often as it likes, though its
    /// list has slots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_will: Vec<Key>,
    /// Only on itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub casts_on_itself: bool,
    /// With this ability instead of the block's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cast_ability: Option<Ability>,
    /// Against those spells, instead of the block's DC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cast_dc: Option<i32>,
    /// That movement is of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<MovementMode>,
    /// That movement is straight toward an enemy that it sees.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub charges: bool,
    /// That movement comes after the rest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moves_last: bool,
    /// It teleports as far as the use's range, to a free space that it sees.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub teleports: bool,
    /// It jumps so far, for 10 feet of movement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaps_ft: Option<i32>,
    /// Actions that it takes with it: one of these (`dash`, `disengage`, `hide` …).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<Key>,
    /// An ability check that it makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Skill>,
    /// Added to its Armor Class against one melee attack that would hit it, of an attacker that it
    /// sees, while it wields a melee weapon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parry: Option<i32>,
    /// Not again until the start of the creature's next turn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub once_per_round: bool,
    /// Comes back with a short or long rest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rest_recharges: bool,
    /// Uses of one word are spent and recharged together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<Key>,
    /// Only in forms of these names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<Key>,
    /// Components that its spells do not need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Component>,
    /// When its attack rolls have advantage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub favored: Option<Favored>,
    /// It hits without a roll whom the creature grapples.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hits_held: bool,
    /// How often its dice are thrown on a critical hit; absent: twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_times: Option<u8>,
    /// Numbers of an entry that is not understood as a whole, for its effect program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
}

/// When the rolls of an attack have advantage.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Favored {
    /// The target lacks hit points.
    TargetWounded,
    /// The attacker grapples the target.
    TargetGrappled,
    /// In the first round.
    FirstRound,
}

/// Numbers in an entry's text, each kind in the order of printing.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Dice with a damage type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<DamageDice>,
    /// Other dice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dice: Vec<Expression>,
    /// Saves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saves: Vec<SaveSpec>,
    /// DCs that are not a save's: of checks, of an escape.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dcs: Vec<i32>,
    /// Distances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feet: Vec<i32>,
    /// Numbers of hit points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hit_points: Vec<i32>,
    /// Signed numbers, and those added to something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bonuses: Vec<i32>,
}

/// A spell that a creature casts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Casting {
    /// Which.
    pub spell: Key,
    /// As if from a slot of this level; absent: its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
}

/// What a target must be; every member that is there must hold.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// At most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<Size>,
    /// One of these types or tags; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<CreatureType>,
    /// None of these types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_types: Vec<CreatureType>,
    /// None of these tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_tags: Vec<Key>,
    /// Has this condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// It is this creature that grapples it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grappled_by_it: bool,
    /// The creature sees it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seen: bool,
    /// It sees the creature.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sees: bool,
    /// It hears the creature.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hears: bool,
    /// It is in the creature's space.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_space: bool,
    /// The creature moved at least so far straight toward it just before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge_ft: Option<i32>,
    /// It has at most so many hit points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hp: Option<i32>,
    /// The creature does not grapple it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_grappled_by_it: bool,
    /// It lets it happen, or cannot help it: of the creature's side, grappled by it, incapacitated
    /// or restrained.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_mercy: bool,
    /// What of it can burn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burns: Option<Burns>,
}

/// What can burn of those that an attack can hit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Burns {
    /// Creatures, and objects with the tag `flammable`.
    Anybody,
    /// Objects with the tag `flammable`.
    Objects,
}

/// Whom an area affects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Creatures that the user chooses.
    Chosen,
    /// Its enemies.
    Enemies,
    /// All others.
    Others,
}

/// Damage at times.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// When.
    pub when: When,
    /// Of a charge: at least so far, straight toward the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge_ft: Option<i32>,
    /// On top of the usual damage; otherwise in place of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extra: bool,
    /// All parts.
    pub damage: Vec<DamageDice>,
}

/// When an attack's damage is another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The attacker has half of its hit points or fewer.
    Bloodied,
    /// The target has.
    TargetBloodied,
    /// The attack roll had advantage.
    Advantage,
    /// The attacker moved straight toward the target just before.
    Charge,
    /// The target is grappled by the attacker.
    TargetGrappled,
    /// The attacker is enlarged.
    Enlarged,
    /// The attacker chooses: a damage type or a die.
    Chosen,
    /// The attack is made at range.
    AtRange,
    /// The attacker is Small or Medium.
    SmallForm,
    /// With this spell on the weapon: shillelagh.
    Shillelagh,
}
