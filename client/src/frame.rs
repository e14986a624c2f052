//! What the server says, read as far as a client has to.

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::{EndReason, Refusal};

/// What happens on a connection, in order.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// The first connection is open.
    Connected {
        /// Its id.
        connection_id: String,
        /// The own role.
        role: String,
        /// Whether the given position was resumed from; else a `sync_response` follows.
        resumed: bool,
    },
    /// A later connection is open.
    Resumed {
        /// Nothing was missed; else a `sync_response` follows and what was missed is not told.
        resumed: bool,
    },
    /// A message for the application.
    Message(Message),
    /// A message before this one was lost: the connection is made again and resumes there. The
    /// message itself comes again.
    Gap {
        /// The versions its `prev` might have named: last message, last acknowledgement or sync.
        expected: (u64, u64),
        /// What it named.
        prev: u64,
    },
    /// An error that is no answer to a command.
    Error(Refusal),
    /// The router asks to reconnect; the client does.
    GoingAway,
    /// The connection is gone; another try follows.
    Disconnected {
        /// The close code, if there was one.
        code: Option<u16>,
    },
    /// The connection ended for good. Nothing follows.
    Ended(EndReason),
}

/// A message for the application.
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    /// `type`.
    pub kind: String,
    /// `data`.
    pub data: Map<String, Value>,
    /// Version of a journaled message or `sync_response`; None: not journaled.
    pub version: Option<u64>,
}

/// A command is durable.
#[derive(Clone, PartialEq, Debug)]
pub struct Ack {
    /// The command.
    pub action_id: Uuid,
    /// Version of its last event.
    pub version: u64,
    /// Position of its last event.
    pub position: String,
    /// When it was decided, RFC 3339.
    pub timestamp: String,
    /// It had been accepted before.
    pub duplicate: bool,
}

/// A frame's outline.
#[derive(Deserialize)]
pub(crate) struct Frame {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) data: Map<String, Value>,
    pub(crate) error: Option<Refusal>,
}

pub(crate) fn text<'a>(data: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    data.get(key).and_then(Value::as_str)
}

/// A version: a decimal string.
pub(crate) fn version(data: &Map<String, Value>, key: &str) -> Option<u64> {
    text(data, key)?.parse().ok()
}

pub(crate) fn ack(data: &Map<String, Value>) -> Option<Ack> {
    Some(Ack {
        action_id: text(data, "action_id")?.parse().ok()?,
        version: version(data, "version")?,
        position: text(data, "position")?.to_owned(),
        timestamp: text(data, "timestamp").unwrap_or_default().to_owned(),
        duplicate: data.get("duplicate").and_then(Value::as_bool).unwrap_or(false),
    })
}
