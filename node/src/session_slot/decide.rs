//! Deciding one request on the working state.

use std::panic::{AssertUnwindSafe, catch_unwind};

use gss_session::{Characters, Command, Context, Decision, Ephemeral, Parsed, Session, Verdict};
use gss_session::{parse_frame, parse_rest};
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{ActionId, CharacterId, PlayerId, Position};
use gss_shared::link::frame::{
    CommandBody, CommandFrame, Outcome, ReadAnswer, ReadFrame, ReadKind,
};
use gss_shared::ports::journal::{FoundAction, Part};
use gss_shared::time::Timestamp;

use super::live::{Phase, Why};
use super::refusals::Refusal;
use super::{Decided, Origin, Slot, State, Turn};
use crate::answer::{
    Answer, Payload, ReplyTo, TrailRead, Unseen, answer_frame, read_frame, refused,
};
use crate::work::{Ask, Effect, What, Work};

/// What the working state said to a command.
pub(super) enum Said {
    /// These events are appended now; presence of these members is to be told.
    Accepted(Position, Timestamp, Vec<PlayerId>),
    /// Accepted before.
    Duplicate(Position, Timestamp),
    /// No effect.
    Refused(ClientError),
    /// The command has to wait for something.
    Later,
    /// It has to wait for what the character service says of these.
    Characters(Vec<CharacterId>),
    /// The decision panicked; the working state is not to be trusted any more.
    Panicked,
}

/// What is to be done with a request.
pub(super) enum Judged {
    /// Answer this once it is durable.
    Answer { payload: Payload, of: Origin },
    /// Ask again when the phase allows it.
    Again,
    /// Ask again, with this answer settled.
    Settled(ClientError),
    /// Ask again, with what the character service says of these.
    Characters(Vec<CharacterId>),
}

/// What a client is told of a defect.
pub(super) fn internal() -> ClientError {
    ClientError::new(ErrorCode::Internal, "the request could not be processed")
        .with("effect", "none")
}

impl Slot {
    pub(super) fn decide(&mut self, work: Work, turn: &mut Turn<'_>) {
        if work.ask.given.is_none() && work.ask.is_late(turn.at, turn.common.budget) {
            work.refuse_unseen(&Unseen::Late);
            return;
        }
        if matches!(&work.ask.what, What::Attach(frame, peer)
            if self.is_over(frame.connection, peer, &work.to))
        {
            work.refuse_unseen(&Unseen::Unavailable);
            return;
        }
        let Work { to, mut ask } = work;
        let given = ask.given.as_ref();
        let judged = catch_unwind(AssertUnwindSafe(|| match &ask.what {
            What::Command(frame, _) => self.judge_command(frame, given, &ask.characters, turn),
            What::Attach(frame, peer) => self.judge_attach(frame, peer, given, turn),
            What::Read { frame, stale } => self.judge_read(frame, *stale, given, turn),
        }));
        let judged = judged.unwrap_or_else(|_| {
            tracing::error!(session = %self.id, "request panicked");
            self.distrust();
            Judged::Settled(internal())
        });
        match judged {
            Judged::Settled(_) if ask.given.is_some() => {
                Work { to, ask }.refuse_unseen(&Unseen::Unavailable);
            }
            Judged::Answer { payload, of } => {
                // What was said is not kept until the commit: decided again, it is asked for again.
                ask.characters = Characters::default();
                self.pend(to, ask, payload, of, turn);
            }
            Judged::Again => self.waiting.push_front(Work { to, ask }),
            Judged::Settled(error) => {
                ask.given = Some(error);
                self.waiting.push_front(Work { to, ask });
            }
            Judged::Characters(ids) => self.ask_for(ids, Work { to, ask }, turn),
        }
        self.settle(turn);
    }

