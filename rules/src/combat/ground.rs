//! What effects make of the map for now.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::space::Square;

/// Squares that effects change.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ground {
    /// Difficult terrain.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub difficult: BTreeSet<Square>,
    /// Filled.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub solid: BTreeSet<Square>,
    /// Heavily obscured.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub obscured: BTreeSet<Square>,
    /// Tunnels: filled no more.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub opened: BTreeSet<Square>,
    /// A foot of it costs four.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub overgrown: BTreeSet<Square>,
    /// Not seen through or into.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub opaque: BTreeSet<Square>,
}

impl Ground {
    /// Whether nothing is changed.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}
