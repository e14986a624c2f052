//! Links over TCP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::handshake::Proven;
use super::security::{LinkSecurity, certified_roles, role_name};
use super::{
    Accepted, Acceptor, Connected, Dialer, Identity, LinkError, handshake_client, handshake_server,
};
use crate::limits;
use crate::link::frame::{Hello, PeerRole};

/// Handshakes at a time; further connections wait in the listener's backlog.
const HANDSHAKES_AT_ONCE: usize = 64;
/// Wait before the next accept after one that failed, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts links; handshakes go on beside each other.
pub struct LinkListener {
    tcp: TcpListener,
    security: LinkSecurity,
    identity: Arc<Identity>,
    handshakes: JoinSet<Result<Accepted, LinkError>>,
}

impl LinkListener {
    /// Listens on `address` (port 0: any).
    ///
    /// # Errors
    /// [`LinkError::Io`], or [`LinkError::NotLoopback`] for a shared key off loopback.
    pub async fn bind(
        address: SocketAddr,
        security: LinkSecurity,
        identity: Identity,
    ) -> Result<Self, LinkError> {
        permit(&security, address)?;
        let tcp = TcpListener::bind(address).await?;
        Ok(Self { tcp, security, identity: Arc::new(identity), handshakes: JoinSet::new() })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`LinkError::Io`] when the system does not say.
    pub fn local_addr(&self) -> Result<SocketAddr, LinkError> {
        Ok(self.tcp.local_addr()?)
    }

    async fn begin(&mut self, accepted: std::io::Result<(TcpStream, SocketAddr)>) {
        match accepted {
            Ok((tcp, peer)) => {
                let (security, identity) = (self.security.clone(), Arc::clone(&self.identity));
                self.handshakes.spawn(async move {
                    let opened = serve(tcp, &security, &identity).await;
                    opened.inspect_err(|error| {
                        tracing::warn!(%peer, error = error as &dyn std::error::Error, "no link");
                    })
                });
            }
            Err(error) => {
                tracing::warn!(%error, "link listener cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

#[async_trait]
impl Acceptor for LinkListener {
    async fn accept(&mut self) -> Result<Accepted, LinkError> {
        loop {
            tokio::select! {
                accepted = self.tcp.accept(), if self.handshakes.len() < HANDSHAKES_AT_ONCE => {
                    self.begin(accepted).await;
                }
                Some(done) = self.handshakes.join_next() => match done {
                    Ok(Ok(link)) => return Ok(link),
                    Ok(Err(_)) => {}
                    Err(error) => tracing::error!(%error, "link handshake panicked"),
                },
            }
        }
    }
}

async fn serve(
    tcp: TcpStream,
    security: &LinkSecurity,
    identity: &Identity,
) -> Result<Accepted, LinkError> {
    prepare(&tcp)?;
    match security {
        LinkSecurity::SharedKey(key) => {
            handshake_server(tcp, Proven::ByKey(key.clone()), identity).await
        }
        LinkSecurity::Tls(tls) => {
            let stream = timely(tls.acceptor().accept(tcp)).await?;
            let roles = certified_roles(stream.get_ref().1.peer_certificates())?;
            handshake_server(stream, Proven::ByTransport(roles), identity).await
        }
    }
}

/// Opens a link to `host:port`.
///
/// # Errors
/// [`LinkError`]; nothing stays open.
pub async fn connect(
    address: &str,
    security: &LinkSecurity,
    hello: Hello,
) -> Result<Connected, LinkError> {
    let tcp = timely(TcpStream::connect(address)).await?;
    permit(security, tcp.peer_addr()?)?;
    prepare(&tcp)?;
    match security {
        LinkSecurity::SharedKey(key) => {
            handshake_client(tcp, Proven::ByKey(key.clone()), hello).await
        }
        LinkSecurity::Tls(tls) => {
            let connecting = tls.connector().connect(role_name(PeerRole::Node), tcp);
            let stream = timely(connecting).await?;
            handshake_client(stream, Proven::ByTransport(vec![PeerRole::Node]), hello).await
        }
    }
}

/// Opens links over TCP.
#[derive(Clone)]
pub struct TcpDialer {
    /// What protects them.
    pub security: LinkSecurity,
}

#[async_trait]
impl Dialer for TcpDialer {
    async fn dial(&self, address: &str, hello: Hello) -> Result<Connected, LinkError> {
        connect(address, &self.security, hello).await
    }
}

fn permit(security: &LinkSecurity, address: SocketAddr) -> Result<(), LinkError> {
    match security {
        LinkSecurity::SharedKey(_) if !address.ip().is_loopback() => {
            Err(LinkError::NotLoopback(address))
        }
        LinkSecurity::SharedKey(_) | LinkSecurity::Tls(_) => Ok(()),
    }
}

/// Small frames leave at once, and a peer that vanished is noticed though nothing is sent.
fn prepare(tcp: &TcpStream) -> std::io::Result<()> {
    tcp.set_nodelay(true)?;
    let probes = socket2::TcpKeepalive::new()
        .with_time(Duration::from_secs(limits::LINK_KEEPALIVE_SECONDS))
        .with_interval(Duration::from_secs(limits::LINK_KEEPALIVE_SECONDS));
    socket2::SockRef::from(tcp).set_tcp_keepalive(&probes)
}

async fn timely<T>(step: impl Future<Output = std::io::Result<T>>) -> Result<T, LinkError> {
    let limit = Duration::from_secs(limits::LINK_HANDSHAKE_SECONDS);
    let done = tokio::time::timeout(limit, step).await.map_err(|_| LinkError::HandshakeTimeout)?;
    Ok(done?)
}
