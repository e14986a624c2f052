//! The whole simulation: hosts that are stepped a millisecond at a time, the network between them,
//! the stores behind it, and what goes wrong.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures::FutureExt as _;
use gss_node::app::NodeHandle;
use gss_router::app::RouterHandle;
use gss_shared::clock::Clock;
use gss_shared::ids::{Incarnation, Version};
use gss_shared::ports::journal::Journal;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::check::Journals;
use crate::fault::{End, Fault, Process, Size, Store, Timed};
use crate::host::Host;
use crate::net::{HostId, Net};
use crate::plant::Plant;
use crate::process::{BEGIN, SHARDS, Start, link_address, public_address};
use crate::stores::{BROKER, DATABASE, REDIS, Stores};

/// The stores' own host: their clock.
const STORES: u8 = 0;
const FIRST_NODE: u8 = 10;
const FIRST_ROUTER: u8 = 20;
const FIRST_PLACE: u8 = 30;

/// Something that runs on a host.
struct Running {
    host: Host,
    node: Option<Arc<NodeHandle>>,
    /// Held: the router lives as long as its host.
    _router: Option<RouterHandle>,
    /// Milliseconds that its clock is off.
    skew_ms: i64,
    /// Of its present life.
    clock: Option<Clock>,
}

/// The simulation.
pub(crate) struct World {
    pub(crate) net: Net,
    pub(crate) stores: Stores,
    store_host: Host,
    nodes: Vec<Running>,
    routers: Vec<Running>,
    places: Vec<Host>,
    keys: std::path::PathBuf,
    random: StdRng,
    /// Faults that were done.
    pub(crate) done: Vec<Fault>,
}

fn id(first: u8, number: usize) -> HostId {
    HostId(first + u8::try_from(number).expect("a small cluster"))
}

impl World {
    /// A cluster that has just been switched on.
    pub(crate) fn new(
        seed: u64,
        size: Size,
        keys: &Path,
        net: Net,
        plant: Option<Plant>,
    ) -> Result<Self> {
        let mut random = StdRng::seed_from_u64(seed ^ 0x0077_6f72_6c64_0000);
        let mut store_host = Host::new(HostId(STORES), "stores");
        store_host.boot();
        let stores = store_host.within(|| {
            let clock = Clock::virtual_from(BEGIN);
            Stores::new(net.clone(), SHARDS, clock, plant)
        });
        let skewed = random.random_bool(0.5);
        let mut skew = || if skewed { random.random_range(-120_000..120_000) } else { 0 };
        let mut running = |first, number, name: &str| Running {
            host: Host::new(id(first, number), &format!("{name}{number}")),
            node: None,
            _router: None,
            skew_ms: skew(),
            clock: None,
        };
        let nodes: Vec<Running> =
            (0..size.nodes).map(|number| running(FIRST_NODE, number, "n")).collect();
        let routers: Vec<Running> =
            (0..size.routers).map(|number| running(FIRST_ROUTER, number, "r")).collect();
        let mut places: Vec<Host> = (0..size.places)
            .map(|number| Host::new(id(FIRST_PLACE, number), &format!("p{number}")))
            .collect();
        for node in &nodes {
            net.name(&link_address(&node.host.name), node.host.id);
        }
        for router in &routers {
            net.name(&public_address(&router.host.name), router.host.id);
        }
        places.iter_mut().for_each(Host::boot);
        let (keys, done) = (keys.to_owned(), Vec::new());
        let mut world =
            Self { net, stores, store_host, nodes, routers, places, keys, random, done };
        for number in 0..size.nodes {
            world.start(Process::Node(number))?;
        }
        for number in 0..size.routers {
            world.start(Process::Router(number))?;
        }
        Ok(world)
    }

    /// Names of the routers.
    pub(crate) fn router_names(&self) -> Vec<String> {
        self.routers.iter().map(|router| router.host.name.clone()).collect()
    }

    /// The host of a place.
    pub(crate) fn place(&self, number: usize) -> &Host {
        &self.places[number]
    }

    fn of(&mut self, process: Process) -> &mut Running {
        match process {
            Process::Node(number) => &mut self.nodes[number],
            Process::Router(number) => &mut self.routers[number],
        }
    }

    fn start(&mut self, process: Process) -> Result<()> {
        let (now, keys, stores) = (self.net.now(), self.keys.clone(), self.stores.clone());
        let incarnation = Incarnation(self.random.random());
        let net = self.net.clone();
        let running = self.of(process);
        net.is_up(running.host.id);
        running.host.boot();
        let ms = i64::try_from(now)? + running.skew_ms;
        let clock = running.host.within(|| Clock::virtual_from(BEGIN.plus_ms(ms)));
        running.clock = Some(clock.clone());
        let start = Start {
            host: running.host.id,
            name: &running.host.name,
            incarnation,
            clock,
            keys: &keys,
            stores: &stores,
        };
        match process {
            Process::Node(_) => {
                running.node = Some(Arc::new(running.host.within(|| start.node())?));
            }
            Process::Router(_) => {
                running._router = Some(running.host.within(|| start.router())?);
            }
        }
        Ok(())
    }

    /// A millisecond of everybody's time.
    pub(crate) fn step(&mut self) {
        self.store_host.step();
        let net = &self.net;
        self.store_host.within(|| net.tick());
        for running in self.nodes.iter().chain(&self.routers) {
            running.host.step();
        }
        self.places.iter().for_each(Host::step);
    }

