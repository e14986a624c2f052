//! A worker with nodes, channels and connections that the test plays. No runtime, no real time.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::future::BoxFuture;
use gss_shared::clock::Clock;
use gss_shared::error_code::{ClientError, CloseCode};
use gss_shared::ids::{NodeId, Position};
use gss_shared::link::frame::{AttachOutcome, Hello, ToNode, ToRouter};
use gss_shared::link::transport::{Connected, Dialer, LinkError, LinkSink};
use gss_shared::message::{Message, Role};
use gss_shared::ports::directory::LocalDirectory;
use gss_shared::ports::fanout::{Envelope, LocalFanout};
use gss_shared::time::Timestamp;
use gss_shared::token::{SessionTokens, TokenClaims};
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::connection::queue::{self, Inbox};
use crate::links::NodeLink;
use crate::mail::ClientFrame;
use crate::switchboard::{Credential, OpenConnection, RefreshAuth};

mod comings;
mod takeovers;
mod traffic;

struct NoDialer;

#[async_trait]
impl Dialer for NoDialer {
    async fn dial(&self, _: &str, _: Hello) -> Result<Connected, LinkError> {
        Err(LinkError::HandshakeTimeout)
    }
}

struct NoRefresh;

impl RefreshAuth for NoRefresh {
    fn refresh(
        &self,
        _: PlayerId,
        _: String,
    ) -> BoxFuture<'static, Result<Credential, ClientError>> {
        Box::pin(async { Err(super::commands::revoked()) })
    }
}

/// A node as the test plays it.
struct Node {
    id: NodeId,
    opening: u64,
    commands: mpsc::Receiver<ToNode>,
    bulk: mpsc::Receiver<ToNode>,
}

impl Node {
    /// What came on both lanes, commands first.
    fn got(&mut self) -> Vec<ToNode> {
        let mut frames = Vec::new();
        while let Ok(frame) = self.commands.try_recv() {
            frames.push(frame);
        }
        while let Ok(frame) = self.bulk.try_recv() {
            frames.push(frame);
        }
        frames
    }

    /// The one frame that came.
    fn got_one(&mut self) -> ToNode {
        let mut got = self.got();
        assert_eq!(got.len(), 1, "{got:?}");
        got.remove(0)
    }
}

/// A connection as the test plays it.
struct Player {
    id: ConnectionId,
    inbox: Inbox,
}

impl Player {
    /// What it was written, shortened: `type version<prev`, or the type and what matters.
    fn got(&mut self) -> Vec<String> {
        self.batch().0
    }

    /// The same with the close.
    fn batch(&mut self) -> (Vec<String>, Option<CloseCode>) {
        let (mut frames, mut close) = (Vec::new(), None);
        while let Some(batch) = self.inbox.waiting() {
            self.inbox.written(Inbox::weigh(&batch));
            frames.extend(batch.frames.iter().map(|frame| short(frame)));
            close = close.or(batch.close);
        }
        (frames, close)
    }
}

fn short(frame: &str) -> String {
    let value: Value = serde_json::from_str(frame).expect("a frame is JSON");
    let kind = value["type"].as_str().expect("a frame has a type");
    let text = |name: &str| value["data"][name].as_str().unwrap_or("?").to_owned();
    match kind {
        "t" => format!("{}<{}", text("version"), text("prev")),
        "ack" => format!("ack {} {}", text("version"), value["data"]["duplicate"]),
        "sync_response" if value["data"]["stale"] == true => {
            format!("stale sync {}", text("version"))
        }
        "sync_response" => format!("sync {}", text("version")),
        "connection_established" => {
            format!("established {} {}", value["data"]["resumed"], text("role"))
        }
        "error" | "connection_error" => {
            let error = &value["error"];
            let effect = error["details"]["effect"].as_str().unwrap_or("?");
            format!("{kind} {} {effect}", error["code"].as_str().expect("a code"))
        }
        other => other.to_owned(),
    }
}

struct Bench {
    worker: Worker,
    now: Instant,
    fanout: Arc<LocalFanout>,
    openings: u64,
}

const SESSION: SessionId = SessionId(Uuid::from_u128(7));
const SECOND: Duration = Duration::from_secs(1);

fn shard() -> Shard {
    ShardCount::DEFAULT.shard_of(SESSION)
}

fn player(n: u128) -> PlayerId {
    PlayerId(Uuid::from_u128(n))
}

fn action(n: u128) -> gss_shared::ids::ActionId {
    gss_shared::ids::ActionId(Uuid::from_u128(n))
}

fn at(v: u64) -> Position {
    crate::stream::tests::at(1, v)
}

fn message(v: u64) -> Message {
    crate::stream::tests::message(1, v)
}

