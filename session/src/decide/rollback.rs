//! `rollback`: document and combat as of an earlier version, as a new event. Members, roles, bans,
//! settings, action ids and versions stay (SAFETY S8).

use gss_shared::error_code::ClientError;
use gss_shared::ids::Version;
use gss_shared::time::Timestamp;

use super::Decided;
use crate::event::{Event, RolledBack};
use crate::execute::Context;
use crate::refusal;
use crate::state::Session;
use crate::tell::object;

pub(super) fn decide(
    session: &Session,
    to_version: Version,
    reason: Option<String>,
    (now, context): (Timestamp, &mut Context<'_>),
) -> Result<Decided, ClientError> {
    let current = session.position.version;
    if to_version == Version::ZERO || to_version > current {
        let refusal = refusal::argument("to_version", "is no version of this session");
        return Err(refusal.with("current", current.to_string()));
    }
    let then =
        context.history.filter(|then| then.id == session.id && then.position.version == to_version);
    let Some(then) = then else { return Ok(Decided::NeedsHistory(to_version)) };
    let document = object(then.document.root().clone());
    let fight = super::fight::rolled_back(session, then, now, context);
    Ok(Event::RolledBack(RolledBack { to_version, reason, document, fight }).into())
}
