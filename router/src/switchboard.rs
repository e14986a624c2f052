//! The handle on everything behind an authenticated request: connections, REST commands and reads
//! enter here and are brought to the owners of their sessions.
//!
//! Owns nothing but the ways to the workers; each worker owns the streams, connections and routes
//! of its shards. Knows no HTTP and no JWT.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use gss_shared::clock::Clock;
use gss_shared::config::LimitsSection;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{PlayerId, Position, ResumePoint, SessionId, ShardCount};
use gss_shared::link::frame::{CommandBody, ReadAnswer, ReadKind};
use gss_shared::link::transport::{Dialer, Identity};
use gss_shared::ports::directory::Directory;
use gss_shared::ports::fanout::Fanout;
use gss_shared::time::Timestamp;
use gss_shared::token::{SessionTokens, TokenClaims};
use gss_shared::vital;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection_task::{self, Around};
use crate::links::Readiness;
use crate::mail::{Mail, WORKER_MAILBOX};
use crate::metrics::Metrics;
use crate::revocations::Revocations;
use crate::{links_task, stream_task};

/// What the switchboard is told at start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This router to its nodes.
    pub identity: Identity,
    /// Tasks that share the shards; as many as there are processors, 1–64.
    pub workers: usize,
    /// The operator's limits.
    pub limits: LimitsSection,
}

/// The living things it uses.
pub struct Ports {
    /// Finds nodes.
    pub directory: Arc<dyn Directory>,
    /// Brings committed messages.
    pub fanout: Arc<dyn Fanout>,
    /// Opens links to nodes.
    pub dialer: Arc<dyn Dialer>,
    /// Signs resume tokens.
    pub tokens: SessionTokens,
    /// Wall clock.
    pub clock: Clock,
}

/// Where tasks are tracked and what ends them.
#[derive(Clone)]
pub struct Lifetime {
    /// Every task runs here.
    pub tracker: TaskTracker,
    /// Ends them all.
    pub stop: CancellationToken,
}

impl Lifetime {
    /// Starts a task without which the router is not whole.
    pub(crate) fn vital(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        vital::spawn(&self.tracker, &self.stop, name, task);
    }
}

/// Checks a JWT that a client sent on its open connection.
pub trait RefreshAuth: Send + Sync + 'static {
    /// The new expiry, when the token is good and of this user.
    ///
    /// # Errors
    /// What the client is told.
    fn refresh(
        &self,
        player: PlayerId,
        jwt: String,
    ) -> BoxFuture<'static, Result<Credential, ClientError>>;
}

/// What of a JWT a connection lives by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credential {
    /// End of its time.
    pub expires_at: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Its id, if it has one.
    pub jti: Option<String>,
}

/// An upgraded and authenticated connection.
pub struct OpenConnection {
    /// The session in its path.
    pub session: SessionId,
    /// The JWT's `sub`.
    pub player: PlayerId,
    /// The checked session token.
    pub token: TokenClaims,
    /// Where the client wants to resume.
    pub position: Option<ResumePoint>,
    /// The JWT.
    pub credential: Credential,
    /// Checks `auth_refresh`.
    pub refresh: Arc<dyn RefreshAuth>,
}

/// A command that came by REST.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The session it is for.
    pub session: SessionId,
    /// Who calls.
    pub player: PlayerId,
    /// What is asked.
    pub body: CommandBody,
    /// A read to answer together with the acceptance.
    pub view: Option<ReadKind>,
    /// Time until `owner_unreachable`; at most the operator's `command_budget_ms`.
    pub budget: Duration,
}

/// A durable command.
#[derive(Clone, PartialEq, Debug)]
pub struct Accepted {
    /// Position of its last event.
    pub position: Position,
    /// When it was decided.
    pub at: Timestamp,
    /// It had been accepted before.
    pub duplicate: bool,
    /// The view that was asked for: JSON.
    pub view: Option<String>,
}

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct Switchboard {
    inner: Arc<Inner>,
}

struct Inner {
    shards: ShardCount,
    workers: Vec<mpsc::Sender<Mail>>,
    tokens: SessionTokens,
    clock: Clock,
    metrics: Arc<Metrics>,
    readiness: watch::Receiver<Readiness>,
    revocations: watch::Receiver<Arc<Revocations>>,
    lifetime: Lifetime,
}

