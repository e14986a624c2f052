//! One case, played: the engine's answer compared with the expected one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context as _, Result, bail};
use gss_rules::{Dice, Edition, RuleSet};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::case::{Case, Face, Holds};
use super::suites;

/// What an adapter is given: inputs and rules to translate into calls of the engine.
pub(super) struct Play<'a> {
    inputs: &'a Map<String, Value>,
    /// The table's: an edition as it is written.
    pub(super) rules: RuleSet,
    /// The dice of the case.
    pub(super) dice: Script<'a>,
}

impl Play<'_> {
    /// The inputs as a suite has them.
    pub(super) fn inputs<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(Value::Object(self.inputs.clone())).context("read the inputs")
    }
}

/// The faces of a case, one after the other.
pub(super) struct Script<'a> {
    faces: std::slice::Iter<'a, Face>,
    amiss: Option<String>,
}

impl Dice for Script<'_> {
    fn roll(&mut self, sides: u32) -> u32 {
        let (of, face) = match self.faces.next() {
            Some(Face::Any(face)) => (sides, *face),
            Some(Face::Of(of, face)) => (*of, *face),
            None => {
                self.amiss.get_or_insert_with(|| format!("a d{sides} more than the case has"));
                return 1;
            }
        };
        if of != sides || !(1..=sides).contains(&face) {
            self.amiss
                .get_or_insert_with(|| format!("a d{sides} meets the face {face} of a d{of}"));
            return 1;
        }
        face
    }
}

/// Where the engine's answer is not the expected one.
#[derive(Serialize)]
pub(super) struct Failure {
    /// Absent: it does not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) edition: Option<Edition>,
    pub(super) expected: Value,
    /// Absent: there is no answer to compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) got: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// Plays a case under every edition that it is for.
pub(super) fn failures(case: &Case) -> Vec<Failure> {
    let editions: &[Edition] = match case.edition {
        Holds::Both => &[Edition::E51, Edition::E52],
        Holds::E51 => &[Edition::E51],
        Holds::E52 | Holds::Variant | Holds::Neither => &[Edition::E52],
    };
    let named = editions.len() > 1;
    let each = editions.iter().filter_map(|edition| {
        let failure = failure(case, *edition)?;
        Some(Failure { edition: named.then_some(*edition), ..failure })
    });
    each.collect()
}

fn failure(case: &Case, edition: Edition) -> Option<Failure> {
    let (got, error) = match answer(case, edition) {
        Ok((got, None)) if matches(&case.expected, &got) => return None,
        Ok((got, amiss)) => (Some(got), amiss),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    Some(Failure { edition: None, expected: Value::Object(case.expected.clone()), got, error })
}

/// The engine's answer, and what is wrong with the dice it asked for.
fn answer(case: &Case, edition: Edition) -> Result<(Value, Option<String>)> {
    let Some(adapter) = suites::adapter(&case.suite) else {
        bail!("the suite is not known");
    };
    let dice = Script { faces: case.rolls.iter(), amiss: None };
    let mut play = Play { inputs: &case.inputs, rules: RuleSet::of(edition), dice };
    // A case of a file of somebody else's must not end the run of all others.
    let got = match catch_unwind(AssertUnwindSafe(|| adapter(&mut play))) {
        Ok(got) => got?,
        Err(_) => bail!("the engine panicked"),
    };
    let left = play.dice.faces.len();
    let amiss = play.dice.amiss.or_else(|| (left > 0).then(|| format!("{left} dice left over")));
    Ok((got, amiss))
}

/// Whether every member expected is there; an answer may say more.
fn matches(expected: &Map<String, Value>, got: &Value) -> bool {
    expected.iter().all(|(name, value)| got.get(name) == Some(value))
}
