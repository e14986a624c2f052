//! The state document: saved, loaded, listed and rolled back.

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::Version;
use gss_shared::link::frame::ReadKind;
use gss_shared::rest_command::RestCommand;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::body::Bound;
use super::exchange::{Exchange, marked, read_reply};
use super::fields::{invalid, required};
use super::page;
use super::reply::Reply;
use crate::admission::Counted;

/// `POST …/state`.
pub(crate) async fn save(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let mut fields = exchange.fields_within(Bound::STATE).await?;
    let command = RestCommand::SaveState {
        state: required(fields.object("state")?, "state")?,
        metadata: fields.object("metadata")?.unwrap_or_default(),
    };
    let action = exchange.action()?;
    exchange.count(Counted::Save(session)).await?;
    let accepted = exchange.command(session, action, &command, None).await?;
    let body = json!({
        "version": accepted.position.version.to_string(),
        "timestamp": accepted.at,
    });
    Reply::value(StatusCode::OK, &body)
}

/// `GET …/state`.
pub(crate) async fn load(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    read_reply(exchange.read(session, ReadKind::State).await?)
}

/// `GET …/combat`.
pub(crate) async fn combat(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let asked = ReadKind::Sync { paths: vec!["/combat".to_owned()] };
    let mut view = marked(&exchange.read(session, asked).await?)?;
    let stale = view.remove("stale");
    let state = view.remove("state").unwrap_or_default();
    let Some(Value::Object(combat)) = state.get("combat") else {
        return Err(ClientError::new(ErrorCode::NotFound, "No fight is running."));
    };
    let mut combat = combat.clone();
    combat.extend(stale.map(|stale| ("stale".to_owned(), stale)));
    Reply::value(StatusCode::OK, &combat)
}

/// `GET …/states`.
pub(crate) async fn list(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let mut query = exchange.query();
    let limit = query.limit(page::DEFAULT_LIMIT, page::MOST)?;
    let cursor = query.cursor()?;
    query.close()?;
    read_reply(exchange.read(session, ReadKind::SavedStates { limit, cursor }).await?)
}

/// `POST …/rollback`.
pub(crate) async fn rollback(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let mut fields = exchange.fields().await?;
    let text = required(fields.text("to_version")?, "to_version")?;
    let to_version: Version = super::version(&text)
        .ok_or_else(|| invalid("to_version", "a version as a decimal string"))?;
    let command = RestCommand::Rollback { to_version, reason: fields.text("reason")? };
    fields.close()?;
    let accepted = exchange.command(session, exchange.action()?, &command, None).await?;
    let body = json!({
        "version": accepted.position.version.to_string(),
        "to_version": to_version.to_string(),
        "timestamp": accepted.at,
    });
    Reply::value(StatusCode::OK, &body)
}
