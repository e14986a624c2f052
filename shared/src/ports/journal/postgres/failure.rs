//! What an error of PostgreSQL says about a statement's outcome.
//!
//! An `ERROR` is sent instead of a commit: the statement is not in the database. A lost connection
//! or a `FATAL` says nothing once the statement was sent.

use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::ports::journal::BoxError;

/// Why a statement on the lane gave no result.
#[derive(Debug)]
pub(super) enum Failure {
    /// Not in the database for what it says; the same statement fails again.
    Content(BoxError),
    /// Not in the database; the same statement may work at once.
    Retry(BoxError),
    /// Not in the database; the server or the road to it is in no state to take it.
    Unavailable(BoxError),
    /// Sent; it may or may not commit, now or later.
    Unknown(BoxError),
}

/// The statement was not answered in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
pub(super) struct TimedOut(pub(super) std::time::Duration);

/// The server committed and says that its standby may not have.
#[derive(Debug, thiserror::Error)]
#[error("warning during commit: {0}")]
pub(super) struct Warned(pub(super) String);

/// Sorts an error of a statement that was sent.
pub(super) fn classify(error: tokio_postgres::Error) -> Failure {
    let Some(answer) = error.as_db_error() else { return Failure::Unknown(error.into()) };
    if !matches!(answer.parsed_severity(), Some(Severity::Error)) {
        return Failure::Unknown(error.into());
    }
    if is_passing(answer) {
        Failure::Retry(error.into())
    } else if is_content(answer) {
        Failure::Content(error.into())
    } else {
        Failure::Unavailable(error.into())
    }
}

/// Whether the data of the statement is at fault: 22 data exception (bad JSON, too long), 23
/// constraint violation, 54 limit exceeded (too large for an index or a value).
pub(super) fn is_content(answer: &DbError) -> bool {
    let code = answer.code().code();
    ["22", "23", "54"].iter().any(|class| code.starts_with(class))
}

/// Whether repeating may help at once: deadlock, serialization, lock timeout; and a key that was
/// written since the statement began, which the next try sees and judges.
fn is_passing(answer: &DbError) -> bool {
    let code = answer.code();
    code.code().starts_with("40")
        || [SqlState::LOCK_NOT_AVAILABLE, SqlState::UNIQUE_VIOLATION].contains(code)
}
