//! The public port: accepts connections, with TLS or without, and serves HTTP/1.1 on them.
//!
//! Invariants: never more connections than the bound (beyond it a few are told so, the rest are
//! closed); a client that does not finish its handshake or its head in time is closed; a
//! connection that was upgraded still counts until its socket is dropped.

pub(crate) mod socket;

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::IntGauge;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gateway::Gateway;
use crate::http_metrics::HttpMetrics;
use socket::{Arrival, Doorway, Socket};

/// Connections of one router: 50,000 players at 12 KB each (DESIGN section 10), and room for REST.
pub(crate) const CONNECTIONS: usize = 65_536;
/// Connections beyond the bound that get an answer instead of a closed door.
const OVERFLOW: usize = 64;
/// Time for a TLS handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Time for a request's head, and between requests of one connection: longer than load balancers
/// keep an idle connection.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// Header lines of a request.
const HEADERS: usize = 64;
/// Bytes of a request's head and of the read buffer.
const HEAD_BYTES: usize = 16 << 10;
/// Wait after an accept that failed for want of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A place among the connections; given back when the last clone is dropped.
pub(crate) struct Seat {
    _permit: OwnedSemaphorePermit,
    open: IntGauge,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.open.dec();
    }
}

/// One client's end as the service sees it.
#[derive(Clone)]
pub(crate) struct Peer {
    /// Its address as the socket says it.
    pub(crate) address: IpAddr,
    /// The connection is over the bound: refuse whatever it asks.
    pub(crate) overflow: bool,
    /// Held as long as the socket lives.
    pub(crate) _seat: Arc<Seat>,
}

/// The listening side.
pub(crate) struct Server {
    pub(crate) doorway: Box<dyn Doorway>,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) metrics: HttpMetrics,
}

impl Server {
    /// Serves until `stop`; then accepts no more and closes connections after their present
    /// request. Upgraded connections are not its business any more.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let seats = Arc::new(Semaphore::new(CONNECTIONS));
        let overflow = Arc::new(Semaphore::new(OVERFLOW));
        let tasks = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = poll_fn(|cx| self.doorway.poll_accept(cx)) => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(peer) = self.seat(&seats, &overflow, address) else {
                self.metrics.turned_away.inc();
                continue;
            };
            let connection = Connection {
                tls: self.tls.clone(),
                gateway: Arc::clone(&self.gateway),
                metrics: self.metrics.clone(),
                peer,
            };
            tasks.spawn(connection.run(stream, stop.clone()));
        }
        drop(self.doorway);
        tasks.close();
        tasks.wait().await;
    }

    fn seat(
        &self,
        seats: &Arc<Semaphore>,
        overflow: &Arc<Semaphore>,
        address: SocketAddr,
    ) -> Option<Peer> {
        let (permit, over) = match Arc::clone(seats).try_acquire_owned() {
            Ok(permit) => (permit, false),
            Err(_) => (Arc::clone(overflow).try_acquire_owned().ok()?, true),
        };
        self.metrics.connections.inc();
        let seat = Seat { _permit: permit, open: self.metrics.connections.clone() };
        Some(Peer { address: address.ip(), overflow: over, _seat: Arc::new(seat) })
    }
}

struct Connection {
    tls: Option<TlsAcceptor>,
    gateway: Arc<Gateway>,
    metrics: HttpMetrics,
    peer: Peer,
}

impl Connection {
    async fn run(self, arrival: Arrival, stop: CancellationToken) {
        let Some(socket) = self.socket(arrival).await else { return };
        let peer = self.peer.address;
        let Self { gateway, peer: seat, .. } = self;
        let service = service_fn(move |request| Arc::clone(&gateway).answer(request, seat.clone()));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_headers(HEADERS)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(socket), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let served = tokio::select! {
            served = connection.as_mut() => served,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%peer, %error, "connection ended");
        }
    }

    /// What HTTP is spoken on. None: the handshake failed.
    async fn socket(&self, arrival: Arrival) -> Option<Socket> {
        let stream = match arrival {
            Arrival::Tcp(stream) => stream,
            Arrival::Other(bytes) => return Some(Socket::other(bytes)),
        };
        let peer = self.peer.address;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set no-delay");
        }
        let Some(acceptor) = &self.tls else { return Some(Socket::plain(stream)) };
        match handshake(acceptor, stream).await {
            Ok(socket) => Some(socket),
            Err(error) => {
                self.metrics.handshakes_failed.inc();
                tracing::debug!(%peer, %error, "TLS handshake failed");
                None
            }
        }
    }
}

async fn handshake(acceptor: &TlsAcceptor, stream: TcpStream) -> std::io::Result<Socket> {
    let accepted = tokio::time::timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await;
    Ok(Socket::tls(accepted.map_err(|_| std::io::ErrorKind::TimedOut)??))
}
