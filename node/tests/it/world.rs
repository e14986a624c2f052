//! Nodes in one process, and a router that says what a test tells it to say.

use std::sync::Arc;
use std::time::Duration;

use gss_node::app::{self, Addresses, NodeHandle, Ports};
use gss_shared::clock::Clock;
use gss_shared::config::Config;
use gss_shared::ids::{
    ActionId, ConnectionId, Epoch, Incarnation, PlayerId, Position, ProcessId, SessionId, Shard,
    ShardCount,
};
use gss_shared::link::frame::{
    AnswerFrame, AttachFrame, CommandBody, CommandFrame, Lane, Outcome, PeerRole, ToNode, ToRouter,
};
use gss_shared::link::transport::{
    Connected, Identity, LinkListener, LinkSecurity, SharedKey, TcpDialer, connect,
};
use gss_shared::ports::directory::LocalDirectory;
use gss_shared::ports::fanout::LocalFanout;
use gss_shared::ports::hub::Hub;
use gss_shared::ports::hub::local::LocalHub;
use gss_shared::ports::journal::{Address, Journal, JournalConfig, migrations, open};
use gss_shared::rest_command::RestCommand;
use gss_shared::token::TokenClaims;
use prometheus::Registry;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const SHARDS: ShardCount = ShardCount(4);
const PATIENCE: Duration = Duration::from_secs(20);

/// What all processes share.
pub(crate) struct World {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) hub: Arc<LocalHub>,
    pub(crate) fanout: LocalFanout,
    pub(crate) directory: LocalDirectory,
    security: LinkSecurity,
    _folder: tempfile::TempDir,
}

pub(crate) struct Node {
    pub(crate) handle: NodeHandle,
    pub(crate) link: String,
}

fn config(node: &str) -> Config {
    let set = [("node.id", node), ("cluster.shards", "4"), ("node.drain_seconds", "10")];
    let set = set.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Config::load_from(None, [], &set).expect("configuration")
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let url = format!("sqlite:{}", folder.path().join("journal.db").display());
        let address = Address::from(url.as_str());
        migrations::up(&address).await.expect("tables");
        let journal = open(&JournalConfig::new(address, SHARDS), &Clock::system()).await;
        Self {
            journal: journal.expect("journal").journal,
            hub: Arc::default(),
            fanout: LocalFanout::new(),
            directory: LocalDirectory::new(),
            security: LinkSecurity::SharedKey(SharedKey::random()),
            _folder: folder,
        }
    }

    pub(crate) async fn node(&self, name: &str) -> Node {
        self.node_on(name, Arc::clone(&self.journal)).await
    }

    pub(crate) async fn node_on(&self, name: &str, journal: Arc<dyn Journal>) -> Node {
        self.node_with(name, journal, Arc::clone(&self.hub) as _).await
    }

    pub(crate) async fn node_with(
        &self,
        name: &str,
        journal: Arc<dyn Journal>,
        hub: Arc<dyn Hub>,
    ) -> Node {
        let config = config(name);
        let identity = app::identity(&config, Incarnation(rand::random()));
        let any = "127.0.0.1:0".parse().expect("address");
        let listener = LinkListener::bind(any, self.security.clone(), identity.clone()).await;
        let listener = listener.expect("listen");
        let link = listener.local_addr().expect("address").to_string();
        let ports = Ports {
            journal,
            directory: Arc::new(self.directory.join()),
            fanout: Arc::new(self.fanout.join()),
            hub,
            hot_keys: None,
            acceptor: Box::new(listener),
            dialer: Arc::new(TcpDialer { security: self.security.clone() }),
        };
        let addresses = Addresses { link: link.clone(), admin: link.clone() };
        let (registry, stop) = (Registry::new(), CancellationToken::new());
        let clock = Clock::system();
        let handle = app::run(&config, identity, ports, addresses, &registry, clock, &stop);
        Node { handle: handle.expect("node"), link }
    }

    pub(crate) async fn router(&self, node: &Node) -> Router {
        let identity = Identity {
            cluster: "gss".parse().expect("id"),
            shards: SHARDS,
            process: "r".parse::<ProcessId>().expect("id"),
            incarnation: Incarnation(rand::random()),
        };
        let open = async |lane| {
            let hello = identity.hello(PeerRole::Router, lane);
            connect(&node.link, &self.security, hello).await.expect("link")
        };
        let (commands, bulk) = (open(Lane::Commands).await, open(Lane::Bulk).await);
        Router { commands, bulk, owned: vec![None; usize::from(SHARDS.0)], seq: 0, beat: 0 }
    }
}

/// A router with one node.
pub(crate) struct Router {
    pub(crate) commands: Connected,
    pub(crate) bulk: Connected,
    owned: Vec<Option<Epoch>>,
    seq: u64,
    beat: u64,
}

pub(crate) fn gm() -> PlayerId {
    PlayerId(Uuid::from_u128(0x67))
}

