//! Links to other nodes, for handing shards over: one per peer, opened when needed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use gss_shared::ids::{Epoch, NodeId, SessionId, Shard};
use gss_shared::link::frame::{Lane, PeerRole, ToNode, ToRouter};
use gss_shared::link::transport::{Connected, Dialer, Identity, LinkError};
use gss_shared::ports::directory::MemberRecord;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ownership_events::Peers;

/// Messages waiting for one peer: a drain hands over 32 shards at a time.
const QUEUE: usize = 256;
/// An offer without an answer is void.
const PATIENCE: Duration = Duration::from_millis(1_000);
/// [`ToNode::Activate`] is of this version.
const ACTIVATES: u16 = 2;
/// A link without use closes.
const IDLE: Duration = Duration::from_secs(30);

enum Say {
    Offer { shard: Shard, epoch: Epoch, answer: oneshot::Sender<bool> },
    Released { shard: Shard, epoch: Epoch, playing: Vec<SessionId> },
}

/// The links.
pub struct NodeLinks {
    dialer: Arc<dyn Dialer>,
    identity: Identity,
    tasks: TaskTracker,
    stop: CancellationToken,
    open: Mutex<BTreeMap<NodeId, (String, mpsc::Sender<Say>)>>,
}

impl NodeLinks {
    /// No link is open yet.
    pub fn new(
        dialer: Arc<dyn Dialer>,
        identity: Identity,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self { dialer, identity, tasks, stop, open: Mutex::default() }
    }

    /// The way to a peer; a task opens the link and ends when it is idle or broken.
    fn link(&self, to: &MemberRecord) -> mpsc::Sender<Say> {
        // Nothing panics while it is held.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((address, queue)) = open.get(&to.node)
            && *address == to.link
            && !queue.is_closed()
        {
            return queue.clone();
        }
        let (queue, inbox) = mpsc::channel(QUEUE);
        open.insert(to.node.clone(), (to.link.clone(), queue.clone()));
        let (dialer, address, node) = (self.dialer.clone(), to.link.clone(), to.node.clone());
        let (hello, stop) =
            (self.identity.hello(PeerRole::Node, Lane::Commands), self.stop.clone());
        self.tasks.spawn(async move {
            let connected = async {
                let connected = tokio::time::timeout(PATIENCE, dialer.dial(&address, hello)).await;
                let connected = connected.map_err(|_| LinkError::HandshakeTimeout)??;
                if connected.process != node {
                    return Err(LinkError::NotAuthentic(connected.process.to_string()));
                }
                Ok(connected)
            };
            match stop.run_until_cancelled(connected).await {
                Some(Ok(connected)) => {
                    stop.run_until_cancelled(speak(connected, inbox)).await;
                }
                Some(Err(error)) => tracing::warn!(%node, %error, "no link for a handoff"),
                None => {}
            }
        });
        queue
    }

    async fn say(&self, to: &MemberRecord, say: Say) {
        if self.link(to).send(say).await.is_err() {
            tracing::debug!(node = %to.node, "link for a handoff closed");
        }
    }
}

async fn speak(connected: Connected, mut inbox: mpsc::Receiver<Say>) {
    let Connected { version, sink, mut stream, .. } = connected;
    let mut offers: BTreeMap<Shard, (Epoch, oneshot::Sender<bool>)> = BTreeMap::new();
    let mut used = Instant::now();
    loop {
        let frame = tokio::select! {
            say = inbox.recv() => match say {
                None => return,
                Some(Say::Offer { shard, epoch, answer }) => {
                    offers.insert(shard, (epoch, answer));
                    ToNode::Offer { shard, epoch }
                }
                Some(Say::Released { shard, epoch, playing }) => {
                    if version >= ACTIVATES && !playing.is_empty() {
                        let activate = ToNode::Activate { shard, sessions: playing };
                        if sink.send(activate).await.is_err() {
                            return;
                        }
                    }
                    ToNode::Released { shard, epoch }
                }
            },
            told = stream.next() => match told {
                Ok(Some(ToRouter::OfferAnswer { shard, epoch, accepted })) => {
                    if let Some((offered, answer)) = offers.remove(&shard) {
                        // An offerer that stopped waiting has taken it as refused.
                        let _late = answer.send(accepted && offered == epoch);
                    }
                    continue;
                }
                Ok(Some(_)) => continue,
                Ok(None) | Err(_) => return,
            },
            () = tokio::time::sleep_until(used + IDLE) => return,
        };
        used = Instant::now();
        if sink.send(frame).await.is_err() {
            return;
        }
    }
}

