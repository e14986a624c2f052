//! What each condition does at a table: read from content, in the language of effects.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::effect::Modifier;
use crate::{Condition, ContentError};

/// The fifteen conditions' effects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conditions([ConditionEffect; Condition::ALL.len()]);

/// What one condition does.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionEffect {
    /// Conditions that come with it and go with it.
    #[serde(default)]
    pub implies: Vec<Condition>,
    /// What it changes.
    pub modifiers: Vec<Modifier>,
}

impl Conditions {
    /// Reads them from an object, one member per condition.
    ///
    /// # Errors
    /// Which word is not understood, or which condition is missing.
    pub fn parse(json: &str) -> Result<Self, ContentError> {
        let wrong = |why: String| ContentError { file: "conditions", why };
        let mut read: BTreeMap<Condition, ConditionEffect> =
            serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
        let mut all = <[ConditionEffect; Condition::ALL.len()]>::default();
        for (slot, condition) in all.iter_mut().zip(Condition::ALL) {
            *slot = read
                .remove(&condition)
                .ok_or_else(|| wrong(format!("{} is missing", condition.name())))?;
        }
        Ok(Self(all))
    }

    /// What a condition does.
    pub fn of(&self, condition: Condition) -> &ConditionEffect {
        &self.0[condition as usize]
    }
}
