//! Links to nodes: what the rest of the router sees of them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures::future::BoxFuture;
use gss_shared::ids::{Incarnation, NodeId};
use gss_shared::link::frame::{Lane, ToNode, ToRouter};
use tokio::sync::mpsc;

/// Opens connections to nodes: TCP in production, a simulated network in the simulation.
pub trait Dial: Send + Sync + 'static {
    /// Connects, shakes hands, and hands over the two directions. The lane is closed when either
    /// end is dropped.
    ///
    /// # Errors
    /// Why it did not open.
    fn dial(&self, address: String, lane: Lane) -> BoxFuture<'static, Result<OpenLane, DialError>>;
}

/// Why a lane did not open.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nobody answers there.
    #[error("the node does not answer")]
    Unreachable(#[source] std::io::Error),
    /// The other side refused the handshake.
    #[error("the node refused the link: {0}")]
    Refused(String),
}

/// One open lane.
pub struct OpenLane {
    /// Who accepted.
    pub process: NodeId,
    /// Which start of it.
    pub incarnation: Incarnation,
    /// Frames to the node; closed when the lane is.
    pub send: mpsc::Sender<ToNode>,
    /// Frames of the node; None when the lane is closed.
    pub receive: mpsc::Receiver<ToRouter>,
}

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
    pub commands: mpsc::Sender<ToNode>,
    /// Large or slow.
    pub bulk: mpsc::Sender<ToNode>,
    /// Number of the last beat that was read from it.
    pub beat: Arc<AtomicU64>,
}
