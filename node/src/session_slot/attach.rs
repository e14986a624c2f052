//! Connections that open: admitted by a journaled event, then told where they stand.

use std::sync::Arc;

use gss_session::{Characters, Session, connect};
use gss_shared::error_code::{ClientError, CloseCode, ErrorCode};
use gss_shared::ids::{ActionId, ConnectionId, PlayerId};
use gss_shared::limits::CONNECTIONS_PER_PLAYER;
use gss_shared::link::frame::{AttachFrame, AttachOutcome, ReadKind, ToRouter};
use gss_shared::message::{Effect as Told, Message};
use tokio::time::Instant;

use super::decide::{Judged, Said, internal};
use super::{Origin, Slot, State, Turn};
use crate::answer::{Admitted, Answer, Payload, ReplyTo, Unseen, refused};
use crate::peer::Peer;
use crate::work::{Ask, Effect, Missed, What, Work};

const WHOLE: ReadKind = ReadKind::Sync { paths: Vec::new() };

/// The close code for a connection that was not admitted.
fn close_code(code: ErrorCode) -> CloseCode {
    match code {
        ErrorCode::Unauthenticated | ErrorCode::TokenExpired => CloseCode::Unauthenticated,
        ErrorCode::TokenUsed => CloseCode::TokenUsed,
        ErrorCode::Banned => CloseCode::Kicked,
        ErrorCode::SessionEnded => CloseCode::SessionEnded,
        ErrorCode::Internal
        | ErrorCode::Unavailable
        | ErrorCode::OwnerUnreachable
        | ErrorCode::Draining => CloseCode::Restart,
        _ => CloseCode::Forbidden,
    }
}

fn refusal(frame: &AttachFrame, error: &ClientError) -> Payload {
    let close = close_code(error.code).number();
    let outcome = AttachOutcome::Refused { refused: refused(error), close };
    Payload::Frame(Box::new(ToRouter::Attached { request: frame.request, outcome }))
}

impl Slot {
    pub(super) fn judge_attach(
        &mut self,
        frame: &AttachFrame,
        peer: &Arc<Peer>,
        given: Option<&ClientError>,
        turn: &mut Turn<'_>,
    ) -> Judged {
        let said = match given {
            Some(error) => Said::Refused(error.clone()),
            None => match self.too_many(frame) {
                Some(error) => Said::Refused(error),
                None => self.ask_session(&connect(frame), &Characters::default(), turn),
            },
        };
        let appends = matches!(said, Said::Accepted(..));
        let action = Some(ActionId(frame.connection.0));
        if matches!(said, Said::Duplicate(..)) && self.is_outdated(frame) {
            let payload = Payload::Frame(Box::new(replaced(frame)));
            return Judged::Answer { payload, of: Origin { action, ..Origin::default() } };
        }
        let admitted = match said {
            Said::Accepted(..) | Said::Duplicate(..) => self.admission(frame, peer, turn),
            Said::Refused(error) => Err(error),
            Said::Later => return Judged::Again,
            // To connect, nobody has to know a character.
            Said::Panicked | Said::Characters(_) => return Judged::Settled(internal()),
        };
        let payload = match admitted {
            Ok(admitted) => {
                self.clients.supersede(frame.connection, &frame.token);
                Payload::Attach(Box::new(admitted))
            }
            Err(error) => {
                self.clients.refuse(frame.connection, turn.at);
                refusal(frame, &error)
            }
        };
        Judged::Answer { payload, of: Origin { action, appends, ..Origin::default() } }
    }

    /// The session's token opened a connection after this one: asked for again, by whoever did not
    /// hear of that yet, it must not take the newer one's place.
    fn is_outdated(&self, frame: &AttachFrame) -> bool {
        let newest = self
            .session()
            .and_then(|session| session.newest_connection(frame.player, frame.token.chain));
        newest.is_some_and(|newest| newest != frame.connection)
    }

    /// Nobody waits for the connection any more: it ended, its router did, or the lane that its
    /// answer would take did and it is asked for again.
    pub(super) fn is_over(&self, connection: ConnectionId, peer: &Peer, to: &ReplyTo) -> bool {
        self.clients.is_gone(connection) || peer.is_gone() || to.is_closed()
    }

