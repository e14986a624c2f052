//! Commands: what somebody asks of a session, read from text and not yet judged.

mod change;
mod fields;
mod frame;
mod rest;
mod shape;

use gss_shared::error_code::ClientError;
use gss_shared::ids::{ActionId, ConnectionId, PlayerId, Version};
use gss_shared::link::frame::AttachFrame;
use gss_shared::rest_command::RestCommand;
use gss_shared::token::TokenClaims;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

pub(crate) use change::{AskedChange, Op};
pub use frame::parse_frame;
pub use rest::parse_rest;

use crate::event::To;
use crate::fight::asked::AskedFight;
use crate::permission::Permission;
use crate::state::Status;

/// A command on its way to a decision.
#[derive(Clone, PartialEq, Debug)]
pub struct Command {
    /// Its idempotency key. Nil: it has none and can only be refused.
    pub action: ActionId,
    /// Hash of what it asks, without its key.
    pub body_hash: [u8; 16],
    /// Who sends; None: the service.
    pub actor: Option<PlayerId>,
    /// What it asks.
    pub kind: CommandKind,
}

/// What a command asks.
#[derive(Clone, PartialEq, Debug)]
pub enum CommandKind {
    /// One of the WebSocket's.
    Frame(FrameCommand),
    /// One that only REST has.
    Rest(RestCommand),
    /// A connection opens.
    Connect(Connect),
}

/// A command of the WebSocket, or its REST twin.
#[derive(Clone, PartialEq, Debug)]
pub struct FrameCommand(pub(crate) Asked);

/// What a WebSocket command asks.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Asked {
    StateChange(Vec<AskedChange>),
    Chat { text: String, to: To },
    Roll { expression: gss_rules::Expression, reason: Option<String>, to: To },
    Rollback { to_version: Version, reason: Option<String> },
    Status { status: Status, reason: Option<String> },
    Fight { permission: Permission, asked: AskedFight },
    Service { service: &'static str },
}

/// A connection that opens.
#[derive(Clone, PartialEq, Debug)]
pub struct Connect {
    /// The connection.
    pub connection: ConnectionId,
    /// The token it opens with.
    pub token: TokenClaims,
}

/// What a client's frame turned out to be.
#[derive(Clone, PartialEq, Debug)]
pub enum Parsed {
    /// To be decided and journaled.
    Command(Command),
    /// To be passed on and forgotten.
    Ephemeral(Ephemeral),
}

/// Changes that never touch the document: cursors, pings.
#[derive(Clone, PartialEq, Debug)]
pub struct Ephemeral {
    pub(crate) changes: Vec<AskedChange>,
}

/// The command that opens a connection. Its key is the connection's id, so that an attach sent
/// again after a change of owner is a duplicate.
pub fn connect(frame: &AttachFrame) -> Command {
    let token = frame.token;
    let mut body = Vec::with_capacity(80);
    for id in [token.session.0, token.player.0, token.chain] {
        body.extend_from_slice(id.as_bytes());
    }
    body.extend_from_slice(&token.generation.to_be_bytes());
    body.extend_from_slice(&token.issued_ms.to_be_bytes());
    Command {
        action: ActionId(frame.connection.0),
        body_hash: xxh3_128(&body).to_be_bytes(),
        actor: Some(frame.player),
        kind: CommandKind::Connect(Connect { connection: frame.connection, token }),
    }
}

/// A change of status by the service itself: an operator, a timer, a campaign that ended.
pub fn service_status(action: ActionId, status: Status, reason: Option<String>) -> Command {
    let body = format!("{} {}", status.as_str(), reason.as_deref().unwrap_or_default());
    Command {
        action,
        body_hash: xxh3_128(body.as_bytes()).to_be_bytes(),
        actor: None,
        kind: CommandKind::Frame(FrameCommand(Asked::Status { status, reason })),
    }
}

/// The service acts in a fight because nobody did in time. `absent`: the player whose turn it is is
/// not there.
pub fn service_time_out(action: ActionId, absent: bool) -> Command {
    let asked = AskedFight::TimeOut { absent };
    let asked = Asked::Fight { permission: Permission::Participate, asked };
    Command {
        action,
        body_hash: xxh3_128(b"time out").to_be_bytes(),
        actor: None,
        kind: CommandKind::Frame(FrameCommand(asked)),
    }
}

/// A version in a frame's data.
pub(crate) fn version(
    data: &mut serde_json::Map<String, serde_json::Value>,
    name: &str,
) -> Parse<Version> {
    let mut fields = fields::Fields(std::mem::take(data));
    fields.version(name)
}

/// The key of commands that have none.
pub(crate) const NO_ACTION: ActionId = ActionId(Uuid::nil());

pub(crate) type Parse<T> = Result<T, ClientError>;
