//! One-to-many delivery from an owner to the routers that hold a shard's players. At most once:
//! streams detect and mend what is lost.

use async_trait::async_trait;
use bytes::Bytes;

use crate::ids::Shard;

#[cfg(test)]
pub(crate) mod contract;
mod envelope;
mod inbox;
pub mod local;
pub mod redis;

pub use self::redis::RedisFanout;
pub use envelope::{BadEnvelope, Envelope, Peek};
pub use local::LocalFanout;

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn local_holds_the_contract() {
        let from = LocalFanout::new();
        let (one, two) = (from.join(), from.join());
        contract::holds(Arc::new(from), Arc::new(one), Arc::new(two)).await;
    }

    #[tokio::test]
    async fn local_names_what_failed_and_ends() {
        let fanout = LocalFanout::new();
        fanout.subscribe(Shard(1));
        fanout.silence(true);
        let messages = [(Shard(1), Bytes::from("x")), (Shard(2), Bytes::from("y"))];
        assert_eq!(fanout.publish(&messages).await, [0, 1]);
        fanout.silence(false);
        assert_eq!(fanout.publish(&messages).await, Vec::<usize>::new());
        fanout.close();
        assert_eq!(fanout.next().await, Some((Shard(1), Bytes::from("x"))));
        assert_eq!(fanout.next().await, None);
    }
}
