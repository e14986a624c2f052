//! Cases: a combat, what is done in it with which faces, and what it comes to. Data, not code.
//!
//! A case proves that the engine plays a spell or an entry of a stat block without a game master:
//! what its commands come to is worked out from the rules, not from the engine. It is played with
//! exactly the faces it states; a face too few or left over fails it. What is built in is
//! [`BUILT_IN`].
//!
//! ```json
//! {"id": "fire-breath", "edition": "5.2", "proves": {"entry": ["red-dragon-wyrmling", "fire-breath"]},
//!  "who": {"a": {"monster": "red-dragon-wyrmling", "at": [0, 0]},
//!          "b": {"block": {"hp": {"current": 50, "max": 50, "temp": 0}}, "at": [3, 0]}},
//!  "do": [{"use_action": {"who": "a", "id": "fire-breath", "direction": [3, 0]},
//!          "faces": [1, 2, 3, 4, 20]}],
//!  "then": {"b": {"hp": 45}, "a": {"spent": {"fire-breath": 1}}}}
//! ```

mod built_in;
mod coverage;
mod play;
mod state;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use built_in::BUILT_IN;
pub use coverage::{Blocks, Coverage, Entries, Spells, coverage, proved};
pub use play::{run, run_by};

use crate::{Edition, Key};

/// A case.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name, one of a kind in its edition.
    pub id: String,
    /// Whose rules it is played by.
    pub edition: Edition,
    /// What it proves.
    pub proves: Proofs,
    /// Who takes part, by the names that commands use. The first in the order of names goes first.
    pub who: BTreeMap<String, Participant>,
    /// Columns and rows, or a whole [`crate::space::Grid`]; absent: 30 by 30.
    #[serde(default)]
    pub grid: Option<Value>,
    /// Commands and answers, one after another, as the game master gives them.
    #[serde(rename = "do")]
    pub steps: Vec<Doing>,
    /// What is so in the end; what is not stated may be anything.
    #[serde(default)]
    pub then: BTreeMap<String, Map<String, Value>>,
}

/// What a case proves: one thing or several.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(untagged)]
pub enum Proofs {
    /// One.
    One(Proof),
    /// Several.
    All(Vec<Proof>),
}

impl Proofs {
    /// All of them.
    pub fn all(&self) -> &[Proof] {
        match self {
            Self::One(proof) => std::slice::from_ref(proof),
            Self::All(proofs) => proofs,
        }
    }
}

/// Something that a case proves to be played.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A spell.
    Spell(Key),
    /// An entry of a stat block: the creature's key and the entry's.
    Entry(Key, Key),
    /// A rule, in words.
    Rule(String),
}

/// Somebody who takes part. Members that are not named here are those of
/// [`crate::combat::Combatant`].
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Participant {
    /// A creature of the bestiary; absent: one with tens in all abilities, Armor Class 10, 100 hit
    /// points and a speed of 30 feet.
    #[serde(default)]
    pub monster: Option<Key>,
    /// Members of the stat block that are otherwise.
    #[serde(default)]
    pub block: Map<String, Value>,
    /// The least square it stands on; absent: off the board.
    #[serde(default)]
    pub at: Option<[i32; 2]>,
    /// Absent: a side of its own.
    #[serde(default)]
    pub side: Option<String>,
    /// Hit points now; more than its maximum raise that too.
    #[serde(default)]
    pub hp: Option<i32>,
    /// Conditions it has from the beginning, until something ends them.
    #[serde(default)]
    pub conditions: Vec<crate::Condition>,
    /// Members of the combatant.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A command as [`crate::combat::Command`] is written, its combatants by the case's names, or
/// `{"answer": …}` to the open question.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Doing {
    /// Faces in the order they are drawn: `15`, or `"20:15"` to state the sides too.
    #[serde(default)]
    pub faces: Vec<Face>,
    /// The refusal it meets, by its code.
    #[serde(default)]
    pub refused: Option<String>,
    /// The player who commands or answers; absent: the game master.
    #[serde(default)]
    pub player: Option<uuid::Uuid>,
    /// Who is asked when it is done; absent: nobody, unless the next is an answer.
    #[serde(default)]
    pub asks: Option<String>,
    /// Facts that it tells, as far as they are stated.
    #[serde(default)]
    pub tells: Vec<Value>,
    /// What is so after it.
    #[serde(default)]
    pub then: BTreeMap<String, Map<String, Value>>,
    /// The command or the answer.
    #[serde(flatten)]
    pub what: Map<String, Value>,
}

/// A die as it fell.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(untagged)]
pub enum Face {
    /// Whatever die it is.
    Any(u32),
    /// `sides:face`.
    Of(String),
}

/// Why a case fails.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{case}: {place}: {why}")]
pub struct Failure {
    /// Which case.
    pub case: String,
    /// Where in it: `who`, `do 1`, `then` …
    pub place: String,
    /// What is wrong.
    pub why: String,
}

/// Reads a file of cases: a list of them.
///
/// # Errors
/// Which member of which case is not understood.
pub fn parse(text: &str) -> Result<Vec<Case>, Failure> {
    let failure = |case: &str, place: &str, why: &dyn std::fmt::Display| Failure {
        case: case.to_owned(),
        place: place.to_owned(),
        why: why.to_string(),
    };
    let values: Vec<Value> =
        serde_json::from_str(text).map_err(|error| failure("file", "list", &error))?;
    let read = |value: Value| {
        let id = value.get("id").and_then(Value::as_str).unwrap_or("without id").to_owned();
        serde_path_to_error::deserialize(value)
            .map_err(|error| failure(&id, &error.path().to_string(), &error.inner()))
    };
    values.into_iter().map(read).collect()
}
