//! `GET …/events`: the audit trail.

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::Version;
use gss_shared::link::frame::ReadKind;

use super::exchange::{Exchange, read_reply};
use super::page;
use super::reply::Reply;

/// Event types that one query may name.
const TYPES: usize = 64;

/// `GET …/events`.
pub(crate) async fn events(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let mut query = exchange.query();
    let after = match query.text("after")? {
        None => Version::ZERO,
        Some(text) => super::version(&text).ok_or_else(|| {
            let message = "Query parameter `after` must be a version.";
            ClientError::new(ErrorCode::InvalidArgument, message).with("member", "after")
        })?,
    };
    let limit = query.limit(page::DEFAULT_EVENTS, page::MOST_EVENTS)?;
    let types = query.all("type");
    if types.len() > TYPES {
        let message = format!("Query parameter `type` may be given {TYPES} times.");
        return Err(ClientError::new(ErrorCode::InvalidArgument, message).with("member", "type"));
    }
    query.close()?;
    read_reply(exchange.read(session, ReadKind::Events { after, limit, types }).await?)
}
