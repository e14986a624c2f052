//! Calls of another service over the hub (PROTOCOL section 8): tried again within their deadline, and
//! not tried at all while the service fails.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::Rng as _;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::{Hub, Unanswered};

/// Tries of one call.
const TRIES: u32 = 3;
/// Between two tries, milliseconds.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 10..=50;
/// Calls that fail in a row until the service is left alone …
const FAILURES: u32 = 5;
/// … but for one question in so long, until one is answered.
const REST: Duration = Duration::from_secs(5);
/// What a service says when it cannot answer now.
const UNAVAILABLE: &str = "unavailable";

/// One other service.
pub struct RemoteService {
    hub: Arc<dyn Hub>,
    breaker: Mutex<Breaker>,
}

/// A question that was let through.
#[derive(Clone, Copy)]
pub struct Question<'a>(&'a RemoteService);

/// Leaves alone who fails.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    rests_until: Option<Instant>,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The service said no.
    #[error("the service refused: {code}")]
    Refused {
        /// Its reason, for programs.
        code: String,
    },
    /// No answer of use.
    #[error("no answer of use")]
    Unanswered(#[source] Unanswered),
    /// The answer is none of the protocol's.
    #[error("the answer cannot be read")]
    Malformed,
}

/// An answer (`answer` of `schema/hub.json`).
#[derive(Deserialize)]
struct Envelope {
    ok: bool,
    data: Option<Value>,
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: String,
}

impl RemoteService {
    /// A service that was not asked yet.
    pub fn new(hub: Arc<dyn Hub>) -> Self {
        Self { hub, breaker: Mutex::default() }
    }

    /// Lets a question through, of one call or several. None: the service failed too often of late
    /// and is asked no more than one question in 5 s, until one is answered.
    pub fn question(&self) -> Option<Question<'_>> {
        self.breaker().may_ask().then_some(Question(self))
    }

    async fn call(
        &self,
        call: &'static str,
        request: &Value,
        until: Instant,
    ) -> Result<Value, CallError> {
        let mut answered = self.attempt(call, request, until).await;
        for _ in 1..TRIES {
            let Err(error) = &answered else { break };
            let pause = Duration::from_millis(rand::rng().random_range(PAUSE_MS));
            if !error.may_pass() || Instant::now() + pause >= until {
                break;
            }
            tokio::time::sleep(pause).await;
            answered = self.attempt(call, request, until).await;
        }
        let failed = matches!(&answered, Err(error) if error.is_failure());
        self.breaker().note(failed);
        answered
    }

    async fn attempt(
        &self,
        call: &'static str,
        request: &Value,
        until: Instant,
    ) -> Result<Value, CallError> {
        let left = until.saturating_duration_since(Instant::now());
        let answer = self.hub.ask(call, request.to_string(), left).await;
        let answer = answer.map_err(CallError::Unanswered)?;
        let envelope: Envelope = serde_json::from_str(&answer).map_err(|_| CallError::Malformed)?;
        match (envelope.ok, envelope.data, envelope.error) {
            (true, Some(data), _) => Ok(data),
            (false, _, Some(error)) => Err(CallError::Refused { code: error.code }),
            _ => Err(CallError::Malformed),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Question<'_> {
    /// Whether the service rests until one call is answered: of several one goes first.
    pub fn is_trial(&self) -> bool {
        self.0.breaker().rests_until.is_some()
    }

    /// Asks, and gives the answer's `data`. Where no time is left nobody is asked, which says
    /// nothing of the service.
    ///
    /// # Errors
    /// [`CallError`]; those that say that the service does not work count against it.
    pub async fn call(
        self,
        call: &'static str,
        request: &Value,
        until: Instant,
    ) -> Result<Value, CallError> {
        if Instant::now() >= until {
            return Err(CallError::Unanswered(Unanswered::Late));
        }
        self.0.call(call, request, until).await
    }
}

impl CallError {
    /// Whether another try may end otherwise.
    fn may_pass(&self) -> bool {
        match self {
            Self::Refused { code } => code == UNAVAILABLE,
            Self::Unanswered(Unanswered::Away(_)) => true,
            Self::Unanswered(Unanswered::Nobody | Unanswered::Late) => false,
            Self::Malformed => false,
        }
    }

    /// Whether the service does not work. A refusal is work, and what cannot be read may be so for
    /// one thing alone.
    fn is_failure(&self) -> bool {
        match self {
            Self::Refused { code } => code == UNAVAILABLE,
            Self::Unanswered(_) => true,
            Self::Malformed => false,
        }
    }
}

impl Breaker {
    fn may_ask(&mut self) -> bool {
        let now = Instant::now();
        match self.rests_until {
            Some(rest) if rest > now => false,
            Some(_) => {
                self.rests_until = Some(now + REST);
                true
            }
            None => true,
        }
    }

    fn note(&mut self, failed: bool) {
        if !failed {
            if self.rests_until.is_some() {
                tracing::info!("a service answers again");
            }
            *self = Self::default();
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            if self.rests_until.is_none() {
                tracing::warn!("a service failed too often and is left alone");
            }
            self.rests_until = Some(Instant::now() + REST);
        }
    }
}

#[cfg(test)]
mod tests;
