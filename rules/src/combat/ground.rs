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
    fn kinds(&self) -> [&BTreeSet<Square>; 6] {
        let Self { difficult, solid, obscured, opened, overgrown, opaque } = self;
        [difficult, solid, obscured, opened, overgrown, opaque]
    }

    fn kinds_mut(&mut self) -> [&mut BTreeSet<Square>; 6] {
        let Self { difficult, solid, obscured, opened, overgrown, opaque } = self;
        [difficult, solid, obscured, opened, overgrown, opaque]
    }

    /// How many squares are listed.
    pub(super) fn count(&self) -> usize {
        self.kinds().into_iter().map(BTreeSet::len).sum()
    }

    /// What of it the other has not.
    pub(super) fn without(&self, other: &Self) -> Self {
        let mut left = Self::default();
        let kinds = left.kinds_mut().into_iter().zip(self.kinds()).zip(other.kinds());
        for ((left, own), other) in kinds {
            left.extend(own.difference(other));
        }
        left
    }

    /// So much of it is changed no more, and more is.
    pub(super) fn change(&mut self, more: &Self, less: &Self) {
        let kinds = self.kinds_mut().into_iter().zip(more.kinds()).zip(less.kinds());
        for ((own, more), less) in kinds {
            for square in less {
                own.remove(square);
            }
            own.extend(more);
        }
    }

    /// Whether nothing is changed.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}
