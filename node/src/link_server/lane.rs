//! One lane of a router: each frame goes to the shard it is for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gss_shared::ids::{ConnectionId, SessionId, Shard};
use gss_shared::link::frame::{Lane, Reattached, ToNode, ToRouter};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::LinkServer;
use crate::answer::{Answer, ReplyTo, Unseen};
use crate::limits::BULK_OUTSTANDING;
use crate::peer::{Link, Peer};
use crate::shard::Input;
use crate::work::{Ask, What, Work};

/// How long a full mailbox may hold up a lane.
const PATIENCE: Duration = Duration::from_millis(1_000);

pub(super) struct RouterLane {
    server: LinkServer,
    peer: Arc<Peer>,
    link: Arc<Link>,
    lane: Lane,
    permits: Arc<Semaphore>,
}

impl RouterLane {
    pub(super) fn new(server: LinkServer, peer: Arc<Peer>, link: Arc<Link>, lane: Lane) -> Self {
        let permits = Arc::new(Semaphore::new(BULK_OUTSTANDING));
        Self { server, peer, link, lane, permits }
    }

    /// Where answers to this lane's requests go; on the bulk lane it waits for room.
    async fn reply(&self) -> ReplyTo {
        if self.lane == Lane::Bulk
            && let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await
        {
            return ReplyTo::Bulk(Arc::clone(&self.link), permit);
        }
        ReplyTo::Commands(Arc::clone(&self.peer))
    }

    /// Carries out one frame. Waits a moment while the shard's mailbox is full.
    pub(super) async fn frame(&self, frame: ToNode) {
        match frame {
            ToNode::Command(frame) => {
                let (to, session) = (ReplyTo::Commands(Arc::clone(&self.peer)), frame.session);
                let what = What::Command(Box::new(frame), Arc::clone(&self.peer));
                self.ask(session, Work { to, ask: Ask::new(what, Instant::now()) }).await;
            }
            ToNode::Attach(frame) => {
                let (to, session) = (self.reply().await, frame.session);
                let what = What::Attach(Box::new(frame), Arc::clone(&self.peer));
                self.ask(session, Work { to, ask: Ask::new(what, Instant::now()) }).await;
            }
            ToNode::Detach { session, connection } => {
                self.notice(self.shard_of(session), Input::Detach(session, connection)).await;
            }
            ToNode::Reattach { shard, sessions } => self.reattach(shard, sessions, true).await,
            ToNode::ReattachMore { shard, sessions } => {
                self.reattach(shard, sessions, false).await;
            }
            ToNode::Absent { shards } => {
                for shard in shards {
                    self.notice(shard, Input::Absent(Arc::clone(&self.peer))).await;
                }
            }
            ToNode::Fetch { request, session, after } => {
                let (to, shard) = (self.reply().await, self.shard_of(session));
                let input = Input::Fetch { to, request, session, after };
                if let Err(Input::Fetch { to, .. }) = self.to_shard(shard, input).await {
                    Answer::unseen_fetch(to, request, &self.why(shard)).send();
                }
            }
            ToNode::Read(frame) => {
                let (to, shard) = (self.reply().await, self.shard_of(frame.session));
                let input = Input::Read(to, Box::new(frame));
                if let Err(Input::Read(to, frame)) = self.to_shard(shard, input).await {
                    Answer::unseen_read(to, &frame, &self.why(shard)).send();
                }
            }
            ToNode::WantLive { shard, for_ms } => {
                let time = Duration::from_millis(for_ms.into());
                self.notice(shard, Input::WantLive(Arc::clone(&self.peer), time)).await;
            }
            ToNode::Seen { connections } => self.seen(connections).await,
            // Commands are stamped with the beat they know of.
            ToNode::BeatSeen { number } => tracing::trace!(number, "beat seen"),
            ToNode::Offer { .. } | ToNode::Released { .. } | ToNode::Activate { .. } => {
                tracing::warn!(router = %self.peer.router, "a router may not hand over shards");
                self.link.closed().cancel();
            }
        }
    }

    async fn reattach(&self, shard: Shard, sessions: Vec<Reattached>, whole: bool) {
        let (to, peer) = (self.reply().await, Arc::clone(&self.peer));
        let input = Input::Reattach { to, peer, sessions, whole };
        if let Err(Input::Reattach { to, .. }) = self.to_shard(shard, input).await {
            let heads = ToRouter::Heads { shard, heads: Vec::new() };
            Answer::from_journal(to, heads).send();
        }
    }

    async fn seen(&self, connections: Vec<(SessionId, ConnectionId)>) {
        let mut by_shard: BTreeMap<Shard, Vec<_>> = BTreeMap::new();
        for (session, connection) in connections {
            by_shard.entry(self.shard_of(session)).or_default().push((session, connection));
        }
        for (shard, connections) in by_shard {
            self.notice(shard, Input::Seen(connections)).await;
        }
    }

    fn shard_of(&self, session: SessionId) -> Shard {
        self.server.shards.shard_of(session)
    }

    async fn ask(&self, session: SessionId, work: Work) {
        let shard = self.shard_of(session);
        if let Err(Input::Ask(_, work)) = self.to_shard(shard, Input::Ask(session, work)).await {
            work.refuse_unseen(&self.why(shard));
        }
    }

    /// What needs no answer.
    async fn notice(&self, shard: Shard, input: Input) {
        if self.to_shard(shard, input).await.is_err() {
            tracing::debug!(%shard, "notice for a shard that is not served");
        }
    }

    fn why(&self, shard: Shard) -> Unseen {
        if self.server.service.mailbox(shard).is_some() {
            return Unseen::Unavailable;
        }
        self.server.not_owner(shard)
    }

    /// The input comes back when the shard is not here or its mailbox stays full.
    async fn to_shard(&self, shard: Shard, input: Input) -> Result<(), Input> {
        let Some(mailbox) = self.server.service.mailbox(shard) else { return Err(input) };
        match tokio::time::timeout(PATIENCE, mailbox.reserve()).await {
            Ok(Ok(place)) => {
                place.send(input);
                Ok(())
            }
            Ok(Err(_)) | Err(_) => Err(input),
        }
    }
}
