//! Fan-out within one process: for the embedded server and for the simulation.
//!
//! Every process of the simulated cluster has its own [`LocalFanout`] on the same channels, made by
//! [`LocalFanout::join`].

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use super::Fanout;
use super::inbox::Inbox;
use crate::ids::Shard;

/// One process's access to channels that live in memory.
#[derive(Debug)]
pub struct LocalFanout {
    world: Arc<Mutex<World>>,
    listener: Arc<Listener>,
}

#[derive(Debug, Default)]
struct World {
    silent: bool,
    listeners: Vec<Arc<Listener>>,
}

#[derive(Debug, Default)]
struct Listener {
    shards: Mutex<BTreeSet<Shard>>,
    inbox: Inbox,
}

impl Listener {
    fn shards(&self) -> MutexGuard<'_, BTreeSet<Shard>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for LocalFanout {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalFanout {
    /// New channels with one process on them.
    pub fn new() -> Self {
        Self::on(Arc::default())
    }

    /// The same channels for another process.
    #[must_use]
    pub fn join(&self) -> Self {
        Self::on(self.world.clone())
    }

    fn on(world: Arc<Mutex<World>>) -> Self {
        let listener = Arc::<Listener>::default();
        let this = Self { world, listener };
        this.world().listeners.push(this.listener.clone());
        this
    }

    /// Makes every publish fail (true) or arrive again (false).
    pub fn silence(&self, silent: bool) {
        self.world().silent = silent;
    }

    /// Ends [`Fanout::next`] of this process.
    pub fn close(&self) {
        self.listener.inbox.close();
    }

    /// Payloads dropped because this process did not take them.
    pub fn lost(&self) -> u64 {
        self.listener.inbox.lost()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LocalFanout {
    fn drop(&mut self) {
        let listener = self.listener.clone();
        self.world().listeners.retain(|other| !Arc::ptr_eq(other, &listener));
    }
}

#[async_trait]
impl Fanout for LocalFanout {
    async fn publish(&self, messages: &[(Shard, Bytes)]) -> Vec<usize> {
        let world = self.world();
        if world.silent {
            return (0..messages.len()).collect();
        }
        for listener in &world.listeners {
            let shards = listener.shards();
            for (shard, payload) in messages.iter().filter(|(shard, _)| shards.contains(shard)) {
                listener.inbox.push(*shard, payload.clone());
            }
        }
        Vec::new()
    }

    fn subscribe(&self, shard: Shard) {
        self.listener.shards().insert(shard);
    }

    fn unsubscribe(&self, shard: Shard) {
        self.listener.shards().remove(&shard);
    }

    fn resubscribe(&self, _shard: Shard) {}

    async fn next(&self) -> Option<(Shard, Bytes)> {
        self.listener.inbox.next().await
    }
}
