//! The service's processes on their hosts: the production applications on the stores and links of
//! the simulated network.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use gss_node::app::{Addresses, NodeHandle};
use gss_router::app::{Arrival, Doorway, RouterHandle};
use gss_shared::clock::Clock;
use gss_shared::config::{Config, LimitsSection};
use gss_shared::ids::{Incarnation, NodeId, ShardCount};
use gss_shared::limits::LINK_HANDSHAKE_SECONDS;
use gss_shared::link::frame::{Hello, PeerRole};
use gss_shared::link::transport::{
    Accepted, Acceptor, Connected, Dialer, Identity, LinkError, Proven, handshake_client,
    handshake_server,
};
use gss_shared::ports::rate::LocalLimits;
use gss_shared::time::Timestamp;
use prometheus::Registry;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::net::{Door, HostId, Net, Stream};
use crate::stores::Stores;
use crate::stores::directory::RemoteDirectory;
use crate::stores::fanout::RemoteFanout;
use crate::stores::hub::RemoteHub;
use crate::stores::journal::{RemoteJournal, Writer};

/// Shards of the cluster.
pub(crate) const SHARDS: ShardCount = ShardCount(8);
/// When the simulation begins: 2026-11-20.
pub(crate) const BEGIN: Timestamp = Timestamp(1_795_132_800_000);
/// Issuer of the players' tokens.
pub(crate) const ISSUER: &str = "gss-sim";
/// Their audience.
pub(crate) const AUDIENCE: &str = "game-session";

/// What a process starts with.
pub(crate) struct Start<'a> {
    pub(crate) host: HostId,
    pub(crate) name: &'a str,
    pub(crate) incarnation: Incarnation,
    pub(crate) clock: Clock,
    pub(crate) keys: &'a Path,
    pub(crate) stores: &'a Stores,
}

/// Where links connect to a node.
pub(crate) fn link_address(name: &str) -> String {
    format!("{name}:7801")
}

/// Where players connect to a router.
pub(crate) fn public_address(name: &str) -> String {
    format!("{name}:8080")
}

impl Start<'_> {
    fn config(&self) -> Result<Config> {
        let key = |file: &str| self.keys.join(file).display().to_string();
        let set = [
            ("node.id", self.name.to_owned()),
            ("router.id", self.name.to_owned()),
            ("router.public_url", format!("http://{}", public_address(self.name))),
            ("cluster.shards", SHARDS.0.to_string()),
            ("node.drain_seconds", "10".to_owned()),
            ("router.drain_seconds", "2".to_owned()),
            ("auth.issuer", ISSUER.to_owned()),
            ("auth.audience", AUDIENCE.to_owned()),
            ("auth.hs256_secret_file", key("hs256.key")),
            ("auth.session_token_key_file", key("session_token.key")),
            ("auth.leeway_seconds", "300".to_owned()),
        ];
        let set = set.map(|(name, value)| (name.to_owned(), value));
        let mut config = Config::load_from(None, [], &set)?;
        config.limits = LimitsSection::open();
        Ok(config)
    }

    fn writer(&self) -> Writer {
        (self.name.parse::<NodeId>().expect("a name is an id"), self.incarnation)
    }

    /// Starts a node; called within the host.
    pub(crate) fn node(&self) -> Result<NodeHandle> {
        let config = self.config()?;
        let identity = gss_node::app::identity(&config, self.incarnation);
        let (net, link) = (&self.stores.net, link_address(self.name));
        let door = net.open(&link);
        let acceptor = LinkDoor { door, identity: identity.clone(), handshakes: JoinSet::new() };
        let ports = gss_node::app::Ports {
            journal: Arc::new(RemoteJournal::of(self.stores, self.host, self.writer())),
            directory: Arc::new(RemoteDirectory::of(self.stores, self.host)),
            fanout: Arc::new(RemoteFanout::of(self.stores, self.host)),
            hub: Arc::new(RemoteHub::of(self.stores, self.host)),
            hot_keys: None,
            acceptor: Box::new(acceptor),
            dialer: Arc::new(NetDialer { net: net.clone(), own: self.host }),
        };
        let addresses = Addresses { link, admin: format!("{}:7802", self.name) };
        let (registry, stop) = (Registry::new(), CancellationToken::new());
        gss_node::app::run(
            &config,
            identity,
            ports,
            addresses,
            &registry,
            self.clock.clone(),
            &stop,
        )
        .context("start a node")
    }

    /// Starts a router; called within the host.
    pub(crate) fn router(&self) -> Result<RouterHandle> {
        let config = self.config()?;
        let net = &self.stores.net;
        let ports = gss_router::app::Ports {
            directory: Arc::new(RemoteDirectory::of(self.stores, self.host)),
            fanout: Arc::new(RemoteFanout::of(self.stores, self.host)),
            limits: Arc::new(LocalLimits::new()),
            journal: Arc::new(RemoteJournal::of(self.stores, self.host, self.writer())),
            dialer: Arc::new(NetDialer { net: net.clone(), own: self.host }),
        };
        let door = PublicDoor(net.open(&public_address(self.name)));
        let public = (Box::new(door) as Box<dyn Doorway>, address(self.host));
        let (registry, stop) = (Registry::new(), CancellationToken::new());
        gss_router::app::run_on(public, &config, ports, &registry, self.clock.clone(), stop)
            .context("start a router")
    }
}

fn address(host: HostId) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host.0)), 8080)
}

struct PublicDoor(Door);

impl Doorway for PublicDoor {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<(Arrival, SocketAddr)>> {
        let (stream, from) = std::task::ready!(self.0.poll_accept(cx));
        Poll::Ready(Ok((Arrival::Other(Box::new(stream)), address(from))))
    }
}

struct LinkDoor {
    door: Door,
    identity: Identity,
    handshakes: JoinSet<Result<Accepted, LinkError>>,
}

fn roles() -> Proven {
    Proven::ByTransport(vec![PeerRole::Router, PeerRole::Node])
}

async fn serve(stream: Stream, identity: Identity) -> Result<Accepted, LinkError> {
    handshake_server(stream, roles(), &identity).await
}

#[async_trait]
impl Acceptor for LinkDoor {
    async fn accept(&mut self) -> Result<Accepted, LinkError> {
        loop {
            let door = &mut self.door;
            tokio::select! {
                biased;
                Some(opened) = self.handshakes.join_next() => {
                    if let Ok(Ok(accepted)) = opened {
                        return Ok(accepted);
                    }
                }
                (stream, _) = std::future::poll_fn(|cx| door.poll_accept(cx)) => {
                    self.handshakes.spawn(serve(stream, self.identity.clone()));
                }
            }
        }
    }
}

struct NetDialer {
    net: Net,
    own: HostId,
}

#[async_trait]
impl Dialer for NetDialer {
    async fn dial(&self, address: &str, hello: Hello) -> Result<Connected, LinkError> {
        let patience = Duration::from_secs(LINK_HANDSHAKE_SECONDS);
        let connecting = tokio::time::timeout(patience, self.net.connect(self.own, address));
        let stream = connecting.await.map_err(|_| LinkError::HandshakeTimeout)??;
        handshake_client(stream, roles(), hello).await
    }
}
