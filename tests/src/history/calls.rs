//! Calls of REST that have no key: each acts once at most.

use std::collections::BTreeMap;

use gss_shared::ids::SessionId;
use gss_shared::ports::journal::JournalEvent;

use super::Violation;

/// Calls by the type of event that only they cause: tried, and answered with success.
#[derive(Clone, Debug, Default)]
pub struct Calls(BTreeMap<&'static str, (usize, usize)>);

impl Calls {
    /// One more; `done`: it was answered with success.
    pub fn tried(&mut self, event_type: &'static str, done: bool) {
        let (tried, succeeded) = self.0.entry(event_type).or_default();
        *tried += 1;
        *succeeded += usize::from(done);
    }
}

/// Events that only calls cause are as many as calls that were answered, at least, and as many as
/// were tried, at most.
pub fn check_calls(session: SessionId, journal: &[JournalEvent], calls: &Calls) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (kind, (tried, done)) in &calls.0 {
        let acted = |event: &&JournalEvent| event.event_type == *kind && event.action.is_some();
        let count = journal.iter().filter(acted).count();
        if count < *done || count > *tried {
            let what = format!("{count} {kind} for {done} answered of {tried} calls");
            violations.push(Violation { session, version: None, player: None, what });
        }
    }
    violations
}
