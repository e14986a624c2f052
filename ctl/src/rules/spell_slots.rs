//! The suite of numbers that follow from class, level and score.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use gss_rules::modifier;
use gss_rules::spellcasting::{Progression, proficiency_bonus};
use serde::Deserialize;
use serde_json::{Value, json};

use super::play::Play;
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[("spell_slots", spell_slots)];

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
