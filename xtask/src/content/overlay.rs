//! Corrections of the sources, each with its reason beside it.
//!
//! A correction says what the source has now: when a newer source is right, the generator fails
//! until the correction is taken out.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::cargo;

/// One correction of a record of the source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Correction {
    /// `monsters`, `spells`, `equipment`, `weapons`, `armor`.
    kind: String,
    /// Name of the record.
    record: String,
    /// JSON pointer of the value in it.
    at: String,
    change: Change,
    /// Reason.
    #[expect(dead_code, reason = "for who reads the file")]
    why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    /// One value in place of another.
    Set { from: Value, to: Value },
    /// A value where there was none.
    Add(Value),
    /// No value.
    Remove,
    /// A word or number of a text in place of another.
    Replace { from: String, to: String },
    /// Text from this on belongs to no entry, or to another one.
    CutBefore(String),
}

/// Corrects the sources of one edition.
pub(super) fn apply(edition: &str, sources: &mut Value) -> Result<usize> {
    let file = format!("rules/content/overlay/{edition}/corrections.json");
    let text = std::fs::read_to_string(cargo::root().join(&file)).context(file.clone())?;
    let corrections: Vec<Correction> = serde_json::from_str(&text).context(file)?;
    for correction in &corrections {
        let place = format!("{} {} {}", edition, correction.record, correction.at);
        let records = sources[edition][&correction.kind].as_array_mut().context(place.clone())?;
        let mut named = records.iter_mut().filter(|it| it["name"] == *correction.record);
        let (Some(record), None) = (named.next(), named.next()) else {
            bail!("{place}: not exactly one such record");
        };
        change(record, &correction.at, &correction.change).context(place)?;
    }
    Ok(corrections.len())
}

fn change(record: &mut Value, at: &str, change: &Change) -> Result<()> {
    if let Change::Add(_) | Change::Remove = change {
        let (parent, name) = at.rsplit_once('/').context("no pointer")?;
        let parent = record.pointer_mut(parent).context("no such parent")?;
        return match (change, parent) {
            (Change::Add(value), Value::Object(map)) => {
                match map.insert(name.into(), value.clone()) {
                    None => Ok(()),
                    Some(_) => bail!("there is one already"),
                }
            }
            (Change::Add(value), Value::Array(list)) => {
                list.push(value.clone());
                Ok(())
            }
            (_, Value::Object(map)) => map.remove(name).map(|_| ()).context("there is none"),
            (_, Value::Array(list)) => {
                let index: usize = name.parse()?;
                if index >= list.len() {
                    bail!("there is none");
                }
                list.remove(index);
                Ok(())
            }
            _ => bail!("no object or list"),
        };
    }
    let value = record.pointer_mut(at).context("no such value")?;
    match change {
        Change::Set { from, to } => {
            if value != from {
                bail!("the source has {value}, not {from}");
            }
            *value = to.clone();
        }
        Change::Replace { from, to } => {
            let text = value.as_str().context("no text")?;
            if text.matches(from.as_str()).count() != 1 {
                bail!("`{from}` is not there exactly once");
            }
            *value = Value::String(text.replace(from.as_str(), to));
        }
        Change::CutBefore(mark) => {
            let text = value.as_str().context("no text")?;
            let (kept, _) = text.split_once(mark.as_str()).context("the mark is not there")?;
            *value = Value::String(kept.trim_end().to_owned());
        }
        Change::Add(_) | Change::Remove => {}
    }
    Ok(())
}
