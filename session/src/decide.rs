//! Deciding: from a command and the state to events, or to a refusal. Pure.
//!
//! Order of the questions: is there a session for the sender, is it a member, has the session
//! ended, may its role, does the status allow it, can the values be.

mod change;
mod connect;
mod fight;
mod invite;
mod lifecycle;
mod member;
mod membership;
mod rollback;
mod save;
mod settings;
mod talk;

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{ActionId, CharacterId, PlayerId, Version};
use gss_shared::message::Viewer;
use gss_shared::rest_command::RestCommand;
use gss_shared::time::Timestamp;

use crate::command::{Asked, Command, CommandKind};
use crate::event::{Event, SessionCreated, SessionStatus};
use crate::execute::Context;
use crate::permission::Permission;
use crate::refusal;
use crate::settings::Join;
use crate::state::{Session, Status};

pub(crate) use change::{expect, may_change};

/// What a decision comes to.
pub(crate) enum Decided {
    /// At least one.
    Events(Vec<Event>),
    /// The session as of this version is needed.
    NeedsHistory(Version),
    /// What the character service says of these is needed.
    NeedsCharacters(Vec<CharacterId>),
}

impl From<Event> for Decided {
    fn from(event: Event) -> Self {
        Self::Events(vec![event])
    }
}

/// Decides the creation of a session.
pub(crate) fn create(command: &Command) -> Result<SessionCreated, ClientError> {
    let CommandKind::Rest(RestCommand::Create { campaign_id, name, settings }) = &command.kind
    else {
        return Err(refusal::no_session());
    };
    let gm = command.actor.ok_or_else(|| refusal::forbidden("A session has a creator."))?;
    settings::create(gm, *campaign_id, name, settings)
}

/// Decides a command. The session is left as it was.
pub(crate) fn decide(
    session: &mut Session,
    command: &Command,
    now: Timestamp,
    context: &mut Context<'_>,
) -> Result<Decided, ClientError> {
    if session.is_deleted() {
        return Err(refusal::no_session());
    }
    match &command.kind {
        CommandKind::Frame(frame) => {
            let sender = (command.actor, command.action);
            asked(session, sender, &frame.0, (now, context))
        }
        CommandKind::Connect(connect) => connect::decide(session, command.actor, connect, now),
        CommandKind::Rest(rest) => {
            let actor = command.actor.ok_or_else(|| refusal::forbidden("This needs a user."))?;
            let events = self::rest(session, actor, rest, now, context)?;
            match rest {
                RestCommand::Join { character_id: Some(character), .. } => {
                    let characters = context.characters;
                    membership::claim(session, (actor, *character), events, characters)
                }
                _ => Ok(Decided::Events(events)),
            }
        }
    }
}

