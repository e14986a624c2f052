//! What follows a hit where the words are too many ways to be read: data of its own, with the
//! numbers of the printed text.
//!
//! `riders.json` of an edition's overlay says it for attacks by creature and name. Words that begin
//! with `$` are numbers of the text: `$dc` and `$ability` of its save, `$escape` the first DC that is
//! no save's, `$damage` all dice with a type behind those of the attack, `$first` and `$second` the
//! dice of these alone, `$dice` other dice.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use gss_rules::Key;
use gss_rules::content::{Attack, Detail, Facts, Rider};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::attack::merge;
use crate::cargo;

/// Riders of an edition's attacks.
pub(super) struct Riders(Vec<Written>);

/// A rider as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// By creature and name.
    attacks: Vec<(Key, Key)>,
    rider: Option<Map<String, Value>>,
    #[serde(default)]
    detail: Map<String, Value>,
    /// Whom other attacks of the creature can be used on.
    #[serde(default)]
    others: BTreeMap<Key, Detail>,
}

impl Riders {
    pub(super) fn read(edition: &str) -> Result<Self> {
        let file = format!("rules/content/overlay/{edition}/riders.json");
        let text = std::fs::read_to_string(cargo::root().join(&file)).context(file.clone())?;
        Ok(Self(serde_json::from_str(&text).context(file)?))
    }

    /// Gives an attack its rider, and what it says of other attacks. None: nothing is written.
    pub(super) fn give(
        &self,
        monster: &Key,
        attack: &mut Attack,
        detail: &mut Detail,
        facts: &Facts,
    ) -> Result<Option<BTreeMap<Key, Detail>>> {
        let is = |(of, id): &(Key, Key)| of == monster && *id == attack.attack_id;
        let Some(written) = self.0.iter().find(|it| it.attacks.iter().any(is)) else {
            return Ok(None);
        };
        let behind = attack.damage.len();
        let words = words(facts, behind);
        if let Some(rider) = &written.rider {
            let rider = filled(&Value::Object(rider.clone()), &words)?;
            let rider: Rider = serde_json::from_value(rider)?;
            attack.on_hit = Some(Box::new(rider));
        }
        let more = filled(&Value::Object(written.detail.clone()), &words)?;
        let more: Detail = serde_json::from_value(more)?;
        merge(detail, &more);
        detail.rider = more.rider.or(detail.rider.take());
        detail.targets = more.targets.or(detail.targets.take());
        detail.variants.extend(more.variants);
        Ok(Some(written.others.clone()))
    }
}

fn words(facts: &Facts, behind: usize) -> BTreeMap<&'static str, Value> {
    let mut words = BTreeMap::new();
    if let Some(save) = facts.saves.first() {
        words.insert("$dc", json!(save.dc));
        words.insert("$ability", json!(save.ability));
    }
    let more = facts.damage.get(behind..).unwrap_or_default();
    words.insert("$damage", json!(more));
    for (word, part) in ["$first", "$second"].into_iter().zip(more) {
        words.insert(word, json!(part.dice));
    }
    if let Some(dc) = facts.dcs.first() {
        words.insert("$escape", json!(dc));
    }
    if let Some(dice) = facts.dice.first() {
        words.insert("$dice", json!(dice));
    }
    words
}

fn filled(value: &Value, words: &BTreeMap<&str, Value>) -> Result<Value> {
    Ok(match value {
        Value::String(word) if word.starts_with('$') => match words.get(word.as_str()) {
            Some(value) => value.clone(),
            None => bail!("{word} is not in the text"),
        },
        Value::Array(all) => all.iter().map(|it| filled(it, words)).collect::<Result<_>>()?,
        Value::Object(members) => {
            let fill = |(key, it): (&String, &Value)| Ok((key.clone(), filled(it, words)?));
            Value::Object(members.iter().map(fill).collect::<Result<_>>()?)
        }
        plain => plain.clone(),
    })
}
