//! A command that only REST has, read from the JSON that the router made.

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{ActionId, PlayerId};
use gss_shared::rest_command::RestCommand;
use xxhash_rust::xxh3::xxh3_128;

use super::{Asked, Command, CommandKind, FrameCommand};
use crate::state::Status;
use crate::{canonical, refusal, text};

/// Reads the JSON of a [`RestCommand`].
///
/// # Errors
/// `invalid_json`, `invalid_frame` or `invalid_argument`.
pub fn parse_rest(action: ActionId, json: &str, player: PlayerId) -> Result<Command, ClientError> {
    let value = canonical::parse(json)
        .map_err(|_| ClientError::new(ErrorCode::InvalidJson, "The body is not I-JSON."))?;
    if canonical::has_nul(&value) {
        return Err(refusal::argument("body", "holds U+0000"));
    }
    let body_hash = xxh3_128(value.to_string().as_bytes()).to_be_bytes();
    let command = serde_json::from_value(value)
        .map_err(|_| ClientError::new(ErrorCode::InvalidFrame, "The body has a wrong shape."))?;
    let status = |status, reason: Option<String>| {
        text::reason(reason.as_deref())?;
        Ok::<_, ClientError>(frame(Asked::Status { status, reason }))
    };
    let kind = match command {
        RestCommand::Pause { reason } => status(Status::Paused, reason)?,
        RestCommand::Resume { reason } => status(Status::Active, reason)?,
        RestCommand::End { reason } => status(Status::Ended, reason)?,
        RestCommand::Rollback { to_version, reason } => {
            text::reason(reason.as_deref())?;
            frame(Asked::Rollback { to_version, reason })
        }
        other => CommandKind::Rest(other),
    };
    Ok(Command { action, body_hash, actor: Some(player), kind })
}

fn frame(asked: Asked) -> CommandKind {
    CommandKind::Frame(FrameCommand(asked))
}
