//! The suite of numbers that follow from class, level and score.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use gss_rules::spellcasting::{Progression, proficiency_bonus};
use gss_rules::{Dice, Key, modifier};
use serde::Deserialize;
use serde_json::{Value, json};

use super::play::Play;
use super::stage::rulebook;
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[("spell_slots", spell_slots), ("spell_dice", spell_dice)];

#[derive(Deserialize)]
struct Cast {
    spell: Key,
    slot: Option<u8>,
    character_level: Option<u8>,
}

/// Every die shows a 1, and is counted.
#[derive(Default)]
struct Counted(Vec<u32>);

impl Dice for Counted {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0.push(sides);
        1
    }
}

fn spell_dice(play: &mut Play<'_>) -> Result<Value> {
    let case: Cast = play.inputs()?;
    let book = rulebook(play.rules.edition)?;
    let spell = book.content.spellbook.get(&case.spell).context("a spell")?;
    let dice = spell.dice_of(case.slot.unwrap_or(0), case.character_level.unwrap_or(1));
    let mut counted = Counted::default();
    let total = dice.context("it rolls nothing")?.roll(&mut counted).total;
    let (count, sides) = (counted.0.len(), counted.0.first().context("dice")?);
    if counted.0.iter().any(|other| other != sides) {
        bail!("it rolls dice of several kinds");
    }
    Ok(json!({ "dice": count, "sides": sides, "bonus": total - i64::try_from(count)? }))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Inputs {
    Class { class: String, level: u8 },
    Level { level: u8 },
    Score { score: u8 },
}

fn spell_slots(play: &mut Play<'_>) -> Result<Value> {
    Ok(match play.inputs()? {
        Inputs::Class { class, level } => {
            let progression = Progression::of(&class).context("a class that casts")?;
            let slots = progression.slots(level, play.rules.edition);
            let slots = (1..).zip(slots).filter(|(_, count)| *count > 0);
            json!({ "slots": slots.collect::<BTreeMap<u8, u8>>() })
        }
        Inputs::Level { level } => json!({ "proficiency_bonus": proficiency_bonus(level) }),
        Inputs::Score { score } => json!({ "modifier": modifier(score) }),
    })
}
