//! Members, leases and gates: hints for speed that may be lost whole. Correctness rests on epochs.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::ids::{Epoch, Incarnation, NodeId, ProcessId, Shard};

#[cfg(test)]
pub(crate) mod contract;
pub mod local;
mod memory;
pub mod redis;

pub use self::redis::RedisDirectory;
pub use local::LocalDirectory;

/// What a node says of itself. Expires unless refreshed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MemberRecord {
    /// Its name.
    pub node: NodeId,
    /// Which start.
    pub incarnation: Incarnation,
    /// Where links connect, `host:port`.
    pub link: String,
    /// Where operators connect, `host:port`.
    pub admin: String,
    /// Wants no shards.
    pub draining: bool,
    /// It committed or checked an epoch lately (SAFETY L1).
    pub journal_ok: bool,
    /// Version of the placement algorithm; the lowest among members rules (SAFETY L7).
    pub ring_version: u16,
    /// Grows with every refresh: a record that stands still is of a dead process.
    pub beat: u64,
    /// Highest event version its release reads.
    pub reads_events: u16,
}

/// Value of a lease.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lease {
    /// Who serves.
    pub node: NodeId,
    /// Which start.
    pub incarnation: Incarnation,
    /// Under which epoch.
    pub epoch: Epoch,
}

impl Lease {
    /// What a release that names a successor leaves behind for [`RESERVATION_MS`]: a lease of that
    /// node under the released epoch and no incarnation. Only that node can claim the shard then,
    /// under a higher epoch.
    ///
    /// [`RESERVATION_MS`]: crate::limits::RESERVATION_MS
    pub fn reserved_for(node: NodeId, epoch: Epoch) -> Self {
        Self { node, incarnation: Incarnation(0), epoch }
    }

    /// Nobody serves under it: the shard is kept free for its node.
    pub fn is_reservation(&self) -> bool {
        self.incarnation == Incarnation(0)
    }

    /// Whether `claim` may be written over it.
    pub fn yields_to(&self, claim: &Self) -> bool {
        let reserved_for_another = self.is_reservation() && self.node != claim.node;
        self == claim || (self.epoch < claim.epoch && !reserved_for_another)
    }
}

/// What a renewal found for one lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Renewal {
    /// Ours, extended.
    Renewed,
    /// None there: verify the epoch, then [`Directory::claim`] again.
    Missing,
    /// Another's: service ends at once.
    Other(Lease),
    /// The directory did not answer for this one.
    Silent,
}

/// One round of the directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct View {
    /// Random key of this directory's life; None: it is empty or silent.
    pub generation: Option<u64>,
    /// Live members; only complete when `complete`.
    pub members: BTreeMap<NodeId, MemberRecord>,
    /// Enough of the directory answered that a living member cannot be missing.
    pub complete: bool,
    /// The node's own record had expired and was written anew.
    pub own_record_was_gone: bool,
    /// Result for each lease to renew.
    pub renewals: BTreeMap<Shard, Renewal>,
    /// Leases of the watched shards as found (None: no lease); absent: no answer.
    pub watched: BTreeMap<Shard, Option<Lease>>,
}

/// What became of a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Claim {
    /// The lease is ours.
    Taken,
    /// Another holds it under the same or a higher epoch.
    Held(Lease),
    /// The directory did not answer.
    Silent,
}

/// A short mutual exclusion that was won. Give it back with [`Directory::leave`].
#[derive(Debug)]
pub struct Gate {
    /// What is guarded.
    pub name: String,
    /// What the adapter needs to release it.
    pub(crate) lock: GateLock,
}

/// Adapter's part of a [`Gate`].
#[derive(Debug)]
pub(crate) enum GateLock {
    /// rslock's.
    Redis(Box<rslock::Lock>),
    /// The local directory's ticket.
    Local(u64),
}

/// The directory.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// One round trip: refreshes the own record, renews `renew`, reads members and `watch`ed leases.
    /// Never fails: what did not answer is marked so.
    async fn round(
        &self,
        me: &MemberRecord,
        renew: &[(Shard, Lease)],
        watch: &[Shard],
        lease_ttl_ms: u64,
    ) -> View;

    /// Members only, for routers.
    async fn members(&self) -> View;

    /// Writes leases where there is none or one of a lower epoch.
    async fn claim(&self, claims: &[(Shard, Lease)], lease_ttl_ms: u64) -> BTreeMap<Shard, Claim>;

    /// Deletes leases that still have this value. With a successor, the shard is that node's for
    /// one second (see [`Lease::reserved_for`]).
    async fn release(&self, leases: &[(Shard, Lease)], successor: Option<&NodeId>);

    /// Forgets the own record (at the end of a drain).
    async fn leave_ring(&self, me: &ProcessId);

    /// One bounded try to enter a gate. None: another is inside, or no answer.
    async fn enter(&self, name: &str, ttl_ms: u64) -> Option<Gate>;

    /// Leaves a gate.
    async fn leave(&self, gate: Gate);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::contract::{holds, lease, record};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn local_holds_the_contract() {
        let a = LocalDirectory::new();
        let b = a.join();
        holds(Arc::new(a), Arc::new(b)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn silence_and_amnesia_are_told_apart() {
        let a = LocalDirectory::new();
        let mine = [(Shard(1), lease("a", 1, 1))];
        let before = a.round(&record("a", 1), &[], &[], 3_000).await;
        a.claim(&mine, 3_000).await;
        a.silence(true);
        let silent = a.round(&record("a", 1), &mine, &[Shard(1)], 3_000).await;
        assert_eq!(silent.generation, None);
        assert!(!silent.complete && !silent.own_record_was_gone);
        assert_eq!(silent.members, before.members);
        assert_eq!(silent.renewals, BTreeMap::from([(Shard(1), Renewal::Silent)]));
        assert_eq!(silent.watched, BTreeMap::new());
        assert_eq!(a.claim(&mine, 3_000).await[&Shard(1)], Claim::Silent);
        assert!(a.enter("drain", 1_000).await.is_none());

        a.silence(false);
        a.forget();
        let empty = a.round(&record("a", 1), &mine, &[Shard(1)], 3_000).await;
        assert!(empty.generation.is_some() && empty.generation != before.generation);
        assert!(empty.own_record_was_gone);
        assert_eq!(empty.renewals, BTreeMap::from([(Shard(1), Renewal::Missing)]));
    }
}
