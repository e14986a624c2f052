//! What a worker is told: the one way into the streams, connections and routes of its shards.

use std::time::Duration;

use bytes::Bytes;
use gss_shared::error_code::ClientError;
use gss_shared::ids::{ActionId, ConnectionId, NodeId, PlayerId, SessionId, Shard};
use gss_shared::link::frame::{ReadAnswer, ReadKind, ToRouter};
use tokio::sync::oneshot;

use crate::connection::queue::Outbox;
use crate::links::NodeLink;
use crate::revocations::Revocations;
use crate::switchboard::{Accepted, Call, Credential, OpenConnection};

/// Mails waiting for one worker; beyond, links and connections wait, which pauses their sockets.
pub(crate) const WORKER_MAILBOX: usize = 8_192;

/// To a worker.
pub(crate) enum Mail {
    /// A connection opens.
    Connect(Box<OpenConnection>, ConnectionId, Outbox),
    /// A connection is gone, in whatever way.
    Gone {
        /// Its session.
        session: SessionId,
        /// The connection.
        connection: ConnectionId,
        /// It was closed because it read too slowly (SAFETY L19).
        slow: bool,
    },
    /// A command of a connection.
    Frame(ClientFrame),
    /// A `sync_request`.
    Sync {
        /// Its session.
        session: SessionId,
        /// The connection.
        connection: ConnectionId,
        /// JSON Pointers.
        paths: Vec<String>,
    },
    /// The connection lives by another JWT now.
    Refreshed {
        /// Its session.
        session: SessionId,
        /// The connection.
        connection: ConnectionId,
        /// The JWT.
        credential: Credential,
    },
    /// A REST command.
    Call(Box<Call>, oneshot::Sender<Result<Option<Accepted>, ClientError>>),
    /// A REST read.
    Read {
        /// Of which session.
        session: SessionId,
        /// Who asks.
        player: PlayerId,
        /// What.
        kind: ReadKind,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<ReadAnswer, ClientError>>,
    },
    /// Both lanes to a node are open.
    LinkUp(NodeLink),
    /// A lane of this opening broke.
    LinkDown {
        /// Whose.
        node: NodeId,
        /// Which opening.
        opening: u64,
    },
    /// A frame of a node, only the part that concerns this worker.
    Node {
        /// Whose.
        node: NodeId,
        /// Over which opening of its link.
        opening: u64,
        /// The frame.
        frame: ToRouter,
    },
    /// A payload of a shard's channel.
    Published(Shard, Bytes),
    /// Tokens were revoked.
    Revoked(std::sync::Arc<Revocations>),
    /// Ask all clients to leave, spread over this time.
    Drain {
        /// From the first to the last.
        spread: Duration,
    },
}

/// A command as it came on a connection.
#[derive(Debug)]
pub(crate) struct ClientFrame {
    /// Its session.
    pub session: SessionId,
    /// The connection.
    pub connection: ConnectionId,
    /// Counts the connection's commands.
    pub seq: u64,
    /// Idempotency key; None: neither acknowledged nor deduplicated.
    pub action: Option<ActionId>,
    /// Best effort.
    pub ephemeral: bool,
    /// As it came.
    pub text: String,
}
