//! How much of the content the engine plays without a game master, as the built-in cases prove it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BUILT_IN, Failure, Proof, parse, run};
use crate::combat::Rulebook;
use crate::content::{CastingTime, Content, Monster, Spell};
use crate::{Edition, Key};

/// Counts of one edition.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Spells.
    pub spells: Spells,
    /// Entries of stat blocks: traits, actions, reactions …
    pub monster_entries: Entries,
    /// Stat blocks.
    pub blocks: Blocks,
}

/// Spells, each counted once.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spells {
    /// Played to their end.
    pub automated: usize,
    /// Cast; the rest is the game master's.
    pub assisted: usize,
    /// Of those, too slow for a combat: a minute or more.
    pub tracked: usize,
}

/// Entries of stat blocks.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entries {
    /// Played to their end.
    pub automated: usize,
    /// All.
    pub total: usize,
}

/// Stat blocks.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocks {
    /// Every entry is played to its end.
    pub complete: usize,
    /// All.
    pub total: usize,
}

/// What the built-in cases of an edition prove. A thing counts when it has cases and all of them
/// come to what they state.
///
/// # Errors
/// Which case cannot be read.
pub fn proved(edition: Edition, book: &Rulebook) -> Result<BTreeMap<Proof, bool>, Failure> {
    let mut proofs = BTreeMap::new();
    for (_, text) in BUILT_IN {
        for case in parse(text)?.into_iter().filter(|case| case.edition == edition) {
            let passes = run(&case, book).is_ok();
            for proof in case.proves.all() {
                let held = proofs.entry(proof.clone()).or_insert(true);
                *held &= passes;
            }
        }
    }
    Ok(proofs)
}

/// Counts what is proved of an edition's content.
///
/// # Errors
/// Which case cannot be read.
pub fn coverage(edition: Edition, book: &Rulebook) -> Result<Coverage, Failure> {
    let proofs = proved(edition, book)?;
    Ok(count(&book.content, &proofs))
}

fn count(content: &Content, proofs: &BTreeMap<Proof, bool>) -> Coverage {
    let holds = |proof: &Proof| proofs.get(proof).copied().unwrap_or(false);
    let entry = |monster: &Monster, id: &Key| holds(&Proof::Entry(monster.id.clone(), id.clone()));
    let mut all = Coverage::default();
    for monster in content.monsters.values() {
        let played = monster.entries.iter().filter(|it| entry(monster, &it.id)).count();
        all.monster_entries.total += monster.entries.len();
        all.monster_entries.automated += played;
        all.blocks.total += 1;
        all.blocks.complete += usize::from(played == monster.entries.len());
    }
    for spell in content.spells.values() {
        if holds(&Proof::Spell(spell.id.clone())) {
            all.spells.automated += 1;
        } else if is_slow(spell) {
            all.spells.tracked += 1;
        } else {
            all.spells.assisted += 1;
        }
    }
    all
}

/// Whether it always takes a minute or more to cast.
const fn is_slow(spell: &Spell) -> bool {
    matches!(spell.casting_time, CastingTime::Minutes { .. })
}
