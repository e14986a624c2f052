//! A file of cases, and one case: what is put in, the dice, what must come out.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The version of the file's form that is read here.
const SCHEMA: u64 = 1;

#[derive(Deserialize)]
struct File {
    schema: u64,
    cases: Vec<Case>,
}

/// Whose rule a case tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub(super) enum Holds {
    #[serde(rename = "both")]
    Both,
    #[serde(rename = "5.1")]
    E51,
    #[serde(rename = "5.2")]
    E52,
    /// A table's option, named among the inputs.
    #[serde(rename = "variant")]
    Variant,
    /// No rule of either: syntax of dice.
    #[serde(rename = "n/a")]
    Neither,
}

#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub(super) id: String,
    pub(super) suite: String,
    pub(super) edition: Holds,
    pub(super) inputs: Map<String, Value>,
    pub(super) rolls: Vec<Face>,
    pub(super) expected: Map<String, Value>,
}

/// One die of a case, in draw order.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Face {
    /// Of a die with any number of sides.
    Any(u32),
    /// Sides and face.
    Of(u32, u32),
}

/// The cases of a file, ids unique.
#[derive(Debug)]
pub(super) struct Cases(pub(super) Vec<Case>);

impl Cases {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let file: File = serde_json::from_str(text)?;
        if file.schema != SCHEMA {
            bail!("its schema is {}, not {SCHEMA}", file.schema);
        }
        let mut ids = BTreeSet::new();
        if let Some(twice) = file.cases.iter().find(|case| !ids.insert(&case.id)) {
            bail!("two cases have the id {}", twice.id);
        }
        Ok(Self(file.cases))
    }
}
