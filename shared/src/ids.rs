//! Identifiers of everything that crosses a process boundary.
//!
//! Newtypes, so that a player's id cannot be passed for a session's. All parse from and print as
//! text; the UUID ones in lower case.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    };
}

uuid_id!(
    /// One live table.
    SessionId
);
uuid_id!(
    /// A user, as the JWT's `sub` names it.
    PlayerId
);
uuid_id!(
    /// A player character or monster.
    CharacterId
);
uuid_id!(
    /// A campaign of the campaign service.
    CampaignId
);
uuid_id!(
    /// A command's idempotency key, chosen by its sender.
    ActionId
);
uuid_id!(
    /// One journaled event. Random, never reused: it tells two histories of one version apart.
    EventId
);
uuid_id!(
    /// One WebSocket connection.
    ConnectionId
);

/// Name of a node or router: 1–64 of `A–Z a–z 0–9 . _ -`. Survives a restart.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProcessId(std::sync::Arc<str>);

/// A node's name.
pub type NodeId = ProcessId;
/// A router's name.
pub type RouterId = ProcessId;

/// The name breaks the rule it names.
#[derive(Debug, thiserror::Error)]
#[error("a process id has 1 to 64 characters of A-Z a-z 0-9 . _ -, not {0:?}")]
pub struct BadProcessId(String);

impl TryFrom<String> for ProcessId {
    type Error = BadProcessId;

    fn try_from(text: String) -> Result<Self, BadProcessId> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if (1..=64).contains(&text.len()) && text.chars().all(fits) {
            Ok(Self(text.into()))
        } else {
            Err(BadProcessId(text))
        }
    }
}

impl FromStr for ProcessId {
    type Err = BadProcessId;

    fn from_str(text: &str) -> Result<Self, BadProcessId> {
        Self::try_from(text.to_owned())
    }
}

impl From<ProcessId> for String {
    fn from(id: ProcessId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl ProcessId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Random number of one process start: a restarted process never continues its predecessor's leases.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Incarnation(pub u64);

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Fencing token of a shard: only grows, issued by the journal, says who may write. 0: never owned.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Position of an event in its session: 1, 2, 3 … without gaps. 0 stands for before the first.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Version(pub u64);

impl Version {
    /// Before the first event.
    pub const ZERO: Self = Self(0);

    /// Before the first event, or never.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The version after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Version and id of an event. It proves history: after a restore the same version has another id.
///
/// As text it is a [`ResumePoint`] that nothing is owed at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Position {
    /// Which event, counted.
    pub version: Version,
    /// Which event, named. Nil before the first.
    pub event: EventId,
}

impl Position {
    /// Before the first event of any session.
    pub const START: Self = Self { version: Version::ZERO, event: EventId(Uuid::nil()) };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ResumePoint::from(*self).fmt(f)
    }
}

/// Where a client stands in its stream, as it is told with each message and gives it back to resume.
///
/// A rollback, or a change of what a viewer may see, is followed by a snapshot, and other messages
/// may come in between. Who loses its connection there has the position and not the state.
///
/// As text it is opaque: URL-safe base64 of a format byte, 8 bytes version, 16 bytes event id. The
/// version's highest bit says that a snapshot is owed: a release that does not know of it finds no
/// such version, and answers with a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResumePoint {
    /// The last message.
    pub position: Position,
    /// A snapshot was still to come.
    pub owed: bool,
}

impl ResumePoint {
    const FORMAT: u8 = 1;
    const OWED: u64 = 1 << 63;
}

impl From<Position> for ResumePoint {
    fn from(position: Position) -> Self {
        Self { position, owed: false }
    }
}

impl fmt::Display for ResumePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owed = if self.owed { Self::OWED } else { 0 };
        let mut bytes = [Self::FORMAT; 25];
        bytes[1..9].copy_from_slice(&(self.position.version.0 | owed).to_be_bytes());
        bytes[9..].copy_from_slice(self.position.event.0.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// The text is no position this release can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position")]
pub struct BadPosition;

impl FromStr for Position {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        text.parse().map(|point: ResumePoint| point.position)
    }
}

impl FromStr for ResumePoint {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadPosition)?;
        let bytes: [u8; 25] = bytes.try_into().map_err(|_| BadPosition)?;
        let (format, rest) = bytes.split_first().ok_or(BadPosition)?;
        let (version, event) = rest.split_first_chunk::<8>().ok_or(BadPosition)?;
        if *format != Self::FORMAT {
            return Err(BadPosition);
        }
        let version = u64::from_be_bytes(*version);
        let (version, owed) = (Version(version & !Self::OWED), version & Self::OWED != 0);
        let event = EventId(Uuid::from_slice(event).map_err(|_| BadPosition)?);
        Ok(Self { position: Position { version, event }, owed })
    }
}

/// Fixed slice of the session-id space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Shard(pub u16);

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of shards of the cluster, chosen once, 1–16384.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShardCount(pub u16);

impl ShardCount {
    /// What a new cluster gets unless told otherwise.
    pub const DEFAULT: Self = Self(1024);

    /// The shard of a session: `xxh3_64(id bytes) % shards`.
    pub fn shard_of(self, session: SessionId) -> Shard {
        let hash = xxhash_rust::xxh3::xxh3_64(session.0.as_bytes());
        let shard = hash % u64::from(self.0);
        Shard(u16::try_from(shard).expect("remainder of a 16-bit number"))
    }

    /// All shards, ascending.
    pub fn all(self) -> impl Iterator<Item = Shard> {
        (0..self.0).map(Shard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_survives_text() {
        let position = Position {
            version: Version(427),
            event: "47eaa099-2cb6-416d-86dc-283cf0480ff9".parse().expect("uuid"),
        };
        let text = position.to_string();
        assert_eq!(text, "AQAAAAAAAAGrR-qgmSy2QW2G3Cg88EgP-Q");
        assert_eq!(text.parse(), Ok(position));
        let point = ResumePoint { position, owed: true };
        let text = point.to_string();
        assert_eq!(text, "AYAAAAAAAAGrR-qgmSy2QW2G3Cg88EgP-Q");
        assert_eq!((text.parse(), text.parse()), (Ok(point), Ok(position)));
    }

    #[test]
    fn other_text_is_no_position() {
        for text in ["", "0", "AQAAAAAAAAGrR-qgmSy2QW2G3Cg88EgP-", "%%%", &"A".repeat(34)] {
            assert_eq!(text.parse::<Position>(), Err(BadPosition), "{text}");
        }
    }

    #[test]
    fn process_ids_are_checked() {
        assert!("node-1.eu_west".parse::<ProcessId>().is_ok());
        for text in ["", "a b", "é", &"x".repeat(65)] {
            assert!(text.parse::<ProcessId>().is_err(), "{text}");
        }
    }

    #[test]
    fn shard_is_a_fixed_function_of_the_id() {
        let id: SessionId = "47eaa099-2cb6-416d-86dc-283cf0480ff9".parse().expect("uuid");
        let shard = ShardCount::DEFAULT.shard_of(id);
        assert_eq!(shard, Shard((xxhash_rust::xxh3::xxh3_64(id.0.as_bytes()) % 1024) as u16));
    }
}
