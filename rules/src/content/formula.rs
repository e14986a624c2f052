//! Dice expressions as records hold them.

use serde::{Deserialize, Serialize};

use super::average;
use crate::{Expression, ExpressionError};

/// A dice expression that was read: the text it is written as, and what is rolled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Formula {
    text: String,
    expression: Expression,
}

impl Formula {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What is rolled.
    pub const fn expression(&self) -> &Expression {
        &self.expression
    }

    /// The number printed beside the dice: their mean, rounded down (SRD 5.1 "Monsters", "Hit
    /// Points" and "Melee and Ranged Attacks"; SRD 5.2.1 "Monsters", "Damage Notation"). None: the
    /// expression is more than dice and numbers added up.
    pub fn average(&self) -> Option<i64> {
        average::of(&self.text)
    }
}

impl TryFrom<String> for Formula {
    type Error = ExpressionError;

    fn try_from(text: String) -> Result<Self, ExpressionError> {
        Ok(Self { expression: Expression::parse(&text)?, text })
    }
}

impl From<Formula> for String {
    fn from(formula: Formula) -> Self {
        formula.text
    }
}
