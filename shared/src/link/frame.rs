//! Frames of a link. Encoded with postcard; the handshake agrees on the highest version that both
//! sides know.
//!
//! Variants are only ever added at the end; a field is added by a new variant.
//! A router opens two connections to each node: [`Lane::Commands`] for commands, answers, beats and
//! live messages, [`Lane::Bulk`] for attaches, fetches, snapshots and reads. A node opens one
//! `Commands` connection to a node it hands shards to.

use serde::{Deserialize, Serialize};

use crate::error_code::ErrorCode;
use crate::ids::{
    ActionId, ConnectionId, Epoch, Incarnation, NodeId, PlayerId, Position, ProcessId, SessionId,
    Shard, ShardCount, Version,
};
use crate::message::{Audience, Message, Role, Viewer};
use crate::time::Timestamp;
use crate::token::TokenClaims;

/// Newest version of these frames that this release speaks: 2 brought [`ToNode::Activate`].
pub const LINK_VERSION: u16 = 2;
/// Oldest version that it still speaks.
pub const OLDEST_LINK_VERSION: u16 = 1;

/// What a process is to its peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum PeerRole {
    /// May send commands with asserted identities.
    Router,
    /// May offer shards.
    Node,
}

/// Which of a peer's connections this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Lane {
    /// Small, ordered, urgent.
    Commands,
    /// Large or slow answers.
    Bulk,
}

/// First frame of the connecting side.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// Lowest and highest [`LINK_VERSION`] it speaks.
    pub versions: (u16, u16),
    /// Both sides must be of one cluster.
    pub cluster: String,
    /// Both sides must agree.
    pub shards: ShardCount,
    /// Who connects.
    pub process: ProcessId,
    /// Which start of it.
    pub incarnation: Incarnation,
    /// What it is.
    pub role: PeerRole,
    /// Which connection.
    pub lane: Lane,
}

/// Answer of the accepting side.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Welcome {
    /// The link is open.
    Accepted {
        /// The version to speak.
        version: u16,
        /// Who accepted.
        process: ProcessId,
        /// Which start of it.
        incarnation: Incarnation,
    },
    /// The link closes.
    Refused {
        /// For the log of the connecting side.
        reason: String,
    },
}

/// A frame to a node.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum ToNode {
    /// Decide this. Answered by [`ToRouter::Answer`] (Commands lane).
    Command(CommandFrame),
    /// Open a connection: journals the token's use. Answered by [`ToRouter::Attached`].
    Attach(AttachFrame),
    /// The connection is gone.
    Detach {
        /// Its session.
        session: SessionId,
        /// The connection.
        connection: ConnectionId,
    },
    /// After a link opened: what this router has there; what is told neither here nor in
    /// [`Self::ReattachMore`] is gone. Answered by [`ToRouter::Heads`].
    Reattach {
        /// The shard.
        shard: Shard,
        /// Its sessions with clients on this router.
        sessions: Vec<Reattached>,
    },
    /// Committed messages after a position. Answered by [`ToRouter::Fetched`].
    Fetch {
        /// Chosen by the router.
        request: u64,
        /// Of which session.
        session: SessionId,
        /// The last message the router delivered.
        after: Position,
    },
    /// A projection or another read. Answered by [`ToRouter::ReadDone`].
    Read(ReadFrame),
    /// Send live messages of this shard over the link too, for this long.
    WantLive {
        /// The shard.
        shard: Shard,
        /// Milliseconds from now.
        for_ms: u32,
    },
    /// A connection was seen or went away from the keyboard: renews hot keys and presence.
    Seen {
        /// Connections that sent something since the last time, by session.
        connections: Vec<(SessionId, ConnectionId)>,
    },
    /// From a node: take over this shard? Answered by [`ToRouter::OfferAnswer`].
    Offer {
        /// The shard.
        shard: Shard,
        /// Its epoch under the offering node.
        epoch: Epoch,
    },
    /// From a node: the lease is released to you, acquire now.
    Released {
        /// The shard.
        shard: Shard,
        /// Its epoch under the former owner.
        epoch: Epoch,
    },
    /// From a router: number of the last [`ToRouter::Beat`] it read from this node.
    BeatSeen {
        /// The beat.
        number: u64,
    },
    /// What this router has there besides, or what a new owner cannot know yet. Answered by
    /// [`ToRouter::Heads`].
    ReattachMore {
        /// The shard.
        shard: Shard,
        /// Sessions with clients on this router.
        sessions: Vec<Reattached>,
    },
    /// After a link opened: this router has no clients in these shards.
    Absent {
        /// The shards.
        shards: Vec<Shard>,
    },
    /// From a node, before [`Self::Released`]: these sessions were played just now, load them with
    /// the shard. Since version 2.
    Activate {
        /// The shard.
        shard: Shard,
        /// Sessions of it.
        sessions: Vec<SessionId>,
    },
}