fn sync_data(v: u64) -> String {
    format!(r#"{{"state":{{}},"version":"{v}","position":"p"}}"#)
}

/// Nobody is here, a node is told whose link opens.
fn absent() -> ToNode {
    ToNode::Absent { shards: vec![shard()] }
}

fn fresh(v: u64) -> AttachOutcome {
    AttachOutcome::Fresh {
        role: Role::Player,
        sync: sync_data(v),
        at: at(v),
        messages_per_minute: 100,
    }
}

fn token(n: u128) -> TokenClaims {
    TokenClaims {
        session: SESSION,
        player: player(n),
        generation: 1,
        chain: Uuid::from_u128(n),
        issued_ms: 1,
        resume: false,
    }
}

impl Bench {
    fn new() -> Self {
        let fanout = Arc::new(LocalFanout::new());
        let ports = Ports {
            directory: Arc::new(LocalDirectory::new()),
            fanout: Arc::<LocalFanout>::clone(&fanout),
            dialer: Arc::new(NoDialer),
            tokens: SessionTokens::new(&[7; 32]),
            clock: Clock::system(),
        };
        let metrics = Metrics::register(&prometheus::Registry::new()).expect("fresh registry");
        let limits = gss_shared::config::LimitsSection::default();
        let worker = Worker::new((0, 1), ShardCount::DEFAULT, limits, &ports, Arc::new(metrics));
        Self { worker, now: Instant::now(), fanout, openings: 0 }
    }

    /// A bench with a node that owns the session's shard under epoch 5.
    fn with_owner() -> (Self, Node) {
        let mut bench = Self::new();
        let mut node = bench.link("a");
        bench.owns(&node, 5);
        assert_eq!(node.got_one(), absent());
        (bench, node)
    }

    /// The same with an attached player at version 100.
    fn with_player() -> (Self, Node, Player) {
        let (mut bench, mut node) = Self::with_owner();
        let player = bench.join(&mut node, 1, 100);
        (bench, node, player)
    }

    fn mail(&mut self, mail: Mail) {
        self.worker.handle(mail, self.now);
        self.later(Duration::ZERO);
    }

    fn later(&mut self, time: Duration) {
        self.now += time;
        self.worker.pass_time(self.now);
        self.worker.flush(self.now);
    }

    fn link(&mut self, name: &str) -> Node {
        self.openings += 1;
        let (commands, got_commands) = mpsc::channel(1_000);
        let (bulk, got_bulk) = mpsc::channel(1_000);
        let link = NodeLink {
            node: name.parse().expect("node id"),
            opening: self.openings,
            commands: LinkSink::into_queue(commands),
            bulk: LinkSink::into_queue(bulk),
            beat: Arc::default(),
            reset: CancellationToken::new(),
        };
        let node = Node {
            id: link.node.clone(),
            opening: link.opening,
            commands: got_commands,
            bulk: got_bulk,
        };
        self.mail(Mail::LinkUp(link));
        node
    }

    fn owns(&mut self, node: &Node, epoch: u64) {
        let shards = vec![(shard(), gss_shared::ids::Epoch(epoch))];
        self.says(node, ToRouter::Owns { shards });
    }

    fn says(&mut self, node: &Node, frame: ToRouter) {
        self.mail(Mail::Node { node: node.id.clone(), opening: node.opening, frame });
    }

    fn down(&mut self, node: &Node) {
        self.mail(Mail::LinkDown { node: node.id.clone(), opening: node.opening });
    }

    fn live(&mut self, node: &Node, versions: std::ops::RangeInclusive<u64>) {
        let messages = versions.map(message).collect();
        self.says(node, ToRouter::Live { session: SESSION, messages });
    }

    fn published(&mut self, versions: std::ops::RangeInclusive<u64>, truncated: bool) {
        let messages = versions.map(message).collect();
        let envelope = Envelope { session: SESSION, messages, truncated };
        self.mail(Mail::Published(shard(), envelope.encode()));
    }

    /// A connection opens; its attach is not answered.
    fn connect(&mut self, n: u128, position: Option<Position>) -> Player {
        let (outbox, inbox) = queue::queue();
        let id = ConnectionId(Uuid::new_v4());
        let open = OpenConnection {
            session: SESSION,
            player: player(n),
            token: token(n),
            position: position.map(Into::into),
            credential: Credential {
                expires_at: Timestamp(i64::MAX),
                issued_at: Timestamp(50),
                jti: None,
            },
            refresh: Arc::new(NoRefresh),
        };
        self.mail(Mail::Connect(Box::new(open), id, outbox));
        Player { id, inbox }
    }

    /// A player with a fresh snapshot at version `v`, nothing unread.
    fn join(&mut self, node: &mut Node, n: u128, v: u64) -> Player {
        let mut player = self.connect(n, None);
        let request = attach(&node.got());
        self.says(node, ToRouter::Attached { request, outcome: fresh(v) });
        assert_eq!(player.got(), ["established false player".to_owned(), format!("sync {v}")]);
        player
    }

    fn command(&mut self, player: &Player, n: u64) {
        self.mail(Mail::Frame(ClientFrame {
            session: SESSION,
            connection: player.id,
            seq: n,
            action: Some(action(n.into())),
            ephemeral: false,
            text: format!("command {n}"),
        }));
    }
}

/// The number of the attach among these frames.
fn attach(frames: &[ToNode]) -> u64 {
    let attaches: Vec<u64> = frames
        .iter()
        .filter_map(|frame| match frame {
            ToNode::Attach(attach) => Some(attach.request),
            _ => None,
        })
        .collect();
    assert_eq!(attaches.len(), 1, "{frames:?}");
    attaches[0]
}

/// Number, route and outlived owners of the commands among these frames.
fn commands(frames: &[ToNode]) -> Vec<(u64, u64, u8)> {
    let command = |frame: &ToNode| match frame {
        ToNode::Command(frame) => Some((frame.seq, frame.route, frame.outlived)),
        _ => None,
    };
    frames.iter().filter_map(command).collect()
}
