//! What one bot received, as connections and versioned messages.

use gss_shared::ids::Position;
use serde_json::{Map, Value};

/// A message with a version.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Told {
    pub(super) version: u64,
    pub(super) prev: u64,
    /// The frame without what is the connection's own: `prev`, and whether a snapshot is owed.
    pub(super) frame: Value,
}

/// A frame of interest.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Entry {
    /// A connection opened.
    Opened { resumed: bool },
    /// A snapshot at a version.
    Snapshot(u64),
    /// A journaled message.
    Told(Told),
    /// An acknowledgement: action and version.
    Ack(String, u64),
}

/// Reads frames; others than those of [`Entry`] are left out.
pub(super) fn read(frames: &[String]) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for text in frames {
        let frame: Value =
            serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))?;
        entries.extend(entry(frame).map_err(|why| format!("{why}: {text}"))?);
    }
    Ok(entries)
}

fn entry(mut frame: Value) -> Result<Option<Entry>, &'static str> {
    let kind = frame["type"].as_str().ok_or("a frame without a type")?.to_owned();
    let Some(data) = frame.get_mut("data").and_then(Value::as_object_mut) else {
        return Ok(None);
    };
    match kind.as_str() {
        "connection_established" => {
            let resumed = data.get("resumed") == Some(&Value::Bool(true));
            Ok(Some(Entry::Opened { resumed }))
        }
        "sync_response" => Ok(Some(Entry::Snapshot(number(data, "version")?))),
        "ack" => {
            let action = data.get("action_id").and_then(Value::as_str);
            let action = action.ok_or("an ack without an action")?.to_owned();
            Ok(Some(Entry::Ack(action, number(data, "version")?)))
        }
        _ if data.contains_key("prev") => {
            let (version, prev) = (number(data, "version")?, number(data, "prev")?);
            data.remove("prev");
            let position = data.get("position").and_then(Value::as_str);
            let position: Position =
                position.and_then(|text| text.parse().ok()).ok_or("no position")?;
            data.insert("position".to_owned(), position.to_string().into());
            Ok(Some(Entry::Told(Told { version, prev, frame })))
        }
        _ => Ok(None),
    }
}

fn number(data: &Map<String, Value>, key: &str) -> Result<u64, &'static str> {
    let text = data.get(key).and_then(Value::as_str);
    text.and_then(|text| text.parse().ok()).ok_or("no decimal version")
}
