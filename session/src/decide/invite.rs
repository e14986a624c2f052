//! Making invites.

use gss_rules::Dice;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::limits;
use gss_shared::message::Role;
use gss_shared::time::Timestamp;

use crate::event::{Event, InviteCreated};
use crate::invite;
use crate::refusal;
use crate::state::Session;

/// Uses of one invite.
const USES: u32 = 1_000;
/// Seconds that an invite may live.
const SECONDS: std::ops::RangeInclusive<u32> = 60..=30 * 24 * 60 * 60;

/// What the invite shall be good for.
pub(super) struct Terms {
    pub(super) role: Option<Role>,
    pub(super) uses: Option<u32>,
    pub(super) seconds: Option<u32>,
}

pub(super) fn decide(
    session: &Session,
    terms: &Terms,
    now: Timestamp,
    dice: &mut dyn Dice,
) -> Result<Event, ClientError> {
    let role = terms.role.unwrap_or(Role::Player);
    if role.is_gm() {
        return Err(refusal::argument("role", "is player or spectator"));
    }
    if terms.uses.is_some_and(|uses| !(1..=USES).contains(&uses)) {
        return Err(refusal::argument("uses", "is 1 to 1000").with("limit", USES));
    }
    if terms.seconds.is_some_and(|seconds| !SECONDS.contains(&seconds)) {
        let refusal = refusal::argument("expires_in_seconds", "is 60 to 2592000");
        return Err(refusal.with("min", *SECONDS.start()).with("max", *SECONDS.end()));
    }
    if session.invites.iter().filter(|invite| invite.good(now)).count() >= limits::INVITES {
        let error = ClientError::new(ErrorCode::Conflict, "There are too many invites.");
        return Err(error.with("limit", limits::INVITES));
    }
    Ok(Event::InviteCreated(InviteCreated {
        code: invite::code(dice),
        role,
        uses: terms.uses,
        expires_at: terms.seconds.map(|seconds| now.plus_ms(i64::from(seconds) * 1_000)),
    }))
}
