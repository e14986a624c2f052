//! Content: what stat blocks, spells, weapons and armor are, as data of one edition.
//!
//! Owns the records' types and the way from text to records. Text comes from the caller, or from
//! the files that are built in ([`Texts::of`]); it is parsed once, by the caller, who keeps the
//! result. Every word of a record is a word this crate knows: an unknown one is an error that names
//! the record and the field, so that a wrong number cannot hide behind a default.
//!
//! SRD 5.1 "Monsters", "Spellcasting", "Equipment"; SRD 5.2.1 "Monsters", "Spells", "Equipment".

mod armor;
mod attack;
mod creature_trait;
mod deed;
mod gear;
mod item;
mod monster;
mod records;
mod special_action;
mod spell;
mod spell_dice;
mod spellbook;
mod stat_block;
mod weapon;

use std::collections::BTreeMap;

pub use armor::{Armor, ArmorCategory};
pub use attack::{Attack, AttackKind, AttackProperty, Mastery, RangeFt};
pub use creature_trait::{Aura, AuraEdge, Burst, Charge, Corrosion, Death, Form, Trait};
pub use deed::{Deed, Deeds};
pub use gear::Gear;
pub use item::{Item, ItemSpell};
pub use monster::{
    ArmorClassWhen, Burns, Casting, Detail, Entry, EntryClass, Facts, Favored, Monster,
    Requirement, Section, Variant, When, Who,
};
pub use records::ContentError;
pub use special_action::{
    Area, AtZero, Cost, OutcomeSpec, Rider, Sap, Shape, SpecialAction, Weakens,
};
pub use spell::{
    CastingTime, Component, DamagePart, Scaling, School, Spell, SpellAttack, SpellDuration,
    SpellRange, SpellSave,
};
pub(crate) use spell::{plus, scaled};
pub use spellbook::{SpellRules, Spellbook};
pub use stat_block::{
    Defense, IMPROVISED, Legendary, Pool, Recover, Spellcasting, StatBlock, UNARMED,
};
pub use weapon::{Weapon, WeaponCategory};

use crate::combat::HitPoints;
use crate::effect::{DamageDice, Duration, EffectTemplate, Quality, SaveSpec};
use crate::{Edition, Expression, Key};

/// The content of one edition, by key.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Content {
    /// Creatures of the bestiary.
    pub monsters: BTreeMap<Key, Monster>,
    /// Spells.
    pub spells: BTreeMap<Key, Spell>,
    /// Weapons.
    pub weapons: BTreeMap<Key, Weapon>,
    /// Armor and shields.
    pub armor: BTreeMap<Key, Armor>,
    /// Other things that are used in a fight.
    pub gear: BTreeMap<Key, Gear>,
    /// Spells with what they do.
    pub spellbook: Spellbook,
    /// What things do that are used up.
    pub items: BTreeMap<Key, Item>,
    /// What traits of creatures do.
    pub traits: BTreeMap<Key, Trait>,
    /// What named uses of creatures do.
    pub deeds: Deeds,
}

/// The texts that [`Content`] is read from, each a JSON array of records.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a> {
    /// Of [`Monster`].
    pub monsters: &'a str,
    /// Of [`Spell`].
    pub spells: &'a str,
    /// Of [`Weapon`].
    pub weapons: &'a str,
    /// Of [`Armor`].
    pub armor: &'a str,
    /// Of [`Gear`].
    pub gear: &'a str,
    /// Of [`crate::effect::Program`]; later ones take the place of earlier ones.
    pub programs: &'a [&'a str],
    /// Of [`Trait`].
    pub traits: &'a str,
    /// Of [`Deed`]; those for all creatures before those for some.
    pub deeds: &'a [&'a str],
}

impl Texts<'static> {
    /// What is built in for an edition.
    pub const fn of(edition: Edition) -> Self {
        match edition {
            Edition::E51 => Self {
                monsters: include_str!("../content/5.1/monsters.json"),
                spells: include_str!("../content/5.1/spells.json"),
                weapons: include_str!("../content/5.1/weapons.json"),
                armor: include_str!("../content/5.1/armor.json"),
                gear: include_str!("../content/5.1/gear.json"),
                programs: spellbook::E51,
                traits: include_str!("../content/overlay/5.1/traits.json"),
                deeds: deed::E51,
            },
            Edition::E52 => Self {
                monsters: include_str!("../content/5.2/monsters.json"),
                spells: include_str!("../content/5.2/spells.json"),
                weapons: include_str!("../content/5.2/weapons.json"),
                armor: include_str!("../content/5.2/armor.json"),
                gear: include_str!("../content/5.2/gear.json"),
                programs: spellbook::E52,
                traits: include_str!("../content/overlay/5.2/traits.json"),
                deeds: deed::E52,
            },
        }
    }
}

impl Content {
    /// Reads all records.
    ///
    /// # Errors
    /// [`ContentError`] names the kind, the record and the field of the first that is wrong.
    pub fn parse(texts: Texts<'_>) -> Result<Self, ContentError> {
        let spells = records::read("spells", texts.spells, |it: &Spell| &it.id)?;
        let monsters = records::read("monsters", texts.monsters, |it: &Monster| &it.id)?;
        Ok(Self {
            spellbook: Spellbook::new(&spells, texts.programs)?,
            deeds: Deeds::new(texts.deeds, &monsters)?,
            monsters,
            spells,
            weapons: records::read("weapons", texts.weapons, |it: &Weapon| &it.id)?,
            armor: records::read("armor", texts.armor, |it: &Armor| &it.id)?,
            gear: records::read("gear", texts.gear, |it: &Gear| &it.id)?,
            items: item::read(item::BUILT_IN)
                .map_err(|source| ContentError::Syntax { kind: "items", source })?,
            traits: records::read("traits", texts.traits, |it: &Trait| &it.id)?,
        })
    }

    /// What a trait does for a creature; that which is for it alone comes first.
    pub fn trait_of(&self, monster: Option<&Key>, id: &Key) -> Option<&Trait> {
        let own = |it: &&Trait| {
            it.of.as_ref() == Some(id) && monster.is_some_and(|key| it.monsters.contains(key))
        };
        let for_all = || {
            let it = self.traits.get(id)?;
            let any =
                it.monsters.is_empty() || monster.is_some_and(|key| it.monsters.contains(key));
            (it.of.is_none() && any).then_some(it)
        };
        self.traits.values().find(own).or_else(for_all)
    }
}
