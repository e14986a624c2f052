//! Commands on their way to owners, and their answers on the way back.

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::frames::{ack_frame, error_frame};
use gss_shared::ids::{SessionId, Version};
use gss_shared::limits;
use gss_shared::link::frame::{AnswerFrame, CommandBody, Outcome, Refused};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Worker;
use super::reach::nobody_answered;
use crate::mail::ClientFrame;
use crate::routes::REDIRECT_PAUSE;
use crate::routes::route::{GivenUp, Pending};
use crate::stream::Urgency;
use crate::switchboard::{Accepted, Call};

/// Unanswered commands of one session beyond which REST calls are refused. Connections are bounded
/// by [`limits::UNACKNOWLEDGED`] each.
const CALLS_WAITING: usize = 2 * limits::SESSION_CREDIT;

impl Worker {
    /// A command of a connection.
    pub(super) fn frame(&mut self, frame: ClientFrame, now: Instant) {
        let Some(session) = self.sessions.get_mut(&frame.session) else { return };
        let Some(client) = session.client(frame.connection) else { return };
        if client.cursor.is_leaving() {
            return;
        }
        client.cursor.asked();
        let sender = (Some(frame.connection), frame.seq, client.player);
        let body = CommandBody::Frame(frame.text);
        let mut command =
            Pending::new(sender, body, frame.action, (now, now + self.reach.budget()));
        command.ephemeral = frame.ephemeral;
        session.route.push(command);
        self.pump(frame.session, now);
    }

    /// A REST command.
    pub(super) fn call(
        &mut self,
        call: Call,
        reply: oneshot::Sender<Result<Option<Accepted>, ClientError>>,
        now: Instant,
    ) {
        let (id, seq) = (call.session, self.calls);
        let budget = self.reach.budget();
        self.calls += 1;
        let session = self.session(id);
        if session.route.len() >= CALLS_WAITING {
            let error = ClientError::new(ErrorCode::Unavailable, "Too many commands wait.")
                .with("retry_after_ms", 1_000)
                .with("effect", "none");
            // A caller that went away needs no answer.
            drop(reply.send(Err(error)));
            return;
        }
        let action = match &call.body {
            CommandBody::Rest { action, .. } => Some(*action),
            CommandBody::Frame(text) => crate::connection::envelope::action_of(text),
        };
        let deadline = now + call.budget.min(budget);
        let mut command =
            Pending::new((None, seq, call.player), call.body, action, (now, deadline));
        command.view = call.view;
        session.calls.insert(seq, reply);
        session.route.push(command);
        self.pump(id, now);
    }

    /// An owner's answer.
    pub(super) fn answer(&mut self, answer: AnswerFrame, now: Instant) {
        let id = answer.session;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Outcome::NotOwner { epoch, owner } = &answer.outcome {
            if !session.route.refused(&answer) {
                return;
            }
            let shard = session.shard;
            if self.reach.owners.redirected(shard, *epoch, owner.clone()) {
                return self.moved(shard, now);
            }
            session.route.go_back_at(now + REDIRECT_PAUSE);
            return self.note(id, now);
        }
        let Some(command) = session.route.answered(&answer) else { return };
        self.count(&command, &answer.outcome, now);
        if let Outcome::Accepted { position, .. } = answer.outcome {
            self.judge(id, now, |stream, steps| stream.told(position, Urgency::Soon, now, steps));
        }
        self.settle(id, command, answer.outcome);
        self.pump(id, now);
    }

    fn settle(&mut self, id: SessionId, command: Pending, outcome: Outcome) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(connection) = command.connection else {
            if let Some(reply) = session.calls.remove(&command.seq) {
                // A caller that went away needs no answer.
                drop(reply.send(rest_answer(outcome)));
            }
            return;
        };
        let Some(client) = session.client(connection) else { return };
        match outcome {
            Outcome::Accepted { position, at, duplicate, .. } => {
                let frame = command.action.map(|a| ack_frame(a, position, at, duplicate).into());
                client.cursor.answer(position.version, frame, Some(position));
            }
            Outcome::Refused { refused, saw } => {
                let error = of_command(client_error(refused), &command).with_effect("none");
                client.cursor.answer(saw.version, Some(error_frame(&error).into()), None);
            }
            Outcome::Nothing | Outcome::NotOwner { .. } => {
                client.cursor.answer(Version::ZERO, None, None);
            }
        }
    }

    /// A command stays unanswered: its sender is told what that means.
    pub(super) fn give_up(&mut self, id: SessionId, command: Pending, reason: GivenUp) {
        self.reach.metrics.commands.with_label_values(&["given_up"]).inc();
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let error = of_command(nobody_answered(reason), &command);
        let Some(connection) = command.connection else {
            if let Some(reply) = session.calls.remove(&command.seq) {
                let answer = if reason == GivenUp::Ephemeral { Ok(None) } else { Err(error) };
                // A caller that went away needs no answer.
                drop(reply.send(answer));
            }
            return;
        };
        if let Some(client) = session.client(connection) {
            let frame = (reason != GivenUp::Ephemeral).then(|| error_frame(&error).into());
            client.cursor.answer(Version::ZERO, frame, None);
        }
    }

    fn count(&self, command: &Pending, outcome: &Outcome, now: Instant) {
        let label = match outcome {
            Outcome::Accepted { .. } => "accepted",
            Outcome::Refused { .. } => "refused",
            Outcome::Nothing => "ephemeral",
            Outcome::NotOwner { .. } => "not_owner",
        };
        let metrics = &self.reach.metrics;
        metrics.commands.with_label_values(&[label]).inc();
        let seconds = now.saturating_duration_since(command.arrived).as_secs_f64();
        metrics.command_seconds.with_label_values(&[label]).observe(seconds);
    }
}

fn rest_answer(outcome: Outcome) -> Result<Option<Accepted>, ClientError> {
    match outcome {
        Outcome::Accepted { position, at, duplicate, view } => {
            Ok(Some(Accepted { position, at, duplicate, view }))
        }
        Outcome::Refused { refused, .. } => Err(client_error(refused).with_effect("none")),
        Outcome::Nothing | Outcome::NotOwner { .. } => Ok(None),
    }
}

/// A refusal as it came over the link, for the client.
pub(super) fn client_error(refused: Refused) -> ClientError {
    let details = serde_json::from_str(&refused.details).unwrap_or_else(|error| {
        tracing::warn!(%error, code = %refused.code, "details of a refusal are no JSON object");
        serde_json::Map::new()
    });
    ClientError { code: refused.code, message: refused.message, details }
}

fn of_command(error: ClientError, command: &Pending) -> ClientError {
    match command.action {
        Some(action) if !error.details.contains_key("action_id") => {
            error.with("action_id", action.to_string())
        }
        Some(_) | None => error,
    }
}

trait WithEffect {
    /// Says what the refusal knows, unless it says so itself.
    fn with_effect(self, effect: &str) -> Self;
}

impl WithEffect for ClientError {
    fn with_effect(self, effect: &str) -> Self {
        if self.details.contains_key("effect") { self } else { self.with("effect", effect) }
    }
}

/// What a connection is told whose token was taken back.
pub(super) fn revoked() -> ClientError {
    ClientError::new(ErrorCode::Unauthenticated, "The token was revoked.")
}