pub(crate) fn table() -> SessionId {
    SessionId(Uuid::from_u128(0x7a))
}

pub(crate) fn shard() -> Shard {
    SHARDS.shard_of(table())
}

pub(crate) fn action(number: u128) -> ActionId {
    ActionId(Uuid::from_u128(0xac00 + number))
}

pub(crate) fn connection(number: u128) -> ConnectionId {
    ConnectionId(Uuid::from_u128(number))
}

pub(crate) fn set(number: u128, value: i64) -> CommandBody {
    let changes = serde_json::json!([{ "path": "/shared/hp", "value": value }]);
    let data = serde_json::json!({ "action_id": action(number), "changes": changes });
    CommandBody::Frame(serde_json::json!({ "type": "state_change", "data": data }).to_string())
}

pub(crate) fn create() -> CommandBody {
    let (campaign_id, name) = (Uuid::nil().into(), "Table".to_owned());
    let command = RestCommand::Create { campaign_id, name, settings: serde_json::Map::new() };
    let command = serde_json::to_string(&command).expect("json");
    CommandBody::Rest { action: action(0), command }
}

impl Router {
    pub(crate) async fn say(&self, frame: ToNode) {
        self.commands.sink.send(frame).await.expect("link");
    }

    pub(crate) async fn say_bulk(&self, frame: ToNode) {
        self.bulk.sink.send(frame).await.expect("link");
    }

    /// The next frame of the commands lane that is no beat; those are read on the way.
    pub(crate) async fn hear(&mut self) -> ToRouter {
        loop {
            match self.hear_any().await {
                ToRouter::Beat { .. } | ToRouter::Owns { .. } | ToRouter::Draining => {}
                ToRouter::Unversioned { .. } => {}
                frame => return frame,
            }
        }
    }

    /// The next frame of the commands lane.
    pub(crate) async fn hear_any(&mut self) -> ToRouter {
        let frame = tokio::time::timeout(PATIENCE, self.commands.stream.next()).await;
        let frame = frame.expect("in time").expect("link").expect("open");
        match &frame {
            ToRouter::Beat { number, .. } => self.beat = *number,
            ToRouter::Owns { shards } => {
                for (shard, epoch) in shards {
                    self.owned[usize::from(shard.0)] = Some(*epoch);
                }
            }
            ToRouter::Lost { shards } => {
                for (shard, ..) in shards {
                    self.owned[usize::from(shard.0)] = None;
                }
            }
            _ => {}
        }
        frame
    }

    pub(crate) async fn hear_bulk(&mut self) -> ToRouter {
        let frame = tokio::time::timeout(PATIENCE, self.bulk.stream.next()).await;
        frame.expect("in time").expect("link").expect("open")
    }

    /// Waits until the node serves every shard.
    pub(crate) async fn until_owned(&mut self) {
        while self.owned.iter().any(Option::is_none) {
            self.hear_any().await;
        }
    }

    pub(crate) async fn command(&mut self, body: CommandBody) -> u64 {
        self.seq += 1;
        let frame = CommandFrame {
            session: table(),
            connection: None,
            seq: self.seq,
            route: 1,
            player: gm(),
            body,
            beat_seen: self.beat,
            outlived: 0,
            budget_ms: 10_000,
            view: None,
        };
        self.say(ToNode::Command(frame)).await;
        self.seq
    }

    /// Sends a command and reads up to its answer: the versions told before it, and the outcome.
    pub(crate) async fn ask(&mut self, body: CommandBody) -> (Vec<u64>, Outcome) {
        let asked = self.command(body).await;
        let mut live = Vec::new();
        loop {
            match self.hear().await {
                ToRouter::Live { messages, .. } => {
                    live.extend(messages.iter().map(|message| message.version().0));
                }
                ToRouter::Answer(AnswerFrame { seq, outcome, .. }) => {
                    assert_eq!(seq, asked);
                    return (live, outcome);
                }
                ToRouter::Lost { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn attach(&mut self, number: u128, position: Option<Position>) {
        let token = TokenClaims {
            session: table(),
            player: gm(),
            generation: 1,
            chain: Uuid::from_u128(70),
            issued_ms: 1_800_000_000_000 + i64::try_from(number).expect("small"),
            resume: position.is_some(),
        };
        let frame = AttachFrame {
            request: u64::try_from(number).expect("small"),
            session: table(),
            connection: connection(number),
            player: gm(),
            token,
            position,
            beat_seen: self.beat,
            outlived: 0,
        };
        self.say_bulk(ToNode::Attach(frame)).await;
    }
}

/// Position and whether it was a duplicate.
pub(crate) fn accepted(outcome: &Outcome) -> (u64, bool) {
    match outcome {
        Outcome::Accepted { position, duplicate, .. } => (position.version.0, *duplicate),
        other => panic!("{other:?}"),
    }
}
