//! What the GM does to members: role, characters, ban, kick.

use std::collections::BTreeSet;

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{CharacterId, PlayerId};
use gss_shared::limits;
use gss_shared::message::Role;

use super::membership::{check_characters, check_seat};
use crate::event::{Banned, Event, Kicked, RoleChanged, Unbanned};
use crate::member::Member;
use crate::state::Session;
use crate::{refusal, text};

/// How a member should be; None: as it is.
pub(super) struct Wish<'a> {
    pub(super) role: Option<Role>,
    pub(super) characters: Option<&'a [CharacterId]>,
    pub(super) banned: Option<bool>,
    pub(super) reason: Option<String>,
}

pub(super) fn update(
    session: &Session,
    player: PlayerId,
    wish: Wish<'_>,
) -> Result<Vec<Event>, ClientError> {
    text::reason(wish.reason.as_deref())?;
    let changes = wish.role.is_some() || wish.characters.is_some();
    if !changes && wish.banned.is_none() {
        return Err(refusal::shape("body", "changes nothing"));
    }
    if player == session.gm && (wish.role.is_some() || wish.banned == Some(true)) {
        return Err(refusal::forbidden("The creator is the GM."));
    }
    let member = session.member(player);
    let mut events = Vec::new();
    if changes || (member.is_some() && wish.banned == Some(false)) {
        let member = member.ok_or_else(unknown)?;
        events.push(change(session, member, &wish)?);
    }
    match wish.banned {
        Some(true) => events.push(ban(session, player, member, wish.reason)?),
        Some(false) if session.is_banned(player) => {
            events.push(Event::Unbanned(Unbanned { player, reason: wish.reason }));
        }
        Some(false) if member.is_none() => return Err(unknown()),
        Some(false) | None => {}
    }
    Ok(events)
}

fn change(session: &Session, member: &Member, wish: &Wish<'_>) -> Result<Event, ClientError> {
    let role = wish.role.unwrap_or(member.role);
    if role == Role::Gm && member.role != Role::Gm {
        return Err(refusal::argument("role", "is assistant_gm, player or spectator"));
    }
    if role == Role::Player && member.role != Role::Player {
        check_seat(session, role)?;
    }
    let characters = match wish.characters {
        Some(characters) => {
            let unique: BTreeSet<&CharacterId> = characters.iter().collect();
            if unique.len() != characters.len() {
                return Err(refusal::argument("characters", "names one twice"));
            }
            check_characters(session, member.player, role, characters)?;
            characters.to_vec()
        }
        None if role == Role::Spectator => Vec::new(),
        None => member.characters.clone(),
    };
    Ok(Event::RoleChanged(RoleChanged {
        player: member.player,
        role,
        from: member.role,
        characters,
        reason: wish.reason.clone(),
    }))
}

fn ban(
    session: &Session,
    player: PlayerId,
    member: Option<&Member>,
    reason: Option<String>,
) -> Result<Event, ClientError> {
    let known = session.banned.iter().find(|banned| banned.player == player);
    let full = session.members.len() + session.banned.len() >= limits::MEMBERS;
    if member.is_none() && known.is_none() && full {
        let error = ClientError::new(ErrorCode::SessionFull, "The list of members is full.");
        return Err(error.with("limit", limits::MEMBERS));
    }
    let role = member.map(|member| member.role).or(known.map(|banned| banned.role));
    Ok(Event::Banned(Banned { player, role: role.unwrap_or(Role::Player), reason }))
}

pub(super) fn kick(session: &Session, player: PlayerId) -> Result<Event, ClientError> {
    if player == session.gm {
        return Err(refusal::forbidden("The creator is the GM."));
    }
    session.member(player).ok_or_else(unknown)?;
    Ok(Event::Kicked(Kicked { player }))
}

fn unknown() -> ClientError {
    ClientError::new(ErrorCode::NotFound, "There is no such member.")
}
