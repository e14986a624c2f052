//! One connection's place in its session's stream (SAFETY S6): picks what the viewer may see, names
//! its `prev`, and lets nothing that carries a version overtake or fall behind.
//!
//! Acknowledgements, refusals and `sync_response`s wait here until the connection stands at their
//! version. While an attach or a read of state is under way the stream's messages wait here too, so
//! that the snapshot can be put exactly where it belongs. What is to be written piles up until
//! [`Cursor::take`].

use std::collections::VecDeque;
use std::sync::Arc;

use gss_shared::error_code::CloseCode;
use gss_shared::ids::{PlayerId, Position, ResumePoint, Version};
use gss_shared::limits;
use gss_shared::message::{Effect, Message, Role, Viewer};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::rendered::Rendered;
use crate::connection::queue::Batch;

/// What a cursor asks of its worker after an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Wish {
    /// Nothing.
    Nothing,
    /// A fresh `sync_response`: it is held already, read the whole state for this viewer.
    Sync,
    /// What came is older than what was delivered when it was asked for: ask again.
    Again,
}

/// A snapshot or resume that answers an attach.
#[derive(Debug)]
pub(crate) struct Attached {
    /// The member's role at `at`.
    pub role: Role,
    /// `connection_established`.
    pub established: Utf8Bytes,
    /// Where the client's stream begins; that a snapshot was owed there and is not here yet.
    pub from: ResumePoint,
    /// What was missed since, unfiltered; for a fresh start none.
    pub missed: Vec<Message>,
    /// `sync_response`, if one follows.
    pub sync: Option<Utf8Bytes>,
    /// Where the stream stands after all that.
    pub at: Position,
    /// The session's setting.
    pub messages_per_minute: u32,
}

#[derive(Debug)]
enum Deferred {
    Answer { at: Version, frame: Option<Utf8Bytes>, position: Option<Position> },
    Sync { at: Position, frame: Utf8Bytes, whole: bool },
}

