//! A client's text frame, read into a command.

use gss_rules::Expression;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{ActionId, PlayerId};
use gss_shared::limits;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::fields::Fields;
use super::shape::{self, Family, Shape};
use super::{
    Asked, Command, CommandKind, Ephemeral, FrameCommand, NO_ACTION, Parse, Parsed, change,
};
use crate::state::Status;
use crate::{canonical, refusal};

/// Characters of a request to another service.
const PROMPT_CHARACTERS: usize = 4_000;
/// Squares of a map's edge.
const MAP_EDGE: u64 = 1_000;

/// Reads a client's text frame.
///
/// # Errors
/// `invalid_json`, `invalid_frame`, `unknown_type` or `invalid_argument`, with `details.action_id`
/// when that could be read.
pub fn parse_frame(text: &str, player: PlayerId) -> Result<Parsed, ClientError> {
    let frame = canonical::parse(text)
        .map_err(|_| ClientError::new(ErrorCode::InvalidJson, "The frame is not I-JSON."))?;
    let action = frame["data"]["action_id"].as_str().and_then(crate::visibility::player_id);
    let action = action.map_or(NO_ACTION, |id| ActionId(id.0));
    parse(frame, player).map_err(|error| refusal::of_command(error, action))
}

fn parse(frame: Value, player: PlayerId) -> Parse<Parsed> {
    let Value::Object(mut members) = frame else {
        return Err(refusal::shape("frame", "is an object"));
    };
    let Some(Value::String(name)) = members.remove("type") else {
        return Err(refusal::shape("type", "is a string that must be given"));
    };
    let Some(shape) = shape::of(&name) else {
        let shown: String = name.chars().take(64).collect();
        let error = ClientError::new(ErrorCode::UnknownType, "No command has this type.");
        return Err(error.with("type", shown));
    };
    let Some(Value::Object(data)) = members.remove("data") else {
        return Err(refusal::shape("data", "is an object that must be given"));
    };
    check_members(shape, &members, &data)?;
    let data = Value::Object(data);
    if canonical::has_nul(&data) {
        return Err(refusal::argument("data", "holds U+0000"));
    }
    let Value::Object(data) = data else {
        return Err(refusal::shape("data", "is an object that must be given"));
    };
    read(shape, data, player)
}

fn check_members(
    shape: &Shape,
    beside: &Map<String, Value>,
    data: &Map<String, Value>,
) -> Parse<()> {
    if !shape.open {
        if let Some(name) = beside.keys().next() {
            return Err(refusal::shape(name, "is unknown"));
        }
        let known = |name: &&str| shape.required.contains(name) || shape.optional.contains(name);
        if let Some(name) = data.keys().map(String::as_str).find(|name| !known(name)) {
            return Err(refusal::shape(name, &format!("is unknown in {}", shape.name)));
        }
    }
    match shape.required.iter().find(|name| !data.contains_key(**name)) {
        Some(name) => Err(refusal::shape(name, "must be given")),
        None => Ok(()),
    }
}

fn read(shape: &Shape, data: Map<String, Value>, player: PlayerId) -> Parse<Parsed> {
    let mut data = Fields(data);
    let action = data.uuid("action_id")?;
    if action.is_some_and(|action| action.is_nil()) {
        return Err(refusal::argument("action_id", "is nil"));
    }
    let body_hash = body_hash(shape.name, &data.0);
    let asked = match shape.family {
        Family::StateChange => {
            let changes = change::read_all(data.take("changes"))?;
            if data.boolean("ephemeral")? == Some(true) {
                return Ok(Parsed::Ephemeral(Ephemeral { changes }));
            }
            if action.is_none() {
                return Err(refusal::shape("action_id", "must be given"));
            }
            Asked::StateChange(changes)
        }
        Family::Chat => {
            let text = data.text("text", 1, limits::CHAT_CHARACTERS)?;
            Asked::Chat { text, to: to(&mut data)? }
        }
        Family::Roll => roll(&mut data)?,
        Family::Rollback => {
            Asked::Rollback { to_version: data.version("to_version")?, reason: None }
        }
        Family::Pause => Asked::Status { status: Status::Paused, reason: data.reason()? },
        Family::Resume => Asked::Status { status: Status::Active, reason: data.reason()? },
        Family::End => Asked::Status { status: Status::Ended, reason: data.reason()? },
        Family::Combat(permission) => {
            let asked = crate::fight::asked::read(shape.name, data.0)?;
            Asked::Fight { permission, asked }
        }
        Family::Service(service) => {
            check_request(&mut data)?;
            Asked::Service { service }
        }
    };
    Ok(Parsed::Command(Command {
        action: ActionId(action.unwrap_or(Uuid::nil())),
        body_hash,
        actor: Some(player),
        kind: CommandKind::Frame(FrameCommand(asked)),
    }))
}

fn to(data: &mut Fields) -> Parse<crate::event::To> {
    data.to()?.ok_or_else(|| refusal::shape("to", "must be given"))
}

fn roll(data: &mut Fields) -> Parse<Asked> {
    let text = data.text("expression", 1, limits::DICE_CHARACTERS)?;
    let expression = Expression::parse(&text).map_err(|error| {
        let message = format!("The dice expression cannot be read: {error}.");
        ClientError::new(ErrorCode::InvalidArgument, message).with("member", "expression")
    })?;
    Ok(Asked::Roll { expression, reason: data.reason()?, to: to(data)? })
}

fn check_request(data: &mut Fields) -> Parse<()> {
    if let Some(prompt) = data.string("prompt")? {
        crate::text::check("prompt", &prompt, 1, PROMPT_CHARACTERS)?;
    }
    data.to()?;
    let kind = data.string("kind")?;
    if kind.is_some_and(|kind| !matches!(kind.as_str(), "tactical" | "region" | "scene")) {
        return Err(refusal::argument("kind", "is tactical, region or scene"));
    }
    for edge in ["width", "height"] {
        let Some(squares) = data.take(edge) else { continue };
        if !squares.is_number() {
            return Err(refusal::shape(edge, "is a number"));
        }
        if !squares.as_u64().is_some_and(|squares| (1..=MAP_EDGE).contains(&squares)) {
            return Err(refusal::argument(edge, "is 1 to 1000 squares"));
        }
    }
    Ok(())
}

/// Hash of type and data without the key.
fn body_hash(name: &str, data: &Map<String, Value>) -> [u8; 16] {
    let body = json!({"type": name, "data": data});
    xxh3_128(body.to_string().as_bytes()).to_be_bytes()
}
