//! Composition root: builds a router from its configuration and ports, top to bottom.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gss_shared::clock::Clock;
use gss_shared::config::{Config, ConfigError, RouterSection};
use gss_shared::ids::Incarnation;
use gss_shared::jwt::Verifier;
use gss_shared::link::transport::Dialer;
use gss_shared::ports::directory::Directory;
use gss_shared::ports::fanout::Fanout;
use gss_shared::ports::journal::Journal;
use gss_shared::ports::rate::Limits;
use gss_shared::tls::{self, TlsError};
use gss_shared::token::SessionTokens;
use gss_shared::vital;
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admission::Door;
use crate::gateway::Gateway;
use crate::http_metrics::HttpMetrics;
use crate::key_fetch;
use crate::metrics::Metrics;
use crate::rest::Routes;
use crate::server::Server;
pub use crate::server::socket::{Arrival, Doorway, Wire};
use crate::session_limits::SessionLimits;
use crate::switchboard::{self, Lifetime, Switchboard};
use crate::urls::Urls;

/// Bytes of a session-token key that is made up.
const KEY_BYTES: usize = 32;
/// Time for requests and sockets under way to end after the stop.
const STOP_TIME: Duration = Duration::from_secs(5);

/// What a router needs from outside.
pub struct Ports {
    /// Finds nodes.
    pub directory: Arc<dyn Directory>,
    /// Brings committed messages.
    pub fanout: Arc<dyn Fanout>,
    /// Rate limits.
    pub limits: Arc<dyn Limits>,
    /// Lists of sessions; nothing else is read from it here.
    pub journal: Arc<dyn Journal>,
    /// Opens links to nodes.
    pub dialer: Arc<dyn Dialer>,
}

