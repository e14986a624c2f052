//! One-to-many delivery from an owner to the routers that hold a shard's players. At most once:
//! streams detect and mend what is lost.

use async_trait::async_trait;
use bytes::Bytes;

use crate::ids::Shard;

/// What one publish of a shard's channel carries: an encoded [`Envelope`].
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Envelope {
    /// The session.
    pub session: crate::ids::SessionId,
    /// Consecutive messages; empty variants where the body was too large to publish.
    pub messages: Vec<crate::message::Message>,
    /// The bodies were left out: fetch.
    pub truncated: bool,
}

/// Publishes on shard channels.
#[async_trait]
pub trait Fanout: Send + Sync + 'static {
    /// Publishes all, in order per shard, in one pipeline per server. Returns the indexes that
    /// failed: those go over the links.
    async fn publish(&self, messages: &[(Shard, Bytes)]) -> Vec<usize>;

    /// Starts listening to a shard's channel. Idempotent; returns at once, subscribing goes on
    /// beside.
    fn subscribe(&self, shard: Shard);

    /// Stops listening.
    fn unsubscribe(&self, shard: Shard);

    /// Asks for a fresh subscription of a channel that seems deaf (SAFETY L11).
    fn resubscribe(&self, shard: Shard);

    /// The next payload of any subscribed channel; duplicates occur. None: shut down.
    /// One caller at a time.
    async fn next(&self) -> Option<(Shard, Bytes)>;
}
