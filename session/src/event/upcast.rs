//! Older shapes of event bodies, brought to today's one version at a time.
//!
//! Version 0 was written before bodies carried a version:
//! - `session_created` had no `type`: every session was a game;
//! - `chat_message` had `audience` instead of `to`, a string or a list of players;
//! - `state_update` had no `views`; its changes were all public.

use serde_json::{Map, Value};

/// From version 0 to 1.
pub(super) fn from_0(event_type: &str, body: &mut Map<String, Value>) {
    match event_type {
        "session_created" => {
            body.entry("type").or_insert_with(|| "game".into());
        }
        "chat_message" => {
            if let Some(audience) = body.remove("audience") {
                body.insert("to".to_owned(), audience);
            }
        }
        // The other shapes are the same in version 1.
        _ => {}
    }
}
