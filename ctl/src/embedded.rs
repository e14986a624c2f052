//! The whole service in one process: one router, one node, a SQLite journal, everything else in
//! memory.
//!
//! The same parts as in a cluster, wired to the local adapters. What is committed is in the journal
//! and survives; everything in memory is made anew at the next start.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use gss_shared::clock::Clock;
use gss_shared::config::{Config, LogFormat, Process, Secret};
use gss_shared::ids::Incarnation;
use gss_shared::link::transport::{LinkListener, LinkSecurity, SharedKey, TcpDialer};
use gss_shared::ports::directory::LocalDirectory;
use gss_shared::ports::fanout::local::LocalFanout;
use gss_shared::ports::hub::local::LocalHub;
use gss_shared::ports::journal::{self, Journal, migrations};
use gss_shared::ports::rate::local::LocalLimits;
use gss_shared::telemetry;
use tokio_util::sync::CancellationToken;

use crate::keys::{AUDIENCE, ISSUER, Keys};
use crate::source::journal_file;

/// Until node and router found each other and the shards are taken.
const READY: Duration = Duration::from_secs(30);
/// Between two looks at readiness.
const LOOK: Duration = Duration::from_millis(10);
/// Seconds that a drain may take: nobody takes the shards over.
const DRAIN_SECONDS: u64 = 1;

/// A running service.
pub(crate) struct Embedded {
    /// Base of all public URLs.
    pub(crate) url: String,
    /// The truth, to read.
    pub(crate) journal: Arc<dyn Journal>,
    /// Keys of its tokens.
    pub(crate) keys: Keys,
    node: gss_node::app::NodeHandle,
    router: gss_router::app::RouterHandle,
    stop: CancellationToken,
}

/// Starts it on loopback; it serves when this returns. Port 0: any free one.
pub(crate) async fn start(data: &Path, port: u16) -> Result<Embedded> {
    std::fs::create_dir_all(data).with_context(|| format!("make {}", data.display()))?;
    let keys = Keys::in_dir(&data.join("keys"))?;
    let config = configuration(data, port, &keys)?;
    telemetry::init(&config.log)?;
    let clock = Clock::system();
    let opening = config.journal_config()?;
    migrations::up(&opening.address).await.context("migrate the journal")?;
    let journal = journal::open(&opening, &clock).await.context("open the journal")?.journal;
    let (directory, fanout) = (LocalDirectory::new(), LocalFanout::new());
    let stop = CancellationToken::new();
    let security = LinkSecurity::SharedKey(SharedKey::random());
    let dialer = TcpDialer { security: security.clone() };

    let identity = config.link_identity(&config.node.id, Incarnation(rand::random()));
    let acceptor = LinkListener::bind(config.node.link_listen, security, identity.clone()).await?;
    let addresses = gss_node::app::Addresses {
        link: acceptor.local_addr()?.to_string(),
        admin: config.node.admin_listen.to_string(),
    };
    let ports = gss_node::app::Ports {
        journal: Arc::clone(&journal),
        directory: Arc::new(directory.join()),
        fanout: Arc::new(fanout.join()),
        hub: Arc::new(LocalHub::default()),
        hot_keys: None,
        acceptor: Box::new(acceptor),
        dialer: Arc::new(dialer.clone()),
    };
    let registry = telemetry::registry(&config.node.id);
    let node =
        gss_node::app::run(&config, identity, ports, addresses, &registry, clock.clone(), &stop)?;

    let ports = gss_router::app::Ports {
        directory: Arc::new(directory),
        fanout: Arc::new(fanout),
        limits: Arc::new(LocalLimits::new()),
        journal: Arc::clone(&journal),
        dialer: Arc::new(dialer),
    };
    let registry = telemetry::registry(&config.router.id);
    let router = gss_router::app::run(&config, ports, &registry, clock, stop.clone()).await?;
    let embedded = Embedded { url: config.router.public_url, journal, keys, node, router, stop };
    embedded.wait_until_ready().await?;
    Ok(embedded)
}

impl Embedded {
    async fn wait_until_ready(&self) -> Result<()> {
        let ready = async {
            while !self.router.ready() {
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(READY, ready).await.is_err() {
            bail!("the router reached no node within {} s", READY.as_secs());
        }
        Ok(())
    }

    /// Waits until the server cannot go on.
    pub(crate) async fn failed(&self) {
        tokio::select! {
            () = self.node.failed() => {}
            () = self.router.failed() => {}
        }
    }

    /// Ends in order: clients first. There is no node to hand shards to.
    pub(crate) async fn stop(self) {
        self.router.stop().await;
        self.node.stop().await;
        self.stop.cancel();
    }
}

fn configuration(data: &Path, port: u16, keys: &Keys) -> Result<Config> {
    let port = if port == 0 { free_port()? } else { port };
    let mut config = Config::default();
    config.cluster.id = "dev".parse()?;
    config.node.link_listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.node.drain_seconds = DRAIN_SECONDS;
    config.router.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    config.router.public_url = format!("http://127.0.0.1:{port}");
    config.router.drain_seconds = DRAIN_SECONDS;
    config.journal.url = Secret::from(format!("sqlite:{}", journal_file(data).display()).as_str());
    config.auth.issuer = ISSUER.to_owned();
    config.auth.audience = AUDIENCE.to_owned();
    config.auth.jwks = Some(keys.jwks().display().to_string());
    config.auth.session_token_key_file = Some(keys.session_token_key());
    config.log.format = LogFormat::Text;
    config.log.filter = std::env::var_os("GSS_LOG__FILTER")
        .map_or_else(|| "warn".to_owned(), |filter| filter.to_string_lossy().into_owned());
    config.check()?;
    config.check_for(Process::Embedded)?;
    Ok(config)
}

fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
