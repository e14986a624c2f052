//! REST save: replaces the document except `/combat`, told as changes of its members.

use std::collections::BTreeSet;

use gss_shared::error_code::ClientError;
use gss_shared::limits::STATE_DEPTH;
use serde_json::{Map, Value};

use super::change::{check_depth, check_size};
use crate::canonical::{depth, encoded_len};
use crate::document::Document;
use crate::document::pointer::child;
use crate::event::{Event, StateSaved};
use crate::refusal;
use crate::state::Session;
use crate::view::{Change, views};

/// Bytes of the metadata of a save: it stays in the session's state.
const METADATA_BYTES: usize = 16 << 10;

pub(super) fn decide(
    session: &Session,
    state: &Map<String, Value>,
    metadata: &Map<String, Value>,
) -> Result<Event, ClientError> {
    let whole = Value::Object(metadata.clone());
    let (bytes, depth) = (encoded_len(&whole), depth(&whole));
    if depth > STATE_DEPTH {
        let refusal = refusal::argument("metadata", "is too deep");
        return Err(refusal.with("depth", depth).with("limit_depth", STATE_DEPTH));
    }
    if bytes > METADATA_BYTES {
        let refusal = refusal::argument("metadata", "is too large");
        return Err(refusal.with("bytes", bytes).with("limit_bytes", METADATA_BYTES));
    }
    let mut members = state.clone();
    members.remove("combat");
    let document = Document::new(members);
    check_size(&document)?;
    check_depth(document.depth())?;
    let changes = differences(session.document.root(), document.root());
    let views = views(session.settings.visibility(), &document, &changes);
    Ok(Event::StateSaved(StateSaved { changes, views, metadata: metadata.clone() }))
}

/// Changes of the members that differ.
fn differences(from: &Value, to: &Value) -> Vec<Change> {
    let members =
        |value: &Value| value.as_object().map(|members| members.keys().cloned().collect());
    let mut names: BTreeSet<String> = members(from).unwrap_or_default();
    names.extend(members(to).unwrap_or_else(BTreeSet::new));
    let difference = |name: String| {
        let (value, previous) = (to.get(&name), from.get(&name));
        (value != previous).then(|| Change {
            path: child("", &name),
            value: value.cloned(),
            previous: previous.cloned(),
        })
    };
    names.into_iter().filter_map(difference).collect()
}
