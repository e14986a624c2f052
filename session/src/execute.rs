//! The way of a command: known already, decided, or refused; decided events are folded at once.
//!
//! The state runs ahead of the journal. What is folded is what the encoded event says, so that
//! replay, whatever the database made of the text, comes to the same state.

use gss_rules::Dice;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{ActionId, CharacterId, EventId, PlayerId, Position, SessionId, Version};
use gss_shared::message::Message;
use gss_shared::ports::journal::{SessionHead, StoredEvent};
use gss_shared::time::Timestamp;

use crate::character::Characters;
use crate::command::{Command, CommandKind};
use crate::decide::{self, Decided};
use crate::event::Event;
use crate::fight::narrate::Name;
use crate::fold::Facts;
use crate::state::Session;
use crate::{refusal, tell};

/// What a decision is given from outside.
pub struct Context<'a> {
    /// Now, as the journal would say it. A decision is never before the session's last event.
    pub now: Timestamp,
    /// Fresh random bits: event k of the decision is named `event_seed + k`.
    pub event_seed: u128,
    /// Where faces come from. Not to be predicted from faces seen.
    pub dice: &'a mut dyn Dice,
    /// The session as of a rollback's `to_version`.
    pub history: Option<&'a Session>,
    /// What the character service said of the characters that the decision needs.
    pub characters: &'a Characters,
}

/// What became of a command that was not refused.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::large_enum_variant, reason = "taken apart as soon as it is made")]
pub enum Verdict {
    /// Decided: to be journaled.
    Accepted(Decision),
    /// The same command was accepted before.
    Duplicate {
        /// Of its last event.
        position: Position,
        /// When it was decided.
        at: Timestamp,
    },
    /// Ask again with the session as of this version.
    NeedsHistory(Version),
    /// Ask again with what the character service says of these.
    NeedsCharacters(Vec<CharacterId>),
}

/// What an accepted command comes to.
#[derive(Clone, PartialEq, Debug)]
pub struct Decision {
    /// At least one, in order, versions following the session's.
    pub events: Vec<StoredEvent>,
    /// What is told of each once it is committed.
    pub messages: Vec<Message>,
    /// The session's row, when these events change it.
    pub head: Option<SessionHead>,
    /// When it was decided.
    pub at: Timestamp,
    /// Metadata (a JSON object) and author of a save: store a snapshot with them.
    pub saved: Option<(String, PlayerId)>,
    /// Players that became members, ceased to be or have another part now: their presence is to be
    /// told.
    pub members_changed: Vec<PlayerId>,
}

impl Session {
    /// Creates a session.
    ///
    /// # Errors
    /// `session_not_found` for any command but a creation; else why the creation is refused.
    pub fn create(
        id: SessionId,
        command: &Command,
        context: &mut Context<'_>,
    ) -> Result<(Self, Decision), ClientError> {
        let created = decide::create(command)?;
        let facts = |action| Facts {
            position: Position { version: Version::ZERO.next(), event: event_id(context, 0) },
            at: context.now,
            actor: command.actor,
            action,
            of: None,
        };
        let facts = facts(Some((command.action, command.body_hash)));
        let event = Event::SessionCreated(created);
        let recorded =
            Recorded::of(event, facts, Position::START).map_err(|_| refusal::internal())?;
        let members_changed = whom(&recorded.event).into_iter().collect();
        let Event::SessionCreated(created) = recorded.event else {
            return Err(refusal::internal());
        };
        let session = Self::created(id, facts, created);
        let decision = Decision {
            events: vec![recorded.stored],
            messages: vec![recorded.message],
            head: Some(session.head()),
            at: facts.at,
            saved: None,
            members_changed,
        };
        Ok((session, decision))
    }

    /// Decides a command and folds what it comes to.
    ///
    /// # Errors
    /// Why it is refused; the session is as before, as it is for any verdict but
    /// [`Verdict::Accepted`].
    ///
    /// # Panics
    /// When a decided event does not fit the session: the state is then of no use.
    pub fn execute(
        &mut self,
        command: &Command,
        context: &mut Context<'_>,
    ) -> Result<Verdict, ClientError> {
        let keyed = !command.action.0.is_nil();
        if let Some(accepted) = keyed.then(|| self.window.find(command.action)).flatten() {
            if accepted.matches(command.actor, command.body_hash) {
                let (position, at) = (accepted.position(), accepted.at);
                return Ok(Verdict::Duplicate { position, at });
            }
            return Err(refuse(command, reused()));
        }
        let now = context.now.max(self.last_at);
        let decided = decide::decide(self, command, now, context);
        let events = match decided.map_err(|error| refuse(command, error))? {
            Decided::NeedsHistory(version) => return Ok(Verdict::NeedsHistory(version)),
            Decided::NeedsCharacters(ids) => return Ok(Verdict::NeedsCharacters(ids)),
            Decided::Events(events) => events,
        };
        let recorded = self.record(command, events, now, context);
        let recorded = recorded.map_err(|_| refuse(command, refusal::internal()))?;
        Ok(Verdict::Accepted(self.take(recorded, now)))
    }

