//! From a block's entries to its record.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use gss_rules::Key;
use gss_rules::content::{
    AttackProperty, Casting, Cost, Detail, Entry, EntryClass, Monster, Section, SpecialAction,
    StatBlock,
};

use super::attack;
use super::digest::{self, Digest};
use super::makes::{self, Names};
use super::raw::{RawEntry, RawMonster, name_itself};
use super::riders::Riders;
use super::special;
use super::spellcasting::{self, List};
use super::text;

/// A record, and what its text was found to say.
pub(super) struct Compiled {
    pub(super) monster: Monster,
    pub(super) digest: BTreeMap<Key, Digest>,
}

/// Compiles a block.
pub(super) fn compile(
    raw: RawMonster,
    spells: &BTreeMap<String, String>,
    riders: &Riders,
) -> Result<Compiled> {
    let mut entries = raw.entries;
    name_itself(&raw.name, &mut entries);
    let mut block = Builder {
        monster: Monster {
            id: raw.id,
            name: raw.name,
            challenge: raw.challenge,
            xp: raw.xp,
            forms: raw.forms,
            ac_when: raw.ac_when,
            block: Arc::new(raw.block),
            details: BTreeMap::new(),
            entries: Vec::new(),
        },
        spells,
        riders,
        later: BTreeMap::new(),
    };
    let mut digests = BTreeMap::new();
    for entry in &entries {
        let digest = digest::scan(entry);
        digest.confirms(&entry.damage).with_context(|| entry.name.clone())?;
        let class = block.entry(entry, &entries).with_context(|| entry.name.clone())?;
        let whole =
            !matches!(class, EntryClass::Trait | EntryClass::Named | EntryClass::AttackPart);
        let facts = if whole { None } else { digest.facts() };
        block.detail(&entry.id, Detail { facts, ..Detail::default() });
        block.monster.entries.push(Entry { id: entry.id.clone(), section: entry.section, class });
        if digest != Digest::default() {
            digests.insert(entry.id.clone(), digest);
        }
    }
    for (id, other) in std::mem::take(&mut block.later) {
        let place = block.monster.details.entry(id).or_default();
        place.targets = other.targets.or(place.targets.take());
    }
    if entries.iter().any(|it| it.lower.contains("weapon attacks are magical")) {
        for attack in block.block().attacks.iter_mut().filter(|it| !it.spell) {
            attack.properties.push(AttackProperty::Magical);
        }
    }
    Ok(Compiled { monster: block.monster, digest: digests })
}

struct Builder<'a> {
    monster: Monster,
    /// Names of the edition's spells by key.
    spells: &'a BTreeMap<String, String>,
    riders: &'a Riders,
    /// What attacks say of others.
    later: BTreeMap<Key, Detail>,
}