fn asked(
    session: &mut Session,
    (actor, action): (Option<PlayerId>, ActionId),
    asked: &Asked,
    (now, context): (Timestamp, &mut Context<'_>),
) -> Result<Decided, ClientError> {
    let Some(actor) = actor else {
        not_ended(session)?;
        return match asked {
            Asked::Status { status, reason } => {
                lifecycle::change(session, *status, reason.clone(), now).map(Decided::Events)
            }
            Asked::Fight { asked, .. } => {
                not_paused(session)?;
                fight::decide(session, None, asked, action, (now, context))
            }
            _ => Err(refusal::forbidden("This needs a user.")),
        };
    };
    let viewer = member(session, actor)?;
    not_ended(session)?;
    let decided = match asked {
        Asked::StateChange(changes) => change::decide(session, viewer, changes)?.into(),
        Asked::Chat { text, to } => talk::chat(session, viewer, text, to)?.into(),
        Asked::Roll { expression, reason, to } => {
            talk::roll(session, viewer, expression, reason.as_deref(), to, context.dice)?.into()
        }
        Asked::Rollback { to_version, reason } => {
            Permission::Direct.demand(viewer.role)?;
            rollback::decide(session, *to_version, reason.clone(), (now, context))?
        }
        Asked::Status { status, reason } => {
            Permission::Govern.demand(viewer.role)?;
            return lifecycle::change(session, *status, reason.clone(), now).map(Decided::Events);
        }
        Asked::Fight { permission, asked } => {
            let players = fight::may_be_players(session, asked);
            let permission = if players { Permission::Participate } else { *permission };
            permission.demand(viewer.role)?;
            not_paused(session)?;
            fight::decide(session, Some(viewer), asked, action, (now, context))?
        }
        Asked::Service { service } => {
            Permission::Direct.demand(viewer.role)?;
            not_paused(session)?;
            let message = "No such service is configured.";
            return Err(
                ClientError::new(ErrorCode::ServiceFailed, message).with("service", *service)
            );
        }
    };
    Ok(activating(session, decided))
}

fn rest(
    session: &Session,
    actor: PlayerId,
    command: &RestCommand,
    now: Timestamp,
    context: &mut Context<'_>,
) -> Result<Vec<Event>, ClientError> {
    if let RestCommand::Join { character_id, role, invite_code } = command {
        let wish = membership::Wish { character: *character_id, role: *role, code: invite_code };
        return membership::join(session, actor, &wish, now).map(|event| vec![event]);
    }
    let viewer = member(session, actor)?;
    if let RestCommand::Delete { if_match } = command {
        Permission::Govern.demand(viewer.role)?;
        matches(session, *if_match)?;
        return Ok(lifecycle::delete(session));
    }
    not_ended(session)?;
    let event = match command {
        RestCommand::Leave { character_id } => membership::leave(session, viewer, *character_id)?,
        RestCommand::SaveState { state, metadata } => {
            Permission::Direct.demand(viewer.role)?;
            save::decide(session, state, metadata)?
        }
        RestCommand::Update { name, settings, if_match } => {
            Permission::Govern.demand(viewer.role)?;
            matches(session, *if_match)?;
            settings::update(session, name.as_deref(), settings.as_ref())?
        }
        RestCommand::CreateInvite { role, uses, expires_in_seconds } => {
            Permission::Direct.demand(viewer.role)?;
            let terms = invite::Terms { role: *role, uses: *uses, seconds: *expires_in_seconds };
            invite::decide(session, &terms, now, context.dice)?
        }
        RestCommand::UpdatePlayer { player_id, role, characters, banned, reason } => {
            Permission::Govern.demand(viewer.role)?;
            let wish = member::Wish {
                role: *role,
                characters: characters.as_deref(),
                banned: *banned,
                reason: reason.clone(),
            };
            return member::update(session, *player_id, wish);
        }
        RestCommand::Kick { player_id } => {
            Permission::Govern.demand(viewer.role)?;
            member::kick(session, *player_id)?
        }
        RestCommand::Create { .. } => {
            let message = "The session is there already.";
            return Err(ClientError::new(ErrorCode::ActionIdReused, message));
        }
        // Turned into frames' commands where they are read, or answered above.
        RestCommand::Join { .. }
        | RestCommand::Delete { .. }
        | RestCommand::Pause { .. }
        | RestCommand::Resume { .. }
        | RestCommand::End { .. }
        | RestCommand::Rollback { .. } => return Err(refusal::internal()),
    };
    Ok(vec![event])
}

/// The sender as a member.
///
/// # Errors
/// `banned`; `forbidden` where anybody may join, else `session_not_found`.
pub(crate) fn member(session: &Session, player: PlayerId) -> Result<Viewer, ClientError> {
    if let Some(viewer) = session.viewer(player) {
        return Ok(viewer);
    }
    Err(if session.is_banned(player) {
        ClientError::new(ErrorCode::Banned, "The GM banned this user.")
    } else if session.settings.join == Join::Open {
        refusal::forbidden("This is for members of the session.")
    } else {
        refusal::no_session()
    })
}

fn not_ended(session: &Session) -> Result<(), ClientError> {
    if session.status == Status::Ended { Err(ended()) } else { Ok(()) }
}

/// The refusal of everything but reads once the session has ended.
pub(crate) fn ended() -> ClientError {
    ClientError::new(ErrorCode::SessionEnded, "The session has ended.")
}

fn not_paused(session: &Session) -> Result<(), ClientError> {
    if session.status == Status::Paused {
        return Err(ClientError::new(ErrorCode::SessionPaused, "The session is paused."));
    }
    Ok(())
}

/// `If-Match`.
fn matches(session: &Session, wanted: Option<Version>) -> Result<(), ClientError> {
    let current = session.position.version;
    if wanted.is_none_or(|wanted| wanted == current) {
        return Ok(());
    }
    let error = ClientError::new(ErrorCode::Conflict, "The session has another version.");
    Err(error.with("current", current.to_string()))
}

/// The first accepted command begins the play.
fn activating(session: &Session, decided: Decided) -> Decided {
    match decided {
        Decided::Events(mut events) if session.status == Status::Created => {
            events.insert(0, Event::SessionStatus(activation(session)));
            Decided::Events(events)
        }
        other => other,
    }
}

fn activation(session: &Session) -> SessionStatus {
    SessionStatus {
        status: Status::Active,
        from: Status::Created,
        reason: None,
        by_service: true,
        phase: None,
        campaign_id: session.campaign,
        session_type: session.session_type,
    }
}