    /// A player has so many connections beside this one's chain that it may not have another.
    fn too_many(&self, frame: &AttachFrame) -> Option<ClientError> {
        if self.clients.is_attached(frame.connection) {
            return None;
        }
        let mut chains = self.clients.chains(frame.player);
        for decided in self.decided.iter().filter(|decided| decided.answer.admits()) {
            let What::Attach(other, _) = &decided.ask.what else { continue };
            if other.connection == frame.connection {
                return None;
            }
            if other.player == frame.player && !self.clients.is_gone(other.connection) {
                chains.insert(other.token.chain);
            }
        }
        chains.remove(&frame.token.chain);
        let text = "too many connections of this player";
        (chains.len() >= CONNECTIONS_PER_PLAYER)
            .then(|| ClientError::new(ErrorCode::SessionFull, text))
    }

    /// A connection is over: what it still waits for is not needed.
    pub fn detach(&mut self, connection: ConnectionId, now: Instant) {
        self.clients.detach(connection, now);
        for work in std::mem::take(&mut self.waiting) {
            match &work.ask.what {
                What::Attach(frame, _) if frame.connection == connection => {
                    work.refuse_unseen(&Unseen::Unavailable);
                }
                _ => self.waiting.push_back(work),
            }
        }
    }

    fn admission(
        &self,
        frame: &AttachFrame,
        peer: &Arc<Peer>,
        turn: &Turn<'_>,
    ) -> Result<Admitted, ClientError> {
        let session = self.session().ok_or_else(internal)?;
        let role = session.viewer(frame.player).ok_or_else(internal)?.role;
        let at = session.position();
        let resume = frame.position.filter(|from| {
            from.version <= at.version && session.can_resume(frame.player, from.version)
        });
        let sync = match resume {
            Some(_) => None,
            None => Some(self.whole(session, frame.player, turn)?),
        };
        Ok(Admitted {
            frame: frame.clone(),
            peer: Arc::clone(peer),
            role,
            messages_per_minute: session.messages_per_minute(),
            at,
            resume,
            sync,
        })
    }

    fn session(&self) -> Option<&Session> {
        match &self.state {
            State::Live(live) => live.session.as_ref(),
            State::Away | State::Loading(_) | State::Quarantined(_) => None,
        }
    }

    fn whole(
        &self,
        session: &Session,
        player: PlayerId,
        turn: &Turn<'_>,
    ) -> Result<String, ClientError> {
        session.read(&WHOLE, player, &self.clients.presence(turn.at))
    }

    /// The connection's event is committed.
    pub(super) fn admit(&mut self, to: ReplyTo, admitted: Box<Admitted>, turn: &mut Turn<'_>) {
        let (connection, token) = (admitted.frame.connection, &admitted.frame.token);
        if self.is_over(connection, &admitted.peer, &to) {
            Answer::unseen_attach(to, &admitted.frame, &Unseen::Unavailable).send();
            return;
        }
        if self.clients.is_replaced(connection) {
            return refuse_replaced(to, &admitted.frame);
        }
        let replaced = self.clients.attach(connection, &admitted.peer, token, turn.at);
        for (connection, peer) in replaced {
            let code = CloseCode::Replaced.number();
            peer.send(ToRouter::Close { session: self.id, connection, code });
        }
        if let State::Live(live) = &self.state {
            // Its router was not told of what was committed together with its event.
            admitted.peer.moved(self.id, live.durable.position());
        }
        if admitted.resume.is_some() {
            self.clients.expect_strangers(turn.at);
        }
        self.tell_presence(turn);
        turn.out.push(Effect::Hot(self.id));
        let Some(from) = admitted.resume else {
            return self.welcome(to, *admitted, Vec::new(), turn.at);
        };
        let known = match &self.state {
            State::Live(_) if from == admitted.at => Some(Vec::new()),
            State::Live(live) => live.recent.since(from, admitted.at),
            State::Away | State::Loading(_) | State::Quarantined(_) => None,
        };
        match known {
            Some(messages) => self.resume(to, admitted, Missed::Messages(messages), turn),
            None => turn.out.push(Effect::Missed { to, admitted, from }),
        }
    }

