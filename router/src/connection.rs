//! One client's side of the conversation, as a pure state machine: what its frames and the passing
//! of time ask of the shell. Reads the envelope, never the letter.
//!
//! Invariant: at most [`limits::UNACKNOWLEDGED`] commands are without an answer while the shell
//! reads only when [`Conversation::reads`] says so.

use std::time::Duration;

use gss_shared::error_code::{ClientError, CloseCode, ErrorCode};
use gss_shared::ids::ActionId;
use gss_shared::limits;
use gss_shared::time::Timestamp;
use tokio::time::Instant;

use self::envelope::Envelope;
use self::window::Window;

pub(crate) mod envelope;
pub(crate) mod queue;
pub(crate) mod window;

/// Rate refusals in a row after which the connection closes.
const REFUSALS_IN_A_ROW: u32 = 10;
/// Messages per minute until the session's setting is known.
const MESSAGES_PER_MINUTE: u32 = 100;
/// Time between `token_expired` and the close.
const EXPIRY_GRACE: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(limits::HEARTBEAT_SECONDS);
const IDLE: Duration = Duration::from_secs(limits::IDLE_SECONDS);

/// What the shell must do.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Act {
    /// Bring it to the owner.
    Command {
        /// Counts the connection's commands.
        seq: u64,
        /// Its idempotency key.
        action: Option<ActionId>,
        /// Best effort.
        ephemeral: bool,
    },
    /// Read state for it.
    Sync(Vec<String>),
    /// Say `heartbeat`.
    Heartbeat,
    /// Say `heartbeat` and ping.
    HeartbeatAndPing,
    /// Check this JWT.
    Refresh(String),
    /// Say `error`.
    Say(ClientError),
    /// Close.
    Close(CloseCode),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Conversation {
    window: Window,
    refusals: u32,
    seq: u64,
    unanswered: usize,
    received: Instant,
    next_heartbeat: Instant,
    expires_at: Timestamp,
    expired: Option<Instant>,
}

impl Conversation {
    /// A connection that was just admitted, whose JWT is good until `expires_at`.
    pub(crate) fn new(expires_at: Timestamp, now: Instant) -> Self {
        Self {
            window: Window::new(MESSAGES_PER_MINUTE),
            refusals: 0,
            seq: 0,
            unanswered: 0,
            received: now,
            next_heartbeat: now + HEARTBEAT,
            expires_at,
            expired: None,
        }
    }

    /// Whether the next frame may be read.
    pub(crate) fn reads(&self) -> bool {
        self.unanswered < limits::UNACKNOWLEDGED
    }

    /// So many commands were answered.
    pub(crate) fn answered(&mut self, count: usize) {
        self.unanswered = self.unanswered.saturating_sub(count);
    }

    /// The session's setting.
    pub(crate) fn set_messages_per_minute(&mut self, limit: u32) {
        self.window.set_limit(limit);
    }

    /// Another JWT is good until then.
    pub(crate) fn refreshed(&mut self, expires_at: Timestamp) {
        self.expires_at = expires_at;
        self.expired = None;
    }

    /// Anything came, pongs included.
    pub(crate) fn received(&mut self, now: Instant) {
        self.received = now;
    }

    /// A text frame came.
    pub(crate) fn text(&mut self, text: &str, now: Instant) -> Vec<Act> {
        self.received = now;
        let envelope = envelope::parse(text);
        if envelope == Ok(Envelope::Heartbeat) {
            return vec![Act::Heartbeat];
        }
        if let Err(after) = self.window.admit(now) {
            return self.refuse(text, after);
        }
        self.refusals = 0;
        vec![match envelope {
            Err(error) => Act::Say(error),
            Ok(Envelope::Heartbeat) => Act::Heartbeat,
            Ok(Envelope::Sync(paths)) => Act::Sync(paths),
            Ok(Envelope::Refresh(jwt)) => Act::Refresh(jwt),
            Ok(Envelope::Command { action, ephemeral }) => {
                self.seq += 1;
                self.unanswered += 1;
                Act::Command { seq: self.seq, action, ephemeral }
            }
        }]
    }

    /// A binary frame came.
    pub(crate) fn binary() -> Vec<Act> {
        vec![Act::Close(CloseCode::Unsupported)]
    }

    /// A frame over the bound came.
    pub(crate) fn too_large() -> Vec<Act> {
        let error = ClientError::new(ErrorCode::FrameTooLarge, "A frame has at most 65536 bytes.")
            .with("limit", limits::CLIENT_FRAME_BYTES)
            .with("effect", "none");
        vec![Act::Say(error), Act::Close(CloseCode::TooLarge)]
    }

    /// Time has passed. `wall` is the wall clock's now.
    pub(crate) fn tick(&mut self, now: Instant, wall: Timestamp) -> Vec<Act> {
        let mut acts = Vec::new();
        if now >= self.received + IDLE {
            return vec![Act::Close(CloseCode::HeartbeatTimeout)];
        }
        match self.expired {
            Some(since) if now >= since + EXPIRY_GRACE => {
                return vec![Act::Close(CloseCode::TokenExpired)];
            }
            None if wall >= self.expires_at => {
                self.expired = Some(now);
                let error = ClientError::new(ErrorCode::TokenExpired, "The token has expired.")
                    .with("closes_after_ms", EXPIRY_GRACE.as_secs() * 1_000);
                acts.push(Act::Say(error));
            }
            Some(_) | None => {}
        }
        if now >= self.next_heartbeat {
            self.next_heartbeat = now + HEARTBEAT;
            acts.push(Act::HeartbeatAndPing);
        }
        acts
    }

    /// When [`Conversation::tick`] is due at the latest.
    pub(crate) fn due(&self, now: Instant, wall: Timestamp) -> Instant {
        let left = u64::try_from(self.expires_at.since_ms(wall)).unwrap_or(0);
        let expiry = match self.expired {
            Some(since) => since + EXPIRY_GRACE,
            None => now + Duration::from_millis(left).min(HEARTBEAT),
        };
        self.next_heartbeat.min(self.received + IDLE).min(expiry)
    }

    fn refuse(&mut self, text: &str, after: Duration) -> Vec<Act> {
        self.refusals += 1;
        let after = u64::try_from(after.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut error = ClientError::new(ErrorCode::RateLimited, "Too many messages.")
            .with("retry_after_ms", after)
            .with("effect", "none");
        if let Some(action) = envelope::action_of(text) {
            error = error.with("action_id", action.to_string());
        }
        let mut acts = vec![Act::Say(error)];
        if self.refusals >= REFUSALS_IN_A_ROW {
            acts.push(Act::Close(CloseCode::RateLimited));
        }
        acts
    }
}

#[cfg(test)]
mod tests;
