//! One session's journal by itself.

use std::collections::BTreeSet;

use gss_shared::ids::SessionId;
use gss_shared::ports::journal::JournalEvent;
use serde_json::Value;

use super::Violation;

/// Versions are 1, 2, 3 …, epochs and times never fall, no event and no action is there twice, and
/// the further events of an action follow its first.
pub fn check_journal(session: SessionId, journal: &[JournalEvent]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let (mut actions, mut events) = (BTreeSet::new(), BTreeSet::new());
    let mut before: Option<&JournalEvent> = None;
    let mut action = None;
    for (event, expected) in journal.iter().zip(1..) {
        let mut violate = |what: String| {
            let (version, player) = (Some(event.version), event.actor);
            violations.push(Violation { session, version, player, what });
        };
        if event.version.0 != expected {
            violate(format!("version {} where {expected} belongs", event.version));
            break;
        }
        if let Some(before) = before {
            if event.epoch < before.epoch {
                violate(format!("written in epoch {} after {}", event.epoch, before.epoch));
            }
            if event.at < before.at {
                violate(format!("decided at {} after {}", event.at, before.at));
            }
        }
        if !events.insert(event.id.0) {
            violate(format!("event {} is there twice", event.id));
        }
        let of = serde_json::from_str::<Value>(&event.data).unwrap_or_default()["of"].take();
        match event.action {
            Some((new, _)) => {
                if !actions.insert(new) {
                    violate(format!("action {new} took effect twice"));
                }
                action = Some(new.to_string());
            }
            None if of.is_string() && of.as_str() != action.as_deref() => {
                violate(format!("continues action {of} after {action:?}"));
            }
            None => {}
        }
        before = Some(event);
    }
    violations
}
