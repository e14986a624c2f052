//! Members, leases and gates: hints for speed that may be lost whole. Correctness rests on epochs.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::ids::{Epoch, Incarnation, NodeId, ProcessId, Shard};

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
    /// All parts of the directory that hold member records answered.
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
    /// one second.
    async fn release(&self, leases: &[(Shard, Lease)], successor: Option<&NodeId>);

    /// Forgets the own record (at the end of a drain).
    async fn leave_ring(&self, me: &ProcessId);

    /// One bounded try to enter a gate. None: another is inside, or no answer.
    async fn enter(&self, name: &str, ttl_ms: u64) -> Option<Gate>;

    /// Leaves a gate.
    async fn leave(&self, gate: Gate);
}
