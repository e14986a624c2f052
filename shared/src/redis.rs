//! Our own access to a Redis Cluster: topology, routing by slot, deadlines, redirections, scripts.
//!
//! Built on the crate's connection to a single server; docs/adr/0002-own-redis-routing.md says why.
//! Nothing kept in Redis is trusted over the journal, and nothing here waits longer than it is told.

mod batcher;
mod call;
mod client;
mod config;
pub mod keys;
mod node;
mod request;
mod topology;
mod watcher;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::RedisError;
use redis::cluster::NodeAddress;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use batcher::Batcher;
pub(crate) use call::Patience;
use client::Clients;
pub use config::{RedisConfig, RedisConfigError, RedisTls};
use keys::Keys;
use node::Node;
pub(crate) use node::{CONNECT, UNHEARD};
pub(crate) use request::{Lua, Request};
pub(crate) use topology::Topology;

/// A Redis Cluster. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Redis {
    shared: Arc<Shared>,
    _watcher: Arc<AbortOnDropHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    keys: Keys,
    clients: Clients,
    seeds: BTreeSet<NodeAddress>,
    nodes: Mutex<BTreeMap<NodeAddress, Arc<Node>>>,
    topology: watch::Sender<Arc<Topology>>,
    wake: Notify,
}

/// Why a request has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// Nothing came in time, or no server for the slot is known: it may have taken effect or not.
    #[error("redis does not answer")]
    Silent(#[source] Option<RedisError>),
    /// The server refused it, and would again.
    #[error("redis refuses a request")]
    Refused(#[source] RedisError),
}

impl Redis {
    /// Starts to look for the cluster, and goes on until the last clone is dropped. Needs no server
    /// to be there.
    ///
    /// # Errors
    /// Only when the configuration cannot work.
    pub fn connect(config: &RedisConfig) -> Result<Self, RedisConfigError> {
        let clients = Clients::new(config)?;
        let seeds: BTreeSet<_> =
            config.nodes.iter().map(|node| config::address(node)).collect::<Result<_, _>>()?;
        if seeds.is_empty() {
            return Err(RedisConfigError::NoNodes);
        }
        let shared = Arc::new(Shared {
            keys: Keys::new(&config.namespace),
            clients,
            seeds,
            nodes: Mutex::default(),
            topology: watch::Sender::default(),
            wake: Notify::new(),
        });
        let watcher = tokio::spawn(watcher::watch(shared.clone()));
        Ok(Self { shared, _watcher: Arc::new(AbortOnDropHandle::new(watcher)) })
    }

    /// Whether every slot has a master and none of them is suspect.
    pub fn is_healthy(&self) -> bool {
        self.shared.is_healthy()
    }

    /// Waits until [`is_healthy`](Self::is_healthy), at most `within`. False: it is not.
    pub async fn ready(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let mut topology = self.watch();
        while !self.is_healthy() {
            if Instant::now() >= deadline {
                return false;
            }
            let soon = Instant::now() + Duration::from_millis(10);
            // Health changes without the topology, too: then it is looked at again soon.
            if let Ok(Err(_)) =
                tokio::time::timeout_at(soon.min(deadline), topology.changed()).await
            {
                return false;
            }
        }
        true
    }

    /// Builds keys in the configured namespace.
    pub fn keys(&self) -> &Keys {
        &self.shared.keys
    }

    pub(crate) fn topology(&self) -> Arc<Topology> {
        self.shared.topology.borrow().clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Topology>> {
        self.shared.topology.subscribe()
    }

    /// Has the topology looked at anew, now.
    pub(crate) fn wake(&self) {
        self.shared.wake.notify_one();
    }

    pub(crate) fn node(&self, address: &NodeAddress) -> Result<Arc<Node>, CallError> {
        self.shared.node(address)
    }
}

impl Shared {
    fn node(&self, address: &NodeAddress) -> Result<Arc<Node>, CallError> {
        let mut nodes = self.nodes();
        if let Some(node) = nodes.get(address) {
            return Ok(node.clone());
        }
        let client = self.clients.client(address).map_err(CallError::Refused)?;
        let node = Arc::new(Node::new(address.clone(), client));
        nodes.insert(address.clone(), node.clone());
        Ok(node)
    }

    /// Seeds and servers of the topology; forgets all others.
    fn nodes_to_ask(&self) -> Vec<Arc<Node>> {
        let topology = self.topology.borrow().clone();
        let wanted: BTreeSet<_> = topology.nodes().into_iter().chain(&self.seeds).collect();
        self.nodes().retain(|address, _| wanted.contains(address));
        wanted.into_iter().filter_map(|address| self.node(address).ok()).collect()
    }

    fn believe(&self, topology: Option<Topology>) {
        let Some(topology) = topology else { return };
        self.topology.send_if_modified(|current| {
            let changed = **current != topology;
            if changed {
                tracing::info!(masters = ?topology.masters(), "redis topology changed");
                *current = Arc::new(topology);
            }
            changed
        });
    }

    fn is_healthy(&self) -> bool {
        let topology = self.topology.borrow().clone();
        let nodes = self.nodes();
        let answers = |address: &NodeAddress| nodes.get(address).is_some_and(|n| !n.is_suspect());
        topology.is_whole() && topology.masters().into_iter().all(answers)
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeMap<NodeAddress, Arc<Node>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