impl Deferred {
    fn at(&self) -> Version {
        match self {
            Self::Answer { at, .. } => *at,
            Self::Sync { at, .. } => at.version,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Waiting {
    Attach,
    Sync,
}

#[derive(Debug)]
struct Gate {
    waiting: Waiting,
    messages: VecDeque<Arc<Message>>,
    bytes: usize,
    frames: Vec<Utf8Bytes>,
}

/// The place of one connection.
#[derive(Debug)]
pub(crate) struct Cursor {
    viewer: Viewer,
    /// Everything up to here was delivered or is not for this viewer.
    at: Version,
    /// Version of the last journaled message or `sync_response` that was sent.
    prev: Version,
    /// The last thing with a version that was sent.
    sent: Position,
    /// What was sent has to be followed by a snapshot that was not.
    owed: bool,
    gate: Option<Box<Gate>>,
    deferred: VecDeque<Deferred>,
    frames: Vec<Utf8Bytes>,
    bytes: usize,
    answered: usize,
    /// Commands that wait for their answer.
    unanswered: usize,
    messages_per_minute: Option<u32>,
    /// Closes so when the commands sent before are answered; nothing else is told any more.
    leaving: Option<CloseCode>,
    close: Option<CloseCode>,
}

impl Cursor {
    /// A connection whose attach is about to be sent. The role is told by the answer.
    pub(crate) fn attaching(player: PlayerId) -> Self {
        let mut cursor = Self {
            viewer: Viewer { player, role: Role::Spectator },
            at: Version::ZERO,
            prev: Version::ZERO,
            sent: Position::START,
            owed: false,
            gate: None,
            deferred: VecDeque::new(),
            frames: Vec::new(),
            bytes: 0,
            answered: 0,
            unanswered: 0,
            messages_per_minute: None,
            leaving: None,
            close: None,
        };
        cursor.shut(Waiting::Attach);
        cursor
    }

    /// Who looks.
    pub(crate) fn viewer(&self) -> Viewer {
        self.viewer
    }

    /// Whether the attach was answered.
    pub(crate) fn is_attached(&self) -> bool {
        !matches!(&self.gate, Some(gate) if gate.waiting == Waiting::Attach)
    }

    /// Whether a snapshot or resume at `at` joins without a gap onto a stream that has delivered
    /// up to `last`: what lies between must have waited here.
    pub(crate) fn covers(&self, at: Version, last: Version) -> bool {
        let first = self.gate.as_ref().and_then(|gate| gate.messages.front());
        at >= last || first.is_some_and(|first| first.version() <= at.next())
    }

    /// The next message of the stream.
    pub(crate) fn offer(&mut self, message: &Arc<Message>, rendered: &mut Rendered) -> Wish {
        if let Some(gate) = &mut self.gate {
            gate.bytes += message.size();
            gate.messages.push_back(Arc::clone(message));
            let over = gate.bytes > limits::CLIENT_QUEUE_BYTES
                || gate.messages.len() > limits::CLIENT_QUEUE_FRAMES;
            if over {
                // It reconnects and resumes: cheaper than a second kind of catching up.
                self.close(CloseCode::Restart);
            }
            return Wish::Nothing;
        }
        self.deliver(message, rendered)
    }

    /// The attach was answered: everything begins.
    pub(crate) fn attached(&mut self, attached: Attached) -> Wish {
        let Some(gate) = self.gate.take() else { return Wish::Nothing };
        self.viewer.role = attached.role;
        self.messages_per_minute = Some(attached.messages_per_minute);
        let from = attached.from.position;
        (self.prev, self.at, self.sent) = (from.version, from.version, from);
        self.owed = attached.from.owed || attached.sync.is_some();
        self.push(attached.established);
        let mut rendered = Rendered::default();
        for message in &attached.missed {
            // Roles changed only where the answer was a snapshot; a rollback brings its own.
            self.tell(message, &mut rendered);
            rendered.clear();
        }
        self.at = attached.at.version;
        if let Some(sync) = attached.sync {
            self.write_sync(attached.at, sync, true);
        }
        for frame in gate.frames {
            self.push(frame);
        }
        self.flush_deferred();
        if self.owed {
            self.gate =
                Some(Box::new(Gate { waiting: Waiting::Sync, frames: Vec::new(), ..*gate }));
            return Wish::Sync;
        }
        self.replay(gate.messages)
    }

    /// A read of state for this viewer is about to be sent: messages wait from here on.
    pub(crate) fn hold(&mut self) {
        if self.gate.is_none() {
            self.shut(Waiting::Sync);
        }
    }

    /// The stream's history is another one: role, answers and place may be of what never was, so
    /// the client attaches anew.
    pub(crate) fn restart(&mut self) {
        if self.is_attached() {
            self.gate = None;
            self.deferred.clear();
            self.close(CloseCode::Restart);
        } else if let Some(gate) = &mut self.gate {
            gate.messages.clear();
            gate.bytes = 0;
        }
    }

    /// The state for this viewer at a version not before the hold: written when the connection
    /// stands there. `whole`: it holds all the viewer may see.
    pub(crate) fn synced(&mut self, at: Position, frame: Utf8Bytes, whole: bool) -> Wish {
        let Some(gate) = self.gate.take_if(|gate| gate.waiting != Waiting::Attach) else {
            return Wish::Nothing;
        };
        if at.version < self.at {
            // Older than what was delivered when it was asked for: of no use.
            self.gate = Some(gate);
            return Wish::Again;
        }
        let place = self.deferred.iter().position(|deferred| deferred.at() > at.version);
        let place = place.unwrap_or(self.deferred.len());
        self.deferred.insert(place, Deferred::Sync { at, frame, whole });
        self.flush_deferred();
        self.replay(gate.messages)
    }

    /// The read failed: go on without it, saying so.
    pub(crate) fn not_synced(&mut self, error: Utf8Bytes) -> Wish {
        let Some(gate) = self.gate.take_if(|gate| gate.waiting != Waiting::Attach) else {
            return Wish::Nothing;
        };
        self.push(error);
        self.replay(gate.messages)
    }

    /// The state it cannot go on without was refused: closes, with the reason if the stream or
    /// what waits here tells it.
    pub(crate) fn cannot_sync(&mut self) {
        let me = self.viewer.player;
        let waiting = self.gate.iter().flat_map(|gate| &gate.messages);
        let mut effects = waiting.flat_map(|message| &message.effects);
        let told = self.leaving.or_else(|| effects.find_map(|effect| closes(effect, me)));
        self.close(told.unwrap_or(CloseCode::Restart));
    }

    /// Whether it closes now or after its answers: it takes and is told nothing more.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.is_some() || self.close.is_some()
    }

    /// A command of this connection is on its way; [`Cursor::answer`] follows.
    pub(crate) fn asked(&mut self) {
        self.unanswered += 1;
    }

    /// An answer to a command: written when the connection stands at the version it depends on.
    /// `position`: what the frame carries, if it does. None as frame: nothing is said.
    pub(crate) fn answer(
        &mut self,
        at: Version,
        frame: Option<Utf8Bytes>,
        position: Option<Position>,
    ) {
        self.deferred.push_back(Deferred::Answer { at, frame, position });
        self.flush_deferred();
    }

    /// Says something without a version.
    pub(crate) fn say(&mut self, frame: Utf8Bytes) {
        match &mut self.gate {
            Some(gate) if gate.waiting == Waiting::Attach => {
                if gate.frames.len() < limits::CLIENT_QUEUE_FRAMES {
                    gate.frames.push(frame);
                }
            }
            Some(_) | None => self.push(frame),
        }
    }

    /// Says the last thing before a close, also to a connection that is not attached.
    pub(crate) fn say_and_close(&mut self, frame: Utf8Bytes, code: CloseCode) {
        if self.close.is_none() {
            self.push(frame);
            self.close(code);
        }
    }

    /// Closes after what is to be written.
    pub(crate) fn close(&mut self, code: CloseCode) {
        self.close.get_or_insert(code);
    }

    /// Whether it has something to write.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.frames.is_empty() || self.answered > 0 || self.close.is_some()
    }

    /// What is to be written since the last time.
    pub(crate) fn take(&mut self) -> Batch {
        Batch {
            frames: std::mem::take(&mut self.frames),
            bytes: std::mem::take(&mut self.bytes),
            position: ResumePoint { position: self.sent, owed: self.owed },
            answered: std::mem::take(&mut self.answered),
            messages_per_minute: self.messages_per_minute.take(),
            close: self.close,
        }
    }

    fn shut(&mut self, waiting: Waiting) {
        self.gate = Some(Box::new(Gate {
            waiting,
            messages: VecDeque::new(),
            bytes: 0,
            frames: Vec::new(),
        }));
    }

    fn push(&mut self, frame: Utf8Bytes) {
        if self.close.is_none() {
            self.bytes += frame.len();
            self.frames.push(frame);
        }
    }

    /// Sends the message if it is for this viewer.
    fn tell(&mut self, message: &Message, rendered: &mut Rendered) {
        if let Some((variant, head)) = message.head_for(self.viewer) {
            let frame = rendered.frame(variant, self.prev, head);
            self.push(self.marked(frame, message.position));
            self.prev = message.version();
            self.sent = message.position;
        }
    }

    fn deliver(&mut self, message: &Message, rendered: &mut Rendered) -> Wish {
        if message.version() <= self.at || self.close.is_some() || self.leaving.is_some() {
            return Wish::Nothing;
        }
        for effect in &message.effects {
            match effect {
                Effect::Role { player, role } if *player == self.viewer.player => {
                    self.viewer.role = *role;
                }
                Effect::Role { .. } | Effect::Resync { .. } | Effect::Close { .. } => {}
            }
        }
        self.owed |= self.needs_snapshot(message);
        self.tell(message, rendered);
        self.at = message.version();
        let wish = self.effects(message);
        self.flush_deferred();
        wish
    }

    fn effects(&mut self, message: &Message) -> Wish {
        for effect in &message.effects {
            self.leaving = self.leaving.or(closes(effect, self.viewer.player));
        }
        if self.needs_snapshot(message) && !self.sync_follows() {
            self.shut(Waiting::Sync);
            return Wish::Sync;
        }
        Wish::Nothing
    }

    /// Whether the viewer has to get a snapshot after it.
    fn needs_snapshot(&self, message: &Message) -> bool {
        message.effects.iter().any(|effect| match effect {
            Effect::Resync { players } => {
                players.as_ref().is_none_or(|players| players.contains(&self.viewer.player))
            }
            Effect::Role { .. } | Effect::Close { .. } => false,
        })
    }

    /// A frame that carries this position: while a snapshot is owed the client gives it back so that
    /// it gets that. No text of a client's can look like the member: its quotes are escaped.
    fn marked(&self, frame: Utf8Bytes, position: Position) -> Utf8Bytes {
        if !self.owed {
            return frame;
        }
        let member = |point: &dyn std::fmt::Display| format!("\"position\":\"{point}\"");
        let point = ResumePoint { position, owed: true };
        frame.replacen(&member(&position), &member(&point), 1).into()
    }

    /// A whole snapshot of this or a later version is there already.
    fn sync_follows(&self) -> bool {
        self.deferred.iter().any(|deferred| match deferred {
            Deferred::Sync { at, whole, .. } => *whole && at.version >= self.at,
            Deferred::Answer { .. } => false,
        })
    }

    fn replay(&mut self, messages: VecDeque<Arc<Message>>) -> Wish {
        let mut wish = Wish::Nothing;
        let mut rendered = Rendered::default();
        for message in messages {
            if let Wish::Sync = self.offer(&message, &mut rendered) {
                wish = Wish::Sync;
            }
            rendered.clear();
        }
        wish
    }

    fn write_sync(&mut self, at: Position, frame: Utf8Bytes, whole: bool) {
        self.owed &= !whole;
        self.push(self.marked(frame, at));
        self.prev = at.version;
        self.sent = at;
    }

    fn flush_deferred(&mut self) {
        let leaving = self.leaving.is_some();
        while self.deferred.front().is_some_and(|front| front.at() <= self.at || leaving) {
            match self.deferred.pop_front() {
                Some(Deferred::Sync { at, frame, whole }) if at.version <= self.at => {
                    self.write_sync(at, frame, whole);
                }
                Some(Deferred::Answer { frame, position, .. }) => {
                    self.answered += 1;
                    self.unanswered = self.unanswered.saturating_sub(1);
                    if let Some(frame) = frame {
                        let marked = position.map(|at| self.marked(frame.clone(), at));
                        self.push(marked.unwrap_or(frame));
                    }
                    if let Some(position) = position.filter(|p| p.version > self.sent.version) {
                        self.sent = position;
                    }
                }
                // Of a version that is not told any more.
                Some(Deferred::Sync { .. }) | None => {}
            }
        }
        if self.unanswered == 0
            && let Some(code) = self.leaving
        {
            self.close(code);
        }
    }
}

/// The code with which this effect closes the player's connections, if it does.
fn closes(effect: &Effect, me: PlayerId) -> Option<CloseCode> {
    match effect {
        Effect::Close { player, code } if player.is_none_or(|player| player == me) => {
            Some(CloseCode::from_number(*code).unwrap_or(CloseCode::GoingAway))
        }
        Effect::Close { .. } | Effect::Role { .. } | Effect::Resync { .. } => None,
    }
}

#[cfg(test)]
mod tests;