    /// Commands of one connection are decided in their order (SAFETY S9): one of them that needs to
    /// know characters holds up the session. One of none waits aside, so that who joins while the
    /// character service is slow holds up nobody.
    fn ask_for(&mut self, ids: Vec<CharacterId>, mut work: Work, turn: &mut Turn<'_>) {
        let State::Live(live) = &mut self.state else { return self.waiting.push_front(work) };
        self.questions += 1;
        let question = self.questions;
        work.ask.asked = Some(question);
        turn.out.push(Effect::Characters { session: self.id, question, ids });
        if matches!(&work.ask.what, What::Command(frame, _) if frame.connection.is_none()) {
            self.aside.push(work);
            return;
        }
        live.phase = Phase::Asking(question);
        self.waiting.push_front(work);
    }

    /// The answer waits for the commit of what the decision saw, behind those before it.
    pub(super) fn pend(
        &mut self,
        to: ReplyTo,
        ask: Ask,
        payload: Payload,
        of: Origin,
        turn: &mut Turn<'_>,
    ) {
        let answer = Answer::new(to, payload, self.working().version);
        if let Some(refusal) = &of.refusal {
            self.refusals.wait(refusal);
        }
        self.decided.push_back(Decided { ask, answer, of });
        self.release(turn);
    }

    /// Position of the working state.
    pub(super) fn working(&self) -> Position {
        match &self.state {
            State::Live(live) => live.position(),
            State::Away | State::Loading(_) | State::Quarantined(_) => Position::START,
        }
    }

    fn judge_command(
        &mut self,
        frame: &CommandFrame,
        given: Option<&ClientError>,
        characters: &Characters,
        turn: &mut Turn<'_>,
    ) -> Judged {
        let parsed = match given {
            Some(error) => Err(error.clone()),
            None => self.parse(frame),
        };
        let command = match parsed {
            Err(error) => {
                let of = Origin { action: action_of(&error), ..Origin::default() };
                return self.refuse(frame, of, error);
            }
            Ok(Parsed::Ephemeral(change)) => return self.judge_ephemeral(frame, &change, turn),
            Ok(Parsed::Command(command)) => command,
        };
        let action = Some(command.action).filter(|action| !action.0.is_nil());
        let (position, at, members) = match self.ask_session(&command, characters, turn) {
            Said::Accepted(position, at, members) => (position, at, Some(members)),
            Said::Duplicate(position, at) => (position, at, None),
            Said::Refused(error) => {
                let refusal = Refusal::new(&command, &error);
                return self.refuse(frame, Origin { action, refusal, ..Origin::default() }, error);
            }
            Said::Later => return Judged::Again,
            Said::Characters(ids) => return Judged::Characters(ids),
            Said::Panicked => {
                let named = action.map(|action| internal().with("action_id", action.to_string()));
                return Judged::Settled(named.unwrap_or_else(internal));
            }
        };
        let view = frame.view.as_ref().and_then(|kind| self.view(kind, frame.player, turn));
        let duplicate = members.is_none();
        let outcome = Outcome::Accepted { position, at, duplicate, view };
        let payload = Payload::Frame(Box::new(answer_frame(frame, action, outcome)));
        let members = members.unwrap_or_default();
        let of = Origin { action, appends: !duplicate, members, refusal: None };
        Judged::Answer { payload, of }
    }

    fn parse(&self, frame: &CommandFrame) -> Result<Parsed, ClientError> {
        if frame.connection.is_some_and(|connection| self.clients.is_replaced(connection)) {
            let error = ClientError::new(ErrorCode::Forbidden, "another connection replaced this");
            return Err(error.with("effect", "none"));
        }
        match &frame.body {
            CommandBody::Frame(text) => parse_frame(text, frame.player),
            CommandBody::Rest { action, command } => {
                parse_rest(*action, command, frame.player).map(Parsed::Command)
            }
        }
    }

    fn refuse(&self, frame: &CommandFrame, of: Origin, mut error: ClientError) -> Judged {
        error.details.entry("effect").or_insert_with(|| "none".into());
        let outcome = Outcome::Refused { refused: refused(&error), saw: self.working() };
        let payload = Payload::Frame(Box::new(answer_frame(frame, of.action, outcome)));
        Judged::Answer { payload, of }
    }

