//! Refusals: what clients are told when a command or read is not done.

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::ActionId;

/// JSON of the wrong shape; names the member.
pub(crate) fn shape(member: &str, fact: &str) -> ClientError {
    ClientError::new(ErrorCode::InvalidFrame, format!("{member} {fact}.")).with("member", member)
}

/// The right shape with a value that cannot be; names the member.
pub(crate) fn argument(member: &str, fact: &str) -> ClientError {
    ClientError::new(ErrorCode::InvalidArgument, format!("{member} {fact}.")).with("member", member)
}

/// A path that cannot be.
pub(crate) fn path(path: &str, fact: &str) -> ClientError {
    ClientError::new(ErrorCode::InvalidArgument, format!("The path {fact}.")).with("path", path)
}

/// The role may not.
pub(crate) fn forbidden(fact: &str) -> ClientError {
    ClientError::new(ErrorCode::Forbidden, fact)
}

/// There is no such session for the caller.
pub(crate) fn no_session() -> ClientError {
    ClientError::new(ErrorCode::SessionNotFound, "There is no such session.")
}

/// A defect of the service.
pub(crate) fn internal() -> ClientError {
    ClientError::new(ErrorCode::Internal, "The service made a mistake.")
}

/// The refusal of a command: says which, and that it had no effect. Nil: a command without key.
pub(crate) fn of_command(error: ClientError, action: ActionId) -> ClientError {
    if action.0.is_nil() {
        return error;
    }
    error.with("action_id", action.to_string()).with("effect", "none")
}