    /// What the connection missed is known.
    pub fn resume(
        &mut self,
        to: ReplyTo,
        mut admitted: Box<Admitted>,
        missed: Missed,
        turn: &mut Turn<'_>,
    ) {
        let (player, connection) = (admitted.frame.player, admitted.frame.connection);
        if self.clients.is_replaced(connection) {
            return refuse_replaced(to, &admitted.frame);
        }
        match missed {
            Missed::Messages(messages) => {
                let follows = admitted.resume.is_some_and(|from| {
                    self.session().is_some_and(|all| all.snapshot_follows(player, from.version))
                });
                if admitted.sync.is_some() || !(follows || needs_sync(&messages, player)) {
                    return self.welcome(to, *admitted, messages, turn.at);
                }
            }
            Missed::Gone => admitted.resume = None,
            Missed::Unavailable => {
                self.clients.refuse(connection, turn.at);
                Answer::unseen_attach(to, &admitted.frame, &Unseen::Unavailable).send();
                return;
            }
        }
        self.with_snapshot(to, admitted, turn);
    }

    /// The snapshot is taken now; what it shows has to be committed before it leaves.
    fn with_snapshot(&mut self, to: ReplyTo, mut admitted: Box<Admitted>, turn: &mut Turn<'_>) {
        let Some(session) = self.session() else {
            self.clients.refuse(admitted.frame.connection, turn.at);
            Answer::unseen_attach(to, &admitted.frame, &Unseen::Unavailable).send();
            return;
        };
        let player = admitted.frame.player;
        let (at, limit) = (session.position(), session.messages_per_minute());
        let role = session.viewer(player).ok_or_else(internal).map(|viewer| viewer.role);
        let resume = admitted.resume.filter(|from| session.can_resume(player, from.version));
        let shown = self.whole(session, player, turn).and_then(|sync| Ok((sync, role?)));
        let (frame, peer) = (Box::new(admitted.frame.clone()), Arc::clone(&admitted.peer));
        let payload = match shown {
            Ok((sync, role)) => {
                (admitted.at, admitted.role, admitted.resume) = (at, role, resume);
                admitted.messages_per_minute = limit;
                admitted.sync = Some(sync);
                Payload::Attach(admitted)
            }
            Err(error) => {
                self.clients.refuse(frame.connection, turn.at);
                refusal(&frame, &error)
            }
        };
        let ask = Ask::new(What::Attach(frame, peer), turn.at);
        self.pend(to, ask, payload, Origin::default(), turn);
    }

    fn welcome(&mut self, to: ReplyTo, admitted: Admitted, missed: Vec<Message>, now: Instant) {
        let Admitted { frame, peer, role, messages_per_minute, at, resume, sync } = admitted;
        let outcome = match (resume, sync) {
            (Some(_), sync) => {
                AttachOutcome::Resumed { role, missed, at, messages_per_minute, sync }
            }
            (None, Some(sync)) => AttachOutcome::Fresh { role, sync, at, messages_per_minute },
            (None, None) => {
                let error = internal();
                let close = close_code(error.code).number();
                AttachOutcome::Refused { refused: refused(&error), close }
            }
        };
        let told = ToRouter::Attached { request: frame.request, outcome };
        let answer = Answer::new(to, Payload::Frame(Box::new(told)), at.version);
        let State::Live(live) = &self.state else {
            let to = answer.withdraw();
            self.clients.refuse(frame.connection, now);
            Answer::unseen_attach(to, &frame, &Unseen::Unavailable).send();
            return;
        };
        match answer.release(live.durable) {
            Ok(answer) => {
                answer.send();
            }
            Err(answer) => {
                // Only after a reload in between: the connection is admitted again.
                let ask = Ask::new(What::Attach(Box::new(frame), peer), now);
                self.waiting.push_back(Work { to: answer.withdraw(), ask });
            }
        }
    }
}

fn refuse_replaced(to: ReplyTo, frame: &AttachFrame) {
    Answer::from_journal(to, replaced(frame)).send();
}

fn replaced(frame: &AttachFrame) -> ToRouter {
    let error = ClientError::new(ErrorCode::Forbidden, "another connection replaced this");
    let close = CloseCode::Replaced.number();
    let outcome = AttachOutcome::Refused { refused: refused(&error), close };
    ToRouter::Attached { request: frame.request, outcome }
}

/// A rollback or a change of what the player may see is among what was missed.
fn needs_sync(messages: &[Message], player: PlayerId) -> bool {
    let mut effects = messages.iter().flat_map(|message| &message.effects);
    effects.any(|effect| match effect {
        Told::Resync { players: None } => true,
        Told::Resync { players: Some(players) } => players.contains(&player),
        Told::Role { .. } | Told::Close { .. } => false,
    })
}
