//! Text from users: stored as given, without control characters but newline and tab.

use gss_shared::error_code::ClientError;
use gss_shared::limits;

use crate::refusal;

/// Checks a text's length in characters and what it holds.
///
/// # Errors
/// `invalid_argument` naming the member.
pub(crate) fn check(
    member: &str,
    text: &str,
    least: usize,
    most: usize,
) -> Result<(), ClientError> {
    let characters = text.chars().count();
    if !(least..=most).contains(&characters) {
        let fact = format!("has {least} to {most} characters");
        return Err(refusal::argument(member, &fact).with("limit", most));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(refusal::argument(member, "holds a control character"));
    }
    Ok(())
}

/// Checks the reason of a command.
///
/// # Errors
/// `invalid_argument`.
pub(crate) fn reason(reason: Option<&str>) -> Result<(), ClientError> {
    reason.map_or(Ok(()), |text| check("reason", text, 0, limits::REASON_CHARACTERS))
}

/// Checks a session's name.
///
/// # Errors
/// `invalid_argument`.
pub(crate) fn name(name: &str) -> Result<(), ClientError> {
    check("name", name, 1, limits::NAME_CHARACTERS)
}
