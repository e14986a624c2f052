//! Saved state: the session as versioned JSON, from which it is restored byte for byte.
//!
//! Version 0 was written before snapshots carried a version: members stood in an object by
//! player and the type was not named.

use gss_shared::ids::SessionId;
use serde_json::{Map, Value};

use crate::canonical;
use crate::event::Corrupt;
use crate::state::Session;

const SHAPE: u64 = 1;

impl Session {
    /// The session as canonical JSON.
    ///
    /// # Panics
    /// Never: every part of a session has a JSON form.
    pub fn snapshot(&self) -> String {
        let mut value = match serde_json::to_value(self) {
            Ok(value) => value,
            Err(error) => unreachable!("a session has a JSON form: {error}"),
        };
        value["v"] = SHAPE.into();
        value.to_string()
    }

    /// The session that a snapshot holds.
    ///
    /// # Errors
    /// [`Corrupt`]: malformed, of a later release, or of another session.
    pub fn restore(id: SessionId, snapshot: &str) -> Result<Self, Corrupt> {
        let malformed = |source| Corrupt::malformed("snapshot", source);
        let mut body = match canonical::parse(snapshot).map_err(malformed)? {
            Value::Object(body) => body,
            other => serde_json::from_value(other).map_err(malformed)?,
        };
        let shape = body.remove("v").map(serde_json::from_value).transpose().map_err(malformed)?;
        match shape.unwrap_or(0) {
            SHAPE => {}
            0 => from_0(&mut body),
            found => return Err(Corrupt::LaterShape { what: "snapshot".to_owned(), found }),
        }
        let mut session: Self = serde_json::from_value(Value::Object(body)).map_err(malformed)?;
        // Earlier releases did so with the next command.
        session.hand_out_dice();
        if session.id != id {
            let version = session.position.version;
            return Err(Corrupt::Misfit { version, fact: "the snapshot is another session's" });
        }
        Ok(session)
    }
}

fn from_0(body: &mut Map<String, Value>) {
    body.entry("type").or_insert_with(|| "game".into());
    let Some(Value::Object(members)) = body.get_mut("members") else { return };
    let mut list: Vec<Value> = std::mem::take(members)
        .into_iter()
        .map(|(player, mut member)| {
            if let Value::Object(member) = &mut member {
                member.insert("player".to_owned(), player.into());
            }
            member
        })
        .collect();
    list.sort_by_key(|member| member["generation"].as_u64());
    body.insert("members".to_owned(), Value::Array(list));
}
