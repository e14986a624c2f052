//! The public HTTP calls: the table of routes, and what every call has in common.
//!
//! A call is routed, authenticated, counted, read, brought to the session's owner as a command or
//! a read, and answered. Nothing is decided here that needs the state of a session.

mod actions;
mod body;
mod conditions;
mod exchange;
mod fields;
mod health;
mod history;
mod idempotency;
mod life;
mod members;
mod page;
mod query;
pub(crate) mod reply;
mod routes;
mod sessions;
mod state;

pub(crate) use exchange::Exchange;
pub(crate) use health::health;
pub(crate) use routes::{Endpoint, Found, Routes};

use gss_shared::error_code::ClientError;
use gss_shared::ids::{SessionId, Version};
use uuid::Uuid;

use reply::Reply;

/// Answers an authenticated call.
///
/// # Errors
/// The refusal, as its caller sees it.
pub(crate) async fn answer(
    endpoint: Endpoint,
    exchange: &mut Exchange<'_>,
) -> Result<Reply, ClientError> {
    match endpoint {
        Endpoint::CreateSession => sessions::create(exchange).await,
        Endpoint::ListSessions => sessions::list(exchange).await,
        Endpoint::ReadSession => sessions::read(exchange).await,
        Endpoint::UpdateSession => sessions::update(exchange).await,
        Endpoint::DeleteSession => sessions::delete(exchange).await,
        Endpoint::Join => members::join(exchange).await,
        Endpoint::Leave => members::leave(exchange).await,
        Endpoint::Invite => members::invite(exchange).await,
        Endpoint::ListPlayers => members::list(exchange).await,
        Endpoint::ReadPlayer => members::read(exchange).await,
        Endpoint::UpdatePlayer => members::update(exchange).await,
        Endpoint::Kick => members::kick(exchange).await,
        Endpoint::SaveState => state::save(exchange).await,
        Endpoint::LoadState => state::load(exchange).await,
        Endpoint::ReadCombat => state::combat(exchange).await,
        Endpoint::ListStates => state::list(exchange).await,
        Endpoint::Rollback => state::rollback(exchange).await,
        Endpoint::Pause => life::pause(exchange).await,
        Endpoint::Resume => life::resume(exchange).await,
        Endpoint::End => life::end(exchange).await,
        Endpoint::ListEvents => history::events(exchange).await,
        Endpoint::Act => actions::act(exchange).await,
        // These two need no user of REST: they were answered before.
        Endpoint::Health | Endpoint::Connect => Err(routes::not_found()),
    }
}

/// The session that a path names. Text that is no id names no session.
///
/// # Errors
/// `session_not_found`.
pub(crate) fn session_id(text: &str) -> Result<SessionId, ClientError> {
    uuid(text).map(SessionId).ok_or_else(exchange::session_not_found)
}

/// A UUID in its hyphenated form, of any case.
fn uuid(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

/// A version in its one decimal form.
fn version(text: &str) -> Option<Version> {
    let plain = text == "0" || (!text.starts_with('0') && text.len() <= 19);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain && digits { text.parse().ok().map(Version) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_versions_have_one_form() {
        assert!(uuid("47EAA099-2cb6-416d-86dc-283cf0480ff9").is_some());
        for text in
            ["", "47eaa0992cb6416d86dc283cf0480ff9", "{47eaa099-2cb6-416d-86dc-283cf0480ff9}"]
        {
            assert_eq!(uuid(text), None, "{text}");
        }
        assert_eq!(version("0"), Some(Version(0)));
        assert_eq!(version("428"), Some(Version(428)));
        for text in ["", "00", "01", "+1", "-1", "1.0", "12345678901234567890"] {
            assert_eq!(version(text), None, "{text}");
        }
    }
}
