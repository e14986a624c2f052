//! What is in the data files, as a table and as the ratchet of a test.

use std::collections::BTreeMap;

use anyhow::Result;
use gss_rules::Key;
use gss_rules::content::{EntryClass, Section};
use serde::Serialize;
use serde_json::Value;

use super::block::{self, Compiled};
use super::raw::{RawEntry, RawMonster};
use super::riders::Riders;

/// Counts by edition.
#[derive(Default, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Counts(BTreeMap<String, Edition>);

/// Counts of one edition.
#[derive(Default, Debug, Serialize)]
struct Edition {
    blocks: usize,
    attacks: usize,
    uses: usize,
    entries: BTreeMap<String, usize>,
    spells: usize,
    weapons: usize,
    armor: usize,
    corrections: usize,
    /// Blocks in which no attack or action is left to the game master, traits apart.
    whole_blocks: usize,
}

impl Counts {
    pub(super) fn add(
        &mut self,
        edition: &str,
        compiled: &[Compiled],
        spells: usize,
        weapons: usize,
        armor: usize,
        corrections: usize,
    ) {
        let mut it = Edition { spells, weapons, armor, corrections, ..Edition::default() };
        it.blocks = compiled.len();
        for Compiled { monster, .. } in compiled {
            it.attacks += monster.block.attacks.len();
            it.uses += monster.block.uses.len();
            let left = |class| matches!(class, EntryClass::Named | EntryClass::AttackPart);
            it.whole_blocks += usize::from(!monster.entries.iter().any(|it| left(it.class)));
            for entry in &monster.entries {
                let class = written(&entry.class);
                *it.entries.entry(class).or_default() += 1;
            }
        }
        self.0.insert(edition.to_owned(), it);
    }

    pub(super) fn print(&self) {
        for (edition, it) in &self.0 {
            let all: usize = it.entries.values().sum();
            println!(
                "{edition}: {} blocks ({} without an unresolved attack or action), {} attacks, {} uses, {} spells, {} weapons, {} armor, {} corrections",
                it.blocks,
                it.whole_blocks,
                it.attacks,
                it.uses,
                it.spells,
                it.weapons,
                it.armor,
                it.corrections
            );
            for (class, count) in &it.entries {
                println!("  {class:<22} {count:>5}");
            }
            println!("  {:<22} {all:>5}", "all");
        }
    }
}

/// A name of entries that no record says as a whole.
#[derive(Debug, Serialize)]
pub(super) struct Name {
    id: Key,
    section: Section,
    class: EntryClass,
    /// How many have one.
    blocks: usize,
}

/// Names of traits and of entries left to the game master, those of the most blocks first.
pub(super) fn names(compiled: &[Compiled]) -> Vec<Name> {
    let mut counts: BTreeMap<(Key, Section, EntryClass), usize> = BTreeMap::new();
    for entry in compiled.iter().flat_map(|it| &it.monster.entries) {
        let open = [EntryClass::Trait, EntryClass::Named, EntryClass::AttackPart];
        if open.contains(&entry.class) {
            *counts.entry((entry.id.clone(), entry.section, entry.class)).or_default() += 1;
        }
    }
    let name = |((id, section, class), blocks)| Name { id, section, class, blocks };
    let mut names: Vec<Name> = counts.into_iter().map(name).collect();
    names.sort_by_key(|it| std::cmp::Reverse(it.blocks));
    names
}

fn written<T: Serialize>(word: &T) -> String {
    match serde_json::to_value(word) {
        Ok(Value::String(text)) => text,
        _ => String::new(),
    }
}

/// Prints the text of what is not understood as a whole.
pub(super) fn unresolved(
    raw: &[RawMonster],
    spells: &BTreeMap<String, String>,
    riders: &Riders,
) -> Result<()> {
    for monster in raw {
        let mut entries: Vec<RawEntry> = monster.entries.clone();
        super::raw::name_itself(&monster.name, &mut entries);
        let compiled = block::compile(monster.clone(), spells, riders)?;
        for (entry, read) in entries.iter().zip(&compiled.monster.entries) {
            if matches!(read.class, EntryClass::Named | EntryClass::AttackPart) {
                println!(
                    "{} | {} | {} | {}",
                    monster.id,
                    written(&read.class),
                    entry.id,
                    entry.lower
                );
            }
        }
    }
    Ok(())
}
