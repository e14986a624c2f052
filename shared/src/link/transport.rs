//! Links: framing, handshake, encryption. A link is a typed sink and a typed stream of
//! [`super::frame`] frames, postcard-encoded behind a 4-byte big-endian length.
//!
//! Invariant: a link exists only after both sides proved themselves (mutual TLS with the role in
//! the certificate, or a shared key on loopback) and agreed on cluster, shard count and version.
//! Links know nothing of sessions. [`Dialer`] and [`Acceptor`] are the seam for networks other than
//! TCP: those run [`handshake_client`] and [`handshake_server`] over their own bytes.

mod handshake;
mod pipe;
mod security;
mod tcp;

use async_trait::async_trait;

use crate::ids::{Incarnation, ProcessId, ShardCount};
use crate::link::frame::{
    Hello, LINK_VERSION, Lane, OLDEST_LINK_VERSION, PeerRole, ToNode, ToRouter,
};

pub use handshake::{Proven, handshake_client, handshake_server};
pub use pipe::{LinkSink, LinkStream};
pub use security::{LinkSecurity, LinkTls, SharedKey};
pub use tcp::{LinkListener, TcpDialer, connect};

/// Who this process is to its peers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Name of the cluster.
    pub cluster: ProcessId,
    /// Its number of shards.
    pub shards: ShardCount,
    /// Name of the process.
    pub process: ProcessId,
    /// Which start of it.
    pub incarnation: Incarnation,
}

impl Identity {
    /// The first frame of a link of ours.
    pub fn hello(&self, role: PeerRole, lane: Lane) -> Hello {
        Hello {
            versions: (OLDEST_LINK_VERSION, LINK_VERSION),
            cluster: self.cluster.to_string(),
            shards: self.shards,
            process: self.process.clone(),
            incarnation: self.incarnation,
            role,
            lane,
        }
    }
}

/// The connecting side of an open link: a router's or node's, to a node.
#[derive(Debug)]
pub struct Connected {
    /// The version both speak.
    pub version: u16,
    /// Who accepted; compare it with whom you meant.
    pub process: ProcessId,
    /// Which start of it.
    pub incarnation: Incarnation,
    /// Frames to the node.
    pub sink: LinkSink<ToNode>,
    /// Frames from the node.
    pub stream: LinkStream<ToRouter>,
}

/// The accepting side of an open link: a node's.
#[derive(Debug)]
pub struct Accepted {
    /// Who connected.
    pub hello: Hello,
    /// The version both speak.
    pub version: u16,
    /// Frames to the peer.
    pub sink: LinkSink<ToRouter>,
    /// Frames from the peer.
    pub stream: LinkStream<ToNode>,
}

/// Why a link is not there, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The bytes do not get through; try again.
    #[error("link is broken")]
    Io(#[from] std::io::Error),
    /// The handshake took longer than [`crate::limits::LINK_HANDSHAKE_SECONDS`].
    #[error("link handshake timed out")]
    HandshakeTimeout,
    /// The accepting side said no; trying again soon is of no use.
    #[error("link was refused: {0}")]
    Refused(String),
    /// The peer could not prove itself.
    #[error("peer of the link is not authentic: {0}")]
    NotAuthentic(String),
    /// What came is no frame of this release.
    #[error("link carries what this release cannot read")]
    Frame(#[source] postcard::Error),
    /// A shared key protects nothing off this machine.
    #[error("{0} is not on loopback: links there need TLS")]
    NotLoopback(std::net::SocketAddr),
}

/// Opens links.
#[async_trait]
pub trait Dialer: Send + Sync + 'static {
    /// Opens one to `host:port`.
    ///
    /// # Errors
    /// [`LinkError`]; nothing stays open.
    async fn dial(&self, address: &str, hello: Hello) -> Result<Connected, LinkError>;
}

/// Accepts links.
#[async_trait]
pub trait Acceptor: Send + 'static {
    /// The next link whose handshake went well. Cancel safe.
    ///
    /// # Errors
    /// Only when the listener itself is broken.
    async fn accept(&mut self) -> Result<Accepted, LinkError>;
}

#[cfg(test)]
mod tests;
