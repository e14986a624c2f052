//! Joining and leaving.

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{CharacterId, PlayerId};
use gss_shared::limits;
use gss_shared::message::{Role, Viewer};
use gss_shared::time::Timestamp;

use super::{Decided, not_ended};
use crate::character::{self, Characters};
use crate::event::{Event, MemberJoined, MemberLeft};
use crate::invite::Invite;
use crate::member::Member;
use crate::refusal;
use crate::settings::Join;
use crate::state::Session;

/// How somebody wants to join.
pub(super) struct Wish<'a> {
    pub(super) character: Option<CharacterId>,
    pub(super) role: Option<Role>,
    pub(super) code: &'a Option<String>,
}

pub(super) fn join(
    session: &Session,
    player: PlayerId,
    wish: &Wish<'_>,
    now: Timestamp,
) -> Result<Event, ClientError> {
    if session.is_banned(player) {
        return Err(ClientError::new(ErrorCode::Banned, "The GM banned this user."));
    }
    if wish.role.is_some_and(Role::is_gm) {
        return Err(refusal::argument("role", "is player or spectator"));
    }
    if let Some(member) = session.member(player) {
        not_ended(session)?;
        return join_again(session, member, wish.character);
    }
    let invite = admit(session, wish, now)?;
    not_ended(session)?;
    let role = wish.role.or(invite.map(|invite| invite.role)).unwrap_or(Role::Player);
    let needed = invite.filter(|_| session.settings.join == Join::Invite);
    if role == Role::Player && needed.is_some_and(|invite| invite.role == Role::Spectator) {
        return Err(refusal::forbidden("This invite is for spectators."));
    }
    check_seat(session, role)?;
    if session.members.len() + session.banned.len() >= limits::MEMBERS {
        return Err(full());
    }
    let characters: Vec<CharacterId> = wish.character.into_iter().collect();
    check_characters(session, player, role, &characters)?;
    Ok(Event::MemberJoined(MemberJoined {
        player,
        role,
        characters,
        again: false,
        invite: needed.map(|invite| invite.code.to_string()),
    }))
}

/// A player joins with a character that is its own, by the word of the character service. Game
/// masters join with any; so does who has it already.
///
/// # Errors
/// `not_your_character`, `character_not_found`, `service_failed`.
pub(super) fn claim(
    session: &Session,
    (player, character): (PlayerId, CharacterId),
    joined: Vec<Event>,
    characters: &Characters,
) -> Result<Decided, ClientError> {
    let trusted = session
        .member(player)
        .is_some_and(|member| member.role.is_gm() || member.characters.contains(&character));
    if trusted {
        return Ok(Decided::Events(joined));
    }
    let missing = characters.missing([character]);
    if !missing.is_empty() {
        return Ok(Decided::NeedsCharacters(missing));
    }
    character::check_owner(characters, character, player)?;
    Ok(Decided::Events(joined))
}

/// Whether somebody who is no member may come in; the invite that says so.
fn admit<'a>(
    session: &'a Session,
    wish: &Wish<'_>,
    now: Timestamp,
) -> Result<Option<&'a Invite>, ClientError> {
    let invite = wish.code.as_deref().and_then(|code| {
        session.invites.iter().find(|invite| *invite.code == *code && invite.good(now))
    });
    match session.settings.join {
        Join::Open => Ok(invite),
        Join::Closed => Err(refusal::no_session()),
        Join::Invite if invite.is_some() => Ok(invite),
        Join::Invite => {
            Err(ClientError::new(ErrorCode::InviteRequired, "Joining needs a valid invite code."))
        }
    }
}

fn join_again(
    session: &Session,
    member: &Member,
    character: Option<CharacterId>,
) -> Result<Event, ClientError> {
    let mut characters = member.characters.clone();
    if let Some(character) = character.filter(|character| !characters.contains(character)) {
        characters.push(character);
    }
    check_characters(session, member.player, member.role, &characters)?;
    Ok(Event::MemberJoined(MemberJoined {
        player: member.player,
        role: member.role,
        characters,
        again: true,
        invite: None,
    }))
}

/// Whether there is room for one more of this role.
///
/// # Errors
/// `forbidden` or `session_full`.
pub(super) fn check_seat(session: &Session, role: Role) -> Result<(), ClientError> {
    match role {
        Role::Spectator if !session.settings.spectators => {
            Err(refusal::forbidden("The GM wants no spectators."))
        }
        Role::Player if session.players() >= session.settings.max_players as usize => {
            Err(full().with("max_players", session.settings.max_players))
        }
        Role::Gm | Role::AssistantGm | Role::Player | Role::Spectator => Ok(()),
    }
}

/// Whether the player can have these characters.
///
/// # Errors
/// `not_your_character` when another has one, `invalid_argument`.
pub(super) fn check_characters(
    session: &Session,
    player: PlayerId,
    role: Role,
    characters: &[CharacterId],
) -> Result<(), ClientError> {
    if role == Role::Spectator && !characters.is_empty() {
        return Err(refusal::argument("character_id", "does not go with a spectator"));
    }
    if characters.len() > limits::CHARACTERS_PER_MEMBER {
        let refusal = refusal::argument("character_id", "is one too many");
        return Err(refusal.with("limit", limits::CHARACTERS_PER_MEMBER));
    }
    let others = session.members.iter().filter(|member| member.player != player);
    let mut taken = others.flat_map(|member| &member.characters);
    match taken.find(|character| characters.contains(character)) {
        None => Ok(()),
        Some(character) => {
            let message = "The character is another player's.";
            let error = ClientError::new(ErrorCode::NotYourCharacter, message);
            Err(error.with("character_id", character.to_string()))
        }
    }
}

pub(super) fn leave(
    session: &Session,
    viewer: Viewer,
    character: Option<CharacterId>,
) -> Result<Event, ClientError> {
    let mut characters =
        session.member(viewer.player).map_or_else(Vec::new, |member| member.characters.clone());
    match character {
        None if viewer.player == session.gm => {
            return Err(refusal::forbidden("The creator cannot leave; end or delete the session."));
        }
        None => characters.clear(),
        Some(character) => {
            let place = characters.iter().position(|known| *known == character);
            let place = place.ok_or_else(|| {
                let message = "The member does not have this character.";
                ClientError::new(ErrorCode::CharacterNotFound, message)
                    .with("character_id", character.to_string())
            })?;
            characters.remove(place);
        }
    }
    let (player, role) = (viewer.player, viewer.role);
    Ok(Event::MemberLeft(MemberLeft { player, role, character, characters }))
}

fn full() -> ClientError {
    ClientError::new(ErrorCode::SessionFull, "All seats are taken.")
}
