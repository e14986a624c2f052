//! Why a command or a connection failed: each variant is something a caller decides on.

use std::fmt;

use gss_shared::error_code::ErrorCode;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A refusal as the service words it. The code is text, so that codes of a newer release pass.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Refusal {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// Data for programs.
    #[serde(default)]
    pub details: Map<String, Value>,
}

impl Refusal {
    /// The code, if this release knows it.
    pub fn known_code(&self) -> Option<ErrorCode> {
        ErrorCode::ALL.iter().copied().find(|code| code.as_str() == self.code)
    }

    /// How long to wait before the next try, milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.details.get("retry_after_ms").and_then(Value::as_u64)
    }

    /// Whether the command may have taken effect all the same.
    pub fn effect_unknown(&self) -> bool {
        self.details.get("effect").and_then(Value::as_str) == Some("unknown")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}

/// Why a command has no acknowledgement.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum CommandError {
    /// It was refused and has no effect.
    #[error("refused: {0}")]
    Refused(#[source] Refusal),
    /// It was sent again as often as allowed and the service still cannot say; only sending the
    /// same action id again finds out.
    #[error("effect unknown: {0}")]
    Unknown(#[source] Refusal),
    /// The connection ended before an answer came. The effect is unknown if it had been sent.
    #[error("the connection ended")]
    Ended,
}

/// Why a connection ended for good.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum EndReason {
    /// The caller closed it.
    #[error("closed")]
    Closed,
    /// The upgrade was refused in a way that trying again does not mend (401, 403, 404 …).
    #[error("refused with status {status}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What the service said, if it said it.
        refusal: Option<Refusal>,
    },
    /// The service closed it with a code that means: do not come back (4504 `token_used` …).
    #[error("closed by the service: {code} {reason}")]
    ClosedByService {
        /// A close code.
        code: u16,
        /// Its reason.
        reason: String,
    },
    /// The first connection did not open within [`crate::ConnectOptions::first_within`].
    #[error("the service cannot be reached")]
    Unreachable,
    /// The source of JWTs failed.
    #[error("no token: {0}")]
    NoToken(String),
    /// URL, token or position cannot be put into a request.
    #[error("the options cannot be used: {0}")]
    Options(String),
}
