//! Every bound of the system by name, with the reason for its number.
//!
//! What an operator may change is in [`crate::config`]; what is here is fixed.

/// Encoded state document, bytes (PROTOCOL section 2).
pub const STATE_BYTES: usize = 1 << 20;
/// Nested objects and arrays in the document, itself counted.
pub const STATE_DEPTH: usize = 32;
/// A frame from a client, bytes.
pub const CLIENT_FRAME_BYTES: usize = 64 << 10;
/// Characters of a chat message.
pub const CHAT_CHARACTERS: usize = 2_000;
/// Characters of a session's name.
pub const NAME_CHARACTERS: usize = 255;
/// Characters of a JSON Pointer.
pub const POINTER_CHARACTERS: usize = 1_024;
/// Paths of a `sync_request`, those within another not counted: each is projected by itself, and the
/// owner does that between commands.
pub const SYNC_PATHS: usize = 64;
/// Changes of one `state_change`: each is decided for every group of viewers, while the session's
/// other commands wait.
pub const CHANGES: usize = 256;
/// Players that changes name, times changes: what is decided of views for one command. Beyond, all
/// get a `sync_response` instead of the changes. A table of 16 may use [`CHANGES`] to the full.
pub const VIEWED_CHANGES: usize = 4_096;
/// Characters of a reason.
pub const REASON_CHARACTERS: usize = 500;
/// Characters of a dice expression.
pub const DICE_CHARACTERS: usize = 200;
/// Entries of `settings.visibility`.
pub const VISIBILITY_ENTRIES: usize = 1_000;
/// Members of a session in all, banned users included: bounds the state beside the document.
pub const MEMBERS: usize = 1_000;
/// Characters of one member.
pub const CHARACTERS_PER_MEMBER: usize = 50;
/// Session-token chains of one member in the last eleven minutes: bounds the state.
pub const CHAINS_PER_MEMBER: usize = 64;
/// Invites of a session that are not used up.
pub const INVITES: usize = 100;
/// Connections of one player to one session.
pub const CONNECTIONS_PER_PLAYER: usize = 5;
/// Accepted action ids kept in memory and snapshot; the journal's unique key has no horizon.
pub const ACTION_WINDOW: usize = 64;
/// Decisions of one session ahead of their commit.
pub const DECISIONS_AHEAD: usize = 64;
/// Commands of one connection without an answer; then the router stops reading it.
pub const UNACKNOWLEDGED: usize = 32;
/// Commands of one session that one router may have with its owner.
pub const SESSION_CREDIT: usize = 256;
/// Milliseconds from a command's arrival at the router to `owner_unreachable`.
pub const COMMAND_BUDGET_MS: u64 = 10_000;
/// Owners that a command may outlive by being resent (poison guard).
pub const OWNERS_OUTLIVED: u8 = 2;
/// Activations begun and not completed before a session is quarantined.
pub const ACTIVATION_TRIES: u32 = 3;
/// Activations of one node at a time.
pub const ACTIVATIONS_AT_ONCE: usize = 64;
/// Events in one append statement: beyond, its latency grows linearly.
pub const APPEND_EVENTS: usize = 256;
/// Bytes in one append statement.
pub const APPEND_BYTES: usize = 1 << 20;
/// Events after a snapshot that make the next one due.
pub const SNAPSHOT_EVENTS: u64 = 200;
/// Bytes of events after a snapshot that make the next one due.
pub const SNAPSHOT_BYTES: usize = 256 << 10;
/// Events a resume may have missed; beyond, a snapshot is sent.
pub const RESUME_EVENTS: usize = 10_000;
/// Bytes a resume may have missed.
pub const RESUME_BYTES: usize = 4 << 20;
/// Bytes of recent events kept per session while a client is attached.
pub const RECENT_BYTES: usize = 64 << 10;
/// A fan-out message above this carries no body: Redis cuts subscribers at 32 MB.
pub const FANOUT_BYTES: usize = 64 << 10;
/// Bytes of all variants of a message; beyond, clients get a `sync_response` instead: half a link
/// frame.
pub const MESSAGE_BYTES: usize = 8 << 20;
/// Bytes waiting for one client before it is a slow consumer.
pub const CLIENT_QUEUE_BYTES: usize = 1 << 20;
/// Frames waiting for one client before it is a slow consumer.
pub const CLIENT_QUEUE_FRAMES: usize = 1_024;
/// Largest link frame, bytes: a snapshot of a full document, escaped, and some air.
pub const LINK_FRAME_BYTES: usize = 16 << 20;
/// Frames waiting on one link before its sender waits.
pub const LINK_QUEUE: usize = 4_096;
/// Seconds that connecting and the handshake of a link may take.
pub const LINK_HANDSHAKE_SECONDS: u64 = 5;
/// Seconds after which a link whose peer takes no bytes is broken: as long as a command may wait.
pub const LINK_WRITE_SECONDS: u64 = 10;
/// Seconds between keepalive probes of an idle link; beats and commands notice sooner.
pub const LINK_KEEPALIVE_SECONDS: u64 = 5;
/// Commands waiting in one shard's mailbox.
pub const SHARD_MAILBOX: usize = 4_096;
/// Hub messages published and not confirmed.
pub const HUB_OUTSTANDING: usize = 1_000;
/// Longest wait for the answer to a call, retries included, milliseconds.
pub const HUB_CALL_DEADLINE_MS: u64 = 500;
/// Milliseconds between beats on a link.
pub const BEAT_MS: u64 = 250;
/// Seconds between heartbeats to a client.
pub const HEARTBEAT_SECONDS: u64 = 30;
/// Seconds without any frame from a client before 4000.
pub const IDLE_SECONDS: u64 = 75;
/// Seconds a session token is good for.
pub const SESSION_TOKEN_SECONDS: i64 = 600;
/// Seconds of grace before presence says `offline`.
pub const OFFLINE_GRACE_SECONDS: u64 = 10;
/// Hash tags that leases, locks and members share (shard mod this).
pub const HASH_TAGS: u16 = 16;
/// Milliseconds for which a released shard is kept for its named successor.
pub const RESERVATION_MS: u64 = 1_000;
/// Milliseconds that a member record outlives its last refresh, as routers reckon; nodes say theirs.
pub const MEMBER_TTL_MS: u64 = 3_000;
/// Fan-out messages received and not yet taken: two seconds of the largest load we aim at. Beyond,
/// the oldest is dropped, counted and healed by its stream.
pub const FANOUT_INBOX: usize = 20_000;
/// Bytes of fan-out messages received and not yet taken.
pub const FANOUT_INBOX_BYTES: usize = 64 << 20;
/// Publishes waiting for one Redis master; beyond, they go over the links.
pub const PUBLISH_QUEUE: usize = 1_024;
/// Keys whose rate one process counts itself. Beyond, an unknown key is refused until one is quiet.
pub const RATE_KEYS: usize = 100_000;
/// Hot states waiting to be written.
pub const HOT_SESSIONS: usize = 20_000;
/// Bytes of hot states waiting to be written.
pub const HOT_BYTES: usize = 64 << 20;
