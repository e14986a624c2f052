//! A node at the other end of the links: it proves itself, owns every shard, and answers by a
//! script. Everything between the public port and the link is the router's own.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gss_shared::error_code::ErrorCode;
use gss_shared::ids::{Epoch, EventId, Incarnation, NodeId, Position, ShardCount, Version};
use gss_shared::link::frame::{
    AnswerFrame, CommandBody, CommandFrame, Hello, Lane, Outcome, ReadAnswer, ReadFrame, Refused,
    ToNode, ToRouter,
};
use gss_shared::link::transport::{
    Connected, Dialer, Identity, LinkError, Proven, SharedKey, handshake_client, handshake_server,
};
use gss_shared::ports::directory::MemberRecord;
use gss_shared::time::Timestamp;
use uuid::Uuid;

/// When every command is decided.
pub(crate) const DECIDED: Timestamp = Timestamp(1_795_000_001_000);

/// What the script says to a command or a read.
pub(crate) type Said = Result<Option<String>, (ErrorCode, &'static str, &'static str)>;

/// What came, and what the node says.
type Script = dyn Fn(&Came) -> Said + Send + Sync;

/// A command or a read that reached the node.
#[derive(Clone, Debug)]
pub(crate) enum Came {
    Command(CommandFrame),
    Read(ReadFrame),
}

impl Came {
    /// JSON of a REST command; the frame of another.
    pub(crate) fn body(&self) -> &str {
        match self {
            Self::Command(CommandFrame { body: CommandBody::Rest { command, .. }, .. }) => command,
            Self::Command(CommandFrame { body: CommandBody::Frame(text), .. }) => text,
            Self::Read(_) => "",
        }
    }
}

/// The node.
#[derive(Clone)]
pub(crate) struct Node {
    key: SharedKey,
    script: Arc<Script>,
    came: Arc<Mutex<Vec<Came>>>,
}

impl Node {
    pub(crate) fn new(script: impl Fn(&Came) -> Said + Send + Sync + 'static) -> Self {
        Self { key: SharedKey::random(), script: Arc::new(script), came: Arc::default() }
    }

    pub(crate) fn id() -> NodeId {
        "node-1".parse().expect("name")
    }

    pub(crate) fn record() -> MemberRecord {
        MemberRecord {
            node: Self::id(),
            incarnation: Incarnation(1),
            link: "node-1:1".to_owned(),
            admin: "node-1:2".to_owned(),
            draining: false,
            journal_ok: true,
            ring_version: 1,
            beat: 1,
            reads_events: 1,
        }
    }

    /// Bodies of the commands that came, in order.
    pub(crate) fn commands(&self) -> Vec<String> {
        let commands = self.came().into_iter().filter(|came| matches!(came, Came::Command(_)));
        commands.map(|came| came.body().to_owned()).collect()
    }

    /// Everything that came, in order.
    pub(crate) fn came(&self) -> Vec<Came> {
        self.came.lock().expect("lock").clone()
    }

    /// Position of everything that is decided.
    pub(crate) fn position() -> Position {
        Position { version: Version(428), event: EventId(Uuid::from_u128(428)) }
    }

    fn answer(&self, frame: ToNode) -> Option<ToRouter> {
        let came = match frame {
            ToNode::Command(command) => Came::Command(command),
            ToNode::Read(read) => Came::Read(read),
            _ => return None,
        };
        self.came.lock().expect("lock").push(came.clone());
        let said = (self.script)(&came).map_err(|(code, message, details)| Refused {
            code,
            message: message.to_owned(),
            details: details.to_owned(),
        });
        Some(match came {
            Came::Command(command) => ToRouter::Answer(decided(command, said)),
            Came::Read(read) => ToRouter::ReadDone {
                request: read.request,
                outcome: said.map(|json| ReadAnswer {
                    json: json.unwrap_or_else(|| "{}".to_owned()),
                    at: Self::position(),
                    stale: false,
                }),
            },
        })
    }

    async fn serve(self, io: tokio::io::DuplexStream) {
        let identity = Identity {
            cluster: "gss".parse().expect("name"),
            shards: ShardCount::DEFAULT,
            process: Self::id(),
            incarnation: Incarnation(1),
        };
        let proven = Proven::ByKey(self.key.clone());
        let mut link = handshake_server(io, proven, &identity).await.expect("handshake");
        if link.hello.lane == Lane::Commands {
            let shards = ShardCount::DEFAULT.all().map(|shard| (shard, Epoch(1))).collect();
            link.sink.send(ToRouter::Owns { shards }).await.expect("send");
        }
        while let Ok(Some(frame)) = link.stream.next().await {
            if let Some(answer) = self.answer(frame) {
                link.sink.send(answer).await.expect("send");
            }
        }
    }
}

fn decided(command: CommandFrame, said: Result<Option<String>, Refused>) -> AnswerFrame {
    let action = match &command.body {
        CommandBody::Rest { action, .. } => Some(*action),
        CommandBody::Frame(_) => None,
    };
    let outcome = match said {
        Ok(view) => {
            Outcome::Accepted { position: Node::position(), at: DECIDED, duplicate: false, view }
        }
        Err(refused) => Outcome::Refused { refused, saw: Node::position() },
    };
    AnswerFrame {
        session: command.session,
        connection: command.connection,
        seq: command.seq,
        route: command.route,
        action,
        outcome,
    }
}

#[async_trait]
impl Dialer for Node {
    async fn dial(&self, _: &str, hello: Hello) -> Result<Connected, LinkError> {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        tokio::spawn(self.clone().serve(theirs));
        handshake_client(ours, Proven::ByKey(self.key.clone()), hello).await
    }
}