/// One command of a connection or a REST call.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CommandFrame {
    /// The session it is for.
    pub session: SessionId,
    /// The connection it came on; None: REST.
    pub connection: Option<ConnectionId>,
    /// Number of the command in its connection, or of the REST call in its router. Echoed.
    pub seq: u64,
    /// The router's route number for this session: answers to an older route are ignored. Echoed.
    pub route: u64,
    /// Who sends, as authenticated by the router.
    pub player: PlayerId,
    /// What is asked: bytes as the client sent them, or a REST command.
    pub body: CommandBody,
    /// Number of the owner's last beat that the router had read (SAFETY S10).
    pub beat_seen: u64,
    /// How many owners this command has outlived (SAFETY S14).
    pub outlived: u8,
    /// Milliseconds left until the router answers `owner_unreachable`.
    pub budget_ms: u32,
    /// A read to answer together with the acceptance, at its version.
    pub view: Option<ReadKind>,
}

/// The letter in the envelope.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum CommandBody {
    /// A client's text frame `{"type","data"}`.
    Frame(String),
    /// A command that only REST has: JSON of `gss_session::command::RestCommand`, with its key.
    Rest {
        /// Derived from `Idempotency-Key`, or random.
        action: ActionId,
        /// JSON.
        command: String,
    },
}

/// A connection that opens.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AttachFrame {
    /// Chosen by the router.
    pub request: u64,
    /// The session.
    pub session: SessionId,
    /// The new connection.
    pub connection: ConnectionId,
    /// From the JWT.
    pub player: PlayerId,
    /// The checked session token.
    pub token: TokenClaims,
    /// Where to resume.
    pub position: Option<Position>,
    /// As in [`CommandFrame`].
    pub beat_seen: u64,
    /// As in [`CommandFrame`].
    pub outlived: u8,
}

/// A session with clients on a router, told to a new owner.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reattached {
    /// The session.
    pub session: SessionId,
    /// What the router delivered last.
    pub position: Position,
    /// Its connections.
    pub connections: Vec<(ConnectionId, Viewer, TokenClaims)>,
}

/// A read of committed state as a viewer may see it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ReadFrame {
    /// Chosen by the router.
    pub request: u64,
    /// Of which session.
    pub session: SessionId,
    /// Who asks.
    pub player: PlayerId,
    /// What.
    pub kind: ReadKind,
}

/// What can be read. Answers are JSON; those of REST as `schema/rest-v2.json` names them, without
/// `websocket_url`, which the router adds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum ReadKind {
    /// `data` of a `sync_response`: the asked members of the document (none: all).
    Sync {
        /// JSON Pointers.
        paths: Vec<String>,
    },
    /// `session`.
    Session,
    /// `load_state_response`.
    State,
    /// `player_list`, one page.
    Players {
        /// Items.
        limit: u32,
        /// From the page before.
        cursor: Option<String>,
    },
    /// `player`.
    Player(PlayerId),
    /// `event_list`.
    Events {
        /// Only later ones.
        after: Version,
        /// 1–1000.
        limit: u32,
        /// Only these types; empty: all.
        types: Vec<String>,
    },
    /// `saved_state_list`.
    SavedStates {
        /// Items.
        limit: u32,
        /// From the page before.
        cursor: Option<String>,
    },
    /// `{"generation", "role", "state"}` of the asking member: what create and join answer.
    Admission,
    /// `invite` without `join_url`: the newest that the asking member made.
    Invite,
    /// `{"version", "timestamp"}`.
    Saved,
    /// `settings.limits` as the GM set them, members not set absent. For routers, which count
    /// against them: anyone may ask.
    Limits,
}

/// A frame from a node.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum ToRouter {
    /// What this node serves from now on. Sent whole when a link opens, then as it changes.
    Owns {
        /// Shards and their epochs.
        shards: Vec<(Shard, Epoch)>,
    },
    /// What this node no longer serves.
    Lost {
        /// Shard, its epoch here, and the successor if there is one by intent.
        shards: Vec<(Shard, Epoch, Option<NodeId>)>,
    },
    /// Committed messages of one session, in order. Before any answer that depends on them.
    Live {
        /// The session.
        session: SessionId,
        /// Consecutive messages.
        messages: Vec<Message>,
    },
    /// Answer to a command, released: what it saw is committed.
    Answer(AnswerFrame),
    /// Answer to an attach.
    Attached {
        /// The router's number.
        request: u64,
        /// What became of it.
        outcome: AttachOutcome,
    },
    /// Answer to a reattach: where the sessions stand. Whoever is ahead is fetched.
    Heads {
        /// The shard.
        shard: Shard,
        /// Session and last committed position.
        heads: Vec<(SessionId, Position)>,
    },
    /// Answer to a fetch.
    Fetched {
        /// The router's number.
        request: u64,
        /// What there is.
        outcome: FetchOutcome,
    },
    /// Answer to a read.
    ReadDone {
        /// The router's number.
        request: u64,
        /// JSON or refusal.
        outcome: Result<ReadAnswer, Refused>,
    },
    /// Every [`crate::limits::BEAT_MS`]: sessions with clients on this router that moved since.
    Beat {
        /// 1, 2, 3 … in this link.
        number: u64,
        /// Where they stand.
        moved: Vec<(SessionId, Position)>,
    },
    /// Not journaled: presence and ephemeral changes.
    Unversioned {
        /// The session.
        session: SessionId,
        /// Epoch and count of the sender: older than the latest seen is dropped.
        order: (Epoch, u64),
        /// Who gets it.
        audience: Audience,
        /// A connection that does not.
        except: Option<ConnectionId>,
        /// The whole text frame.
        frame: String,
    },
    /// Close this connection.
    Close {
        /// Its session.
        session: SessionId,
        /// The connection.
        connection: ConnectionId,
        /// A close code.
        code: u16,
    },
    /// Answer to an offer.
    OfferAnswer {
        /// The shard.
        shard: Shard,
        /// Its epoch as offered.
        epoch: Epoch,
        /// Whether the release may start.
        accepted: bool,
    },
    /// The node drains; its shards will move.
    Draining,
    /// Tokens that are no longer good (SAFETY S23): those in force when the link opens, then each
    /// as it comes. Connections opened with them close.
    Revoked {
        /// Every one; repeats are harmless.
        revocations: Vec<Revocation>,
    },
}

