//! What other services heard is the journal: every published event, in order, with its content.

use std::collections::{BTreeMap, BTreeSet};

use gss_shared::ids::{SessionId, Version};
use gss_shared::ports::hub::HubMessage;
use gss_shared::ports::journal::JournalEvent;
use serde_json::Value;

use super::Violation;

/// A message as it was delivered, in the order of delivery.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The session, by header.
    pub session: SessionId,
    /// The version, by header.
    pub version: Version,
    /// Its name.
    pub message_id: String,
    /// The routing key.
    pub event_type: String,
    /// The body.
    pub body: Value,
    /// The broker says that it delivered this one before: the relay did not send it twice.
    pub redelivered: bool,
}

/// Whether the relay had a reason to send messages again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repeats {
    /// Confirms may have been lost: at least once.
    Allowed,
    /// Nothing died: exactly once.
    Violation,
}

/// First occurrences of a session's messages are those of its journal in its order, each with the
/// journal's words, and none is repeated without a reason.
///
/// # Panics
/// When the journal holds an event that this build cannot read.
pub fn check_hub(
    session: SessionId,
    journal: &[JournalEvent],
    heard: &[Heard],
    repeats: Repeats,
) -> Vec<Violation> {
    let told = journal.iter().filter_map(|event| {
        let message = gss_session::hub_message(session, event).expect("a readable event")?;
        Some((message.message_id.clone(), (event.version, message)))
    });
    let expected: BTreeMap<String, (Version, HubMessage)> = told.collect();
    let mut violations = Vec::new();
    let mut seen = BTreeSet::new();
    let mut last = Version::ZERO;
    for message in heard.iter().filter(|message| message.session == session) {
        let mut violate = |what: String| {
            violations.push(Violation {
                session,
                version: Some(message.version),
                player: None,
                what,
            });
        };
        let Some((version, known)) = expected.get(&message.message_id) else {
            violate(format!("hub message {} is not of the journal", message.message_id));
            continue;
        };
        if let Some(what) = altered(message, *version, known) {
            violate(format!("hub message {} {what}", message.message_id));
        }
        if !seen.insert(&message.message_id) {
            if repeats == Repeats::Violation && !message.redelivered {
                violate(format!("hub message {} was sent twice", message.message_id));
            }
            continue;
        }
        if *version < last {
            violate(format!("hub message came first after that of {last}"));
        }
        last = last.max(*version);
    }
    let missing = expected.iter().filter(|(id, _)| !seen.contains(id));
    let mut missing: Vec<_> = missing.collect();
    missing.sort_by_key(|(_, (version, _))| *version);
    violations.extend(missing.into_iter().map(|(id, (version, message))| Violation {
        session,
        version: Some(*version),
        player: None,
        what: format!("hub message {id} ({}) is missing", message.event_type),
    }));
    violations
}

fn altered(heard: &Heard, version: Version, known: &HubMessage) -> Option<String> {
    if heard.version != version {
        return Some(format!("names version {}, its event is {version}", heard.version));
    }
    if heard.event_type != known.event_type {
        return Some(format!("is a {}, its event {}", heard.event_type, known.event_type));
    }
    let body: Value = serde_json::from_str(&known.body).expect("a body is JSON");
    (heard.body != body).then(|| format!("reads {}, the journal says {body}", heard.body))
}
