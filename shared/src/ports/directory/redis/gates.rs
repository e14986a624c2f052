//! Gates by rslock: one lock manager for each master, made anew when the master changes.
//!
//! A gate saves work and guards nothing: losing one costs a wasted try. So there is one bounded try
//! and no extension (rslock's `extend` deletes the lock on a passing error).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::cluster::NodeAddress;
use rslock::LockManager;
use tokio::time::timeout;

use super::{Gate, Redis};
use crate::ports::directory::GateLock;
use crate::redis::keys;

/// One try to enter or leave.
const TRY: Duration = Duration::from_millis(200);

/// Lock managers by master.
#[derive(Debug)]
pub(super) struct Gates {
    redis: Redis,
    managers: Mutex<BTreeMap<NodeAddress, LockManager>>,
}

impl Gates {
    pub(super) fn new(redis: Redis) -> Self {
        Self { redis, managers: Mutex::default() }
    }

    /// None: another is inside, or no answer.
    pub(super) async fn enter(&self, name: &str, ttl_ms: u64) -> Option<Gate> {
        let key = self.redis.keys().gate(name);
        let topology = self.redis.topology();
        let master = topology.master(keys::slot(&key))?;
        let manager = self.manager(master, &topology.masters())?;
        let lock = manager.lock(key.as_bytes(), Duration::from_millis(ttl_ms));
        match timeout(TRY, lock).await {
            Ok(Ok(lock)) => {
                Some(Gate { name: name.to_owned(), lock: GateLock::Redis(Box::new(lock)) })
            }
            // Held and unreachable are the same error here.
            Ok(Err(_)) => None,
            Err(_) => {
                self.managers().remove(master);
                self.redis.wake();
                None
            }
        }
    }

    pub(super) async fn leave(&self, gate: Gate) {
        let GateLock::Redis(lock) = gate.lock else {
            tracing::error!(gate = gate.name, "a gate of another directory was handed in");
            return;
        };
        if timeout(TRY, lock.release()).await.is_err() {
            tracing::info!(
                gate = gate.name,
                "redis does not answer; the gate opens after its time"
            );
        }
    }

    fn manager(
        &self,
        master: &NodeAddress,
        masters: &BTreeSet<&NodeAddress>,
    ) -> Option<LockManager> {
        let node = self.redis.node(master).ok().filter(|node| !node.is_suspect())?;
        let mut managers = self.managers();
        managers.retain(|address, _| masters.contains(address));
        let manager = managers.entry(master.clone()).or_insert_with(|| {
            let mut manager = LockManager::from_clients(vec![node.client().clone()]);
            manager.set_retry(1, Duration::from_millis(1));
            manager
        });
        Some(manager.clone())
    }

    fn managers(&self) -> MutexGuard<'_, BTreeMap<NodeAddress, LockManager>> {
        self.managers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
