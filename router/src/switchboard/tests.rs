//! The whole switchboard over TCP links to a node that the test plays.

use std::net::SocketAddr;

use gss_shared::config::LimitsSection;
use gss_shared::frames::sync_frame;
use gss_shared::ids::{ActionId, Epoch, Incarnation, NodeId};
use gss_shared::link::frame::{
    AnswerFrame, AttachOutcome, CommandFrame, Lane, Outcome, PeerRole, Revocation, ToNode, ToRouter,
};
use gss_shared::link::transport::{
    Acceptor as _, LinkListener, LinkSecurity, LinkSink, LinkStream, SharedKey, TcpDialer,
};
use gss_shared::message::Role;
use gss_shared::ports::directory::{LocalDirectory, MemberRecord};
use gss_shared::ports::fanout::{Envelope, LocalFanout};
use tokio_tungstenite::tungstenite::protocol;
use uuid::Uuid;

use futures::StreamExt as _;

use super::*;

const SESSION: SessionId = SessionId(Uuid::from_u128(7));
const PLAYER: PlayerId = PlayerId(Uuid::from_u128(1));

fn name(text: &str) -> NodeId {
    text.parse().expect("process id")
}

fn identity(process: &str) -> Identity {
    Identity {
        cluster: name("test"),
        shards: ShardCount::DEFAULT,
        process: name(process),
        incarnation: Incarnation(9),
    }
}

fn at(v: u64) -> Position {
    crate::stream::tests::at(1, v)
}

struct World {
    switchboard: Switchboard,
    directory: LocalDirectory,
    fanout: LocalFanout,
    listener: LinkListener,
    lifetime: Lifetime,
    metrics: Arc<Metrics>,
}

/// Both lanes of one opening.
struct Opening {
    commands: (LinkSink<ToRouter>, LinkStream<ToNode>),
    bulk: (LinkSink<ToRouter>, LinkStream<ToNode>),
}

impl World {
    async fn start() -> Self {
        let security = LinkSecurity::SharedKey(SharedKey::random());
        let any: SocketAddr = "127.0.0.1:0".parse().expect("address");
        let listener = LinkListener::bind(any, security.clone(), identity("a")).await;
        let listener = listener.expect("loopback has a free port");
        let (directory, fanout) = (LocalDirectory::new(), LocalFanout::new());
        let ports = Ports {
            directory: Arc::new(directory.join()),
            fanout: Arc::new(fanout.join()),
            dialer: Arc::new(TcpDialer { security }),
            tokens: SessionTokens::new(&[7; 32]),
            clock: Clock::system(),
        };
        let registry = prometheus::Registry::new();
        let metrics = Arc::new(Metrics::register(&registry).expect("fresh registry"));
        let lifetime = Lifetime { tracker: TaskTracker::new(), stop: CancellationToken::new() };
        let settings =
            Settings { identity: identity("r"), workers: 3, limits: LimitsSection::default() };
        let switchboard =
            Switchboard::spawn(settings, ports, Arc::clone(&metrics), lifetime.clone());
        let world = Self { switchboard, directory, fanout, listener, lifetime, metrics };
        world.announce().await;
        world
    }

    /// The node's member record is written.
    async fn announce(&self) {
        let me = MemberRecord {
            node: name("a"),
            incarnation: Incarnation(9),
            link: self.listener.local_addr().expect("bound").to_string(),
            admin: "127.0.0.1:1".to_owned(),
            draining: false,
            journal_ok: true,
            ring_version: 1,
            beat: 1,
            reads_events: 1,
        };
        self.directory.round(&me, &[], &[], 60_000).await;
    }

    async fn opening(&mut self) -> Opening {
        let (mut commands, mut bulk) = (None, None);
        while commands.is_none() || bulk.is_none() {
            let accepted = self.listener.accept().await.expect("the listener lives");
            assert_eq!(accepted.hello.role, PeerRole::Router);
            let lane = Some((accepted.sink, accepted.stream));
            match accepted.hello.lane {
                Lane::Commands => commands = lane,
                Lane::Bulk => bulk = lane,
            }
        }
        let opening = Opening { commands: commands.expect("both"), bulk: bulk.expect("both") };
        let shards = ShardCount::DEFAULT.all().map(|shard| (shard, Epoch(5))).collect();
        opening.say(ToRouter::Owns { shards }).await;
        opening
    }

    async fn end(self) {
        self.lifetime.stop.cancel();
        self.lifetime.tracker.close();
        self.lifetime.tracker.wait().await;
        assert_eq!((self.metrics.connections.get(), self.metrics.links.get()), (0, 0));
    }
}

impl Opening {
    async fn say(&self, frame: ToRouter) {
        self.commands.0.send(frame).await.expect("the link is open");
    }

