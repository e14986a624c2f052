//! A connection opens with a session token (PROTOCOL section 1, SAFETY S18).
//!
//! How many connections a player has at once is known to the node alone, which refuses beyond
//! [`gss_shared::limits::CONNECTIONS_PER_PLAYER`] before it asks here.

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::PlayerId;
use gss_shared::limits;
use gss_shared::time::Timestamp;

use super::{Decided, activation, member, not_ended};
use crate::command::Connect;
use crate::event::{Connected, Event};
use crate::refusal;
use crate::state::{Session, Status};

pub(super) fn decide(
    session: &Session,
    actor: Option<PlayerId>,
    connect: &Connect,
    now: Timestamp,
) -> Result<Decided, ClientError> {
    let player = actor.ok_or_else(|| refusal::forbidden("A connection has a user."))?;
    let token = connect.token;
    if token.session != session.id {
        return Err(refusal::forbidden("The session token is another session's."));
    }
    if token.player != player {
        return Err(used());
    }
    member(session, player)?;
    not_ended(session)?;
    let Some(member) = session.member(player) else { return Err(refusal::internal()) };
    if token.generation != member.generation.0 {
        let message = "The session token is of an earlier membership.";
        return Err(ClientError::new(ErrorCode::Unauthenticated, message));
    }
    match member.chain(token.chain, now) {
        Some(chain) if token.issued_ms < chain.issued_ms => return Err(used()),
        Some(_) => {}
        None if member.chains_alive(now) >= limits::CHAINS_PER_MEMBER => {
            let error = ClientError::new(ErrorCode::RateLimited, "Too many connections of late.");
            return Err(error.with("retry_after_ms", 60_000));
        }
        None => {}
    }
    let connected = Event::Connected(Connected {
        player,
        connection: connect.connection,
        chain: token.chain,
        issued_ms: token.issued_ms,
    });
    let mut events = vec![connected];
    if session.status == Status::Created {
        events.push(Event::SessionStatus(activation(session)));
    }
    Ok(Decided::Events(events))
}

fn used() -> ClientError {
    ClientError::new(ErrorCode::TokenUsed, "The session token opened a connection before.")
}
