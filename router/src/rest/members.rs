//! Joining, leaving, invites and players of a session.

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::SessionId;
use gss_shared::link::frame::ReadKind;
use gss_shared::message::Role;
use gss_shared::rest_command::RestCommand;
use gss_shared::token::TokenClaims;
use hyper::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::exchange::{Exchange, read_reply};
use super::fields::{Fields, invalid};
use super::page;
use super::reply::Reply;
use crate::admission::Counted;

/// `POST …/join`.
pub(crate) async fn join(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let mut fields = exchange.optional_fields().await?;
    let command = RestCommand::Join {
        character_id: fields.id("character_id")?,
        role: role(&mut fields, &[Role::Player, Role::Spectator])?,
        invite_code: fields.text("invite_code")?,
    };
    let action = exchange.action()?;
    exchange.count(Counted::Join(session)).await?;
    let view = ReadKind::Admission;
    let accepted = exchange.command(session, action, &command, Some(view.clone())).await?;
    let mut admission = exchange.view(session, &accepted, view).await?;
    let body = json!({
        "connection_token": token(exchange, session, &admission)?,
        "websocket_url": exchange.gateway.urls.websocket(session),
        "session_state": admission.remove("state").unwrap_or_else(|| Value::Object(Map::new())),
    });
    Reply::value(StatusCode::OK, &body)
}

/// `POST …/leave`.
pub(crate) async fn leave(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let mut fields = exchange.optional_fields().await?;
    let command = RestCommand::Leave { character_id: fields.id("character_id")? };
    fields.close()?;
    exchange.command(session, exchange.action()?, &command, None).await?;
    Ok(Reply::no_content())
}

/// `POST …/invites`.
pub(crate) async fn invite(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let mut fields = exchange.optional_fields().await?;
    let command = RestCommand::CreateInvite {
        role: role(&mut fields, &[Role::Player, Role::Spectator])?,
        uses: fields.number("uses", 1..=1_000)?,
        expires_in_seconds: fields.number("expires_in_seconds", 60..=2_592_000)?,
    };
    fields.close()?;
    let view = ReadKind::Invite;
    let action = exchange.action()?;
    let accepted = exchange.command(session, action, &command, Some(view.clone())).await?;
    let mut invite = exchange.view(session, &accepted, view).await?;
    let code = invite.get("invite_code").and_then(Value::as_str).ok_or_else(|| {
        tracing::error!(%session, "an owner's invite has no code");
        ClientError::new(ErrorCode::Internal, "The invite could not be read.")
    })?;
    let url = exchange.gateway.urls.join(session, code);
    invite.insert("join_url".to_owned(), url.into());
    Reply::value(StatusCode::CREATED, &invite)
}

/// `GET …/players`.
pub(crate) async fn list(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let mut query = exchange.query();
    let limit = query.limit(page::DEFAULT_LIMIT, page::MOST)?;
    let cursor = query.cursor()?;
    query.close()?;
    read_reply(exchange.read(session, ReadKind::Players { limit, cursor }).await?)
}

/// `GET …/players/{player_id}`.
pub(crate) async fn read(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let (session, player) = (exchange.session()?, exchange.player()?);
    read_reply(exchange.read(session, ReadKind::Player(player)).await?)
}

/// `PUT …/players/{player_id}`.
pub(crate) async fn update(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let (session, player_id) = (exchange.session()?, exchange.player()?);
    let mut fields = exchange.fields().await?;
    fields.not_empty()?;
    let command = RestCommand::UpdatePlayer {
        player_id,
        role: role(&mut fields, &[Role::AssistantGm, Role::Player, Role::Spectator])?,
        characters: fields.ids("characters")?,
        banned: fields.flag("banned")?,
        reason: fields.text("reason")?,
    };
    fields.close()?;
    let view = ReadKind::Player(player_id);
    let action = exchange.action()?;
    let accepted = exchange.command(session, action, &command, Some(view.clone())).await?;
    match exchange.view(session, &accepted, view).await {
        Ok(player) => Reply::value(StatusCode::OK, &player),
        // Who is banned no longer and never came back is no member: there is nothing to show.
        Err(error) if error.code == ErrorCode::NotFound => Ok(Reply::no_content()),
        Err(error) => Err(error),
    }
}

/// `DELETE …/players/{player_id}`.
pub(crate) async fn kick(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let (session, player_id) = (exchange.session()?, exchange.player()?);
    let action = exchange.action()?;
    exchange.command(session, action, &RestCommand::Kick { player_id }, None).await?;
    Ok(Reply::no_content())
}

/// A token that opens the caller's first connection after create or join.
pub(crate) fn token(
    exchange: &Exchange<'_>,
    session: SessionId,
    admission: &Map<String, Value>,
) -> Result<String, ClientError> {
    let generation = admission.get("generation").and_then(Value::as_u64).ok_or_else(|| {
        tracing::error!(%session, "an owner's admission has no generation");
        ClientError::new(ErrorCode::Internal, "The admission could not be read.")
    })?;
    let claims = TokenClaims {
        session,
        player: exchange.caller(),
        generation,
        chain: Uuid::new_v4(),
        issued_ms: exchange.gateway.clock.now().0,
        resume: false,
    };
    exchange.gateway.tokens.issue(claims).map_err(|error| {
        tracing::error!(%error, "cannot sign a session token");
        ClientError::new(ErrorCode::Internal, "The session token could not be made.")
    })
}

fn role(fields: &mut Fields, allowed: &[Role]) -> Result<Option<Role>, ClientError> {
    let Some(value) = fields.take("role") else { return Ok(None) };
    match serde_json::from_value::<Role>(value) {
        Ok(role) if allowed.contains(&role) => Ok(Some(role)),
        Ok(_) | Err(_) => {
            let names: Vec<_> = allowed.iter().map(|role| name(*role)).collect();
            Err(invalid("role", &format!("one of {}", names.join(", "))))
        }
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Gm => "gm",
        Role::AssistantGm => "assistant_gm",
        Role::Player => "player",
        Role::Spectator => "spectator",
    }
}
