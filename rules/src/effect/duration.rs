//! How long an effect lasts, as it is written (SRD 5.1 "Duration"; SRD 5.2.1 "Duration").

use serde::{Deserialize, Serialize};

/// How long an effect lasts. That it needs concentration is the effect's, not its duration's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Duration {
    /// Over at once.
    Instant,
    /// Until something ends it.
    Permanent,
    /// To the same point this many rounds later.
    Rounds {
        /// 1 or more.
        rounds: u32,
    },
    /// As [`Duration::Rounds`], six seconds each, the last one begun counting whole.
    Seconds {
        /// 1 or more.
        seconds: u32,
    },
    /// To an edge of a turn.
    Until {
        /// Start or end.
        edge: Edge,
        /// Of whose turn.
        whose: Whose,
        /// The turn that runs, or the next one.
        which: Which,
    },
}

/// Start or end of a turn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// Before anything is done in it.
    Start,
    /// After everything is.
    #[default]
    End,
}

/// Whose turn is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The effect's source.
    Source,
    /// The creature it is on.
    Target,
}

/// Which of its turns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The one that runs; the next, when none of its does.
    This,
    /// The next to begin.
    Next,
}

impl Duration {
    /// Rounds it lasts, when it is counted in time: six seconds each, a part counting whole.
    pub fn rounds(self) -> Option<u32> {
        match self {
            Self::Rounds { rounds } => Some(rounds.max(1)),
            Self::Seconds { seconds } => Some(seconds.div_ceil(6).max(1)),
            Self::Instant | Self::Permanent | Self::Until { .. } => None,
        }
    }
}