/// Tokens of a user that the Auth Service took back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Revocation {
    /// Whose.
    pub user: PlayerId,
    /// This token; None: all of the user's that were issued before `at`.
    pub jti: Option<String>,
    /// When it was revoked.
    pub at: Timestamp,
}

/// What became of a command.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AnswerFrame {
    /// Echoed.
    pub session: SessionId,
    /// Echoed.
    pub connection: Option<ConnectionId>,
    /// Echoed.
    pub seq: u64,
    /// Echoed.
    pub route: u64,
    /// The command's idempotency key, when it has one.
    pub action: Option<ActionId>,
    /// What became of it.
    pub outcome: Outcome,
}

/// Result of one command.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// Durable.
    Accepted {
        /// Position of the command's last event.
        position: Position,
        /// When it was decided.
        at: Timestamp,
        /// It had been accepted before.
        duplicate: bool,
        /// The view that was asked for: JSON.
        view: Option<String>,
    },
    /// No effect.
    Refused {
        /// Why.
        refused: Refused,
        /// The version the decision saw; written when the stream stands there.
        saw: Position,
    },
    /// This node does not serve the shard: send it to the owner.
    NotOwner {
        /// Highest epoch this node knows.
        epoch: Epoch,
        /// Who has it, if known.
        owner: Option<NodeId>,
    },
    /// Done without a trace: an ephemeral change was passed on.
    Nothing,
}

/// A refusal on its way to the client; `details` is a JSON object as text.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Refused {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// JSON object.
    pub details: String,
}

/// Answer to an attach.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum AttachOutcome {
    /// Admitted, and nothing was missed that cannot be sent.
    Resumed {
        /// The member's role now.
        role: Role,
        /// What was missed, oldest first, unfiltered: the router filters for `role`.
        missed: Vec<Message>,
        /// Where the stream stands after them.
        at: Position,
        /// Messages per minute of the session's own settings, which the router bounds; 0: it has
        /// none, the operator's default holds.
        messages_per_minute: u32,
        /// A `sync_response` data object to send after the missed messages (a rollback was missed).
        sync: Option<String>,
    },
    /// Admitted with a fresh snapshot.
    Fresh {
        /// The member's role now.
        role: Role,
        /// `data` of the `sync_response`.
        sync: String,
        /// The position of the snapshot.
        at: Position,
        /// As above.
        messages_per_minute: u32,
    },
    /// Not admitted.
    Refused {
        /// Why.
        refused: Refused,
        /// The close code for a connection that is already upgraded.
        close: u16,
    },
    /// As in [`Outcome::NotOwner`].
    NotOwner {
        /// Highest epoch this node knows.
        epoch: Epoch,
        /// Who has it, if known.
        owner: Option<NodeId>,
    },
}

/// Answer to a fetch.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum FetchOutcome {
    /// Consecutive messages after the asked position; empty: nothing newer.
    Tail {
        /// Oldest first. When `more`, fetch again from the last.
        messages: Vec<Message>,
        /// The bound was reached.
        more: bool,
    },
    /// The position is not in this history, or too old: clients need snapshots.
    Gone {
        /// Where the session stands.
        head: Position,
    },
    /// As in [`Outcome::NotOwner`].
    NotOwner {
        /// Highest epoch this node knows.
        epoch: Epoch,
        /// Who has it, if known.
        owner: Option<NodeId>,
    },
    /// The journal does not answer or the session cannot be loaded.
    Unavailable,
}

/// Answer to a read.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ReadAnswer {
    /// JSON.
    pub json: String,
    /// The version it shows.
    pub at: Position,
    /// The journal did not answer: shown from memory, within the lease.
    pub stale: bool,
}
