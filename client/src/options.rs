//! How to connect.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

type Source = dyn Fn() -> BoxFuture<'static, Result<String, String>> + Send + Sync;

/// Where JWTs come from: asked before each connection and when the server says one has expired.
#[derive(Clone)]
pub struct JwtSource(Arc<Source>);

impl JwtSource {
    /// Always this one.
    pub fn fixed(jwt: impl Into<String>) -> Self {
        let jwt: Arc<str> = Arc::from(jwt.into());
        Self::new(move || {
            let jwt = jwt.to_string();
            async move { Ok(jwt) }
        })
    }

    /// What the function gives; an error ends the connection.
    pub fn new<F>(source: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, String>> + Send + 'static,
    {
        Self(Arc::new(move || source().boxed()))
    }

    pub(crate) async fn get(&self) -> Result<String, String> {
        (self.0)().await
    }
}

impl fmt::Debug for JwtSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtSource")
    }
}

/// What a connection lives through, before anything is made of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Raw<'a> {
    /// A text frame came.
    Frame(&'a str),
    /// The socket is gone, with this close code if there was one.
    Closed(Option<u16>),
}

/// Listens to a connection's raw life: for recorders and frame logs. Called by the connection's
/// task, so it must not block.
pub type Tap = Arc<dyn Fn(Raw<'_>) + Send + Sync>;

/// Bytes in both directions.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Wire for T {}

/// Reaches `host`, `port` over something other than TCP: a proxy, a tunnel, a simulated network.
pub type Reach =
    Arc<dyn Fn(String, u16) -> BoxFuture<'static, std::io::Result<Box<dyn Wire>>> + Send + Sync>;

/// How to open and hold a connection.
#[derive(Clone)]
pub struct ConnectOptions {
    /// `websocket_url` of create and join; further ones (other routers) are tried in turn.
    pub urls: Vec<String>,
    /// Who connects.
    pub jwt: JwtSource,
    /// `connection_token` of create and join, or a `resume_token`.
    pub session_token: String,
    /// Position to resume from; None: start with a snapshot.
    pub position: Option<String>,
    /// TLS settings; None: the system's authorities.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Longest time for the first connection, tries included.
    pub first_within: Duration,
    /// Longest time of one try.
    pub try_within: Duration,
    /// Listens to everything that is received.
    pub tap: Option<Tap>,
    /// How hosts are reached; None: over TCP.
    pub reach: Option<Reach>,
}

impl ConnectOptions {
    /// The usual, to one URL.
    pub fn new(url: impl Into<String>, jwt: JwtSource, session_token: impl Into<String>) -> Self {
        Self {
            urls: vec![url.into()],
            jwt,
            session_token: session_token.into(),
            position: None,
            tls: None,
            first_within: Duration::from_secs(30),
            try_within: Duration::from_secs(10),
            tap: None,
            reach: None,
        }
    }
}

impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions").field("urls", &self.urls).finish_non_exhaustive()
    }
}
