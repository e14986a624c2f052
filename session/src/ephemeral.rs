//! Ephemeral changes: cursors and pings. Authorized on the state, never part of it.

use gss_shared::error_code::ClientError;
use gss_shared::ids::PlayerId;
use gss_shared::message::Audience;
use serde_json::json;
use xxhash_rust::xxh3::xxh3_128;

use crate::command::{Ephemeral, Op};
use crate::decide;
use crate::execute::{Context, random_id};
use crate::refusal;
use crate::state::{Session, Status};
use crate::view::Change;
use crate::visibility::Reader;

impl Session {
    /// The frames of an ephemeral change, one for each audience; a viewer may be in several.
    ///
    /// # Errors
    /// As for a `state_change`; `increment` cannot be ephemeral.
    pub fn ephemeral(
        &self,
        from: PlayerId,
        change: &Ephemeral,
        context: &Context<'_>,
    ) -> Result<Vec<(Audience, String)>, ClientError> {
        if self.is_deleted() {
            return Err(refusal::no_session());
        }
        let viewer = decide::member(self, from)?;
        if self.status == Status::Ended {
            return Err(decide::ended());
        }
        decide::may_change(self, viewer, &change.changes)?;
        let mut groups: Vec<(Reader, Vec<Change>)> = Vec::new();
        for asked in &change.changes {
            decide::expect(&self.document, asked)?;
            let path = asked.path.as_str();
            let value = match &asked.op {
                Op::Set(value) => Some(value.clone()),
                Op::Remove => None,
                Op::Increment(_) => {
                    return Err(refusal::argument("op", "cannot be increment when ephemeral"));
                }
            };
            let change = Change { path: path.to_owned(), value, previous: None };
            let visibility = self.settings.visibility();
            // What would have to be told in parts is for GMs alone.
            let varies = visibility.varies_beneath(path);
            let reader = if varies { Reader::Gms } else { visibility.reader(path) };
            match groups.iter_mut().find(|(known, _)| *known == reader) {
                Some((_, changes)) => changes.push(change),
                None => groups.push((reader, vec![change])),
            }
        }
        let frame = |changes: &[Change]| {
            let mut data = json!({
                "actor": from,
                "changes": changes,
                "timestamp": context.now,
                "ephemeral": true,
            });
            let bits = xxh3_128(data.to_string().as_bytes()) ^ context.event_seed;
            data["update_id"] = json!(random_id(bits));
            json!({"type": "state_update", "data": data}).to_string()
        };
        Ok(groups.iter().map(|(reader, changes)| (reader.audience(), frame(changes))).collect())
    }
}
