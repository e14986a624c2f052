//! Lists of spells: from the structure of SRD 5.1's source, from the text of SRD 5.2.1's.

use std::collections::BTreeMap;

use gss_rules::Ability;
use gss_rules::Key;
use gss_rules::content::{Casting, Component, Spellcasting, StatBlock};
use serde_json::Value;

use super::attack::ability;
use super::makes::casting;
use super::raw::RawEntry;
use super::text::{Reader, re, word};

/// What a list says.
pub(super) struct List {
    pub(super) spellcasting: Spellcasting,
    /// Those cast at another level than their own.
    pub(super) casts: Vec<Casting>,
    /// Those cast without a slot though there are slots.
    pub(super) at_will: Vec<Key>,
}

/// Reads a list. None: there is none, or it is not understood.
pub(super) fn list(entry: &RawEntry, block: &StatBlock) -> Option<List> {
    match entry.source.get("spellcasting") {
        Some(source) => structured(source, block),
        None => printed(&entry.lower, block),
    }
}

/// Components that the spells of a list do not need.
pub(super) fn without(text: &str) -> Vec<Component> {
    let none = re!(r"requir(?:ing|es) no (?:spell )?components");
    let voice =
        re!(r"(?:requir(?:ing|es)|needs) only verbal components|requiring no somatic or material");
    let material = re!(r"requir(?:ing|es) no material (?:spell )?components");
    if none.is_match(text) {
        vec![Component::Verbal, Component::Somatic, Component::Material]
    } else if voice.is_match(text) {
        vec![Component::Somatic, Component::Material]
    } else if material.is_match(text) {
        vec![Component::Material]
    } else {
        Vec::new()
    }
}

/// DC and bonus of who has no printed ones (SRD 5.1 "Spellcasting", "Saving Throws").
fn base(ability: Ability, block: &StatBlock) -> i32 {
    block.abilities.modifier(ability) + block.proficiency_bonus.unwrap_or(0)
}

fn structured(source: &Value, block: &StatBlock) -> Option<List> {
    let ability: Ability = word(source["ability"]["index"].as_str()?)?;
    let number = |name: &str| source[name].as_i64().and_then(|it| i32::try_from(it).ok());
    let dc = number("dc").unwrap_or(8 + base(ability, block));
    let mut spellcasting = Spellcasting {
        level: None,
        ability,
        dc,
        attack_bonus: number("modifier").unwrap_or(dc - 8),
        slots: BTreeMap::new(),
        spells: Vec::new(),
        per_day: BTreeMap::new(),
    };
    for (level, count) in source["slots"].as_object().into_iter().flatten() {
        let count = u8::try_from(count.as_u64()?).ok()?;
        spellcasting.slots.insert(level.parse().ok()?, count);
    }
    let mut at_will = Vec::new();
    for spell in source["spells"].as_array()? {
        let url = spell["url"].as_str()?;
        let key = Key::try_from(url.rsplit('/').next()?.to_owned()).ok()?;
        if let Some(times) = spell["usage"]["times"].as_u64() {
            spellcasting.per_day.insert(key.clone(), u8::try_from(times).ok()?);
        }
        if spell["usage"]["type"] == "at will" && spell["level"] != 0 {
            at_will.push(key.clone());
        }
        if !spellcasting.spells.contains(&key) {
            spellcasting.spells.push(key);
        }
    }
    if spellcasting.slots.is_empty() {
        at_will.clear();
    }
    Some(List { spellcasting, casts: Vec::new(), at_will })
}

fn printed(text: &str, block: &StatBlock) -> Option<List> {
    let (head, lists) = text.split_once(": at will: ").or_else(|| {
        let at = re!(r": \d/day(?: each)?: ").find(text)?;
        Some((&text[..at.start()], &text[at.start() + 2..]))
    })?;
    let found = re!(
        r"^@ casts one of the following spells, (?:requiring no [a-z ]+ and )?using ([a-z]+) as (?:the )?spellcasting ability(?: \((?:spell save dc (\d+))?(?:, )?(?:\+(\d+) to hit with spell attacks)?\))?$"
    )
    .captures(head)?;
    let ability = ability(&found[1])?;
    let number = |group: usize| found.get(group).and_then(|it| it.as_str().parse::<i32>().ok());
    let dc = number(2).unwrap_or(8 + base(ability, block));
    let mut spellcasting = Spellcasting {
        level: None,
        ability,
        dc,
        attack_bonus: number(3).unwrap_or(dc - 8),
        slots: BTreeMap::new(),
        spells: Vec::new(),
        per_day: BTreeMap::new(),
    };
    let mut casts = Vec::new();
    let mut times: Option<u8> = None;
    let mut reader = Reader::new(lists);
    while !reader.is_done() {
        if let Some(found) = reader.take(re!(r"^ ?(\d)/day(?: each)?: ")) {
            times = found[1].parse().ok();
        }
        let found = reader
            .take(re!(r"^([a-z'/ -]+?)((?: \([^)]*\))*)(?:, | ?\.|$|( \d/day(?: each)?: ))"))?;
        if let Some(next) = found.get(3) {
            reader = Reader::new(&lists[lists.len() - reader.rest.len() - next.as_str().len()..]);
        }
        let level = re!(r"\(level \d version\)").find(&found[2]).map(|it| it.as_str());
        let cast = casting(&format!("{} {}", &found[1], level.unwrap_or_default()))?;
        if let Some(times) = times {
            spellcasting.per_day.insert(cast.spell.clone(), times);
        }
        spellcasting.spells.push(cast.spell.clone());
        casts.extend(cast.level.is_some().then_some(cast));
    }
    Some(List { spellcasting, casts, at_will: Vec::new() })
}
