//! `/api/v2/sessions` and `/api/v2/sessions/{id}`.

use std::time::Duration;

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::PlayerId;
use gss_shared::link::frame::ReadKind;
use gss_shared::ports::journal::{JournalError, ListQuery, ListedSession};
use gss_shared::rest_command::RestCommand;
use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::exchange::{self, Exchange};
use super::fields::required;
use super::page::{self, SessionCursor};
use super::query::bad_cursor;
use super::reply::Reply;
use super::{conditions, members};
use crate::admission::Counted;

/// Time that the journal has for a list.
const LIST_TIME: Duration = Duration::from_secs(5);

/// `POST /sessions`.
pub(crate) async fn create(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    if exchange.gateway.require_create_scope && !exchange.user.permits("sessions:create") {
        return Err(ClientError::new(
            ErrorCode::Forbidden,
            "The bearer token lacks the scope `sessions:create`.",
        ));
    }
    let mut fields = exchange.fields().await?;
    let command = RestCommand::Create {
        campaign_id: required(fields.id("campaign_id")?, "campaign_id")?,
        name: required(fields.text("name")?, "name")?,
        settings: fields.object("settings")?.unwrap_or_default(),
    };
    let (session, action) = (exchange.key()?.session(exchange.caller()), exchange.action()?);
    exchange.count(Counted::Create(exchange.caller())).await?;
    let view = ReadKind::Admission;
    let accepted = exchange.command(session, action, &command, Some(view.clone())).await?;
    let admission = exchange.view(session, &accepted, view).await?;
    let body = json!({
        "session_id": session,
        "connection_token": members::token(exchange, session, &admission)?,
        "websocket_url": exchange.gateway.urls.websocket(session),
    });
    Reply::value(StatusCode::CREATED, &body)
}

/// `GET /sessions/{id}`.
pub(crate) async fn read(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let answer = exchange.read(session, ReadKind::Session).await?;
    let version = answer.at.version;
    if conditions::has(&exchange.parts.headers, version) {
        return Ok(Reply::not_modified(version));
    }
    exchange.session_reply(session, exchange::marked(&answer)?)
}

/// `PATCH /sessions/{id}`.
pub(crate) async fn update(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let if_match = conditions::if_match(&exchange.parts.headers)?;
    let mut fields = exchange.fields().await?;
    fields.not_empty()?;
    let command = RestCommand::Update {
        name: fields.text("name")?,
        settings: fields.object("settings")?,
        if_match,
    };
    fields.close()?;
    let view = ReadKind::Session;
    let action = exchange.action()?;
    let accepted = exchange.command(session, action, &command, Some(view.clone())).await?;
    let view = exchange.view(session, &accepted, view).await?;
    exchange.session_reply(session, view)
}

/// `DELETE /sessions/{id}`.
pub(crate) async fn delete(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let if_match = conditions::if_match(&exchange.parts.headers)?;
    let action = exchange.action()?;
    exchange.command(session, action, &RestCommand::Delete { if_match }, None).await?;
    Ok(Reply::no_content())
}

/// `GET /sessions`, from the journal's rows: a list needs no owner.
pub(crate) async fn list(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let mut query = exchange.query();
    let limit = query.limit(page::DEFAULT_LIMIT, page::MOST)?;
    let cursor = query.cursor()?.map(|text| text.parse::<SessionCursor>()).transpose();
    let asked = ListQuery {
        caller: Some(exchange.caller()),
        mine: query.parsed("mine", "true or false")?.unwrap_or(false),
        status: query.word("status", &["created", "active", "paused", "ended"])?,
        campaign: query.parsed("campaign_id", "a UUID")?,
        session_type: query.word("type", &["game", "combat"])?,
        // One more than the page holds tells whether there is a next page.
        limit: limit + 1,
        before: cursor.map_err(|_| bad_cursor())?.map(|cursor| (cursor.0, cursor.1)),
    };
    query.close()?;
    let listed = tokio::time::timeout(LIST_TIME, exchange.gateway.journal.list(&asked)).await;
    let mut listed = match listed {
        Ok(Ok(listed)) => listed,
        Ok(Err(error)) => return Err(unlisted(&error)),
        Err(_) => return Err(unavailable()),
    };
    let more = listed.len() > limit as usize;
    listed.truncate(limit as usize);
    let last = listed.last().filter(|_| more);
    let next = last.map(|last| SessionCursor(last.head.created_at, last.session).to_string());
    let items: Result<Vec<_>, _> = listed.iter().map(|item| shown(exchange, item)).collect();
    Reply::value(StatusCode::OK, &json!({"items": items?, "next_cursor": next}))
}

fn unlisted(error: &JournalError) -> ClientError {
    match error {
        JournalError::Unavailable(source) => {
            tracing::warn!(%source, "cannot list sessions");
            unavailable()
        }
        JournalError::Corrupt(_) => {
            tracing::error!(%error, "cannot list sessions");
            ClientError::new(ErrorCode::Internal, "The list could not be read.")
        }
    }
}

fn unavailable() -> ClientError {
    ClientError::new(ErrorCode::Unavailable, "The list cannot be read now.")
        .with("retry_after_ms", 1_000)
}

/// One item: the row's metadata, under what the row itself says.
fn shown(exchange: &Exchange<'_>, item: &ListedSession) -> Result<Map<String, Value>, ClientError> {
    let head = &item.head;
    let mut shown: Map<String, Value> = serde_json::from_str(&head.metadata).map_err(|error| {
        tracing::error!(%error, session = %item.session, "a session's metadata is no object");
        ClientError::new(ErrorCode::Internal, "The list could not be read.")
    })?;
    let role = role_in(&shown, head.gm, exchange.caller());
    shown.remove("roles");
    let row = json!({
        "session_id": item.session,
        "campaign_id": head.campaign,
        "name": head.name,
        "type": head.session_type,
        "status": head.status,
        "version": item.version.to_string(),
        "gm_id": head.gm,
        "role": role,
        "websocket_url": exchange.gateway.urls.websocket(item.session),
        "created_at": head.created_at,
        "updated_at": head.updated_at,
    });
    if let Value::Object(row) = row {
        shown.extend(row);
    }
    Ok(shown)
}

/// The caller's role as the row knows it: `metadata.roles` maps players to roles.
fn role_in(metadata: &Map<String, Value>, gm: PlayerId, caller: PlayerId) -> Value {
    if caller == gm {
        return Value::from("gm");
    }
    let roles = metadata.get("roles").and_then(Value::as_object);
    roles.and_then(|roles| roles.get(&caller.to_string())).cloned().unwrap_or(Value::Null)
}
