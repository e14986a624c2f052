//! Rate limits of HTTP calls, and the headers that tell a client where it stands.
//!
//! What is counted against whom stands here once; the counters are behind the `Limits` port.

use std::net::IpAddr;
use std::sync::Arc;

use gss_shared::config::LimitsSection;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{PlayerId, SessionId};
use gss_shared::ports::rate::{Admission, Limits};
use hyper::HeaderMap;
use hyper::header::HeaderName;

use crate::rest::reply::insert_text;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;
/// Resumptions of one player per minute: a few tables with five connections each that all come
/// back several times, and no more.
const RESUMES_PER_MINUTE: u32 = 120;

/// What is counted, and against whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Counted {
    /// An upgrade without a valid resume token.
    Connect(IpAddr),
    /// An upgrade with one.
    Resume(PlayerId),
    /// A session made by this user.
    Create(PlayerId),
    /// A state saved by REST.
    Save(SessionId),
    /// A join.
    Join(SessionId),
    /// A combat action, by REST or WebSocket.
    Combat(SessionId, PlayerId),
}

impl Counted {
    fn key(self) -> String {
        match self {
            Self::Connect(address) => {
                format!("connect:{}", crate::address::subscriber(address))
            }
            Self::Resume(player) => format!("resume:{player}"),
            Self::Create(player) => format!("create:{player}"),
            Self::Save(session) => format!("save:{session}"),
            Self::Join(session) => format!("join:{session}"),
            Self::Combat(session, player) => format!("combat:{session}:{player}"),
        }
    }

    fn limit(self, limits: &LimitsSection) -> (u32, u64) {
        match self {
            Self::Connect(_) => (limits.connection_attempts_per_minute, MINUTE_MS),
            Self::Resume(_) => {
                (RESUMES_PER_MINUTE.max(limits.connection_attempts_per_minute), MINUTE_MS)
            }
            Self::Create(_) => (limits.session_creations_per_hour, HOUR_MS),
            Self::Save(_) => (limits.state_saves_per_minute, MINUTE_MS),
            Self::Join(_) => (limits.joins_per_minute, MINUTE_MS),
            Self::Combat(..) => (limits.combat_actions_per_minute, MINUTE_MS),
        }
    }
}

/// Counts calls against the operator's limits.
#[derive(Clone)]
pub(crate) struct Door {
    counters: Arc<dyn Limits>,
    limits: LimitsSection,
}

impl Door {
    /// With these counters.
    pub(crate) fn new(counters: Arc<dyn Limits>, limits: LimitsSection) -> Self {
        Self { counters, limits }
    }

    /// Counts one call; `headers` get the `RateLimit-*` headers of its answer.
    ///
    /// # Errors
    /// `rate_limited` with `retry_after_ms`; then nothing was counted.
    pub(crate) async fn admit(
        &self,
        counted: Counted,
        headers: &mut HeaderMap,
    ) -> Result<(), ClientError> {
        let (limit, period_ms) = counted.limit(&self.limits);
        let admission = self.counters.admit(&counted.key(), limit, period_ms).await;
        let (left, reset_ms) = match admission {
            Admission::Admitted { left } => (left, period_ms),
            Admission::Refused { retry_after_ms } => (0, retry_after_ms),
        };
        let mut set = |name: &'static str, text: String| {
            insert_text(headers, HeaderName::from_static(name), &text);
        };
        set("ratelimit-limit", limit.to_string());
        set("ratelimit-remaining", left.to_string());
        set("ratelimit-reset", reset_ms.div_ceil(1_000).to_string());
        set("ratelimit-policy", format!("{limit};w={}", period_ms / 1_000));
        match admission {
            Admission::Admitted { .. } => Ok(()),
            Admission::Refused { retry_after_ms } => {
                tracing::debug!(?counted, retry_after_ms, "over the rate limit");
                Err(ClientError::new(ErrorCode::RateLimited, "Too many requests; wait and retry.")
                    .with("retry_after_ms", retry_after_ms))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_their_subjects() {
        let limits = LimitsSection::default();
        let id = uuid::Uuid::from_u128(1);
        let (player, session) = (PlayerId(id), SessionId(id));
        let one = "00000000-0000-0000-0000-000000000001";
        let v6: IpAddr = "2001:db8::1:2:3:4".parse().expect("address");
        for (counted, key, limit) in [
            (Counted::Connect(v6), "connect:2001:db8::".to_owned(), (10, 60_000)),
            (Counted::Resume(player), format!("resume:{one}"), (120, 60_000)),
            (Counted::Create(player), format!("create:{one}"), (10, 3_600_000)),
            (Counted::Save(session), format!("save:{one}"), (60, 60_000)),
            (Counted::Join(session), format!("join:{one}"), (30, 60_000)),
            (Counted::Combat(session, player), format!("combat:{one}:{one}"), (20, 60_000)),
        ] {
            assert_eq!((counted.key(), counted.limit(&limits)), (key, limit));
        }
    }
}
