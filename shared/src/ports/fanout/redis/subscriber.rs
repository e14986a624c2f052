//! Says which server has to be listened to for which shards, and keeps it so as slots move.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::cluster::NodeAddress;
use tokio::sync::Notify;

use super::listener::Listener;
use crate::ids::Shard;
use crate::ports::fanout::inbox::Inbox;
use crate::redis::keys::{self, Keys};
use crate::redis::{Redis, Topology};

/// What this process wants to hear.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    pub(super) inbox: Inbox,
    wishes: Mutex<Wishes>,
    changed: Notify,
}

#[derive(Clone, Debug, Default)]
struct Wishes {
    /// With the slots of their channels.
    shards: BTreeMap<Shard, u16>,
    renew: BTreeSet<Shard>,
}

impl Subscriptions {
    pub(super) fn want(&self, shard: Shard, keys: &Keys) {
        let slot = keys::slot(keys.channel(shard));
        if self.wishes().shards.insert(shard, slot).is_none() {
            self.changed.notify_one();
        }
    }

    pub(super) fn forget(&self, shard: Shard) {
        if self.wishes().shards.remove(&shard).is_some() {
            self.changed.notify_one();
        }
    }

    pub(super) fn renew(&self, shard: Shard) {
        let mut wishes = self.wishes();
        if wishes.shards.contains_key(&shard) && wishes.renew.insert(shard) {
            self.changed.notify_one();
        }
    }

    /// Takes the shards to renew; the others stay.
    fn take(&self) -> Wishes {
        let mut wishes = self.wishes();
        let renew = std::mem::take(&mut wishes.renew);
        Wishes { shards: wishes.shards.clone(), renew }
    }

    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps one listener per server that is needed. Runs until it is aborted.
pub(super) async fn run(redis: Redis, subscriptions: Arc<Subscriptions>) {
    let mut topologies = redis.watch();
    let mut homes: BTreeMap<Shard, Vec<NodeAddress>> = BTreeMap::new();
    let mut listeners: BTreeMap<NodeAddress, Listener> = BTreeMap::new();
    loop {
        let topology = topologies.borrow_and_update().clone();
        let wishes = subscriptions.take();
        settle(&mut homes, &wishes.shards, &topology);
        let mut wanted: BTreeMap<NodeAddress, BTreeSet<Shard>> = BTreeMap::new();
        for (shard, nodes) in &homes {
            for node in nodes {
                wanted.entry(node.clone()).or_default().insert(*shard);
            }
        }
        listeners.retain(|address, _| wanted.contains_key(address));
        for (address, shards) in wanted {
            if !listeners.contains_key(&address) {
                match Listener::start(&redis, &address, subscriptions.clone()) {
                    Some(listener) => listeners.insert(address.clone(), listener),
                    None => continue,
                };
            }
            if let Some(listener) = listeners.get(&address) {
                listener.listen_to(shards, &wishes.renew);
            }
        }
        tokio::select! {
            changed = topologies.changed() => if changed.is_err() { return },
            () = subscriptions.changed.notified() => {}
        }
    }
}

/// Master and first replica of each shard. Where the topology knows none, they stay as they were.
fn settle(
    homes: &mut BTreeMap<Shard, Vec<NodeAddress>>,
    shards: &BTreeMap<Shard, u16>,
    topology: &Topology,
) {
    homes.retain(|shard, _| shards.contains_key(shard));
    for (shard, slot) in shards {
        if let Some(range) = topology.range(*slot) {
            let replica = range.replicas.first();
            let nodes = std::iter::once(&range.master).chain(replica).cloned().collect();
            homes.insert(*shard, nodes);
        }
    }
}
