//! Links to nodes: what the rest of the router sees of them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use gss_shared::ids::NodeId;
use gss_shared::link::frame::ToNode;
use gss_shared::link::transport::LinkSink;
use tokio_util::sync::CancellationToken;

/// How much of the cluster is in reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Readiness {
    /// A complete view of the members was read once.
    pub members_seen: bool,
    /// Nodes with both lanes open.
    pub links: usize,
}

/// A worker's way to a node.
#[derive(Clone)]
pub(crate) struct NodeLink {
    /// Who.
    pub node: NodeId,
    /// Which opening of the link: frames of an earlier one are ignored.
    pub opening: u64,
    /// Small, ordered, urgent.
    pub commands: LinkSink<ToNode>,
    /// Large or slow.
    pub bulk: LinkSink<ToNode>,
    /// Number of the last beat that was read from it.
    pub beat: Arc<AtomicU64>,
    /// Cancelled: closes this opening; the next one is told everything.
    pub reset: CancellationToken,
}
