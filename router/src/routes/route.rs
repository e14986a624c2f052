//! The commands of one session that its owner has not answered, in the order they are to be
//! decided.

use std::collections::VecDeque;

use gss_shared::ids::{ActionId, ConnectionId, Epoch, PlayerId, SessionId};
use gss_shared::limits;
use gss_shared::link::frame::{AnswerFrame, CommandBody, CommandFrame, ReadKind};
use tokio::time::Instant;

/// A command without its answer.
#[derive(Debug)]
pub(crate) struct Pending {
    /// Where it came from; None: REST.
    pub connection: Option<ConnectionId>,
    /// Counts the connection's commands, or the worker's REST calls.
    pub seq: u64,
    /// Who sent it.
    pub player: PlayerId,
    /// What is asked.
    pub body: CommandBody,
    /// Idempotency key; None: it must not be sent to a second owner.
    pub action: Option<ActionId>,
    /// Best effort: not sent twice.
    pub ephemeral: bool,
    /// A read to answer with it.
    pub view: Option<ReadKind>,
    /// When it came.
    pub arrived: Instant,
    /// When its sender is told that nobody answered.
    pub deadline: Instant,
    /// Owners that died with it.
    pub outlived: u8,
    sent: Sent,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sent {
    Never,
    /// The link is there; the owner has it.
    To(Epoch),
    /// Its answer was that it is not the owner: nothing was done.
    Refused,
    /// The link broke: the owner may have decided it, or died of it.
    Orphaned(Epoch),
}

/// Who is asked, as it stands when a command is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct To {
    /// The owner's epoch.
    pub epoch: Epoch,
    /// Whether it said itself that it serves the shard.
    pub announced: bool,
    /// The last beat read from it.
    pub beat_seen: u64,
}

/// Why a command is given up unanswered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GivenUp {
    /// Nobody answered in time.
    Deadline,
    /// Too many owners died with it (SAFETY S14), or a second try might do it twice.
    Outlived,
    /// It was an ephemeral change, and its owner is gone.
    Ephemeral,
}

impl Pending {
    /// A command that just came.
    pub(crate) fn new(
        sender: (Option<ConnectionId>, u64, PlayerId),
        body: CommandBody,
        action: Option<ActionId>,
        (arrived, deadline): (Instant, Instant),
    ) -> Self {
        let (connection, seq, player) = sender;
        Self {
            connection,
            seq,
            player,
            body,
            action,
            ephemeral: false,
            view: None,
            arrived,
            deadline,
            outlived: 0,
            sent: Sent::Never,
        }
    }

    /// Counts the owner that died with it; says whether it may be sent once more.
    fn survive(&mut self, epoch: Epoch) -> Result<(), GivenUp> {
        if self.ephemeral && self.sent != Sent::Never {
            return Err(GivenUp::Ephemeral);
        }
        let former = match self.sent {
            Sent::Never | Sent::Refused => return Ok(()),
            // Another may have decided it, and its answer is ignored by now.
            Sent::To(_) if self.action.is_none() => return Err(GivenUp::Outlived),
            Sent::To(_) => return Ok(()),
            Sent::Orphaned(former) => former,
        };
        if former < epoch {
            self.outlived += 1;
        }
        let again = self.action.is_some() && self.outlived < limits::OWNERS_OUTLIVED;
        if again { Ok(()) } else { Err(GivenUp::Outlived) }
    }

    fn frame(&self, session: SessionId, route: u64, to: To, now: Instant) -> CommandFrame {
        let left = self.deadline.saturating_duration_since(now).as_millis();
        CommandFrame {
            session,
            connection: self.connection,
            seq: self.seq,
            route,
            player: self.player,
            body: self.body.clone(),
            beat_seen: to.beat_seen,
            outlived: self.outlived,
            budget_ms: u32::try_from(left).unwrap_or(u32::MAX),
            view: self.view.clone(),
        }
    }
}

/// The unanswered commands of one session.
#[derive(Debug, Default)]
pub(crate) struct Route {
    number: u64,
    commands: VecDeque<Pending>,
    /// How many of the front were sent under this number.
    sent: usize,
    paused_until: Option<Instant>,
}

impl Route {
    /// Commands without an answer.
    pub(crate) fn len(&self) -> usize {
        self.commands.len()
    }

    /// Whether every command was answered.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Whether a command waits to be sent.
    pub(crate) fn has_unsent(&self) -> bool {
        self.sent < self.commands.len()
    }

