//! The composition root of a node: wires every part, top to bottom. Used by the binary and by
//! processes that embed a node.

use std::sync::Arc;
use std::time::Duration;

use gss_shared::admin::{Dependencies, Health, Readiness, ReadyStatus};
use gss_shared::clock::Clock;
use gss_shared::config::Config;
use gss_shared::hot_keys::HotKeys;
use gss_shared::ids::{Incarnation, NodeId, ShardCount};
use gss_shared::link::transport::{Acceptor, Dialer, Identity};
use gss_shared::ports::directory::Directory;
use gss_shared::ports::fanout::Fanout;
use gss_shared::ports::hub::Hub;
use gss_shared::ports::journal::Journal;
use gss_shared::vital;
use prometheus::Registry;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::characters::CharacterService;
use crate::epoch_check::checker;
use crate::fan_out::fan_out;
use crate::hub_relay::HubRelay;
use crate::journal_probe;
use crate::journal_writer::{WriterHandle, WriterPorts, writer};
use crate::limits::ENDED;
use crate::link_server::LinkServer;
use crate::loader::Loader;
use crate::memory::watch_memory;
use crate::metrics::Metrics;
use crate::node_links::NodeLinks;
use crate::ownership::Settings;
use crate::ownership_events::{OWNERSHIP_EVENTS, OwnershipEvent, Peers};
use crate::ownership_task::{self, OwnershipHandle, OwnershipPorts};
use crate::relay_wake::RelayWake;
use crate::routes::{Announcement, Service};
use crate::shard_task::ShardTools;
use crate::shards::{RegistryInbox, registry};

/// How long tasks may take to end after the last shard is handed off.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// What a node stands on.
pub struct Ports {
    /// The truth.
    pub journal: Arc<dyn Journal>,
    /// Members and leases.
    pub directory: Arc<dyn Directory>,
    /// To routers.
    pub fanout: Arc<dyn Fanout>,
    /// To other services.
    pub hub: Arc<dyn Hub>,
    /// Keys that other services read, where Redis is.
    pub hot_keys: Option<Arc<HotKeys>>,
    /// Links from routers and nodes.
    pub acceptor: Box<dyn Acceptor>,
    /// Links to nodes.
    pub dialer: Arc<dyn Dialer>,
}

/// Where this node is reached.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Links, `host:port`.
    pub link: String,
    /// Operators, `host:port`.
    pub admin: String,
}

