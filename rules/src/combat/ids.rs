//! Names of what a combat has in it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names a combatant: its character id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CombatantId(pub Uuid);

/// Names a running effect: how many were put on anybody in this combat before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectId(pub u32);

/// Names a question to somebody: how many were asked in this combat before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PromptId(pub u32);
