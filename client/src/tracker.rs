//! What a client knows of its place in the stream and of its unanswered commands. No I/O, no clock.
//!
//! Invariants: the position is that of the last thing received in stream order, and never goes
//! back; a message is handed on only if nothing visible was lost before it; commands are sent, and
//! sent again, in the order they were given.

use std::collections::VecDeque;
use std::time::Duration;

use gss_shared::limits;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::command::Command;
use crate::error::{CommandError, Refusal};
use crate::frame::{self, Ack, Event, Frame, Message};

/// Times a command of unknown effect is sent again by itself.
const RETRIES: u32 = 5;
/// Wait before that, unless the service names one.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Losses in a row after which resuming is given up for a snapshot.
const GAPS: u32 = 3;

/// What the shell has to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// Tell the application.
    Tell(Event),
    /// Send this text frame.
    Send(String),
    /// Answer a command.
    Answer(Uuid, Result<Ack, CommandError>),
    /// Call [`Tracker::retry`] after this.
    RetryAfter(Uuid, Duration),
    /// Leave this connection and open another, which resumes.
    Reconnect,
    /// Reconnect after this; the server will close soon.
    LeaveAfter(Duration),
    /// Get a new JWT and send it as `auth_refresh`.
    RefreshJwt,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sent {
    /// Waits for its turn.
    No,
    /// On this connection.
    Yes,
    /// Its effect is unknown; it waits to be sent again.
    Again,
}

#[derive(Debug)]
struct Unanswered {
    action: Uuid,
    frame: String,
    sent: Sent,
    retries: u32,
}

/// A client's place in the stream.
#[derive(Debug)]
pub struct Tracker {
    token: String,
    position: Option<String>,
    /// Version of the last message, or of what was resumed from.
    message: Option<u64>,
    /// Version of the position: that message, or an acknowledgement or snapshot after it.
    latest: u64,
    /// Version of the last snapshot: everything up to it is known.
    snapshot: Option<u64>,
    unanswered: VecDeque<Unanswered>,
    open: bool,
    opened_before: bool,
    gaps: u32,
}

impl Tracker {
    /// At `position` (None: at nothing), to open with `session_token`.
    pub fn new(session_token: String, position: Option<String>) -> Self {
        Self {
            token: session_token,
            position,
            message: None,
            latest: 0,
            snapshot: None,
            unanswered: VecDeque::new(),
            open: false,
            opened_before: false,
            gaps: 0,
        }
    }

    /// The token that opens the next connection.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Where to resume.
    pub fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    /// Commands without an answer.
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Takes a command and sends it when its turn comes.
    pub fn submit(&mut self, command: &Command) -> Vec<Step> {
        let (action, frame) = (command.action_id, command.frame());
        self.unanswered.push_back(Unanswered { action, frame, sent: Sent::No, retries: 0 });
        self.send_waiting()
    }

    /// Sends a command of unknown effect again.
    pub fn retry(&mut self, action: Uuid) -> Vec<Step> {
        let waiting =
            |command: &&mut Unanswered| command.action == action && command.sent == Sent::Again;
        if let Some(command) = self.unanswered.iter_mut().find(waiting) {
            command.sent = Sent::No;
        }
        self.send_waiting()
    }

    /// The connection is gone: everything unanswered has to be sent again.
    pub fn disconnected(&mut self) {
        self.open = false;
        for command in &mut self.unanswered {
            command.sent = Sent::No;
        }
    }

    /// Takes a text frame of the server.
    pub fn receive(&mut self, text: &str) -> Vec<Step> {
        let Ok(frame) = serde_json::from_str::<Frame>(text) else {
            let message = "The server sent what is no frame.".to_owned();
            let refusal = Refusal { code: "invalid_json".to_owned(), message, details: Map::new() };
            return vec![Step::Tell(Event::Error(refusal)), Step::Reconnect];
        };
        match frame.kind.as_str() {
            "connection_established" => self.established(&frame.data),
            "heartbeat" => self.keep_token(&frame.data),
            "ack" => self.acknowledged(&frame.data),
            "error" | "connection_error" => frame.error.map_or_else(Vec::new, |e| self.failed(e)),
            "sync_response" => self.synchronized(frame),
            "going_away" => {
                let after = frame.data.get("reconnect_after_ms").and_then(Value::as_u64);
                let after = Duration::from_millis(after.unwrap_or_default());
                vec![Step::Tell(Event::GoingAway), Step::LeaveAfter(after)]
            }
            "auth_refreshed" => Vec::new(),
            _ => self.message(frame),
        }
    }

    fn established(&mut self, data: &Map<String, Value>) -> Vec<Step> {
        let resumed = data.get("resumed").and_then(Value::as_bool).unwrap_or(false);
        let mut steps = self.keep_token(data);
        if resumed {
            // What follows is chained to the position that was given. Of one that came from
            // outside the version is not known: the first message is believed.
            self.message = (self.latest > 0).then_some(self.latest);
        } else {
            (self.message, self.latest, self.snapshot) = (None, 0, None);
        }
        self.open = true;
        let word = |key: &str| frame::text(data, key).unwrap_or_default().to_owned();
        steps.push(Step::Tell(if self.opened_before {
            Event::Resumed { resumed }
        } else {
            let (connection_id, role) = (word("connection_id"), word("role"));
            Event::Connected { connection_id, role, resumed }
        }));
        self.opened_before = true;
        steps.extend(self.send_waiting());
        steps
    }

