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
use crate::session_limits::OwnLimits;

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

    /// The limit and its period: the operator's, unless the session has its own.
    fn limit(self, limits: &LimitsSection, own: OwnLimits) -> (u32, u64) {
        let chosen = |own: Option<u32>, limit: u32| match own {
            Some(own) => (own.min(limits.settings_cap_per_minute), MINUTE_MS),
            None => (limit, MINUTE_MS),
        };
        match self {
            Self::Connect(_) => (limits.connection_attempts_per_minute, MINUTE_MS),
            Self::Resume(_) => {
                (RESUMES_PER_MINUTE.max(limits.connection_attempts_per_minute), MINUTE_MS)
            }
            Self::Create(_) => (limits.session_creations_per_hour, HOUR_MS),
            Self::Save(_) => chosen(own.state_saves_per_minute, limits.state_saves_per_minute),
            Self::Join(_) => chosen(own.joins_per_minute, limits.joins_per_minute),
            Self::Combat(..) => {
                chosen(own.combat_actions_per_minute, limits.combat_actions_per_minute)
            }
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

    /// Counts one call; `own` are the limits of its session, `headers` get the `RateLimit-*`
    /// headers of its answer.
    ///
    /// # Errors
    /// `rate_limited` with `retry_after_ms`; then nothing was counted.
    pub(crate) async fn admit(
        &self,
        counted: Counted,
        own: OwnLimits,
        headers: &mut HeaderMap,
    ) -> Result<(), ClientError> {
        let (limit, period_ms) = counted.limit(&self.limits, own);
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
            assert_eq!((counted.key(), counted.limit(&limits, OwnLimits::default())), (key, limit));
        }
    }
    #[test]
    fn a_session_s_own_limit_counts_up_to_the_cap() {
        let limits = LimitsSection { settings_cap_per_minute: 500, ..LimitsSection::default() };
        let own = OwnLimits {
            joins_per_minute: Some(5),
            state_saves_per_minute: Some(501),
            ..OwnLimits::default()
        };
        let session = SessionId(uuid::Uuid::from_u128(1));
        assert_eq!(Counted::Join(session).limit(&limits, own), (5, 60_000));
        assert_eq!(Counted::Save(session).limit(&limits, own), (500, 60_000));
    }
}
