//! What a worker keeps of one session, and of each of its connections.

use std::collections::{HashMap, VecDeque};

use gss_shared::error_code::ClientError;
use gss_shared::ids::{ConnectionId, Epoch, PlayerId, ResumePoint, SessionId, Shard};
use gss_shared::token::TokenClaims;
use tokio::sync::oneshot;

use crate::connection::queue::Outbox;
use crate::routes::route::Route;
use crate::stream::Stream;
use crate::stream::cursor::Cursor;
use crate::switchboard::{Accepted, Credential};

/// `sync_request`s of one connection that wait for their turn.
pub(crate) const SYNCS_WAITING: usize = 32;

/// One session.
pub(crate) struct Session {
    pub id: SessionId,
    pub shard: Shard,
    pub stream: Stream,
    pub clients: Vec<Client>,
    pub route: Route,
    /// REST calls without an answer, by their number.
    pub calls: HashMap<u64, oneshot::Sender<Result<Option<Accepted>, ClientError>>>,
    /// Its requests to the owner.
    pub requests: Vec<u64>,
    /// The one of them that is a fetch.
    pub fetch: Option<u64>,
    /// Order of the latest unversioned message.
    pub unversioned: (Epoch, u64),
    /// It is in the list of those to flush.
    pub dirty: bool,
}

impl Session {
    /// A session nobody asked for until now.
    pub(crate) fn new(id: SessionId, shard: Shard) -> Self {
        Self {
            id,
            shard,
            stream: Stream::default(),
            clients: Vec::new(),
            route: Route::default(),
            calls: HashMap::new(),
            requests: Vec::new(),
            fetch: None,
            unversioned: (Epoch(0), 0),
            dirty: false,
        }
    }

    /// The connection, if it is still there.
    pub(crate) fn client(&mut self, id: ConnectionId) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.id == id)
    }

    /// Nothing is left of it.
    pub(crate) fn is_idle(&self) -> bool {
        self.clients.is_empty() && self.route.is_empty() && self.requests.is_empty()
    }
}

/// One connection.
pub(crate) struct Client {
    pub id: ConnectionId,
    pub player: PlayerId,
    pub cursor: Cursor,
    pub outbox: Outbox,
    pub token: TokenClaims,
    pub credential: Credential,
    /// Where it wants to resume.
    pub position: Option<ResumePoint>,
    /// Reads of state for it, the next first. One is under way at a time.
    pub syncs: VecDeque<SyncAsk>,
    /// The read that is under way.
    pub reading: Option<u64>,
}

/// A read of state that a connection needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SyncAsk {
    /// Empty: everything the viewer may see.
    pub paths: Vec<String>,
    /// The connection cannot go on without it.
    pub forced: bool,
}

impl SyncAsk {
    /// What an effect or another history demands.
    pub(crate) fn forced() -> Self {
        Self { paths: Vec::new(), forced: true }
    }
}