#[async_trait]
impl Peers for NodeLinks {
    async fn offer(&self, to: &MemberRecord, shard: Shard, epoch: Epoch) -> bool {
        let (answer, answered) = oneshot::channel();
        let asked = async {
            self.say(to, Say::Offer { shard, epoch, answer }).await;
            answered.await.unwrap_or(false)
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or(false)
    }

    async fn released(
        &self,
        to: &MemberRecord,
        shard: Shard,
        epoch: Epoch,
        playing: Vec<SessionId>,
    ) {
        let said = self.say(to, Say::Released { shard, epoch, playing });
        if tokio::time::timeout(PATIENCE, said).await.is_err() {
            tracing::debug!(node = %to.node, %shard, "release is found out by the next round");
        }
    }
}

#[cfg(test)]
mod tests {
    use gss_shared::ids::{Incarnation, ShardCount};
    use gss_shared::link::frame::Hello;
    use gss_shared::link::transport::{
        Accepted, Proven, SharedKey, handshake_client, handshake_server,
    };
    use uuid::Uuid;

    use super::*;

    fn identity(process: &str) -> Identity {
        Identity {
            cluster: "gss".parse().expect("name"),
            shards: ShardCount(4),
            process: process.parse().expect("name"),
            incarnation: Incarnation(1),
        }
    }

    /// Opens links to a peer of these versions, whose ends go to the test.
    struct Door {
        versions: (u16, u16),
        accepted: mpsc::Sender<Accepted>,
    }

    #[async_trait]
    impl Dialer for Door {
        async fn dial(&self, _: &str, hello: Hello) -> Result<Connected, LinkError> {
            let (near, far) = tokio::io::duplex(64 << 10);
            let proven = || Proven::ByKey(SharedKey::new(&[7; 32]));
            let (hello, peer) = (Hello { versions: self.versions, ..hello }, identity("b"));
            let (connected, accepted) = tokio::join!(
                handshake_client(near, proven(), hello),
                handshake_server(far, proven(), &peer)
            );
            self.accepted.send(accepted?).await.expect("the test goes on");
            connected
        }
    }

    /// What a peer of these versions hears of two shards: one was played, one was not.
    async fn heard(versions: (u16, u16)) -> Vec<ToNode> {
        let (accepted, mut doors) = mpsc::channel(1);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let door = Arc::new(Door { versions, accepted });
        let links = NodeLinks::new(door, identity("a"), tasks, stop);
        let to = MemberRecord {
            node: "b".parse().expect("name"),
            incarnation: Incarnation(1),
            link: "b".to_owned(),
            admin: String::new(),
            draining: false,
            journal_ok: true,
            ring_version: 1,
            reads_events: 1,
            beat: 1,
        };
        let played = vec![SessionId(Uuid::from_u128(7))];
        links.released(&to, Shard(1), Epoch(3), played).await;
        links.released(&to, Shard(2), Epoch(4), Vec::new()).await;
        let mut accepted = doors.recv().await.expect("a link");
        let mut heard = Vec::new();
        while !matches!(heard.last(), Some(ToNode::Released { shard: Shard(2), .. })) {
            heard.push(accepted.stream.next().await.expect("a frame").expect("open"));
        }
        heard
    }

    #[tokio::test]
    async fn who_knows_how_is_told_what_was_played() {
        let released = |shard, epoch| ToNode::Released { shard: Shard(shard), epoch: Epoch(epoch) };
        let sessions = vec![SessionId(Uuid::from_u128(7))];
        let activate = ToNode::Activate { shard: Shard(1), sessions };
        assert_eq!(heard((1, 2)).await, [activate, released(1, 3), released(2, 4)]);
        assert_eq!(heard((1, 1)).await, [released(1, 3), released(2, 4)]);
    }
}