    fn host_of(&mut self, end: End) -> HostId {
        match end {
            End::Process(process) => self.of(process).host.id,
            End::Store(store) => store_host(store),
            End::Place(number) => self.places[number].id,
        }
    }

    fn crash(&mut self, process: Process, without_a_word: bool) {
        let net = self.net.clone();
        let running = self.of(process);
        net.dies(running.host.id, without_a_word);
        running.node = None;
        running._router = None;
        running.host.crash();
        net.is_down(running.host.id);
    }

    /// Begins a fault. False: it does not fit what is going on.
    pub(crate) fn begin(&mut self, fault: &Fault) -> bool {
        let (now, net) = (self.net.now(), self.net.clone());
        match fault {
            Fault::Kill(process) | Fault::Vanish(process) => {
                if !self.of(*process).host.is_up() {
                    return false;
                }
                self.crash(*process, matches!(fault, Fault::Vanish(_)));
            }
            Fault::Drain(number) => {
                let running = &self.nodes[*number];
                let Some(node) = running.node.clone().filter(|_| !running.host.is_paused()) else {
                    return false;
                };
                running.host.within(|| tokio::spawn(async move { node.drain_and_stop().await }));
            }
            Fault::Stop(process) | Fault::Suspend(process) => {
                let host = &mut self.of(*process).host;
                if !host.is_up() || host.is_paused() {
                    return false;
                }
                host.pause(now);
            }
            Fault::Cut(one, other, one_way) => {
                let (one, other) = (self.host_of(*one), self.host_of(*other));
                net.cut(one, other);
                if !one_way {
                    net.cut(other, one);
                }
            }
            Fault::Stall(store) => net.stall(store_host(*store)),
            Fault::Flaky(store, often) => net.flaky(store_host(*store), Some(*often)),
            Fault::LosePublishes(often) => {
                let random = StdRng::seed_from_u64(self.random.random());
                self.stores.channels.lose(Some((*often, random)));
            }
            Fault::Nack(often) => {
                let random = StdRng::seed_from_u64(self.random.random());
                self.stores.broker.nack(Some((*often, random)));
            }
            Fault::Amnesia => self.stores.redis.forget(),
            Fault::LoseLeases(often) => {
                let random = StdRng::seed_from_u64(self.random.random());
                self.stores.redis.lose(Some((*often, random)));
            }
            Fault::Jump(process, ms) => {
                let running = self.of(*process);
                let Some(clock) = running.clock.clone().filter(|_| running.host.is_up()) else {
                    return false;
                };
                running.host.within(|| {
                    let now = clock.uncorrected();
                    clock.correct(now, now.plus_ms(*ms));
                });
            }
            Fault::Slow(end, ms) => net.slow(self.host_of(*end), *ms),
        }
        tracing::info!(?fault, "begins");
        self.done.push(fault.clone());
        true
    }

    /// Ends a fault that was begun.
    pub(crate) fn end(&mut self, fault: &Fault) -> Result<()> {
        tracing::info!(?fault, "ends");
        let (now, net) = (self.net.now(), self.net.clone());
        match fault {
            Fault::Kill(process) | Fault::Vanish(process) => {
                if !self.of(*process).host.is_up() {
                    self.start(*process)?;
                }
            }
            Fault::Drain(number) => {
                if self.nodes[*number].host.is_up() {
                    self.crash(Process::Node(*number), false);
                    self.start(Process::Node(*number))?;
                }
            }
            Fault::Stop(process) | Fault::Suspend(process) => {
                self.of(*process).host.wake(now, matches!(fault, Fault::Suspend(_)));
            }
            Fault::Cut(one, other, _) => {
                let (one, other) = (self.host_of(*one), self.host_of(*other));
                net.heal(&[(one, other), (other, one)], None);
            }
            Fault::Stall(store) => net.heal(&[], Some(store_host(*store))),
            Fault::Flaky(store, _) => net.flaky(store_host(*store), None),
            Fault::LosePublishes(_) => self.stores.channels.lose(None),
            Fault::Nack(_) => self.stores.broker.nack(None),
            Fault::LoseLeases(_) => self.stores.redis.lose(None),
            Fault::Amnesia | Fault::Jump(..) => {}
            Fault::Slow(end, _) => net.slow(self.host_of(*end), 0),
        }
        Ok(())
    }

    /// Begins and ends what is due.
    pub(crate) fn suffer(
        &mut self,
        plan: &mut Vec<Timed>,
        under_way: &mut Vec<Timed>,
    ) -> Result<()> {
        let now = self.net.now();
        while plan.first().is_some_and(|(from, ..)| *from <= now) {
            let (from, to, fault) = plan.remove(0);
            if self.begin(&fault) {
                under_way.push((from, to, fault));
            }
        }
        let (over, on): (Vec<Timed>, Vec<Timed>) =
            std::mem::take(under_way).into_iter().partition(|(_, to, _)| *to <= now);
        *under_way = on;
        over.iter().try_for_each(|(.., fault)| self.end(fault))
    }

    /// Everything in the journal.
    pub(crate) fn journals(
        &self,
        sessions: impl Iterator<Item = gss_shared::ids::SessionId>,
    ) -> Result<Journals> {
        let journal = self.stores.database.journal();
        let read = |session| {
            let events = journal.events(session, Version::ZERO, usize::MAX).now_or_never();
            Ok((session, events.context("at once")??))
        };
        sessions.map(read).collect()
    }
}

fn store_host(store: Store) -> HostId {
    match store {
        Store::Database => DATABASE,
        Store::Redis => REDIS,
        Store::Broker => BROKER,
    }
}
