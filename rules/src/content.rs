//! Content as data: typed records of what the rules are played with.

mod stat_block;

pub use stat_block::{
    Attack, AttackKind, AttackProperty, DamageRule, Outcome, Pool, Range, Recover, Rider, StatBlock,
};

/// Why a content file is of no use.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("content file {file}: {why}")]
pub struct ContentError {
    /// Which file.
    pub file: &'static str,
    /// What is wrong in it, and where.
    pub why: String,
}
