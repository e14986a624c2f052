//! What is in the data files, as a table and as the ratchet of a test.

use std::collections::BTreeMap;

use anyhow::Result;
use gss_rules::content::{EntryClass, Section};
use serde::Serialize;
use serde_json::Value;

use super::block::{self, Compiled};
use super::raw::{RawEntry, RawMonster};

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
    /// Traits and named entries: blocks that have one of the name.
    names: BTreeMap<String, usize>,
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
                if left(entry.class) || entry.class == EntryClass::Trait {
                    let section = match entry.section {
                        Section::Trait => String::new(),
                        section => format!(" ({})", written(&section)),
                    };
                    *it.names.entry(format!("{}{section}", entry.id)).or_default() += 1;
                }
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

fn written<T: Serialize>(word: &T) -> String {
    match serde_json::to_value(word) {
        Ok(Value::String(text)) => text,
        _ => String::new(),
    }
}

/// Prints the text of what is not understood as a whole.
pub(super) fn unresolved(raw: &[RawMonster], spells: &BTreeMap<String, String>) -> Result<()> {
    for monster in raw {
        let mut entries: Vec<RawEntry> = monster.entries.clone();
        super::raw::name_itself(&monster.name, &mut entries);
        let compiled = block::compile(monster.clone(), spells)?;
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
