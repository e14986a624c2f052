//! Bounds inside one node, each with the reason for its number. Those that other processes rely on
//! are in [`gss_shared::limits`].

/// Submissions of one shard without a verdict; beyond, the shard decides nothing more. One statement
/// holds at most 256 events, so this is many statements ahead.
pub const SHARD_IN_FLIGHT: usize = 2_048;
/// Submissions waiting for the writer: all shards together; beyond, shards hold theirs back.
pub const WRITER_QUEUE: usize = 8_192;
/// Commands of one session decided before another session of the shard has its turn (SAFETY L20).
pub const FAIR_TURN: usize = 8;
/// Results of work beside a shard task (loads, saves, checks) waiting for it.
pub const SHARD_RESULTS: usize = 1_024;
/// Commands waiting in one session: every router's credit with a few routers; beyond, `unavailable`.
pub const SESSION_QUEUE: usize = 2_048;
/// Requests of one bulk lane without an answer; beyond, the lane is not read. Their answers fit the
/// link's queue.
pub const BULK_OUTSTANDING: usize = 1_024;
/// Activations for reads alone, of [`gss_shared::limits::ACTIVATIONS_AT_ONCE`]: commands come first.
pub const READ_ACTIVATIONS_AT_ONCE: usize = 16;
/// Activations that nothing waits for yet, of the same: a favour to sessions that were handed off.
pub const EARLY_ACTIVATIONS_AT_ONCE: usize = 16;
/// Sessions whose activation may be counted in the journal, remembered so that this process does not
/// count them again; beyond, one of them may be.
pub const COUNTED: usize = 4_096;
/// Journal reads beside the shard tasks at a time (fetches, resumes, trails): the read pool has four
/// connections, and a large fetch holds 4 MiB.
pub const JOURNAL_READS_AT_ONCE: usize = 32;
/// Snapshots stored at a time: sessions that began together are due together, and commits come first.
pub const SAVES_AT_ONCE: usize = 2;
/// Events of one page when a tail is loaded.
pub const PAGE_EVENTS: usize = 1_000;
/// Events in one answer to a fetch.
pub const FETCH_EVENTS: usize = 2_000;
/// Milliseconds without clients or commands until a session is put away.
pub const PASSIVATE_MS: u64 = 60_000;
/// Milliseconds without a sign of a player until presence says `away`.
pub const AWAY_MS: u64 = 60_000;
/// Connections that were replaced, remembered per session so that their late commands are refused.
pub const REPLACED: usize = 64;
/// Connections that were detached, remembered per session so that an attach of theirs that still waits
/// for a load or a commit does not bring them back.
pub const GONE: usize = 64;
/// Refusals remembered per session, about half a kilobyte each.
pub const REFUSALS: usize = 64;
/// Actions that panicked, remembered per shard so that they are not decided again.
pub const PANICKED: usize = 256;
/// Beats of which the time is known: 128 s, more than the longest budget that an operator may set.
pub const BEATS: usize = 512;
/// Saves by the GM of one session that wait to be stored, each with its state; beyond, the session
/// decides nothing more.
pub const SAVES_WAITING: usize = 16;
/// Panics of one session within [`PANIC_MS`], its decisions apart, until it is quarantined.
pub const PANICS: u32 = 3;
/// See [`PANICS`].
pub const PANIC_MS: u64 = 60_000;
/// Milliseconds after a request, or after it came here, within which a session counts as played: it
/// is loaded at once by whom its shard is handed to, others when they are asked something.
pub const PLAYING_MS: u64 = 10_000;
/// Played sessions of one shard named to the new owner; beyond, they are loaded as any other.
pub const PLAYING: usize = 256;
/// Milliseconds until a quarantined session is looked at again when it is asked for.
pub const QUARANTINE_MS: u64 = 60_000;
/// Commit batches waiting for the fan-out; beyond, their messages go over links.
pub const FANOUT_BATCHES: usize = 64;
/// Announcements (`Owns`, `Lost`) a link may lag; beyond, it is told everything again.
pub const ANNOUNCEMENTS: usize = 1_024;
/// Epoch checks waiting for the next query: one per shard at a time.
pub const CHECKS: usize = 16_384;
/// Bytes of a state above which it is encoded on the blocking pool.
pub const LARGE_STATE_BYTES: usize = 64 << 10;
/// Shards whose service ended, waiting for the registry: one each of a large node.
pub const ENDED: usize = 2_048;
