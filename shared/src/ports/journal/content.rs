//! What PostgreSQL would refuse to store, so that all adapters refuse the same.

use serde_json::Value;

use crate::limits::NAME_CHARACTERS;
use crate::ports::journal::{Part, SessionHead};

/// Characters of an event's name.
const EVENT_TYPE_CHARACTERS: usize = 100;
/// Characters of a session's status and type.
const WORD_CHARACTERS: usize = 50;

/// Whether the database takes the part's content.
pub(super) fn is_storable(part: &Part) -> bool {
    part.head.as_ref().is_none_or(is_head)
        && part.events.iter().all(|event| {
            is_text(event.event_type, EVENT_TYPE_CHARACTERS)
                && is_json(&event.data)
                && is_json(&event.audience)
        })
}

/// JSON that a `jsonb` column takes: no U+0000, no lone surrogates, no number beyond all bounds.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| has_no_nul(&value))
}

fn is_head(head: &SessionHead) -> bool {
    is_text(&head.name, NAME_CHARACTERS)
        && is_text(&head.status, WORD_CHARACTERS)
        && is_text(&head.session_type, WORD_CHARACTERS)
        && is_json(&head.metadata)
}

fn is_text(text: &str, characters: usize) -> bool {
    !text.contains('\0') && text.chars().count() <= characters
}

/// JSON is parsed to a bounded depth, so the recursion is bounded.
fn has_no_nul(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.contains('\0'),
        Value::Array(items) => items.iter().all(has_no_nul),
        Value::Object(members) => {
            members.iter().all(|(name, member)| !name.contains('\0') && has_no_nul(member))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn refuses_what_jsonb_refuses() {
        for text in ["{}", r#"{"a":"\\u0000"}"#, r#"[1e300,"\u00e9"]"#] {
            assert!(is_json(text), "{text}");
        }
        for text in ["", "{", r#"{"a":"\u0000"}"#, r#"{"\u0000":1}"#, r#""\ud800""#, "1E400"] {
            assert!(!is_json(text), "{text}");
        }
    }
}
