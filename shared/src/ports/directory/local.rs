//! The directory within one process: for the embedded server and for the simulation.
//!
//! Every process of the simulated cluster has its own [`LocalDirectory`] on the same world, made by
//! [`LocalDirectory::join`]. Time is tokio's, so that it may be paused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::memory::MemberMemory;
use super::{Claim, Directory, Gate, GateLock, Lease, MemberRecord, Renewal, View};
use crate::ids::{NodeId, ProcessId, Shard};
use crate::limits;

/// One process's access to a directory that lives in memory.
#[derive(Debug, Default)]
pub struct LocalDirectory {
    world: Arc<Mutex<World>>,
    own: Mutex<Own>,
}

#[derive(Debug, Default)]
struct Own {
    memory: MemberMemory,
    registered: Option<ProcessId>,
}

#[derive(Debug, Default)]
struct World {
    silent: bool,
    lives: u64,
    generation: Option<u64>,
    members: BTreeMap<NodeId, (MemberRecord, Instant)>,
    leases: BTreeMap<Shard, (Lease, Instant)>,
    gates: BTreeMap<String, (u64, Instant)>,
    tickets: u64,
}

impl World {
    fn lease(&self, shard: Shard, now: Instant) -> Option<&Lease> {
        self.leases.get(&shard).filter(|(_, until)| *until > now).map(|(lease, _)| lease)
    }

    fn living_members(&self, now: Instant) -> BTreeMap<NodeId, MemberRecord> {
        let living = self.members.iter().filter(|(_, (_, until))| *until > now);
        living.map(|(node, (record, _))| (node.clone(), record.clone())).collect()
    }

    fn generation(&mut self) -> u64 {
        if let Some(generation) = self.generation {
            return generation;
        }
        self.lives += 1;
        self.generation = Some(self.lives);
        self.lives
    }

    /// Whether there was a living record of this process before.
    fn register(&mut self, me: &MemberRecord, ttl: Duration, now: Instant) -> bool {
        let before = self.members.insert(me.node.clone(), (me.clone(), now + ttl));
        before.is_some_and(|(record, until)| until > now && record.incarnation == me.incarnation)
    }

    fn renew(&mut self, shard: Shard, lease: &Lease, ttl: Duration, now: Instant) -> Renewal {
        match self.lease(shard, now) {
            None => Renewal::Missing,
            Some(found) if found != lease => Renewal::Other(found.clone()),
            Some(_) => {
                self.leases.insert(shard, (lease.clone(), now + ttl));
                Renewal::Renewed
            }
        }
    }

    fn claim(&mut self, shard: Shard, lease: &Lease, ttl: Duration, now: Instant) -> Claim {
        match self.lease(shard, now) {
            Some(found) if !found.yields_to(lease) => Claim::Held(found.clone()),
            _ => {
                self.leases.insert(shard, (lease.clone(), now + ttl));
                Claim::Taken
            }
        }
    }

    fn release(&mut self, shard: Shard, lease: &Lease, successor: Option<&NodeId>, now: Instant) {
        if self.lease(shard, now) != Some(lease) {
            return;
        }
        match successor {
            None => self.leases.remove(&shard),
            Some(successor) => {
                let until = now + Duration::from_millis(limits::RESERVATION_MS);
                let reserved = Lease::reserved_for(successor.clone(), lease.epoch);
                self.leases.insert(shard, (reserved, until))
            }
        };
    }
}

impl LocalDirectory {
    /// A new world with one process in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same directory for another process.
    #[must_use]
    pub fn join(&self) -> Self {
        Self { world: self.world.clone(), own: Mutex::default() }
    }

    /// Makes the directory stop (true) or resume (false) answering anybody.
    pub fn silence(&self, silent: bool) {
        self.world().silent = silent;
    }

    /// Loses everything it holds, as a Redis that comes back empty.
    pub fn forget(&self) {
        let mut world = self.world();
        let World { silent, lives, tickets, .. } = std::mem::take(&mut *world);
        *world = World { silent, lives, tickets, ..World::default() };
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Directory for LocalDirectory {
    async fn round(
        &self,
        me: &MemberRecord,
        renew: &[(Shard, Lease)],
        watch: &[Shard],
        lease_ttl_ms: u64,
    ) -> View {
        let now = Instant::now();
        let ttl = Duration::from_millis(lease_ttl_ms);
        let mut world = self.world();
        let mut own = self.own();
        if world.silent {
            let members = own.memory.merge(now, ttl, BTreeMap::new(), false);
            let renewals = renew.iter().map(|(shard, _)| (*shard, Renewal::Silent)).collect();
            return View { members, renewals, ..View::default() };
        }
        let was_there = world.register(me, ttl, now);
        let identity: ProcessId = me.node.clone();
        let registered = own.registered.replace(identity).is_some();
        let members = own.memory.merge(now, ttl, world.living_members(now), true);
        View {
            generation: Some(world.generation()),
            members,
            complete: true,
            own_record_was_gone: registered && !was_there,
            renewals: renew
                .iter()
                .map(|(shard, lease)| (*shard, world.renew(*shard, lease, ttl, now)))
                .collect(),
            watched: watch
                .iter()
                .map(|shard| (*shard, world.lease(*shard, now).cloned()))
                .collect(),
        }
    }

    async fn members(&self) -> View {
        let now = Instant::now();
        let ttl = Duration::from_millis(limits::MEMBER_TTL_MS);
        let world = self.world();
        let complete = !world.silent;
        let found = if complete { world.living_members(now) } else { BTreeMap::new() };
        let members = self.own().memory.merge(now, ttl, found, complete);
        let generation = world.generation.filter(|_| complete);
        View { generation, members, complete, ..View::default() }
    }

    async fn claim(&self, claims: &[(Shard, Lease)], lease_ttl_ms: u64) -> BTreeMap<Shard, Claim> {
        let now = Instant::now();
        let ttl = Duration::from_millis(lease_ttl_ms);
        let mut world = self.world();
        let silent = world.silent;
        let mut claim = |(shard, lease): &(Shard, Lease)| {
            let claim = if silent { Claim::Silent } else { world.claim(*shard, lease, ttl, now) };
            (*shard, claim)
        };
        claims.iter().map(&mut claim).collect()
    }

    async fn release(&self, leases: &[(Shard, Lease)], successor: Option<&NodeId>) {
        let now = Instant::now();
        let mut world = self.world();
        if !world.silent {
            for (shard, lease) in leases {
                world.release(*shard, lease, successor, now);
            }
        }
    }

    async fn leave_ring(&self, me: &ProcessId) {
        let mut world = self.world();
        if !world.silent {
            world.members.remove(me);
        }
        self.own().registered = None;
    }

    async fn enter(&self, name: &str, ttl_ms: u64) -> Option<Gate> {
        let now = Instant::now();
        let mut world = self.world();
        let closed = world.gates.get(name).is_some_and(|(_, until)| *until > now);
        if closed || world.silent {
            return None;
        }
        world.tickets += 1;
        let ticket = world.tickets;
        world.gates.insert(name.to_owned(), (ticket, now + Duration::from_millis(ttl_ms)));
        Some(Gate { name: name.to_owned(), lock: GateLock::Local(ticket) })
    }

    async fn leave(&self, gate: Gate) {
        let GateLock::Local(ticket) = gate.lock else {
            tracing::error!(gate = gate.name, "a gate of another directory was handed in");
            return;
        };
        let mut world = self.world();
        if !world.silent && world.gates.get(&gate.name).is_some_and(|(held, _)| *held == ticket) {
            world.gates.remove(&gate.name);
        }
    }
}
