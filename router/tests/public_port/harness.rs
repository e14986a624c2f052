//! A router on embedded ports, and a client that writes requests byte by byte.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use gss_router::app::{self, Ports, RouterHandle};
use gss_shared::clock::Clock;
use gss_shared::config::Config;
use gss_shared::ids::{PlayerId, SessionId, ShardCount};
use gss_shared::jwt::{Claims, Issuer};
use gss_shared::link::frame::Hello;
use gss_shared::link::transport::{Connected, Dialer, LinkError};
use gss_shared::ports::directory::{Directory as _, LocalDirectory};
use gss_shared::ports::fanout::LocalFanout;
use gss_shared::ports::journal::{self, Address, Journal, JournalConfig, migrations};
use gss_shared::ports::rate::LocalLimits;
use gss_shared::time::Timestamp;
use gss_shared::token::{SessionTokens, TokenClaims};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::node::Node;

pub(crate) const NOW: Timestamp = Timestamp(1_795_000_000_000);
pub(crate) const SESSION: &str = "47eaa099-2cb6-416d-86dc-283cf0480ff9";
const ALICE: &str = "59ba1b0d-5c90-4158-a909-406c2e416788";
/// Longer than any test: the node stays a member.
const NODE_TTL_MS: u64 = 600_000;
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const TOKEN_KEY: &[u8] = b"fedcba9876543210fedcba9876543210";

/// No node is ever reached.
struct NoRoad;

#[async_trait]
impl Dialer for NoRoad {
    async fn dial(&self, _: &str, _: Hello) -> Result<Connected, LinkError> {
        Err(LinkError::Io(std::io::ErrorKind::ConnectionRefused.into()))
    }
}

/// A running router.
pub(crate) struct Router {
    pub(crate) handle: RouterHandle,
    pub(crate) folder: TempDir,
    pub(crate) journal: Arc<dyn Journal>,
    issuer: Issuer,
    tokens: SessionTokens,
}

impl Router {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_, _| {}).await
    }

    /// With changes to the configuration; files may be put into the folder.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config, &Path)) -> Self {
        Self::start_on(LocalDirectory::new(), Arc::new(NoRoad), change).await
    }

    /// With a node that owns every session.
    pub(crate) async fn with_node(node: &Node) -> Self {
        let directory = LocalDirectory::new();
        directory.join().round(&Node::record(), &[], &[], NODE_TTL_MS).await;
        Self::start_on(directory, Arc::new(node.clone()), |_, _| {}).await
    }

    async fn start_on(
        directory: LocalDirectory,
        dialer: Arc<dyn Dialer>,
        change: impl FnOnce(&mut Config, &Path),
    ) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("write");
            path
        };
        let mut config = Config::default();
        config.router.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.auth.hs256_secret_file = Some(file("secret", SECRET));
        config.auth.session_token_key_file = Some(file("token-key", TOKEN_KEY));
        change(&mut config, folder.path());
        let clock = Clock::virtual_from(NOW);
        let url = format!("sqlite:{}", folder.path().join("journal.db").display());
        let address = Address::from(url.as_str());
        migrations::up(&address).await.expect("migrate");
        let journal = JournalConfig::new(address, ShardCount::DEFAULT);
        let opened = journal::open(&journal, &clock).await.expect("journal");
        let ports = Ports {
            directory: Arc::new(directory),
            fanout: Arc::new(LocalFanout::new()),
            limits: Arc::new(LocalLimits::new()),
            journal: Arc::clone(&opened.journal),
            dialer,
        };
        let registry = prometheus::Registry::new();
        let stop = CancellationToken::new();
        let handle = app::run(&config, ports, &registry, clock, stop).await.expect("router");
        let issuer = Issuer::hs256(SECRET, "gss", "game-session");
        let tokens = SessionTokens::new(TOKEN_KEY);
        Self { handle, folder, journal: opened.journal, issuer, tokens }
    }

    /// A JWT of Alice's that ends so many seconds after [`NOW`].
    pub(crate) fn jwt(&self, seconds: i64) -> String {
        self.jwt_of(alice(), seconds)
    }

    pub(crate) fn jwt_of(&self, sub: PlayerId, seconds: i64) -> String {
        let exp = NOW.plus_ms(seconds * 1_000);
        let claims = Claims { sub, exp, iat: Some(NOW), jti: None, scope: BTreeSet::new() };
        self.issuer.issue(&claims).expect("token")
    }

    /// A session token issued so many seconds after [`NOW`].
    pub(crate) fn token(&self, player: PlayerId, issued: i64, resume: bool) -> String {
        let claims = TokenClaims {
            session: session(),
            player,
            generation: 1,
            chain: Uuid::from_u128(9),
            issued_ms: NOW.0 + issued * 1_000,
            resume,
        };
        self.tokens.issue(claims).expect("token")
    }

    /// What a session token says.
    pub(crate) fn opened(&self, token: &str) -> TokenClaims {
        self.tokens.check(token, NOW).expect("a token of ours")
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.handle.local_addr).await.expect("connect")
    }

    /// Sends a request with a head of these lines and a body.
    pub(crate) async fn send(&self, request: &str, lines: &[String], body: &str) -> Answer {
        let mut text = format!("{request} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n");
        for line in lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(body);
        exchange(self.connect().await, text.as_bytes()).await
    }

    /// A call of Alice's.
    pub(crate) async fn call(&self, request: &str, body: &str) -> Answer {
        self.send(request, &[self.bearer()], body).await
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.jwt(600))
    }

    /// An upgrade with these lines beside those of the handshake.
    pub(crate) async fn upgrade(&self, path: &str, lines: &[String]) -> Answer {
        let mut text = format!(
            "GET {path} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        );
        for line in lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.expect("write");
        read_head(&mut stream).await
    }
}

