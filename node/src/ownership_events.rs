//! The seam between ownership (who serves which shard) and service (the shard tasks).
//!
//! Ownership decides and says so by [`OwnershipEvent`]; the shard registry obeys. What service
//! learns of ownership (fences, raised epochs, offers over links) it tells the ownership task's
//! handle, `ownership_task::OwnershipHandle`, whose methods are:
//!
//! ```text
//! fenced(shard, epoch)            an append or check found another epoch: service has ended already
//! raised(&[(shard, old, new)])    the writer raised epochs to settle an unknown outcome; service
//!                                 goes on under `new`, the lease has to follow
//! journal_ok()                    a commit or epoch check went well just now (SAFETY L1)
//! offer(from, shard, epoch)       async, -> bool: take over this shard?
//! released(from, shard, epoch)    the offering node released its lease to us
//! within_lease(shard) -> bool     the lease was renewed within its time (stale reads, SAFETY S11)
//! owner_of(shard) -> (Epoch, Option<NodeId>)   best guess for `NotOwner` answers
//! drain() / undrain()             leave the ring and hand all shards off; take that back
//! drained()                       async: nothing is owned any more
//! ```
//! Handle methods that are not async never block and may be called from any task.

use std::collections::BTreeSet;

use async_trait::async_trait;
use tokio::sync::oneshot;

use gss_shared::ids::{Epoch, NodeId, SessionId, Shard};
use gss_shared::ports::directory::MemberRecord;

/// Events waiting for the shard registry: two per shard of a large node, so that a mass takeover
/// does not wait for single shard tasks.
pub const OWNERSHIP_EVENTS: usize = 2_048;

/// What ownership asks of service. Sent in order over one bounded channel.
#[derive(Debug)]
pub enum OwnershipEvent {
    /// Serve this shard under this epoch, which is committed and leased.
    Serve {
        /// The shard.
        shard: Shard,
        /// Its epoch.
        epoch: Epoch,
    },
    /// The shard will be ours within a second (its owner hands it over): hold its commands meanwhile.
    Expect {
        /// The shard.
        shard: Shard,
    },
    /// It will not after all, or not in time: answer what was held with `NotOwner`.
    ExpectNoMore {
        /// The shard.
        shard: Shard,
    },
    /// Hand off: take no more commands, finish what is decided, then say so. The lease is released
    /// after `drained`.
    Stop {
        /// The shard.
        shard: Shard,
        /// Its epoch here; another epoch: ignore.
        epoch: Epoch,
        /// Who gets it.
        successor: Option<NodeId>,
        /// Sent when nothing of the shard is in flight any more: the sessions that were played until
        /// just now.
        drained: oneshot::Sender<Vec<SessionId>>,
    },
    /// The shard is another's: end service at once, answer nothing that is not committed.
    Drop {
        /// The shard.
        shard: Shard,
        /// Its epoch here; a higher one is in service: ignore.
        epoch: Epoch,
        /// Who has it, if known.
        owner: Option<NodeId>,
    },
    /// Which served shards answered since the last such question? Only those are renewed
    /// (SAFETY L2). A shard that was just taken counts as alive.
    Alive {
        /// Gets the shards.
        reply: oneshot::Sender<BTreeSet<Shard>>,
    },
}

/// Speaks to other nodes for ownership.
#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Asks `to` to take a shard over. False: it will not, or it did not answer in time.
    async fn offer(&self, to: &MemberRecord, shard: Shard, epoch: Epoch) -> bool;

    /// Tells `to` that the lease was released to it, and which sessions were played until just now.
    async fn released(
        &self,
        to: &MemberRecord,
        shard: Shard,
        epoch: Epoch,
        playing: Vec<SessionId>,
    );
}
