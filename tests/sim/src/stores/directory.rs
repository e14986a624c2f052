//! The directory over the network: each process has its own access to the one in Redis.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use gss_shared::ids::{NodeId, ProcessId, Shard};
use gss_shared::ports::directory::{
    Claim, Directory, Gate, Lease, LocalDirectory, MemberRecord, Renewal, View,
};

use rand::Rng as _;
use rand::rngs::StdRng;

use super::{REDIS, Stores, Way};
use crate::net::HostId;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Redis's side: the directory, and how often a lease is lost when it is renewed.
#[derive(Clone, Default)]
pub(crate) struct Redis {
    directory: Arc<LocalDirectory>,
    losing: Arc<Mutex<Option<(f64, StdRng)>>>,
}

impl Redis {
    fn losing(&self) -> MutexGuard<'_, Option<(f64, StdRng)>> {
        self.losing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on so many leases are lost.
    pub(crate) fn lose(&self, losing: Option<(f64, StdRng)>) {
        *self.losing() = losing;
    }

    /// Comes back empty.
    pub(crate) fn forget(&self) {
        self.directory.forget();
    }

    fn lost(&self, leases: &[(Shard, Lease)]) -> Vec<(Shard, Lease)> {
        let mut losing = self.losing();
        let Some((often, random)) = losing.as_mut() else { return Vec::new() };
        leases.iter().filter(|_| random.random_bool(*often)).cloned().collect()
    }
}

/// One process's directory.
pub(crate) struct RemoteDirectory {
    way: Way,
    there: Arc<LocalDirectory>,
    redis: Redis,
    /// Members as last seen: they leave a view only when the directory answers.
    members: Mutex<BTreeMap<NodeId, MemberRecord>>,
}

impl RemoteDirectory {
    pub(crate) fn of(stores: &Stores, own: HostId) -> Self {
        let way = Way { net: stores.net.clone(), own, store: REDIS, patience: PATIENCE };
        let redis = stores.redis.clone();
        Self { way, there: Arc::new(redis.directory.join()), redis, members: Mutex::default() }
    }

    fn seen(&self, view: Option<View>, renew: &[(Shard, Lease)]) -> View {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        match view {
            Some(view) => {
                members.clone_from(&view.members);
                view
            }
            None => View {
                members: members.clone(),
                renewals: renew.iter().map(|(shard, _)| (*shard, Renewal::Silent)).collect(),
                ..View::default()
            },
        }
    }
}

#[async_trait]
impl Directory for RemoteDirectory {
    async fn round(
        &self,
        me: &MemberRecord,
        renew: &[(Shard, Lease)],
        watch: &[Shard],
        lease_ttl_ms: u64,
    ) -> View {
        let (there, me, watch) = (Arc::clone(&self.there), me.clone(), watch.to_vec());
        let (renewed, redis) = (renew.to_vec(), self.redis.clone());
        let round = move || async move {
            there.release(&redis.lost(&renewed), None).await;
            there.round(&me, &renewed, &watch, lease_ttl_ms).await
        };
        self.seen(self.way.call(round).await, renew)
    }

    async fn members(&self) -> View {
        let there = Arc::clone(&self.there);
        let view = self.way.call(move || async move { there.members().await }).await;
        self.seen(view, &[])
    }

    async fn claim(&self, claims: &[(Shard, Lease)], lease_ttl_ms: u64) -> BTreeMap<Shard, Claim> {
        let (there, sent) = (Arc::clone(&self.there), claims.to_vec());
        let claim = move || async move { there.claim(&sent, lease_ttl_ms).await };
        let silent = || claims.iter().map(|(shard, _)| (*shard, Claim::Silent)).collect();
        self.way.call(claim).await.unwrap_or_else(silent)
    }

    async fn release(&self, leases: &[(Shard, Lease)], successor: Option<&NodeId>) {
        let (there, leases, successor) =
            (Arc::clone(&self.there), leases.to_vec(), successor.cloned());
        let release = move || async move { there.release(&leases, successor.as_ref()).await };
        if self.way.call(release).await.is_none() {
            tracing::debug!("a release had no answer");
        }
    }

    async fn leave_ring(&self, me: &ProcessId) {
        let (there, me) = (Arc::clone(&self.there), me.clone());
        if self.way.call(move || async move { there.leave_ring(&me).await }).await.is_none() {
            tracing::debug!("leaving the ring had no answer");
        }
    }

    async fn enter(&self, name: &str, ttl_ms: u64) -> Option<Gate> {
        let (there, name) = (Arc::clone(&self.there), name.to_owned());
        self.way.call(move || async move { there.enter(&name, ttl_ms).await }).await?
    }

    async fn leave(&self, gate: Gate) {
        let there = Arc::clone(&self.there);
        if self.way.call(move || async move { there.leave(gate).await }).await.is_none() {
            tracing::debug!("leaving a gate had no answer");
        }
    }
}