    fn keep_token(&mut self, data: &Map<String, Value>) -> Vec<Step> {
        if let Some(token) = frame::text(data, "resume_token") {
            token.clone_into(&mut self.token);
        }
        Vec::new()
    }

    fn message(&mut self, frame: Frame) -> Vec<Step> {
        let (version, prev) =
            (frame::version(&frame.data, "version"), frame::version(&frame.data, "prev"));
        let (Some(version), Some(prev)) = (version, prev) else {
            return vec![tell(frame, None)];
        };
        if self.message.is_some_and(|last| version <= last) {
            return Vec::new();
        }
        if !self.follows(prev) {
            return self.lost(prev);
        }
        self.gaps = 0;
        self.message = Some(version);
        self.advance(version, &frame.data);
        vec![tell(frame, Some(version))]
    }

    /// Whether nothing visible lies between `prev` and what was received.
    fn follows(&self, prev: u64) -> bool {
        let Some(message) = self.message else {
            return true;
        };
        prev == message
            || prev == self.latest
            || self.snapshot.is_some_and(|snapshot| snapshot >= message && prev <= snapshot)
    }

    fn lost(&mut self, prev: u64) -> Vec<Step> {
        self.gaps += 1;
        let expected = (self.message.unwrap_or_default(), self.latest);
        if self.gaps >= GAPS {
            (self.position, self.gaps) = (None, 0);
        }
        vec![Step::Tell(Event::Gap { expected, prev }), Step::Reconnect]
    }

    fn synchronized(&mut self, frame: Frame) -> Vec<Step> {
        let Some(version) = frame::version(&frame.data, "version") else {
            return vec![tell(frame, None)];
        };
        if self.message.is_none_or(|last| version >= last) {
            self.message = Some(version);
            self.snapshot = Some(version);
            self.advance(version, &frame.data);
        }
        self.gaps = 0;
        vec![tell(frame, Some(version))]
    }

    fn acknowledged(&mut self, data: &Map<String, Value>) -> Vec<Step> {
        let Some(ack) = frame::ack(data) else {
            return Vec::new();
        };
        // Of an old command sent again the acknowledgement is old too.
        self.advance(ack.version, data);
        let Some(at) = self.unanswered.iter().position(|waiting| waiting.action == ack.action_id)
        else {
            return Vec::new();
        };
        self.unanswered.remove(at);
        let mut steps = vec![Step::Answer(ack.action_id, Ok(ack))];
        steps.extend(self.send_waiting());
        steps
    }

    fn failed(&mut self, refusal: Refusal) -> Vec<Step> {
        let action = frame::text(&refusal.details, "action_id").and_then(|id| id.parse().ok());
        let at = self.unanswered.iter().position(|waiting| Some(waiting.action) == action);
        let Some(at) = at else {
            let expired = refusal.code == "token_expired";
            let mut steps = vec![Step::Tell(Event::Error(refusal))];
            steps.extend(expired.then_some(Step::RefreshJwt));
            return steps;
        };
        let waiting = &mut self.unanswered[at];
        if refusal.effect_unknown() && waiting.retries < RETRIES {
            (waiting.sent, waiting.retries) = (Sent::Again, waiting.retries + 1);
            let after = refusal.retry_after_ms().map_or(RETRY_AFTER, Duration::from_millis);
            return vec![Step::RetryAfter(waiting.action, after)];
        }
        let action = waiting.action;
        self.unanswered.remove(at);
        let error = if refusal.effect_unknown() {
            CommandError::Unknown(refusal)
        } else {
            CommandError::Refused(refusal)
        };
        let mut steps = vec![Step::Answer(action, Err(error))];
        steps.extend(self.send_waiting());
        steps
    }

    fn advance(&mut self, version: u64, data: &Map<String, Value>) {
        if version >= self.latest
            && let Some(position) = frame::text(data, "position")
        {
            self.latest = version;
            self.position = Some(position.to_owned());
        }
    }

    /// Sends what may be sent: at most as many unanswered as the server reads ahead, and none ahead
    /// of one that waits to be sent again.
    fn send_waiting(&mut self) -> Vec<Step> {
        if !self.open {
            return Vec::new();
        }
        let sent = self.unanswered.iter().filter(|waiting| waiting.sent == Sent::Yes).count();
        let room = limits::UNACKNOWLEDGED.saturating_sub(sent);
        let until_again = self.unanswered.iter_mut().take_while(|one| one.sent != Sent::Again);
        let waiting = until_again.filter(|waiting| waiting.sent == Sent::No);
        let send = |waiting: &mut Unanswered| {
            waiting.sent = Sent::Yes;
            Step::Send(waiting.frame.clone())
        };
        waiting.take(room).map(send).collect()
    }
}

fn tell(frame: Frame, version: Option<u64>) -> Step {
    Step::Tell(Event::Message(Message { kind: frame.kind, data: frame.data, version }))
}

#[cfg(test)]
mod tests;
