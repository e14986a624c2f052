//! Pause, resume, end, delete (`schema/status.json`).

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::time::Timestamp;

use crate::event::{Event, SessionDeleted, SessionStatus};
use crate::fight::{Fight, FightChange, messages};
use crate::state::{Session, Status};

/// Changes the status; a running fight ends with the session, and its open question has its whole
/// time again when the session goes on.
///
/// # Errors
/// `invalid_transition` with `details.allowed`.
pub(super) fn change(
    session: &Session,
    status: Status,
    reason: Option<String>,
    now: Timestamp,
) -> Result<Vec<Event>, ClientError> {
    let from = session.status;
    let by_command = matches!(
        (from, status),
        (Status::Active, Status::Paused) | (Status::Paused, Status::Active) | (_, Status::Ended)
    );
    if !by_command || !from.next().contains(&status) {
        let allowed: Vec<&str> = from.next().iter().map(|status| status.as_str()).collect();
        let message = format!("The session is {}.", from.as_str());
        let error = ClientError::new(ErrorCode::InvalidTransition, message);
        return Err(error.with("status", from.as_str()).with("allowed", allowed));
    }
    let mut events: Vec<Event> = ends_fight(session, status).into_iter().collect();
    events.push(Event::SessionStatus(changed(session, status, reason)));
    events.extend(asked_again(session, status, now));
    Ok(events)
}

/// Ends the session if it has not ended, and takes it out of sight.
pub(super) fn delete(session: &Session) -> Vec<Event> {
    let mut events = Vec::new();
    if session.status != Status::Ended {
        events.extend(ends_fight(session, Status::Ended));
        let reason = Some("deleted".to_owned());
        events.push(Event::SessionStatus(changed(session, Status::Ended, reason)));
    }
    events.push(Event::SessionDeleted(SessionDeleted {
        campaign_id: session.campaign,
        session_type: session.session_type,
    }));
    events
}

fn ends_fight(session: &Session, status: Status) -> Option<Event> {
    let fight = session.fight.as_deref().filter(|_| status == Status::Ended)?;
    Some(Event::Combat(messages::ended(fight, None, "session_ended", None)))
}

fn asked_again(session: &Session, status: Status, now: Timestamp) -> Option<Event> {
    let fight = session.fight.as_deref().filter(|_| status == Status::Active)?;
    fight.deadline?;
    let seconds = session.settings.reaction_seconds;
    let deadline = (seconds > 0).then(|| now.plus_ms(i64::from(seconds) * 1_000));
    let again = Fight { deadline, ..fight.clone() };
    messages::asked_again(&again, FightChange::Deadline { deadline }).map(Event::Combat)
}

/// The phase that a fight shows before and after.
fn phase(session: &Session, status: Status) -> Option<(String, String)> {
    let fight = session.fight.as_deref().filter(|_| status != Status::Ended)?;
    let shown = |status| fight.scene(status == Status::Paused).phase().to_owned();
    Some((shown(session.status), shown(status)))
}

fn changed(session: &Session, status: Status, reason: Option<String>) -> SessionStatus {
    SessionStatus {
        status,
        from: session.status,
        reason,
        by_service: false,
        phase: phase(session, status),
        campaign_id: session.campaign,
        session_type: session.session_type,
    }
}
