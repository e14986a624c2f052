//! Accepts links from routers and from other nodes, and carries their frames to shards and to
//! ownership. Generic over the transport.
//!
//! Invariants: frames of one lane reach a shard in their order; every request gets an answer or the
//! lane closes; a router is told what is served before anything else; beats are sent every
//! [`BEAT_MS`] while the lane lives.

mod lane;
mod peer_book;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use gss_shared::ids::{NodeId, SessionId, Shard, ShardCount};
use gss_shared::limits::OFFLINE_GRACE_SECONDS;
use gss_shared::link::frame::{Hello, Lane, PeerRole, ToNode, ToRouter};
use gss_shared::link::transport::{Accepted, Acceptor, LinkSink, LinkStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::metrics::Metrics;
use crate::ownership_task::OwnershipHandle;
use crate::peer::{Link, Peer};
use crate::routes::{Announcement, Service};
use crate::shard::Input;
use lane::RouterLane;
use peer_book::PeerBook;

pub use gss_shared::limits::BEAT_MS;

/// What the server works with. Cheap to clone.
#[derive(Clone)]
pub struct LinkServer {
    /// What is served.
    pub service: Service,
    /// Offers, and who else serves what.
    pub ownership: OwnershipHandle,
    /// Of the cluster.
    pub shards: ShardCount,
    /// Counters.
    pub metrics: Metrics,
    /// Link tasks.
    pub tasks: TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
    book: Arc<PeerBook>,
}

impl LinkServer {
    /// A server without links.
    pub fn new(
        service: Service,
        ownership: OwnershipHandle,
        shards: ShardCount,
        metrics: Metrics,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let book = Arc::<PeerBook>::default();
        Self { service, ownership, shards, metrics, tasks, stop, book }
    }

    /// Accepts links until `stop`.
    pub async fn run(self, mut acceptor: Box<dyn Acceptor>) {
        loop {
            match self.stop.run_until_cancelled(acceptor.accept()).await {
                None => return,
                Some(Ok(accepted)) => {
                    let server = self.clone();
                    self.tasks.spawn(server.serve(accepted));
                }
                Some(Err(error)) => {
                    tracing::error!(%error, "links are not accepted any more");
                    return;
                }
            }
        }
    }

    /// Serves one link until it closes.
    pub async fn serve(self, accepted: Accepted) {
        let Accepted { hello, sink, stream, .. } = accepted;
        match hello.role {
            PeerRole::Node => self.serve_node(&hello.process, sink, stream).await,
            PeerRole::Router => self.serve_router(hello, sink, stream).await,
        }
    }

    async fn serve_node(
        &self,
        from: &NodeId,
        sink: LinkSink<ToRouter>,
        mut stream: LinkStream<ToNode>,
    ) {
        // An answer may take until a shard that was released before is served.
        let mut answers = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                Some(answer) = answers.next() => {
                    if sink.send(answer).await.is_err() {
                        return;
                    }
                }
                frame = stream.next() => match frame {
                    Ok(Some(ToNode::Offer { shard, epoch })) => answers.push(async move {
                        let accepted = self.ownership.offer(from, shard, epoch).await;
                        ToRouter::OfferAnswer { shard, epoch, accepted }
                    }),
                    Ok(Some(ToNode::Activate { shard, sessions })) => {
                        self.activate(shard, sessions);
                    }
                    Ok(Some(ToNode::Released { shard, epoch })) => {
                        self.ownership.released(from, shard, epoch);
                    }
                    Ok(Some(frame)) => {
                        tracing::warn!(%from, ?frame, "a node may not send this, closing its link");
                        return;
                    }
                    Ok(None) | Err(_) => return,
                },
            }
        }
    }

    /// What a peer names of a shard that it is about to release. Only a favour: sessions that find no
    /// room in the mailbox are loaded when they are asked something.
    fn activate(&self, shard: Shard, mut sessions: Vec<SessionId>) {
        sessions.retain(|session| self.shards.shard_of(*session) == shard);
        if let Some(mailbox) = self.service.mailbox(shard)
            && let Err(error) = mailbox.try_send(Input::Activate(sessions))
        {
            tracing::debug!(%shard, %error, "sessions are loaded later");
        }
    }

    async fn serve_router(
        self,
        hello: Hello,
        sink: LinkSink<ToRouter>,
        mut stream: LinkStream<ToNode>,
    ) {
        let (peer, former) = self.book.peer(&hello.process, hello.incarnation);
        if let Some(former) = former {
            self.router_gone(&former).await;
        }
        let link = Link::new(sink, self.stop.child_token());
        self.metrics.links.inc();
        tracing::info!(router = %peer.router, lane = ?hello.lane, "link opened");
        let commands = hello.lane == Lane::Commands;
        // Before the routes are read: a change in between is told twice rather than never.
        let mut announcements = self.service.announcements.subscribe();
        if commands {
            peer.open(&link, Instant::now());
            link.send(ToRouter::Owns { shards: self.service.owns() });
        }
        let lane = RouterLane::new(self.clone(), Arc::clone(&peer), Arc::clone(&link), hello.lane);
        let mut beat = tokio::time::interval(Duration::from_millis(BEAT_MS));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let reader = async {
            loop {
                match stream.next().await {
                    // Its shards have let go of it: the router has to open its lanes anew.
                    Ok(Some(_)) if peer.is_gone() => return,
                    Ok(Some(frame)) => lane.frame(frame).await,
                    Ok(None) => return,
                    Err(error) => {
                        tracing::info!(router = %peer.router, %error, "link breaks");
                        return;
                    }
                }
            }
        };
        let teller = async {
            loop {
                tokio::select! {
                    _ = beat.tick() => link.send(peer.beat(Instant::now())),
                    told = announcements.recv() => match told {
                        Ok(told) => link.send(announce(told)),
                        Err(RecvError::Lagged(_)) => {
                            link.send(ToRouter::Owns { shards: self.service.owns() });
                        }
                        Err(RecvError::Closed) => return,
                    },
                }
            }
        };
        tokio::select! {
            () = reader => {}
            () = teller, if commands => {}
            () = link.closed().cancelled() => {}
        }
        link.closed().cancel();
        self.metrics.links.dec();
        if commands && peer.close(&link) {
            let (server, peer) = (self.clone(), Arc::clone(&peer));
            self.tasks.spawn(async move { server.forget(&peer).await });
        }
    }

    /// A router that does not come back in time has lost its connections.
    async fn forget(&self, peer: &Arc<Peer>) {
        let grace = Duration::from_secs(OFFLINE_GRACE_SECONDS);
        let waited = self.stop.run_until_cancelled(tokio::time::sleep(grace)).await;
        if waited.is_some() && !peer.is_open() && self.book.remove(peer) {
            self.router_gone(peer).await;
        }
    }

    async fn router_gone(&self, peer: &Arc<Peer>) {
        tracing::info!(router = %peer.router, "router is gone");
        peer.end();
        for mailbox in self.service.mailboxes() {
            if mailbox.send(Input::Absent(Arc::clone(peer))).await.is_err() {
                tracing::debug!("shard is gone");
            }
        }
    }

    /// Answer for a shard that is not served here.
    fn not_owner(&self, shard: Shard) -> crate::answer::Unseen {
        let (epoch, owner) = self.ownership.owner_of(shard);
        crate::answer::Unseen::NotOwner { epoch, owner }
    }
}

fn announce(told: Announcement) -> ToRouter {
    match told {
        Announcement::Owns(shards) => ToRouter::Owns { shards },
        Announcement::Lost(shards) => ToRouter::Lost { shards },
        Announcement::Draining => ToRouter::Draining,
    }
}
