//! Limits that a session's GM set in its settings, remembered for a while.
//!
//! Only a hint for counting: when it cannot be had, the operator's limits count.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gss_shared::ids::SessionId;
use serde::Deserialize;
use tokio::time::Instant;

/// Sessions remembered; beyond, all are forgotten and asked again.
const SESSIONS: usize = 10_000;
/// How long a change by the GM may go unnoticed.
const AGE: Duration = Duration::from_secs(10);

/// `settings.limits` as far as HTTP calls count against them, per minute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
pub(crate) struct OwnLimits {
    pub(crate) combat_actions_per_minute: Option<u32>,
    pub(crate) state_saves_per_minute: Option<u32>,
    pub(crate) joins_per_minute: Option<u32>,
}

/// What was asked lately.
#[derive(Debug, Default)]
pub(crate) struct SessionLimits(Mutex<HashMap<SessionId, (OwnLimits, Instant)>>);

impl SessionLimits {
    /// What is remembered of a session.
    pub(crate) fn get(&self, session: SessionId, now: Instant) -> Option<OwnLimits> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (limits, asked) = known.get(&session)?;
        (now.duration_since(*asked) < AGE).then_some(*limits)
    }

    /// Remembers a session's limits.
    pub(crate) fn put(&self, session: SessionId, limits: OwnLimits, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= SESSIONS {
            known.clear();
        }
        known.insert(session, (limits, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_remembered_for_a_while() {
        let now = Instant::now();
        let (known, session) = (SessionLimits::default(), SessionId(uuid::Uuid::from_u128(1)));
        let limits = OwnLimits { joins_per_minute: Some(5), ..OwnLimits::default() };
        assert_eq!(known.get(session, now), None);
        known.put(session, limits, now);
        assert_eq!(known.get(session, now), Some(limits));
        assert_eq!(known.get(session, now + AGE), None);
    }
}