pub(crate) fn alice() -> PlayerId {
    ALICE.parse().expect("uuid")
}

pub(crate) fn bob() -> PlayerId {
    PlayerId(Uuid::from_u128(2))
}

pub(crate) fn session() -> SessionId {
    SESSION.parse().expect("uuid")
}

pub(crate) fn ws_path() -> String {
    format!("/api/v2/sessions/{SESSION}/ws")
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    /// Status, code, message and details of a refusal; its request id must be the header's.
    pub(crate) fn refusal(&self) -> (u16, String, String, serde_json::Value) {
        let body: serde_json::Value = serde_json::from_str(&self.body).expect("error body");
        assert_eq!(self.headers["content-type"], "application/json");
        assert_eq!(body["request_id"], self.headers["x-request-id"].as_str());
        let text = |name: &str| body["error"][name].as_str().expect("text").to_owned();
        (self.status, text("code"), text("message"), body["error"]["details"].clone())
    }

    /// The refusal must be this one; details are not looked at.
    pub(crate) fn assert_refused(&self, status: u16, code: &str, message: &str) {
        let (found_status, found_code, found_message, _) = self.refusal();
        let found = (found_status, found_code.as_str(), found_message.as_str());
        assert_eq!(found, (status, code, message));
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// Writes the bytes and reads to the end of the connection.
pub(crate) async fn exchange<S>(mut stream: S, bytes: &[u8]) -> Answer
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(bytes).await.expect("write");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.expect("read");
    parse(&String::from_utf8(all).expect("text"))
}

/// Reads a response that ends with its body's length.
pub(crate) async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> Answer {
    let mut text = String::new();
    loop {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).await.expect("read"), 1, "ended after {text:?}");
        text.push(char::from(byte[0]));
        if text.ends_with("\r\n\r\n") {
            break;
        }
    }
    let mut answer = parse(&text);
    let length =
        answer.headers.get("content-length").map_or(0, |text| text.parse().expect("length"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("body");
    answer.body = String::from_utf8(body).expect("text");
    answer
}

fn parse(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("status line");
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").expect("header");
        (name.to_ascii_lowercase(), value.to_owned())
    });
    Answer {
        status: status.parse().expect("status"),
        headers: headers.collect(),
        body: body.to_owned(),
    }
}
