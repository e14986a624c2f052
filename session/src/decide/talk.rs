//! Chat and dice.

use gss_rules::{Dice, Expression};
use gss_shared::error_code::ClientError;
use gss_shared::message::Viewer;

use crate::event::{ChatMessage, Event, RollResult, To};
use crate::permission::Permission;
use crate::refusal;
use crate::state::Session;

pub(super) fn chat(
    session: &Session,
    viewer: Viewer,
    text: &str,
    to: &To,
) -> Result<Event, ClientError> {
    Permission::Participate.demand(viewer.role)?;
    check_named(session, to)?;
    Ok(Event::ChatMessage(ChatMessage { text: text.to_owned(), to: to.clone() }))
}

pub(super) fn roll(
    session: &Session,
    viewer: Viewer,
    expression: &Expression,
    reason: Option<&str>,
    to: &To,
    dice: &mut dyn Dice,
) -> Result<Event, ClientError> {
    Permission::Participate.demand(viewer.role)?;
    check_named(session, to)?;
    let roll = expression.roll(dice);
    Ok(Event::RollResult(RollResult { reason: reason.map(str::to_owned), to: to.clone(), roll }))
}

fn check_named(session: &Session, to: &To) -> Result<(), ClientError> {
    let To::Players(players) = to else { return Ok(()) };
    match players.iter().find(|player| session.member(**player).is_none()) {
        None => Ok(()),
        Some(player) => {
            let refusal = refusal::argument("to", "names somebody who is no member");
            Err(refusal.with("player_id", player.to_string()))
        }
    }
}