/// Why a router did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A key or key file is wrong.
    #[error("configuration of the router is wrong")]
    Config(#[from] ConfigError),
    /// The public certificate cannot be used.
    #[error("certificate of the router cannot be used")]
    Tls(#[from] TlsError),
    /// Keys of the Auth Service cannot be fetched by this process.
    #[error("HTTPS client cannot be set up")]
    KeyFetch(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The public port cannot be had.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// Metrics of two routers in one registry.
    #[error("metrics cannot be registered")]
    Metrics(#[from] prometheus::Error),
}

/// A running router.
pub struct RouterHandle {
    /// Where it listens.
    pub local_addr: SocketAddr,
    gateway: Arc<Gateway>,
    switchboard: Switchboard,
    drain_spread: Duration,
    server: TaskTracker,
    accepting: CancellationToken,
    lifetime: Lifetime,
}

/// Starts a router; it serves when this returns. `shutdown` ends everything at once;
/// [`RouterHandle::drain`] and [`RouterHandle::stop`] end it in order.
///
/// # Errors
/// [`StartError`]; nothing is left running.
pub async fn run(
    config: &Config,
    ports: Ports,
    registry: &Registry,
    clock: Clock,
    shutdown: CancellationToken,
) -> Result<RouterHandle, StartError> {
    let address = config.router.listen;
    let listen = |error| StartError::Listen(address, error);
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let local_addr = listener.local_addr().map_err(listen)?;
    run_on((Box::new(listener), local_addr), config, ports, registry, clock, shutdown)
}

/// As [`run`], on a public port that is open already.
///
/// # Errors
/// [`StartError`]; nothing is left running.
pub fn run_on(
    (doorway, local_addr): (Box<dyn Doorway>, SocketAddr),
    config: &Config,
    ports: Ports,
    registry: &Registry,
    clock: Clock,
    shutdown: CancellationToken,
) -> Result<RouterHandle, StartError> {
    let router = &config.router;
    let http_metrics = HttpMetrics::register(registry)?;
    let metrics = Arc::new(Metrics::register(registry)?);
    let verifier = Arc::new(verifier(config)?);
    let tokens = session_tokens(config.auth.session_token_key_file.as_deref())?;
    let identity = public_identity(router)?;
    let acceptor = identity.clone().map(tls::public_server).transpose()?.map(TlsAcceptor::from);

    let lifetime = Lifetime { tracker: TaskTracker::new(), stop: shutdown.child_token() };
    if let Some(identity) = identity {
        lifetime.vital("certificate", identity.watch(lifetime.stop.clone()));
    }
    let identity = config.link_identity(&router.id, Incarnation(rand::random()));
    let switchboard = Switchboard::spawn(
        switchboard::Settings { identity, workers: workers(), limits: config.limits.clone() },
        switchboard::Ports {
            directory: ports.directory,
            fanout: ports.fanout,
            dialer: ports.dialer,
            tokens: tokens.clone(),
            clock: clock.clone(),
        },
        metrics,
        lifetime.clone(),
    );
    let gateway = Arc::new(Gateway {
        switchboard: switchboard.clone(),
        verifier,
        tokens,
        door: Door::new(ports.limits, config.limits.clone()),
        session_limits: SessionLimits::default(),
        journal: ports.journal,
        clock,
        metrics: http_metrics.clone(),
        routes: Routes::new(),
        urls: Urls::new(&router.public_url),
        trusted_proxies: router.trusted_proxies.clone(),
        require_create_scope: config.auth.require_create_scope,
        command_budget_ms: config.limits.command_budget_ms,
        started: Instant::now(),
        draining: AtomicBool::new(false),
        websockets: TaskTracker::new(),
    });
    let accepting = shutdown.child_token();
    let tls = acceptor.is_some();
    let server =
        Server { doorway, tls: acceptor, gateway: Arc::clone(&gateway), metrics: http_metrics };
    let serving = TaskTracker::new();
    vital::spawn(&serving, &lifetime.stop, "public port", server.run(accepting.clone()));
    serving.close();
    tracing::info!(%local_addr, tls, router = %router.id, "router listens");
    let drain_spread = Duration::from_secs(router.drain_seconds);
    Ok(RouterHandle {
        local_addr,
        gateway,
        switchboard,
        drain_spread,
        server: serving,
        accepting,
        lifetime,
    })
}

impl RouterHandle {
    /// Whether commands can reach owners and new clients are welcome.
    pub fn ready(&self) -> bool {
        self.switchboard.ready() && !self.draining()
    }

    /// Whether clients are being sent elsewhere.
    pub fn draining(&self) -> bool {
        self.gateway.draining.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Refuses new WebSockets, asks clients to reconnect elsewhere, spread over
    /// `router.drain_seconds`, and waits until they went. REST is served on.
    pub async fn drain(&self) {
        self.gateway.drain();
        self.switchboard.drain(self.drain_spread).await;
    }

    /// Waits until a task that the router needs has panicked: nobody is served any more. Also returns
    /// when the router is stopped.
    pub async fn failed(&self) {
        self.lifetime.stop.cancelled().await;
    }

    /// Stops accepting, lets requests under way end, closes what is left.
    pub async fn stop(&self) {
        self.gateway.drain();
        self.accepting.cancel();
        if tokio::time::timeout(STOP_TIME, self.server.wait()).await.is_err() {
            tracing::warn!("requests did not end in time");
        }
        self.lifetime.stop.cancel();
        self.gateway.websockets.close();
        self.lifetime.tracker.close();
        let ended = async {
            self.gateway.websockets.wait().await;
            self.lifetime.tracker.wait().await;
        };
        if tokio::time::timeout(STOP_TIME, ended).await.is_err() {
            tracing::warn!("tasks of the router did not end in time");
        }
    }
}

fn verifier(config: &Config) -> Result<Verifier, StartError> {
    let remote = config.auth.jwks.as_deref().is_some_and(|jwks| jwks.starts_with("http"));
    let fetch = if remote { Some(key_fetch::fetch().map_err(StartError::KeyFetch)?) } else { None };
    Ok(Verifier::from_config(&config.auth, fetch)?)
}

/// Without a key file (only in the embedded server) the key lives as long as the process.
fn session_tokens(path: Option<&Path>) -> Result<SessionTokens, StartError> {
    let key = match path {
        Some(path) => Config::read_key("auth.session_token_key_file", path)?,
        None => rand::random::<[u8; KEY_BYTES]>().to_vec(),
    };
    Ok(SessionTokens::new(&key))
}

fn public_identity(router: &RouterSection) -> Result<Option<Arc<tls::Identity>>, TlsError> {
    match (&router.tls_cert, &router.tls_key) {
        (Some(cert), Some(key)) => tls::Identity::load(cert, key).map(Some),
        (Some(_), None) | (None, _) => Ok(None),
    }
}

/// As many as there are processors, at most 64.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(64)
}