/// A running node.
pub struct NodeHandle {
    node: NodeId,
    ownership: OwnershipHandle,
    service: Service,
    journal_ok: watch::Receiver<bool>,
    hub: Arc<dyn Hub>,
    hub_used: bool,
    draining: watch::Sender<bool>,
    drain: Duration,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Who this process is to its peers.
pub fn identity(config: &Config, incarnation: Incarnation) -> Identity {
    Identity {
        cluster: config.cluster.id.clone(),
        shards: ShardCount(config.cluster.shards),
        process: config.node.id.clone(),
        incarnation,
    }
}

/// Starts a node; it serves until `shutdown` is cancelled or [`NodeHandle::drain_and_stop`] is
/// called. `shutdown` ends it at once, as a crash would: what is not durable is answered by nobody.
///
/// # Errors
/// A metric is registered already.
pub fn run(
    config: &Config,
    identity: Identity,
    ports: Ports,
    addresses: Addresses,
    registry_of_metrics: &Registry,
    clock: Clock,
    shutdown: &CancellationToken,
) -> Result<NodeHandle, prometheus::Error> {
    let (tasks, stop) = (TaskTracker::new(), shutdown.child_token());
    let (node, incarnation, shards) =
        (identity.process.clone(), identity.incarnation, identity.shards);
    let parts = Parts {
        journal: ports.journal,
        me: (node.clone(), incarnation),
        shards,
        clock,
        metrics: Metrics::register(registry_of_metrics)?,
        relay_wake: Arc::new(RelayWake::new(shards)),
        tasks: tasks.clone(),
        stop: stop.clone(),
    };

    let peers = NodeLinks::new(ports.dialer, identity, tasks.clone(), stop.clone());
    let (ownership, events) =
        parts.ownership(config.lease.ttl_ms, addresses, ports.directory, Arc::new(peers));
    let writer = parts.writer(&ownership, ports.fanout);
    let (full, memory) = watch_memory(config.node.max_memory_bytes, stop.clone());
    vital::spawn(&tasks, &stop, "memory", memory);
    let budget = Duration::from_millis(config.limits.command_budget_ms);
    let served = config.hub.services.iter().any(|service| service == "character");
    let beside = (ports.hot_keys, served.then(|| Arc::clone(&ports.hub)));
    let service = parts.shards(&ownership, events, (writer, full), beside, budget);
    parts.relay(&service, Arc::clone(&ports.hub));
    parts.links(&service, &ownership, ports.acceptor);
    let (journal_ok, probe) = journal_probe::probe(Arc::clone(&parts.journal), stop.clone());
    vital::spawn(&tasks, &stop, "journal probe", probe);

    tracing::info!(%node, %incarnation, "node started");
    Ok(NodeHandle {
        node,
        ownership,
        service,
        journal_ok,
        hub: ports.hub,
        hub_used: config.hub.url.is_some(),
        draining: watch::channel(false).0,
        drain: Duration::from_secs(config.node.drain_seconds),
        tasks,
        stop,
    })
}

/// What several parts are made with.
struct Parts {
    journal: Arc<dyn Journal>,
    me: (NodeId, Incarnation),
    shards: ShardCount,
    clock: Clock,
    metrics: Metrics,
    relay_wake: Arc<RelayWake>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Parts {
    fn vital(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        vital::spawn(&self.tasks, &self.stop, name, task);
    }

    fn ownership(
        &self,
        lease_ttl_ms: u64,
        addresses: Addresses,
        directory: Arc<dyn Directory>,
        peers: Arc<dyn Peers>,
    ) -> (OwnershipHandle, mpsc::Receiver<OwnershipEvent>) {
        let (events, inbox) = mpsc::channel(OWNERSHIP_EVENTS);
        let (node, incarnation) = self.me.clone();
        let Addresses { link, admin } = addresses;
        let shards = self.shards;
        let settings = Settings { node, incarnation, link, admin, shards, lease_ttl_ms };
        let (journal, clock) = (Arc::clone(&self.journal), self.clock.clone());
        let metrics = self.metrics.clone();
        let ports = OwnershipPorts { directory, journal, events, peers, clock, metrics };
        (ownership_task::spawn(settings, ports, &self.tasks, self.stop.clone()), inbox)
    }

    fn writer(&self, ownership: &OwnershipHandle, fanout: Arc<dyn Fanout>) -> WriterHandle {
        let (fan_out, task) = fan_out(fanout, self.metrics.clone(), self.stop.clone());
        self.vital("fan-out", task);
        let (node, incarnation) = self.me.clone();
        let ports = WriterPorts {
            journal: Arc::clone(&self.journal),
            node,
            incarnation,
            keeper: Arc::new(ownership.clone()),
            fan_out,
            relay: Arc::clone(&self.relay_wake),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
        };
        let (writer, task) = writer(ports, self.stop.clone());
        self.vital("journal writer", task);
        writer
    }

    fn shards(
        &self,
        ownership: &OwnershipHandle,
        events: mpsc::Receiver<OwnershipEvent>,
        (writer, full): (WriterHandle, watch::Receiver<bool>),
        (hot, characters): (Option<Arc<HotKeys>>, Option<Arc<dyn Hub>>),
        budget: Duration,
    ) -> Service {
        let journal = Arc::clone(&self.journal);
        let (checks, task) =
            checker(journal, self.me.clone(), ownership.clone(), self.stop.clone());
        self.vital("epoch checker", task);
        let journal = Arc::clone(&self.journal);
        let characters = Arc::new(CharacterService::new(characters, self.metrics.clone()));
        let (ended, ended_inbox) = mpsc::channel(ENDED);
        let tools = ShardTools {
            writer,
            loader: Arc::new(Loader::new(journal, self.shards, self.metrics.clone())),
            characters,
            checks,
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            full,
            budget,
            ended,
            hot,
            jobs: self.tasks.clone(),
            stop: self.stop.clone(),
        };
        let relay_wake = Arc::clone(&self.relay_wake);
        let (service, registry) = registry(tools, relay_wake, self.tasks.clone());
        let inbox = RegistryInbox { events, ended: ended_inbox };
        let registry = registry(inbox, Arc::new(ownership.clone()), self.stop.clone());
        self.vital("shards", registry);
        service
    }

    fn relay(&self, service: &Service, hub: Arc<dyn Hub>) {
        let (journal, wake) = (Arc::clone(&self.journal), Arc::clone(&self.relay_wake));
        let relay = HubRelay::new(journal, hub, service.clone(), wake, self.metrics.clone());
        self.vital("hub relay", relay.run(self.stop.clone()));
    }

    fn links(&self, service: &Service, ownership: &OwnershipHandle, acceptor: Box<dyn Acceptor>) {
        let server = LinkServer::new(
            service.clone(),
            ownership.clone(),
            self.shards,
            self.metrics.clone(),
            self.tasks.clone(),
            self.stop.clone(),
        );
        self.vital("link server", server.run(acceptor));
    }
}

impl NodeHandle {
    /// This node.
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// What is served.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Ownership of shards.
    pub fn ownership(&self) -> &OwnershipHandle {
        &self.ownership
    }

