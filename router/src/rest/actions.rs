//! `POST …/actions`: any command of the WebSocket as a call.

use std::borrow::Cow;

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::ActionId;
use gss_shared::link::frame::CommandBody;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::body::Bound;
use super::exchange::Exchange;
use super::fields::invalid;
use super::reply::Reply;
use crate::admission::Counted;
use crate::connection::envelope::{self, Envelope};

/// What makes a command count as a combat action.
#[derive(Deserialize)]
struct Declared<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    data: Action<'a>,
}

#[derive(Deserialize)]
struct Action<'a> {
    #[serde(borrow)]
    action_type: Cow<'a, str>,
}

/// `POST …/actions`.
pub(crate) async fn act(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let bytes = exchange.bytes(Bound::COMMAND).await?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| ClientError::new(ErrorCode::InvalidJson, "The body is not UTF-8."))?;
    let (action, fights) = read(text)?;
    if fights {
        exchange.count(Counted::Combat(session, exchange.caller())).await?;
    }
    let accepted = exchange.bring(session, CommandBody::Frame(text.to_owned()), None).await?;
    let accepted = accepted.ok_or_else(|| {
        tracing::error!(%session, %action, "a command with an action id left no trace");
        ClientError::new(ErrorCode::Internal, "The command was not answered.")
    })?;
    let body = json!({
        "action_id": action,
        "version": accepted.position.version.to_string(),
        "position": accepted.position.to_string(),
        "timestamp": accepted.at,
        "duplicate": accepted.duplicate,
    });
    Reply::value(StatusCode::OK, &body)
}

/// The command's id, and whether it counts as a combat action.
fn read(text: &str) -> Result<(ActionId, bool), ClientError> {
    match envelope::parse(text)? {
        Envelope::Command { action: Some(action), ephemeral: false } => Ok((action, fights(text))),
        Envelope::Command { action: None, .. } => Err(invalid("action_id", "a UUID")),
        Envelope::Command { ephemeral: true, .. } => {
            Err(invalid("ephemeral", "false: a call is durable"))
        }
        Envelope::Heartbeat | Envelope::Sync(_) | Envelope::Refresh(_) => {
            Err(ClientError::new(ErrorCode::UnknownType, "The message is no command."))
        }
    }
}

fn fights(text: &str) -> bool {
    let declared = serde_json::from_str::<Declared<'_>>(text);
    declared.is_ok_and(|it| it.kind == "action_declare" && it.data.action_type != "move")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4f859933-fdf0-445f-97e4-85b6761978dd";

    #[test]
    fn combat_actions_are_told_from_others() {
        let fights = |kind: &str, action: &str| {
            let data = format!(r#"{{"action_id":"{ID}","action_type":"{action}"}}"#);
            let (id, fights) =
                read(&format!(r#"{{"type":"{kind}","data":{data}}}"#)).expect("read");
            assert_eq!(id.to_string(), ID);
            fights
        };
        assert!(fights("action_declare", "attack"));
        assert!(!fights("action_declare", "move"));
        assert!(!fights("chat", "attack"));
    }

    #[test]
    fn what_is_no_durable_command_is_refused() {
        for (text, code) in [
            ("{", ErrorCode::InvalidJson),
            ("[]", ErrorCode::InvalidFrame),
            (r#"{"type":"chat"}"#, ErrorCode::InvalidArgument),
            (r#"{"type":"dance","data":{}}"#, ErrorCode::UnknownType),
            (r#"{"type":"heartbeat","data":{}}"#, ErrorCode::UnknownType),
            (r#"{"type":"chat","data":{"text":"x"}}"#, ErrorCode::InvalidArgument),
            (r#"{"type":"chat","data":{"action_id":"x"}}"#, ErrorCode::InvalidArgument),
        ] {
            assert_eq!(read(text).map_err(|error| error.code), Err(code), "{text}");
        }
        let ephemeral =
            format!(r#"{{"type":"state_change","data":{{"action_id":"{ID}","ephemeral":true}}}}"#);
        let error = read(&ephemeral).expect_err("ephemeral");
        assert_eq!(
            error.to_string(),
            "invalid_argument: `ephemeral` must be false: a call is durable."
        );
    }
}