    fn view(&self, kind: &ReadKind, player: PlayerId, turn: &Turn<'_>) -> Option<String> {
        let State::Live(live) = &self.state else { return None };
        let presence = self.clients.presence(turn.at);
        // A member that just left sees nothing any more: the acceptance stands without a view.
        live.session.as_ref()?.read(kind, player, &presence).ok()
    }

    /// Decides a command and applies it to the working state; events go to the writer.
    pub(super) fn ask_session(
        &mut self,
        command: &Command,
        characters: &Characters,
        turn: &mut Turn<'_>,
    ) -> Said {
        if turn.common.panicked.contains(&command.action) {
            return Said::Refused(internal());
        }
        if let Some(found) = self.known.get(&command.action) {
            return known(found, command);
        }
        if let Some(error) = self.refusals.find(command) {
            return Said::Refused(error.clone());
        }
        let State::Live(live) = &mut self.state else { return Said::Later };
        if turn.full && live.session.is_none() {
            let text = "this node admits no new sessions now";
            return Said::Refused(ClientError::new(ErrorCode::Unavailable, text));
        }
        let before = live.position();
        let last = live.session.as_ref().map_or(turn.now, Session::last_at);
        let history = live.history.take();
        let mut context = Context {
            now: if last > turn.now { last } else { turn.now },
            event_seed: turn.chance.event_seed(),
            dice: &mut *turn.chance,
            history: history.as_ref().and_then(|(_, session)| session.as_deref()),
            characters,
        };
        let verdict = catch_unwind(AssertUnwindSafe(|| match &mut live.session {
            Some(session) => session.execute(command, &mut context),
            None => {
                let (session, decision) = Session::create(self.id, command, &mut context)?;
                live.session = Some(session);
                Ok(Verdict::Accepted(decision))
            }
        }));
        match verdict {
            Err(_) => {
                tracing::error!(session = %self.id, action = %command.action, "decision panicked");
                if !command.action.0.is_nil() {
                    turn.common.remember_panic(command.action);
                }
                live.phase = Phase::Draining(Why::Reload);
                Said::Panicked
            }
            Ok(Err(error)) => self.refused_unless_known(command, error, turn),
            Ok(Ok(Verdict::Duplicate { position, at })) => Said::Duplicate(position, at),
            Ok(Ok(Verdict::NeedsHistory(version))) => {
                if history.is_some_and(|(loaded, _)| loaded == version) {
                    tracing::error!(session = %self.id, %version, "history is not enough");
                    return Said::Refused(internal());
                }
                live.phase = Phase::Draining(Why::History(version));
                Said::Later
            }
            Ok(Ok(Verdict::NeedsCharacters(ids))) => Said::Characters(ids),
            Ok(Ok(Verdict::Accepted(decision))) => self.submit(decision, before, turn),
        }
    }

    /// A refusal stands only if the action was not accepted long ago, beyond the window in memory:
    /// then its sender gets the same acknowledgement again.
    fn refused_unless_known(
        &mut self,
        command: &Command,
        error: ClientError,
        turn: &mut Turn<'_>,
    ) -> Said {
        let State::Live(live) = &mut self.state else { return Said::Later };
        let sure = live.session.as_ref().is_none_or(Session::remembers_all_actions);
        if sure || self.absent == Some(command.action) || command.action.0.is_nil() {
            return Said::Refused(error);
        }
        live.phase = Phase::Waiting;
        turn.out.push(Effect::Find { session: self.id, actions: vec![command.action] });
        Said::Later
    }

    fn submit(&mut self, decision: Decision, before: Position, turn: &mut Turn<'_>) -> Said {
        let State::Live(live) = &mut self.state else { return Said::Later };
        let Decision { events, messages, head, at, saved, members_changed } = decision;
        let bytes = events.iter().map(|event| event.data.len()).sum();
        live.count(events.len(), bytes, at, saved);
        live.in_flight += 1;
        let position = live.position();
        let (shard, epoch) = (turn.common.shard, turn.common.epoch);
        let (session, after) = (self.id, before.version);
        let part = Part { shard, epoch, session, after, events, head, messages };
        turn.out.push(Effect::Submit(Box::new(part)));
        Said::Accepted(position, at, members_changed)
    }

