//! Commands: what a client asks of its session.

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A command with its idempotency key. However often it is sent, it takes effect at most once.
#[derive(Clone, PartialEq, Debug)]
pub struct Command {
    /// The key, chosen by the client.
    pub action_id: Uuid,
    /// `type` of the message.
    pub kind: String,
    /// `data` without `action_id`.
    pub data: Map<String, Value>,
}

impl Command {
    /// Any command of the protocol; `data` is an object (anything else counts as empty).
    pub fn new(kind: impl Into<String>, data: Value) -> Self {
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        Self { action_id: Uuid::new_v4(), kind: kind.into(), data }
    }

    /// The same under this key.
    #[must_use]
    pub fn with_action_id(mut self, action_id: Uuid) -> Self {
        self.action_id = action_id;
        self
    }

    /// `state_change` with these changes, `[{path, value, previous?, op?}]`.
    pub fn state_change(changes: Value) -> Self {
        Self::new("state_change", json!({ "changes": changes }))
    }

    /// Sets one member of the document.
    pub fn set(path: &str, value: Value) -> Self {
        Self::state_change(json!([{"path": path, "value": value}]))
    }

    /// Adds to a number of the document.
    pub fn increment(path: &str, by: i64) -> Self {
        Self::state_change(json!([{"path": path, "op": "increment", "value": by}]))
    }

    /// Sets one member if it has this value; `null`: if it is absent.
    pub fn compare_and_set(path: &str, previous: Value, value: Value) -> Self {
        Self::state_change(json!([{"path": path, "value": value, "previous": previous}]))
    }

    /// Says something to all.
    pub fn chat(text: &str) -> Self {
        Self::new("chat", json!({"text": text, "to": "all"}))
    }

    /// Rolls dice for all to see.
    pub fn roll(expression: &str) -> Self {
        Self::new("roll", json!({"expression": expression, "to": "all"}))
    }

    /// The text frame.
    pub fn frame(&self) -> String {
        let mut data = self.data.clone();
        data.insert("action_id".to_owned(), json!(self.action_id));
        json!({"type": self.kind, "data": data}).to_string()
    }
}
