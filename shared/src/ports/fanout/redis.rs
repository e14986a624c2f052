//! Fan-out by sharded pub/sub of a Redis Cluster.
//!
//! Each shard has one channel; channels are spread over all slots. Messages of one master go in one
//! ordered pipeline. A process listens on the master and on a replica of each channel, so that a
//! master's death loses nothing; the price is that everything arrives twice.

mod listener;
mod subscriber;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio_util::task::AbortOnDropHandle;

use self::subscriber::Subscriptions;
use super::Fanout;
use crate::ids::Shard;
use crate::redis::{Batcher, Redis, Request};

/// Fan-out in a Redis Cluster, as one process uses it.
#[derive(Debug)]
pub struct RedisFanout {
    redis: Redis,
    batcher: Batcher,
    subscriptions: Arc<Subscriptions>,
    _subscriber: AbortOnDropHandle<()>,
}

impl RedisFanout {
    /// Channels in this Redis. Nothing is subscribed yet.
    pub fn new(redis: Redis) -> Self {
        let subscriptions = Arc::<Subscriptions>::default();
        let subscriber = tokio::spawn(subscriber::run(redis.clone(), subscriptions.clone()));
        Self {
            batcher: Batcher::new(redis.clone()),
            redis,
            subscriptions,
            _subscriber: AbortOnDropHandle::new(subscriber),
        }
    }

    /// Ends [`Fanout::next`].
    pub fn close(&self) {
        self.subscriptions.inbox.close();
    }

    /// Payloads dropped because they were not taken in time.
    pub fn lost(&self) -> u64 {
        self.subscriptions.inbox.lost()
    }
}

#[async_trait]
impl Fanout for RedisFanout {
    async fn publish(&self, messages: &[(Shard, Bytes)]) -> Vec<usize> {
        let request = |(shard, payload): &(Shard, Bytes)| {
            let channel = self.redis.keys().channel(*shard);
            let mut command = redis::cmd("SPUBLISH");
            command.arg(&channel).arg(payload.as_ref());
            Request::command(&channel, command)
        };
        self.batcher.send(messages.iter().map(request).collect()).await
    }

    fn subscribe(&self, shard: Shard) {
        self.subscriptions.want(shard, self.redis.keys());
    }

    fn unsubscribe(&self, shard: Shard) {
        self.subscriptions.forget(shard);
    }

    fn resubscribe(&self, shard: Shard) {
        self.subscriptions.renew(shard);
    }

    async fn next(&self) -> Option<(Shard, Bytes)> {
        self.subscriptions.inbox.next().await
    }
}

#[cfg(test)]
mod tests;