    fn judge_ephemeral(
        &mut self,
        frame: &CommandFrame,
        change: &Ephemeral,
        turn: &mut Turn<'_>,
    ) -> Judged {
        let State::Live(live) = &self.state else { return Judged::Again };
        let event_seed = turn.chance.event_seed();
        let (dice, characters) = (&mut *turn.chance, &Characters::default());
        let context = Context { now: turn.now, event_seed, dice, history: None, characters };
        let frames = match &live.session {
            Some(session) => session.ephemeral(frame.player, change, &context),
            None => Err(ClientError::new(ErrorCode::SessionNotFound, "there is no such session")),
        };
        match frames {
            Err(error) => self.refuse(frame, Origin::default(), error),
            Ok(frames) => {
                let done = Box::new(answer_frame(frame, None, Outcome::Nothing));
                let payload = Payload::Ephemeral { frames, done, except: frame.connection };
                Judged::Answer { payload, of: Origin::default() }
            }
        }
    }

    /// Shows what is committed while the journal does not answer: at once, since nothing is decided
    /// meanwhile. What is not committed, or not loaded, cannot be shown.
    pub fn show_stale(&mut self, to: ReplyTo, ask: Ask, turn: &mut Turn<'_>) {
        let whole = match &self.state {
            State::Live(live) => {
                let trusted = !live.broken && !matches!(live.phase, Phase::Draining(_));
                trusted && live.position() == live.durable.position()
            }
            State::Away | State::Loading(_) | State::Quarantined(_) => false,
        };
        if let (What::Read { frame, stale }, true) = (&ask.what, whole)
            && let Judged::Answer { payload, of } = self.judge_read(frame, *stale, None, turn)
        {
            self.used = turn.at;
            self.pend(to, ask, payload, of, turn);
        } else {
            Work { to, ask }.refuse_unseen(&Unseen::Unavailable);
        }
    }

    fn judge_read(
        &self,
        frame: &ReadFrame,
        stale: bool,
        given: Option<&ClientError>,
        turn: &Turn<'_>,
    ) -> Judged {
        let State::Live(live) = &self.state else { return Judged::Again };
        let presence = self.clients.presence(turn.at);
        let outcome = match (given, &live.session, &frame.kind) {
            (Some(error), ..) => Err(error.clone()),
            (None, None, _) => {
                Err(ClientError::new(ErrorCode::SessionNotFound, "there is no such session"))
            }
            (None, Some(session), ReadKind::Events { .. } | ReadKind::SavedStates { .. }) => {
                match session.admit_reader(&frame.kind, frame.player) {
                    Err(error) => Err(error),
                    Ok(_) if stale => {
                        Err(ClientError::new(ErrorCode::Unavailable, "storage does not answer"))
                    }
                    Ok(viewer) => {
                        let (frame, at) = (Box::new(frame.clone()), live.position());
                        let payload = Payload::Trail(Box::new(TrailRead { frame, viewer, at }));
                        return Judged::Answer { payload, of: Origin::default() };
                    }
                }
            }
            (None, Some(session), kind) => session.read(kind, frame.player, &presence),
        };
        let at = live.position();
        let answer = outcome.map(|json| ReadAnswer { json, at, stale });
        let payload = Payload::Frame(Box::new(read_frame(frame.request, answer)));
        Judged::Answer { payload, of: Origin::default() }
    }
}

/// An action that the journal has and the window in memory does not.
fn known(found: &FoundAction, command: &Command) -> Said {
    if found.actor == command.actor && found.body_hash == command.body_hash {
        return Said::Duplicate(found.position, found.at);
    }
    let text = "the action id stands for another command";
    Said::Refused(ClientError::new(ErrorCode::ActionIdReused, text))
}

fn action_of(error: &ClientError) -> Option<ActionId> {
    error.details.get("action_id")?.as_str()?.parse().ok()
}
