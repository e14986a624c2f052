//! What each condition does at a table: read from content, in the language of effects.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Condition;
use crate::effect::{Kinds, Modifier};

/// What the conditions do in both editions.
pub const BUILT_IN: &str = include_str!("../content/conditions.json");

/// The fifteen conditions' effects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conditions {
    effects: [ConditionEffect; Condition::ALL.len()],
    /// What each does, and what comes with it.
    kinds: [Kinds; Condition::ALL.len()],
}

/// Why a text does not say what the conditions do.
#[derive(Debug, thiserror::Error)]
pub enum ConditionsError {
    /// Something in it is not understood.
    #[error("conditions: {0}")]
    Syntax(#[from] serde_json::Error),
    /// One is not there.
    #[error("conditions: {} is missing", .0.name())]
    Missing(Condition),
}

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
    pub fn parse(json: &str) -> Result<Self, ConditionsError> {
        let mut read: BTreeMap<Condition, ConditionEffect> = serde_json::from_str(json)?;
        let mut all = <[ConditionEffect; Condition::ALL.len()]>::default();
        for (slot, condition) in all.iter_mut().zip(Condition::ALL) {
            *slot = read.remove(&condition).ok_or(ConditionsError::Missing(condition))?;
        }
        let with_implied = |effect: &ConditionEffect| {
            let implied = effect.implies.iter().flat_map(|it| &all[*it as usize].modifiers);
            effect.modifiers.iter().chain(implied).collect()
        };
        let kinds = std::array::from_fn(|at| with_implied(&all[at]));
        Ok(Self { effects: all, kinds })
    }

    /// What a condition does.
    pub fn of(&self, condition: Condition) -> &ConditionEffect {
        &self.effects[condition as usize]
    }

    /// What a condition does, and what comes with it.
    pub(crate) const fn kinds(&self, condition: Condition) -> Kinds {
        self.kinds[condition as usize]
    }
}
