//! The envelope of a client's frame: `type`, and of `data` only what the router needs. The letter
//! is the owner's to read.

use std::borrow::Cow;

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::ActionId;
use gss_shared::limits;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::value::RawValue;

/// Types that the router passes to the owner.
const COMMANDS: [&str; 24] = [
    "action_declare",
    "chat",
    "choice",
    "combat_end",
    "combat_start",
    "combatant_add",
    "combatant_remove",
    "combatant_update",
    "dice",
    "effect_apply",
    "effect_remove",
    "initiative_order",
    "initiative_roll",
    "map_request",
    "narration_request",
    "reaction",
    "roll",
    "rollback",
    "session_end",
    "session_pause",
    "session_resume",
    "state_change",
    "turn_end",
    "turn_rewind",
];
/// Longest JWT in an `auth_refresh`, characters.
const JWT_CHARACTERS: usize = 8_192;

/// What a frame is.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Envelope {
    /// Answered at once.
    Heartbeat,
    /// State for these paths; none: everything.
    Sync(Vec<String>),
    /// Another JWT.
    Refresh(String),
    /// For the owner.
    Command {
        /// Its idempotency key, if it has a readable one.
        action: Option<ActionId>,
        /// Best effort.
        ephemeral: bool,
    },
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    action_id: Option<&'a RawValue>,
    #[serde(borrow)]
    ephemeral: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SyncData {
    paths: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshData {
    jwt: String,
}

/// Reads the envelope.
///
/// # Errors
/// `invalid_json`, `invalid_frame`, `unknown_type` or `invalid_argument`, with
/// `details.action_id` where it can be read.
pub(crate) fn parse(text: &str) -> Result<Envelope, ClientError> {
    let outer: Outer<'_> = serde_json::from_str(text).map_err(|error| wrong(&error))?;
    if !text.trim_start().starts_with('{') {
        return Err(ClientError::new(ErrorCode::InvalidFrame, "A frame is a JSON object."));
    }
    match outer.kind.as_ref() {
        "heartbeat" => Ok(Envelope::Heartbeat),
        "sync_request" => sync(data(outer.data)?),
        "auth_refresh" => refresh(data(outer.data)?),
        kind if COMMANDS.binary_search(&kind).is_ok() => {
            let (action, ephemeral) = head(outer.data);
            Ok(Envelope::Command { action, ephemeral })
        }
        kind => {
            let (action, _) = head(outer.data);
            let kind: String = kind.chars().take(64).collect();
            let error = ClientError::new(ErrorCode::UnknownType, "No message has this type.")
                .with("type", kind)
                .with("effect", "none");
            Err(match action {
                Some(action) => error.with("action_id", action.to_string()),
                None => error,
            })
        }
    }
}

/// The idempotency key of a frame, if it has a readable one.
pub(crate) fn action_of(text: &str) -> Option<ActionId> {
    let outer: Outer<'_> = serde_json::from_str(text).ok()?;
    head(outer.data).0
}

fn head(data: Option<&RawValue>) -> (Option<ActionId>, bool) {
    let head = data.and_then(|data| serde_json::from_str::<Head<'_>>(data.get()).ok());
    let Some(head) = head else { return (None, false) };
    let action = head.action_id.and_then(|id| serde_json::from_str::<String>(id.get()).ok());
    let action = action.and_then(|id| id.parse().ok());
    (action, head.ephemeral.is_some_and(|value| value.get() == "true"))
}

fn data<T: DeserializeOwned>(data: Option<&RawValue>) -> Result<T, ClientError> {
    let data = data.filter(|data| data.get().starts_with('{')).ok_or_else(|| {
        ClientError::new(ErrorCode::InvalidFrame, "`data` must be an object.")
            .with("member", "data")
    })?;
    serde_json::from_str(data.get()).map_err(|error| wrong(&error))
}

fn sync(data: SyncData) -> Result<Envelope, ClientError> {
    match data.paths.iter().find(|path| !is_pointer(path)) {
        None => Ok(Envelope::Sync(data.paths)),
        Some(bad) => {
            let bad: String = bad.chars().take(128).collect();
            Err(ClientError::new(ErrorCode::InvalidArgument, "A path is no JSON Pointer.")
                .with("path", bad))
        }
    }
}

fn is_pointer(path: &str) -> bool {
    let mut rest = path.chars().peekable();
    let mut escapes = true;
    while let Some(c) = rest.next() {
        escapes &= c != '~' || matches!(rest.peek(), Some('0' | '1'));
    }
    let starts = path.is_empty() || path.starts_with('/');
    escapes && starts && path.chars().count() <= limits::POINTER_CHARACTERS
}

fn refresh(data: RefreshData) -> Result<Envelope, ClientError> {
    if (1..=JWT_CHARACTERS).contains(&data.jwt.len()) {
        Ok(Envelope::Refresh(data.jwt))
    } else {
        let error = ClientError::new(ErrorCode::InvalidFrame, "`jwt` has 1 to 8192 characters.");
        Err(error.with("member", "jwt"))
    }
}

/// What is wrong with JSON, without repeating what the client sent but for a member's name.
fn wrong(error: &serde_json::Error) -> ClientError {
    match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => {
            ClientError::new(ErrorCode::InvalidJson, "The frame is not JSON.")
                .with("line", error.line())
                .with("column", error.column())
        }
        Category::Data => {
            let text = error.to_string();
            let refusal = ClientError::new(ErrorCode::InvalidFrame, "The frame has another shape.");
            match text.split('`').nth(1) {
                Some(member) => refusal.with("member", member.chars().take(64).collect::<String>()),
                None => refusal,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4350cc17-21e5-4f21-acd5-52a09ddbef12";

    fn refusal(text: &str) -> (ErrorCode, Option<String>) {
        let error = parse(text).expect_err(text);
        let member = error.details.get("member").and_then(|m| m.as_str()).map(str::to_owned);
        (error.code, member)
    }

    #[test]
    fn command_types_are_sorted() {
        assert!(COMMANDS.is_sorted());
    }

    #[test]
    fn envelopes() {
        let action = Some(ID.parse().expect("uuid"));
        let upper = ID.to_uppercase();
        let cases = [
            (r#"{"type":"heartbeat","data":{"timestamp":"x"}}"#.to_owned(), Envelope::Heartbeat),
            (
                r#"{"type":"sync_request","data":{"paths":["/a~1b",""]}}"#.to_owned(),
                Envelope::Sync(vec!["/a~1b".to_owned(), String::new()]),
            ),
            (
                r#"{"type":"auth_refresh","data":{"jwt":"a.b.c"}}"#.to_owned(),
                Envelope::Refresh("a.b.c".to_owned()),
            ),
            (
                format!(r#" {{"data":{{"text":"hi","action_id":"{upper}"}},"type":"ch\u0061t"}}"#),
                Envelope::Command { action, ephemeral: false },
            ),
            (
                r#"{"type":"state_change","data":{"changes":[],"ephemeral":true}}"#.to_owned(),
                Envelope::Command { action: None, ephemeral: true },
            ),
            (
                r#"{"type":"roll","data":{"action_id":7}}"#.to_owned(),
                Envelope::Command { action: None, ephemeral: false },
            ),
            (r#"{"type":"roll"}"#.to_owned(), Envelope::Command { action: None, ephemeral: false }),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(&text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refusals() {
        use ErrorCode::{InvalidArgument, InvalidFrame, InvalidJson, UnknownType};
        let cases = [
            ("", InvalidJson, None),
            ("{\"type\":", InvalidJson, None),
            (r#"{"type":"roll"} x"#, InvalidJson, None),
            ("[\"roll\",{}]", InvalidFrame, None),
            ("7", InvalidFrame, Some("")),
            (r#"{"data":{}}"#, InvalidFrame, Some("type")),
            (r#"{"type":"nonsense","data":{}}"#, UnknownType, None),
            (r#"{"type":"sync_request"}"#, InvalidFrame, Some("data")),
            (r#"{"type":"sync_request","data":{}}"#, InvalidFrame, Some("paths")),
            (r#"{"type":"sync_request","data":{"paths":["a"]}}"#, InvalidArgument, None),
            (r#"{"type":"sync_request","data":{"paths":["/~2"]}}"#, InvalidArgument, None),
            (r#"{"type":"auth_refresh","data":{"jwt":""}}"#, InvalidFrame, Some("jwt")),
            (r#"{"type":"auth_refresh","data":{"jwt":"x","y":1}}"#, InvalidFrame, Some("y")),
        ];
        for (text, code, member) in cases {
            let (got, named) = refusal(text);
            assert_eq!(got, code, "{text}");
            if member != Some("") {
                assert_eq!(named.as_deref(), member, "{text}");
            }
        }
    }

    #[test]
    fn an_unknown_type_names_the_action() {
        let text = format!(r#"{{"type":"fly","data":{{"action_id":"{ID}"}}}}"#);
        let error = parse(&text).expect_err("no such type");
        assert_eq!(error.details["action_id"], ID);
        assert_eq!(error.details["type"], "fly");
        assert_eq!(action_of(&text), Some(ID.parse().expect("uuid")));
    }
}
