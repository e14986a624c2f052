//! Pause, resume, end, delete (`schema/status.json`).

use gss_shared::error_code::{ClientError, ErrorCode};

use crate::event::{Event, SessionDeleted, SessionStatus};
use crate::state::{Session, Status};

/// Changes the status.
///
/// # Errors
/// `invalid_transition` with `details.allowed`.
pub(super) fn change(
    session: &Session,
    status: Status,
    reason: Option<String>,
) -> Result<Event, ClientError> {
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
    Ok(Event::SessionStatus(changed(session, status, reason)))
}

/// Ends the session if it has not ended, and takes it out of sight.
pub(super) fn delete(session: &Session) -> Vec<Event> {
    let mut events = Vec::new();
    if session.status != Status::Ended {
        let reason = Some("deleted".to_owned());
        events.push(Event::SessionStatus(changed(session, Status::Ended, reason)));
    }
    events.push(Event::SessionDeleted(SessionDeleted {
        campaign_id: session.campaign,
        session_type: session.session_type,
    }));
    events
}

fn changed(session: &Session, status: Status, reason: Option<String>) -> SessionStatus {
    SessionStatus {
        status,
        from: session.status,
        reason,
        by_service: false,
        campaign_id: session.campaign,
        session_type: session.session_type,
    }
}
