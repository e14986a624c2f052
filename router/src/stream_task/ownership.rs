//! Links open and break, shards change their owner.

use gss_shared::ids::{Epoch, NodeId, SessionId, Shard};
use gss_shared::link::frame::{Lane, Reattached, ToNode, ToRouter};
use tokio::time::Instant;

use super::Worker;
use crate::routes::Claimed;

/// Sessions told to a new owner in one frame.
const REATTACHED_AT_ONCE: usize = 256;

impl Worker {
    /// A frame of a node; of an earlier opening it is ignored.
    pub(super) fn node_says(&mut self, node: &NodeId, opening: u64, frame: ToRouter, now: Instant) {
        if self.reach.links.get(node).is_none_or(|link| link.link.opening != opening) {
            return;
        }
        match frame {
            ToRouter::Owns { shards } => self.owns(node, &shards, now),
            ToRouter::Lost { shards } => {
                for (shard, epoch, successor) in shards {
                    if self.reach.owners.lost(shard, epoch, successor) {
                        self.moved(shard, now);
                    }
                }
            }
            ToRouter::Live { session, messages } => self.live(session, messages, now),
            ToRouter::Answer(answer) => self.answer(answer, now),
            ToRouter::Attached { request, outcome } => self.attached(request, outcome, now),
            ToRouter::Heads { heads, .. } => {
                for (session, head) in heads {
                    self.judge(session, now, |stream, steps| {
                        stream.taken_over(head, now, steps);
                    });
                }
            }
            ToRouter::Fetched { request, outcome } => self.fetched(request, outcome, now),
            ToRouter::ReadDone { request, outcome } => self.read_done(request, outcome, now),
            ToRouter::Beat { moved, .. } => self.beat(moved, now),
            ToRouter::Unversioned { session, order, audience, except, frame } => {
                self.unversioned(session, order, (&audience, except), frame, now);
            }
            ToRouter::Close { session, connection, code } => {
                self.close(session, connection, code, now);
            }
            ToRouter::Draining => tracing::info!(%node, "node drains"),
            // Nodes offer shards to nodes, and revocations come by their own mail.
            ToRouter::OfferAnswer { .. } | ToRouter::Revoked { .. } => {}
        }
    }

    fn owns(&mut self, node: &NodeId, shards: &[(Shard, Epoch)], now: Instant) {
        let Some(link) = self.reach.links.get_mut(node) else { return };
        let first = !std::mem::replace(&mut link.told, true);
        if first {
            self.reach.owners.told_all(node, shards);
        }
        for (shard, epoch) in shards {
            let claimed = self.reach.owners.claimed(node, *shard, *epoch);
            if claimed == Claimed::New || (first && claimed == Claimed::Known) {
                self.reattach(*shard);
                self.moved(*shard, now);
            }
        }
    }

    /// Commands and questions of the shard's sessions go to its present owner, from the oldest.
    pub(super) fn moved(&mut self, shard: Shard, now: Instant) {
        for id in self.sessions_of(shard) {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            session.route.go_back();
            for number in &session.requests {
                if let Some(request) = self.reach.requests.get(*number) {
                    request.sent = false;
                    request.paused_until = None;
                }
            }
            self.pump(id, now);
        }
    }

    /// Tells a new owner which connections are here and where their streams stand; it answers
    /// with the sessions' heads.
    fn reattach(&mut self, shard: Shard) {
        let mut sessions = Vec::new();
        for id in self.sessions_of(shard) {
            let Some(session) = self.sessions.get(&id) else { continue };
            let Some(position) = session.stream.last() else { continue };
            let connections: Vec<_> = session
                .clients
                .iter()
                .filter(|client| client.cursor.is_attached())
                .map(|client| (client.id, client.cursor.viewer(), client.token))
                .collect();
            if !connections.is_empty() {
                sessions.push(Reattached { session: id, position, connections });
            }
        }
        for chunk in sessions.chunks(REATTACHED_AT_ONCE) {
            let frame = ToNode::Reattach { shard, sessions: chunk.to_vec() };
            self.reach.tell(shard, Lane::Bulk, frame);
        }
    }

    /// A lane broke: what was sent over it may have been decided, or not.
    pub(super) fn link_down(&mut self, node: &NodeId, opening: u64, now: Instant) {
        if self.reach.links.get(node).is_none_or(|link| link.link.opening != opening) {
            return;
        }
        self.reach.links.remove(node);
        let shards: Vec<Shard> = self.places.keys().copied().collect();
        for shard in shards {
            let Some(owner) = self.reach.owners.of(shard) else { continue };
            if owner.node.as_ref() != Some(node) {
                continue;
            }
            let epoch = owner.epoch;
            for id in self.sessions_of(shard) {
                self.orphan(id, epoch, now);
            }
        }
    }

    fn orphan(&mut self, id: SessionId, epoch: Epoch, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.route.orphan();
        for number in &session.requests {
            if let Some(request) = self.reach.requests.get(*number)
                && request.sent
            {
                request.sent = false;
                request.orphaned = Some(epoch);
            }
        }
        self.note(id, now);
    }

    fn sessions_of(&self, shard: Shard) -> Vec<SessionId> {
        self.places
            .get(&shard)
            .map_or_else(Vec::new, |place| place.sessions.iter().copied().collect())
    }
}