    /// Encodes the events without folding them.
    fn record(
        &self,
        command: &Command,
        events: Vec<Event>,
        at: Timestamp,
        context: &Context<'_>,
    ) -> Result<Vec<Recorded>, Unrecordable> {
        let mut after = self.position;
        let mut recorded = Vec::with_capacity(events.len());
        let keyed = !command.action.0.is_nil();
        for (index, event) in events.into_iter().enumerate() {
            let first = index == 0;
            let by_service = matches!(&event, Event::SessionStatus(body) if body.by_service);
            let facts = Facts {
                position: Position {
                    version: after.version.next(),
                    event: event_id(context, index),
                },
                at,
                actor: command.actor.filter(|_| first || !by_service),
                action: (first && keyed).then_some((command.action, command.body_hash)),
                of: (!first && keyed).then_some(command.action),
            };
            recorded.push(Recorded::of(event, facts, after)?);
            after = facts.position;
        }
        Ok(recorded)
    }

    fn take(&mut self, recorded: Vec<Recorded>, at: Timestamp) -> Decision {
        let mut decision = Decision {
            events: Vec::with_capacity(recorded.len()),
            messages: Vec::with_capacity(recorded.len()),
            head: None,
            at,
            saved: None,
            members_changed: Vec::new(),
        };
        let mut head = false;
        for Recorded { event, facts, stored, message } in recorded {
            head |= changes_head(&event);
            decision.members_changed.extend(whom(&event));
            if let Event::StateSaved(body) = &event {
                let metadata = serde_json::Value::Object(body.metadata.clone()).to_string();
                decision.saved = facts.actor.map(|actor| (metadata, actor));
            }
            if let Err(misfit) = self.fold(facts, event) {
                unreachable!("a decided event does not fit: {misfit}");
            }
            decision.events.push(stored);
            decision.messages.push(message);
        }
        decision.head = head.then(|| self.head());
        decision
    }
}

/// An event encoded, and read back.
struct Recorded {
    event: Event,
    facts: Facts,
    stored: StoredEvent,
    message: Message,
}

/// An event that has no canonical form: a defect.
struct Unrecordable;

impl Recorded {
    fn of(event: Event, facts: Facts, after: Position) -> Result<Self, Unrecordable> {
        let body = event.encode(facts.of).map_err(|_| Unrecordable)?;
        let event_type = event.event_type();
        let data = body.to_string();
        let (event, _) = Event::read(event_type, body).map_err(|_| Unrecordable)?;
        let audience = tell::audience(&event, facts.actor);
        let message = tell::compose(&event, facts, &audience, after);
        let stored = StoredEvent {
            version: facts.position.version,
            id: facts.position.event,
            action: facts.action,
            actor: facts.actor,
            event_type,
            data,
            audience: serde_json::to_string(&audience).map_err(|_| Unrecordable)?,
            at: facts.at,
        };
        Ok(Self { event, facts, stored, message })
    }
}

fn event_id(context: &Context<'_>, index: usize) -> EventId {
    random_id(context.event_seed.wrapping_add(index as u128))
}

/// A version 4 UUID of these bits.
pub(crate) fn random_id(bits: u128) -> EventId {
    EventId(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
}

/// Refusals of frames name the action; those of REST-only commands have a body of their own.
fn refuse(command: &Command, error: ClientError) -> ClientError {
    match command.kind {
        CommandKind::Frame(_) => refusal::of_command(error, command.action),
        CommandKind::Rest(_) | CommandKind::Connect(_) => {
            refusal::of_command(error, ActionId(uuid::Uuid::nil()))
        }
    }
}

fn reused() -> ClientError {
    ClientError::new(ErrorCode::ActionIdReused, "This action_id stands for another command.")
}

/// Whether lists show the session differently afterwards.
fn changes_head(event: &Event) -> bool {
    match event {
        Event::SessionCreated(_)
        | Event::SettingsChanged(_)
        | Event::SessionStatus(_)
        | Event::RolledBack(_)
        | Event::SessionDeleted(_)
        | Event::MemberJoined(_)
        | Event::MemberLeft(_)
        | Event::RoleChanged(_)
        | Event::Kicked(_)
        | Event::Banned(_) => true,
        Event::Combat(event) => matches!(event.name, Name::CombatStarted | Name::CombatEnded),
        Event::StateUpdate(_)
        | Event::StateSaved(_)
        | Event::ChatMessage(_)
        | Event::RollResult(_)
        | Event::CombatRewound(_)
        | Event::Unbanned(_)
        | Event::InviteCreated(_)
        | Event::Connected(_) => false,
    }
}

/// Whose presence is to be told afterwards.
fn whom(event: &Event) -> Option<PlayerId> {
    match event {
        Event::SessionCreated(body) => Some(body.gm),
        Event::MemberJoined(body) => Some(body.player),
        Event::MemberLeft(body) => Some(body.player),
        Event::RoleChanged(body) => Some(body.player),
        Event::Kicked(body) => Some(body.player),
        Event::Banned(body) => Some(body.player),
        Event::SettingsChanged(_)
        | Event::SessionStatus(_)
        | Event::SessionDeleted(_)
        | Event::StateUpdate(_)
        | Event::StateSaved(_)
        | Event::ChatMessage(_)
        | Event::RollResult(_)
        | Event::RolledBack(_)
        | Event::CombatRewound(_)
        | Event::Unbanned(_)
        | Event::InviteCreated(_)
        | Event::Connected(_)
        | Event::Combat(_) => None,
    }
}