    /// A command that came.
    pub(crate) fn push(&mut self, command: Pending) {
        self.commands.push_back(command);
    }

    /// Sends what may be sent: in order, at most [`limits::SESSION_CREDIT`] unanswered, as long as
    /// `send` has room. To an owner that did not announce itself one at a time, so that nothing is
    /// behind the one that it may refuse. Returns those that must not be sent any more. `resent`: how many went out
    /// that an owner had before.
    pub(crate) fn pump(
        &mut self,
        session: SessionId,
        to: To,
        now: Instant,
        mut send: impl FnMut(CommandFrame) -> bool,
    ) -> Pumped {
        let mut pumped = Pumped::default();
        if self.paused_until.is_some_and(|until| until > now) {
            return pumped;
        }
        self.paused_until = None;
        let credit = if to.announced { limits::SESSION_CREDIT } else { 1 };
        while self.sent < self.commands.len().min(credit) {
            let command = &mut self.commands[self.sent];
            if let Err(reason) = command.survive(to.epoch) {
                pumped.given_up.extend(self.commands.remove(self.sent).map(|c| (c, reason)));
                continue;
            }
            let again = command.sent != Sent::Never;
            // From here on the former owner's death is counted.
            command.sent = match command.sent {
                Sent::Orphaned(_) => Sent::To(to.epoch),
                other => other,
            };
            if !send(command.frame(session, self.number, to, now)) {
                break;
            }
            command.sent = Sent::To(to.epoch);
            pumped.resent += u64::from(again);
            self.sent += 1;
        }
        pumped
    }

    /// The owner changed, or says that it is not the owner: all go again, from the oldest, whatever
    /// they waited for.
    pub(crate) fn go_back(&mut self) {
        self.number += 1;
        self.sent = 0;
        self.paused_until = None;
    }

    /// As [`Route::go_back`], but not before `until`.
    pub(crate) fn go_back_at(&mut self, until: Instant) {
        self.go_back();
        self.paused_until = Some(until);
    }

    /// The link to the owner broke.
    pub(crate) fn orphan(&mut self) {
        for command in self.commands.iter_mut().take(self.sent) {
            if let Sent::To(epoch) = command.sent {
                command.sent = Sent::Orphaned(epoch);
            }
        }
        self.go_back();
    }

    /// Takes the command that this answers out; None: the answer is of an older route, or its
    /// command is gone.
    pub(crate) fn answered(&mut self, answer: &AnswerFrame) -> Option<Pending> {
        let place = self.place(answer)?;
        self.sent -= 1;
        self.commands.remove(place)
    }

    /// The node that was asked is not the owner. Whether this answers a command of the present
    /// route: that one may go elsewhere.
    pub(crate) fn refused(&mut self, answer: &AnswerFrame) -> bool {
        let place = self.place(answer);
        if let Some(place) = place {
            self.commands[place].sent = Sent::Refused;
        }
        place.is_some()
    }

    fn place(&self, answer: &AnswerFrame) -> Option<usize> {
        if answer.route != self.number {
            return None;
        }
        let same = |command: &Pending| {
            command.seq == answer.seq && command.connection == answer.connection
        };
        self.commands.iter().take(self.sent).position(same)
    }

    /// The connection closed: its commands are not sent again.
    pub(crate) fn leave(&mut self, connection: ConnectionId) {
        self.take_if(|command| command.connection == Some(connection));
    }

    /// Takes out what nobody answered in time.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Pending> {
        if self.commands.iter().all(|command| command.deadline > now) {
            return Vec::new();
        }
        self.take_if(|command| command.deadline <= now)
    }

    fn take_if(&mut self, which: impl Fn(&Pending) -> bool) -> Vec<Pending> {
        let mut taken = Vec::new();
        let mut sent = 0;
        let mut kept = VecDeque::with_capacity(self.commands.len());
        for (place, command) in self.commands.drain(..).enumerate() {
            if which(&command) {
                taken.push(command);
            } else {
                sent += usize::from(place < self.sent);
                kept.push_back(command);
            }
        }
        self.commands = kept;
        self.sent = sent;
        taken
    }
}

/// What a pass of sending did.
#[derive(Debug, Default)]
pub(crate) struct Pumped {
    /// Not to be sent any more.
    pub given_up: Vec<(Pending, GivenUp)>,
    /// Sent to a further owner.
    pub resent: u64,
}

#[cfg(test)]
mod tests;
