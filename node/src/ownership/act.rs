//! What ownership and its task say to each other: what has to be done, and what came of it.

use gss_shared::ids::{Epoch, NodeId, SessionId, Shard};
use gss_shared::ports::directory::{Claim, Lease, MemberRecord};

#[cfg(doc)]
use super::Ownership;

/// What the task must do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// Raise what a peer handed over from the epoch that it named, or, where it has another by now,
    /// from the one it is read to have; of others gate, read epochs, raise. Claim; then
    /// [`Ownership::acquired`].
    Acquire {
        /// Shards, each with the highest epoch that was seen for it outside the journal.
        shards: Vec<(Shard, Epoch)>,
        /// Others may want them too.
        gate: bool,
    },
    /// Check these in the journal, claim those that are still ours; then [`Ownership::verified`].
    Verify(Vec<(Shard, Epoch)>),
    /// Start service.
    Serve(Shard, Epoch),
    /// A peer hands this shard over: hold its commands.
    Expect(Shard),
    /// It did not come.
    ExpectNoMore(Shard),
    /// End service in order; then [`Ownership::drained`].
    Stop {
        /// The shard.
        shard: Shard,
        /// Its epoch.
        epoch: Epoch,
        /// Who gets it.
        successor: Option<NodeId>,
    },
    /// End service at once, and delete our lease if it still has this value.
    Drop {
        /// The shard.
        shard: Shard,
        /// Its epoch.
        epoch: Epoch,
        /// Who has it, if known.
        owner: Option<NodeId>,
        /// Why, for the log.
        cause: DropCause,
    },
    /// Ask a peer to take a shard over; then [`Ownership::offer_answered`].
    Offer {
        /// The peer.
        to: MemberRecord,
        /// The shard.
        shard: Shard,
        /// Its epoch.
        epoch: Epoch,
    },
    /// Delete the lease; a successor is told and has the shard for a second.
    Release {
        /// The shard.
        shard: Shard,
        /// Our lease.
        lease: Lease,
        /// Who gets it.
        successor: Option<MemberRecord>,
        /// Sessions that were played until just now; the successor is told.
        playing: Vec<SessionId>,
    },
}

/// What to say to an offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// We take it, once this is carried out.
    Yes(Act),
    /// We do not.
    No,
    /// Ask again when an acquisition has ended: enough is on its way to us.
    Later,
}

/// Why service of a shard ended at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DropCause {
    /// The journal refused our epoch.
    Fenced,
    /// The lease names another.
    LeaseLost,
    /// The journal has a lower epoch than ours: confirmed commits were lost (SAFETY S3).
    CommitsLost,
    /// This node does not reach the journal, others do (SAFETY L1).
    JournalCut,
    /// Its task does not answer any more (SAFETY L2).
    Dead,
}

/// What the next directory round has to carry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoundPlan {
    /// Our record, refreshed.
    pub record: MemberRecord,
    /// Leases to renew.
    pub renew: Vec<(Shard, Lease)>,
    /// Leases to look at.
    pub watch: Vec<Shard>,
}

/// What the journal and the directory said of a lease that was missing or another's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verified {
    /// The epoch is ours; this became of the claim.
    Ours(Claim),
    /// The journal has another epoch or owner.
    NotOurs(Epoch, Option<NodeId>),
    /// No answer from the journal.
    Silent,
}
