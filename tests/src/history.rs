//! What one client saw, and whether it could have been: checked against the journal.
//!
//! The checkers take whole histories, not samples. What a viewer should have been told is made by
//! the same function that tells it ([`gss_session::message`]), from the rows of the journal; what
//! they check is order, completeness, uniqueness, `prev` and audience on the way to the client.
//! Who may see what is judged a second time by [`audience`], which knows the protocol and not the
//! session's code. Every checker has tests in which it is given the fault it is there for.

pub mod along;
pub mod audience;
pub mod calls;
pub mod commands;
pub mod fights;
pub mod hidden;
pub mod hub;
pub mod journal;
pub mod linear;
pub mod ownership;
pub mod reading;
pub mod snapshots;
pub mod stream;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use gss_shared::ids::{ActionId, PlayerId, Position, SessionId, Version};
use serde_json::Value;
use tokio::time::Instant;

pub use audience::check_audience;
pub use calls::{Calls, check_calls};
pub use commands::check_commands;
pub use fights::{check_fights, judged};
pub use hub::{Heard, Repeats, check_hub};
pub use journal::check_journal;
pub use ownership::{Ownership, check_ownership};
pub use reading::Reading;
pub use snapshots::{check_marks, check_snapshots};
pub use stream::{check_stream, end_for};

/// Something that happened to a client, in the order it saw it.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A text frame from the server.
    Frame(Value),
    /// The socket was closed (None: without a close frame).
    Closed(Option<u16>),
}

/// A command as the client sent it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its idempotency key.
    pub action: ActionId,
    /// `{"type", "data"}`.
    pub frame: Value,
    /// When it was due.
    pub at: Instant,
    /// When it got its fate.
    pub answered: Option<Instant>,
    /// What became of it.
    pub fate: Fate,
}

impl Sent {
    /// Time from its due to its fate; None: it has none.
    pub fn wait(&self) -> Option<Duration> {
        Some(self.answered?.duration_since(self.at))
    }
}

/// What the client knows of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Acknowledged at this version.
    Acknowledged(Version),
    /// Refused without effect.
    Refused(String),
    /// Nobody said.
    Unknown,
}

/// One client's history.
#[derive(Clone, Debug)]
pub struct History {
    /// The table.
    pub session: SessionId,
    /// Who looked. Its role at each version is the journal's to say.
    pub player: PlayerId,
    /// Everything received.
    pub seen: Vec<Seen>,
    /// Everything sent.
    pub sent: Vec<Sent>,
}

impl History {
    /// Nothing yet.
    pub fn new(session: SessionId, player: PlayerId) -> Self {
        Self { session, player, seen: Vec::new(), sent: Vec::new() }
    }

    /// How often the socket was closed.
    pub fn closes(&self) -> usize {
        self.seen.iter().filter(|seen| matches!(seen, Seen::Closed(_))).count()
    }

    /// Close codes of the socket, in order; None: without a close frame.
    pub fn close_codes(&self) -> Vec<Option<u16>> {
        let code = |seen: &Seen| match seen {
            Seen::Closed(code) => Some(*code),
            Seen::Frame(_) => None,
        };
        self.seen.iter().filter_map(code).collect()
    }

    /// What the server said at each opening after the first: whether it resumed.
    pub fn reopenings(&self) -> Vec<bool> {
        let established = self.frames().filter(|frame| frame["type"] == "connection_established");
        established.skip(1).map(|frame| frame["data"]["resumed"] == Value::Bool(true)).collect()
    }

    /// Every frame received.
    pub fn frames(&self) -> impl Iterator<Item = &Value> {
        self.seen.iter().filter_map(|seen| match seen {
            Seen::Frame(frame) => Some(frame),
            Seen::Closed(_) => None,
        })
    }

    /// Version of the last journaled message or snapshot.
    pub fn last_version(&self) -> Version {
        let told = |frame: &&Value| is_journaled(frame) || frame["type"] == "sync_response";
        let versions = self.frames().filter(told);
        versions.filter_map(|frame| version_of(frame, "version")).max().unwrap_or_default()
    }

    fn violation(&self, version: Option<Version>, what: String) -> Violation {
        Violation { session: self.session, version, player: Some(self.player), what }
    }
}

fn version_of(frame: &Value, member: &str) -> Option<Version> {
    frame["data"][member].as_str()?.parse().ok().map(Version)
}

fn position_of(frame: &Value) -> Option<Position> {
    Position::from_str(frame["data"]["position"].as_str()?).ok()
}

fn is_journaled(frame: &Value) -> bool {
    frame["data"]["prev"].is_string()
}

/// A checker's finding: what is wrong, where, of whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Violation {
    /// The table.
    pub session: SessionId,
    /// The event it is about, if it is about one.
    pub version: Option<Version>,
    /// Whose history or command it is; None: the journal's own, or another service's.
    pub player: Option<PlayerId>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}", self.session)?;
        if let Some(version) = self.version {
            write!(f, ", version {version}")?;
        }
        if let Some(player) = self.player {
            write!(f, ", player {player}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
