//! Cases that prove the engine on the bestiary: numbers of the printed text, worked out here.
//!
//! Nothing of the engine is run: who is hit by which roll, what the dice come to, which save keeps
//! from what is reckoned from the record, whose numbers are those of the text. A case of each way an
//! entry can go: a hit and a miss by one, a save failed and made by one.

mod aftermath;
mod attack;
mod castings;
mod charges;
mod dice;
mod parts;
mod sets;
mod spells;
mod stage;
mod traits;
mod uses;

use std::path::PathBuf;

use anyhow::{Context, Result};
use gss_rules::content::{Deeds, EntryClass, Monster, Section, Spell};

use super::layout;
use crate::cargo;

/// The files of an edition, by their paths from the repository's root.
pub(super) fn files(
    edition: &str,
    monsters: &[&Monster],
    spells: &[Spell],
) -> Result<Vec<(PathBuf, String)>> {
    let book = castings::Book::read(edition, spells)?;
    let deeds = deeds(edition, monsters)?;
    let mut castings = Vec::new();
    let mut attacks = Vec::new();
    let mut actions = Vec::new();
    let mut sets = Vec::new();
    let mut legends = Vec::new();
    for monster in monsters {
        for entry in &monster.entries {
            let of = stage::Subject { edition, monster, entry };
            match (entry.class, entry.section) {
                (EntryClass::Attack | EntryClass::AttackRider, _) => {
                    attacks.extend(attack::cases(&of).unwrap_or_default());
                }
                (EntryClass::Use, Section::Trait) => {
                    actions.extend(uses::burst(&of).unwrap_or_default());
                }
                (EntryClass::Use, _) => actions.extend(uses::cases(&of).unwrap_or_default()),
                (EntryClass::Multiattack, _) => {
                    sets.extend(sets::cases(&of, &book, &deeds).unwrap_or_default())
                }
                (EntryClass::Makes, _) => {
                    sets.extend(sets::makes(&of, &book, &deeds).unwrap_or_default())
                }
                (EntryClass::LegendaryResistance, _) => legends.push(uses::resistance(&of)),
                (EntryClass::Casts, _) => {
                    castings.extend(spells::casts(&of, &book).unwrap_or_default());
                }
                (EntryClass::Spellcasting, _) => {
                    castings.extend(spells::list(&of, &book).unwrap_or_default());
                }
                (EntryClass::AttackPart | EntryClass::Trait | EntryClass::Named, _) => {}
            }
        }
    }
    let folder = PathBuf::from("rules/cases").join(edition);
    [
        ("monsters-attacks.json", &attacks),
        ("monsters-actions.json", &actions),
        ("monsters-sets.json", &sets),
        ("monsters-legendary.json", &legends),
        ("monsters-spells.json", &castings),
        ("monsters-traits.json", &traits::cases(edition, monsters)?),
    ]
    .into_iter()
    .map(|(name, cases)| Ok((folder.join(name), layout::text(cases)?)))
    .collect()
}

/// What named uses do, as the overlay says it of these creatures.
fn deeds(edition: &str, monsters: &[&Monster]) -> Result<Deeds> {
    let folder = cargo::root().join("rules/content/overlay").join(edition).join("programs");
    let mut texts = Vec::new();
    for file in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        texts.push(std::fs::read_to_string(file?.path())?);
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let monsters = monsters.iter().map(|it| (it.id.clone(), (*it).clone())).collect();
    Ok(Deeds::new(&texts, &monsters)?)
}