    /// The next frame of the commands lane that is not about beats or channels.
    async fn command(&mut self) -> CommandFrame {
        loop {
            match self.commands.1.next().await.expect("a frame").expect("open") {
                ToNode::Command(frame) => return frame,
                ToNode::BeatSeen { .. } | ToNode::WantLive { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn bulk(&mut self) -> ToNode {
        loop {
            match self.bulk.1.next().await.expect("a frame").expect("open") {
                ToNode::Absent { .. } => {}
                frame => return frame,
            }
        }
    }

    async fn accept(&self, frame: &CommandFrame, v: u64) {
        let outcome =
            Outcome::Accepted { position: at(v), at: Timestamp(9), duplicate: false, view: None };
        let answer = AnswerFrame {
            session: frame.session,
            connection: frame.connection,
            seq: frame.seq,
            route: frame.route,
            action: None,
            outcome,
        };
        self.say(ToRouter::Answer(answer)).await;
    }
}

fn call(action: u128) -> Call {
    Call {
        session: SESSION,
        player: PLAYER,
        body: CommandBody::Rest {
            action: ActionId(Uuid::from_u128(action)),
            command: "{}".to_owned(),
        },
        view: None,
        budget: Duration::from_secs(10),
    }
}

fn credential() -> Credential {
    Credential { expires_at: Timestamp(i64::MAX), issued_at: Timestamp(50), jti: None }
}

struct NoRefresh;

impl RefreshAuth for NoRefresh {
    fn refresh(
        &self,
        _: PlayerId,
        _: String,
    ) -> BoxFuture<'static, Result<Credential, ClientError>> {
        Box::pin(async { Ok(credential()) })
    }
}

fn open() -> OpenConnection {
    let token = TokenClaims {
        session: SESSION,
        player: PLAYER,
        generation: 1,
        chain: Uuid::from_u128(3),
        issued_ms: 1,
        resume: false,
    };
    let refresh = Arc::new(NoRefresh);
    let (session, player) = (SESSION, PLAYER);
    OpenConnection { session, player, token, position: None, credential: credential(), refresh }
}

#[tokio::test]
async fn a_call_survives_a_link_that_breaks() {
    let mut world = World::start().await;
    assert!(!world.switchboard.ready());
    let mut opening = world.opening().await;
    let switchboard = world.switchboard.clone();
    let calling = tokio::spawn(async move { switchboard.command(call(1)).await });
    let first = opening.command().await;
    assert!(world.switchboard.ready());
    drop(opening);
    let mut opening = world.opening().await;
    let again = opening.command().await;
    assert_eq!((again.body.clone(), again.outlived), (first.body, 0));
    assert!(again.route > first.route);
    opening.accept(&again, 4).await;
    let accepted = calling.await.expect("no panic").expect("accepted").expect("journaled");
    assert_eq!(accepted.position, at(4));
    world.end().await;
}

#[tokio::test]
async fn a_player_plays_over_a_socket() {
    let mut world = World::start().await;
    let mut opening = world.opening().await;
    let (near, far) = tokio::io::duplex(1 << 16);
    let config = Some(connection_task::websocket_config());
    let server = WebSocketStream::from_raw_socket(near, protocol::Role::Server, config).await;
    let mut client = WebSocketStream::from_raw_socket(far, protocol::Role::Client, None).await;
    let switchboard = world.switchboard.clone();
    let serving = tokio::spawn(async move { switchboard.connect(open(), server).await });
    let ToNode::Attach(attach) = opening.bulk().await else { panic!("an attach") };
    let sync = r#"{"state":{},"version":"4","position":"p"}"#.to_owned();
    let outcome = AttachOutcome::Fresh {
        role: Role::Gm,
        sync: sync.clone(),
        at: at(4),
        messages_per_minute: 100,
    };
    opening.say(ToRouter::Attached { request: attach.request, outcome }).await;
    let mut text = async || {
        let frame = client.next().await.expect("a frame").expect("no error");
        frame.into_text().expect("text").to_string()
    };
    assert!(text().await.starts_with(r#"{"type":"connection_established""#));
    assert_eq!(text().await, sync_frame(&sync, false));
    let message = crate::stream::tests::message(1, 5);
    let envelope = Envelope { session: SESSION, messages: vec![message], truncated: false };
    let shard = ShardCount::DEFAULT.shard_of(SESSION);
    assert_eq!(world.fanout.publish(&[(shard, envelope.encode())]).await, Vec::<usize>::new());
    assert_eq!(text().await, r#"{"type":"t","data":{"version":"5","prev":"4"}}"#);
    client.close(None).await.expect("closes");
    serving.await.expect("no panic");
    let detach = ToNode::Detach { session: SESSION, connection: attach.connection };
    assert_eq!(opening.bulk().await, detach);
    world.end().await;
}

#[tokio::test]
async fn revocations_come_over_the_links() {
    let mut world = World::start().await;
    let mut opening = world.opening().await;
    assert!(!world.switchboard.revoked(PLAYER, &credential()));
    let revocations = vec![Revocation { user: PLAYER, jti: None, at: Timestamp(60) }];
    opening.say(ToRouter::Revoked { revocations }).await;
    // Frames of a lane are taken in their order: the call after it is seen after it.
    let switchboard = world.switchboard.clone();
    opening.say(ToRouter::Beat { number: 1, moved: Vec::new() }).await;
    let seen = opening.commands.1.next().await.expect("a frame").expect("open");
    assert_eq!(seen, ToNode::BeatSeen { number: 1 });
    assert!(switchboard.revoked(PLAYER, &credential()));
    world.end().await;
}

#[tokio::test]
async fn a_read_of_a_session_without_an_owner_waits_for_one() {
    let mut world = World::start().await;
    let switchboard = world.switchboard.clone();
    let reading =
        tokio::spawn(async move { switchboard.read(SESSION, PLAYER, ReadKind::State).await });
    let mut opening = world.opening().await;
    let ToNode::Read(frame) = opening.bulk().await else { panic!("a read") };
    assert_eq!((frame.session, frame.player), (SESSION, PLAYER));
    let answer = ReadAnswer { json: "{}".to_owned(), at: at(1), stale: false };
    let outcome = Ok(answer.clone());
    opening.say(ToRouter::ReadDone { request: frame.request, outcome }).await;
    assert_eq!(reading.await.expect("no panic"), Ok(answer));
    world.end().await;
}

#[tokio::test]
async fn what_comes_after_the_end_is_refused() {
    let world = World::start().await;
    let switchboard = world.switchboard.clone();
    world.end().await;
    let error = switchboard.command(call(1)).await.expect_err("stopped");
    assert_eq!((error.code, &error.details["effect"]), (ErrorCode::Draining, &"unknown".into()));
}