impl Switchboard {
    /// Starts the workers and the links; returns at once.
    pub fn spawn(
        settings: Settings,
        ports: Ports,
        metrics: Arc<Metrics>,
        lifetime: Lifetime,
    ) -> Self {
        let count = settings.workers.clamp(1, 64);
        let (workers, mailboxes): (Vec<_>, Vec<_>) =
            (0..count).map(|_| mpsc::channel(WORKER_MAILBOX)).unzip();
        let (readiness_set, readiness) = watch::channel(Readiness::default());
        let (revocations_set, revocations) = watch::channel(Arc::default());
        let shards = settings.identity.shards;
        let ports = Arc::new(ports);
        for (index, mailbox) in mailboxes.into_iter().enumerate() {
            let (ports, metrics) = (Arc::clone(&ports), Arc::clone(&metrics));
            let (stop, limits) = (lifetime.stop.clone(), settings.limits.clone());
            let place = ((index, count), shards, limits);
            let worker = stream_task::run(place, ports, metrics, mailbox, stop);
            lifetime.vital("streams", worker);
        }
        let listening =
            links_task::listen(Arc::clone(&ports.fanout), workers.clone(), lifetime.stop.clone());
        lifetime.vital("fan-out", listening);
        let links = links_task::Links {
            identity: settings.identity,
            directory: Arc::clone(&ports.directory),
            dialer: Arc::clone(&ports.dialer),
            workers: workers.clone(),
            readiness: readiness_set,
            revocations: revocations_set,
            metrics: Arc::clone(&metrics),
            lifetime: lifetime.clone(),
        };
        lifetime.vital("links", links_task::run(Arc::new(links)));
        let inner = Inner {
            shards,
            workers,
            tokens: ports.tokens.clone(),
            clock: ports.clock.clone(),
            metrics,
            readiness,
            revocations,
            lifetime,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Brings a command to the session's owner and waits until it is durable. Sent again over
    /// changes of owner with the same action, in order with the session's other commands of this
    /// router. None: an ephemeral change was passed on.
    ///
    /// # Errors
    /// The owner's refusal (`details.effect` `none`), or `owner_unreachable`, `unavailable`,
    /// `draining` with `effect` `unknown`.
    pub async fn command(&self, call: Call) -> Result<Option<Accepted>, ClientError> {
        let (reply, answer) = oneshot::channel();
        let session = call.session;
        self.send(session, Mail::Call(Box::new(call), reply)).await?;
        answer.await.map_err(|_| stopping())?
    }

    /// Committed state as the player may see it.
    ///
    /// # Errors
    /// The owner's refusal, or `owner_unreachable` after the deadline.
    pub async fn read(
        &self,
        session: SessionId,
        player: PlayerId,
        kind: ReadKind,
    ) -> Result<ReadAnswer, ClientError> {
        let (reply, answer) = oneshot::channel();
        self.send(session, Mail::Read { session, player, kind, reply }).await?;
        answer.await.map_err(|_| stopping())?
    }

    /// Serves a connection to its end. The socket must be configured by
    /// [`connection_task::websocket_config`].
    pub async fn connect<S>(&self, open: OpenConnection, socket: WebSocketStream<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let worker = self.worker(open.session).clone();
        let around = Around {
            tokens: self.inner.tokens.clone(),
            clock: self.inner.clock.clone(),
            metrics: Arc::clone(&self.inner.metrics),
            stop: self.inner.lifetime.stop.clone(),
        };
        connection_task::run(around, worker, open, socket).await;
    }

    /// Asks all clients to reconnect elsewhere, spread over this time, and waits until they went.
    pub async fn drain(&self, spread: Duration) {
        for worker in &self.inner.workers {
            if worker.send(Mail::Drain { spread }).await.is_err() {
                tracing::debug!("worker has stopped before the drain");
            }
        }
        let mut left = self.inner.metrics.connections.get();
        let deadline = tokio::time::Instant::now() + spread + DRAIN_GRACE;
        while left > 0 && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
            left = self.inner.metrics.connections.get();
        }
        if left > 0 {
            tracing::warn!(connections = left, "drain ended with open connections");
        }
    }

    /// Whether the nodes told that this token is no longer good.
    pub fn revoked(&self, player: PlayerId, credential: &Credential) -> bool {
        self.inner.revocations.borrow().covers(player, credential)
    }

    /// Whether commands can reach owners.
    pub fn ready(&self) -> bool {
        let readiness = *self.inner.readiness.borrow();
        readiness.members_seen && readiness.links > 0
    }

    fn worker(&self, session: SessionId) -> &mpsc::Sender<Mail> {
        let shard = usize::from(self.inner.shards.shard_of(session).0);
        &self.inner.workers[shard % self.inner.workers.len()]
    }

    async fn send(&self, session: SessionId, mail: Mail) -> Result<(), ClientError> {
        self.worker(session).send(mail).await.map_err(|_| stopping())
    }
}

/// Time after the spread for the last clients to go.
const DRAIN_GRACE: Duration = Duration::from_secs(5);

fn stopping() -> ClientError {
    ClientError::new(ErrorCode::Draining, "The router is stopping.").with("effect", "unknown")
}

#[cfg(test)]
mod tests;
