//! The one table of error and close codes that clients see.

use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($variant:ident $text:literal $status:literal $doc:literal;)*) => {
        /// What went wrong, for programs. Stable.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ErrorCode {
            $(#[doc = $doc] $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the protocol's table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as clients read it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// HTTP status of a REST answer with this code.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

error_codes! {
    InvalidJson "invalid_json" 400 "Not JSON.";
    InvalidFrame "invalid_frame" 400 "JSON of the wrong shape.";
    UnknownType "unknown_type" 400 "No message has this type.";
    FrameTooLarge "frame_too_large" 400 "The frame is over 64 KiB.";
    StateTooLarge "state_too_large" 400 "The document would be over 1 MiB or 32 levels.";
    InvalidArgument "invalid_argument" 400 "The shape is right, the value cannot be.";
    Unauthenticated "unauthenticated" 401 "No valid token.";
    TokenExpired "token_expired" 401 "The token's time is over.";
    TokenUsed "token_used" 401 "The session token opened a connection before.";
    Forbidden "forbidden" 403 "The role may not.";
    NotYourCharacter "not_your_character" 403 "The character is another player's.";
    Banned "banned" 403 "The GM banned this user.";
    InviteRequired "invite_required" 403 "Joining needs a valid invite code.";
    SessionNotFound "session_not_found" 404 "There is no such session for the caller.";
    CharacterNotFound "character_not_found" 404 "There is no such character.";
    NotFound "not_found" 404 "There is no such thing.";
    Conflict "conflict" 409 "The present value is another.";
    ActionIdReused "action_id_reused" 409 "The idempotency key stands for another command.";
    SessionEnded "session_ended" 409 "The session has ended.";
    SessionPaused "session_paused" 409 "The session is paused.";
    SessionFull "session_full" 409 "All seats are taken.";
    InvalidTransition "invalid_transition" 409 "The status does not allow it.";
    NotYourTurn "not_your_turn" 409 "Another character acts.";
    NoActionLeft "no_action_left" 409 "The turn's budget is spent.";
    OutOfRange "out_of_range" 409 "The target is beyond the range.";
    OutOfReach "out_of_reach" 409 "The target is beyond reach.";
    NoLineOfSight "no_line_of_sight" 409 "The target cannot be seen.";
    NotEnoughMovement "not_enough_movement" 409 "The path costs more than is left.";
    InvalidTarget "invalid_target" 409 "The target cannot be chosen.";
    RuleViolation "rule_violation" 409 "The rules forbid it.";
    RateLimited "rate_limited" 429 "Too many; retry after `retry_after_ms`.";
    Internal "internal" 500 "A defect of the service.";
    Unavailable "unavailable" 503 "Storage or memory is not there; effect unknown unless said.";
    OwnerUnreachable "owner_unreachable" 503 "The session's owner did not answer; effect unknown.";
    Draining "draining" 503 "The process is leaving; effect unknown.";
    ServiceFailed "service_failed" 503 "Another service did not answer.";
    SlowConsumer "slow_consumer" 503 "The client reads too slowly.";
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Code of a WebSocket close. 4000–4499: reconnect; 4500–4999: do not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum CloseCode {
    /// Nothing more to say.
    Normal = 1000,
    /// The router goes; reconnect.
    GoingAway = 1001,
    /// A binary frame came.
    Unsupported = 1003,
    /// A frame was over 64 KiB.
    TooLarge = 1009,
    /// The router drains; reconnect.
    Restart = 1012,
    /// Nothing was received for 75 s.
    HeartbeatTimeout = 4000,
    /// The JWT expired and was not refreshed.
    TokenExpired = 4001,
    /// The client reads too slowly; resume.
    SlowConsumer = 4002,
    /// Ten refusals for rate in a row.
    RateLimited = 4003,
    /// The same token opened another connection.
    Replaced = 4005,
    /// No valid token.
    Unauthenticated = 4500,
    /// Not allowed here.
    Forbidden = 4501,
    /// The session has ended.
    SessionEnded = 4502,
    /// Kicked or banned.
    Kicked = 4503,
    /// The session token was used up.
    TokenUsed = 4504,
}

impl CloseCode {
    /// Every code.
    pub const ALL: [Self; 15] = [
        Self::Normal,
        Self::GoingAway,
        Self::Unsupported,
        Self::TooLarge,
        Self::Restart,
        Self::HeartbeatTimeout,
        Self::TokenExpired,
        Self::SlowConsumer,
        Self::RateLimited,
        Self::Replaced,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::SessionEnded,
        Self::Kicked,
        Self::TokenUsed,
    ];

    /// The number on the wire.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The reason text of the close frame.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Normal => "",
            Self::GoingAway | Self::Restart => "going_away",
            Self::Unsupported => "binary_frame",
            Self::TooLarge => "frame_too_large",
            Self::HeartbeatTimeout => "heartbeat_timeout",
            Self::TokenExpired => "token_expired",
            Self::SlowConsumer => "slow_consumer",
            Self::RateLimited => "rate_limited",
            Self::Replaced => "replaced",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::SessionEnded => "session_ended",
            Self::Kicked => "kicked",
            Self::TokenUsed => "token_used",
        }
    }

    /// Whether a client that was closed with this number should come back.
    pub fn reconnect(number: u16) -> bool {
        matches!(number, 1001 | 1006 | 1011..=1014 | 4000..=4499)
            && number != Self::Replaced.number()
    }

    /// The variant of a number, if it is ours.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }
}

/// A refusal as clients see it. The same in WebSocket and REST.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ClientError {
    /// For programs.
    pub code: ErrorCode,
    /// For people; one sentence, no internals.
    pub message: String,
    /// Data for programs: an object, empty when there is none.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub details: serde_json::Map<String, serde_json::Value>,
}

impl ClientError {
    /// An error without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: serde_json::Map::new() }
    }

    /// The same error with one more detail.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<serde_json::Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_name_is_the_code() {
        for code in ErrorCode::ALL {
            let json = serde_json::to_string(code).expect("json");
            assert_eq!(json, format!("\"{}\"", code.as_str()));
        }
    }

    #[test]
    fn close_ranges_say_whether_to_reconnect() {
        for code in CloseCode::ALL {
            let number = code.number();
            if number >= 4500 || code == CloseCode::Replaced {
                assert!(!CloseCode::reconnect(number), "{number}");
            } else if number >= 4000 {
                assert!(CloseCode::reconnect(number), "{number}");
            }
            assert_eq!(CloseCode::from_number(number), Some(code));
        }
    }
}