    /// Whether it can serve.
    pub fn readiness(&self) -> Readiness {
        let directory_ok = self.ownership.standing().borrow().directory_ok;
        let journal_ok = *self.journal_ok.borrow();
        let status = if *self.draining.borrow() {
            ReadyStatus::Draining
        } else if !journal_ok {
            ReadyStatus::Unavailable
        } else if !directory_ok && self.service.owns().is_empty() {
            ReadyStatus::Starting
        } else {
            ReadyStatus::Ready
        };
        let hub = if self.hub_used { Health::from(self.hub.healthy()) } else { Health::Unused };
        let dependencies =
            Dependencies { postgres: journal_ok.into(), redis: directory_ok.into(), hub };
        Readiness { status, dependencies }
    }

    /// Leaves the ring and hands all shards off; reversible by [`NodeHandle::undrain`].
    pub fn drain(&self) {
        tracing::info!(node = %self.node, "draining");
        self.draining.send_replace(true);
        // Without links there is nobody to tell.
        let _listeners = self.service.announcements.send(Announcement::Draining);
        self.ownership.drain();
    }

    /// Takes a drain back.
    pub fn undrain(&self) {
        tracing::info!(node = %self.node, "drain taken back");
        self.draining.send_replace(false);
        self.ownership.undrain();
    }

    /// Drains within the configured time, then stops.
    pub async fn drain_and_stop(&self) {
        self.drain();
        if tokio::time::timeout(self.drain, self.ownership.drained()).await.is_err() {
            tracing::warn!(node = %self.node, "drain took too long, leaving shards to takeover");
        }
        self.stop().await;
    }

    /// Waits until a task that the node needs has panicked: nothing is served any more. Also returns
    /// when the node is stopped.
    pub async fn failed(&self) {
        self.stop.cancelled().await;
    }

    /// Ends all tasks.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(SHUTDOWN, self.tasks.wait()).await.is_err() {
            tracing::warn!(node = %self.node, tasks = self.tasks.len(), "tasks did not end in time");
        }
    }
}