impl Builder<'_> {
    fn block(&mut self) -> &mut StatBlock {
        Arc::make_mut(&mut self.monster.block)
    }

    fn entry(&mut self, entry: &RawEntry, all: &[RawEntry]) -> Result<EntryClass> {
        match entry.id.as_str() {
            "multiattack" => return Ok(self.multiattack(entry, all)),
            "legendary-resistance" => {
                let legendary = self.block().legendary.get_or_insert_default();
                legendary.resistances = legendary.resistances.or(entry.per_day);
                return Ok(EntryClass::LegendaryResistance);
            }
            "spellcasting" | "innate-spellcasting" => return self.spellcasting(entry),
            _ => {}
        }
        if attack::is_attack(entry) {
            let (mut attack, mut detail, mut class) = attack::attack(entry)?;
            let facts = digest::scan(entry).facts().unwrap_or_default();
            let id = &self.monster.id;
            if class == EntryClass::AttackPart
                && let Some(others) = self.riders.give(id, &mut attack, &mut detail, &facts)?
            {
                self.later.extend(others);
                class = if attack.on_hit.is_some() {
                    EntryClass::AttackRider
                } else {
                    EntryClass::Attack
                };
            }
            if entry.recharge.is_some() || entry.per_day.is_some() || entry.legendary_cost.is_some()
            {
                self.block().uses.push(special::named(entry));
            }
            self.block().attacks.push(attack);
            self.detail(&entry.id, detail);
            return Ok(class);
        }
        if entry.section == Section::Trait {
            return Ok(self.passive(entry));
        }
        if entry.id.as_str() == "breath-weapons" {
            return Ok(self.breath_weapons(entry));
        }
        let (action, detail, class) = read(entry, all, self.spells);
        self.block().uses.push(action);
        self.detail(&entry.id, detail);
        Ok(class)
    }

    /// Breaths to choose from: a use for each, spent together.
    fn breath_weapons(&mut self, entry: &RawEntry) -> EntryClass {
        let heads = text::re!(r"[.:] ([a-z]+ breath)\. ");
        let found: Vec<(usize, usize, String)> = heads
            .captures_iter(&entry.lower)
            .filter_map(|it| Some((it.get(0)?.start(), it.get(0)?.end(), it[1].to_owned())))
            .collect();
        let mut class = EntryClass::Use;
        for (index, (_, start, name)) in found.iter().enumerate() {
            let end = found.get(index + 1).map_or(entry.lower.len(), |next| next.0);
            let Ok(id) = Key::try_from(text::slug(name)) else { continue };
            let breath = RawEntry {
                id: id.clone(),
                name: text::title(name),
                lower: entry.lower.get(*start..end).unwrap_or_default().to_owned(),
                dc: None,
                ..entry.clone()
            };
            let (action, detail, this) = read(&breath, &[], self.spells);
            if this == EntryClass::Named {
                class = EntryClass::Named;
            }
            self.block().uses.push(action);
            self.detail(&id, Detail { shared: Some(entry.id.clone()), ..detail });
        }
        class
    }

    fn multiattack(&mut self, entry: &RawEntry, all: &[RawEntry]) -> EntryClass {
        let others: Vec<RawEntry> = all
            .iter()
            .filter(|it| !matches!(it.section, Section::Legendary | Section::Reaction))
            .filter(|it| it.id != entry.id)
            .cloned()
            .collect();
        let Some((sets, casts)) = makes::multiattack(entry, &Names(&others)) else {
            return EntryClass::Named;
        };
        for cast in casts {
            self.cast_use(cast);
        }
        self.block().multiattack = sets;
        // Whether the attacks hit says whether the rest is done: that is not in the sets.
        if entry.lower.contains("if both attacks hit") {
            return EntryClass::Named;
        }
        EntryClass::Multiattack
    }

    /// A spell that takes the place of an attack is a use of its own.
    fn cast_use(&mut self, cast: Casting) {
        let Ok(id) = Key::try_from(format!("cast-{}", cast.spell)) else { return };
        let use_of = |name: String| SpecialAction {
            use_id: id.clone(),
            name,
            cost: Cost::Action,
            legendary_cost: None,
            recharge: None,
            per_day: None,
            resource: None,
            range_ft: None,
            area: None,
            targets: None,
            damage: Vec::new(),
            healing: None,
            save: None,
            fail: None,
            success: None,
            always: None,
        };
        let name = self.spells.get(cast.spell.as_str()).map_or("a spell", String::as_str);
        self.block().uses.push(use_of(format!("Cast {name}")));
        self.detail(&id.clone(), Detail { casts: vec![cast], ..Detail::default() });
    }

    fn spellcasting(&mut self, entry: &RawEntry) -> Result<EntryClass> {
        let listed = spellcasting::list(entry, &self.monster.block);
        let cast = special::named(entry);
        let cost = if entry.section == Section::Trait { Cost::Action } else { cast.cost };
        self.block().uses.push(SpecialAction { cost, ..cast });
        let Some(List { spellcasting: list, casts, at_will }) = listed else {
            if entry.section == Section::Trait {
                self.block().traits.push(entry.id.clone());
            }
            return Ok(EntryClass::Named);
        };
        let known = list.spells.iter().find(|it| !self.spells.contains_key(it.as_str()));
        if let Some(unknown) = known {
            anyhow::bail!("{unknown} is no spell");
        }
        let without = spellcasting::without(&entry.lower);
        self.detail(&entry.id, Detail { casts, at_will, without, ..Detail::default() });
        self.block().spellcasting = Some(list);
        Ok(EntryClass::Spellcasting)
    }

    /// A trait is a name; one that is a save in an area is a use too, for the program to call.
    fn passive(&mut self, entry: &RawEntry) -> EntryClass {
        self.block().traits.push(entry.id.clone());
        if let Some((action, detail, class)) = special::special(entry) {
            self.block().uses.push(action);
            self.detail(&entry.id, detail);
            return class;
        }
        let detail =
            Detail { rest_recharges: entry.rest, forms: entry.forms.clone(), ..Detail::default() };
        self.detail(&entry.id, detail);
        EntryClass::Trait
    }

    fn detail(&mut self, id: &Key, detail: Detail) {
        if detail == Detail::default() {
            return;
        }
        let place = self.monster.details.entry(id.clone()).or_default();
        if detail.facts.is_some() {
            place.facts = detail.facts;
        } else {
            *place = detail;
        }
    }
}

/// Reads an action. What is not understood is a name.
fn read(
    entry: &RawEntry,
    all: &[RawEntry],
    spells: &BTreeMap<String, String>,
) -> (SpecialAction, Detail, EntryClass) {
    let names: Vec<RawEntry> = all.iter().filter(|it| it.id != entry.id).cloned().collect();
    let knows = |it: &Detail| it.casts.iter().all(|it| spells.contains_key(it.spell.as_str()));
    let (action, mut detail, class) = if let Some(read) = special::special(entry) {
        read
    } else if let Some((detail, range_ft)) =
        makes::makes(entry, &Names(&names)).filter(|it| knows(&it.0))
    {
        let casts = !detail.casts.is_empty();
        let class = if casts { EntryClass::Casts } else { EntryClass::Makes };
        (SpecialAction { range_ft, ..special::named(entry) }, detail, class)
    } else {
        (special::named(entry), Detail::default(), EntryClass::Named)
    };
    detail.rest_recharges = entry.rest;
    detail.forms = entry.forms.clone();
    (action, detail, class)
}
