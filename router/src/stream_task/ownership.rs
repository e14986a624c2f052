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
        let mut news = Vec::new();
        for (shard, epoch) in shards {
            let claimed = self.reach.owners.claimed(node, *shard, *epoch);
            if claimed == Claimed::New || (first && claimed == Claimed::Known) {
                news.push(*shard);
            }
        }
        let mut absent = news.clone();
        absent.retain(|shard| !self.reattach(*shard, first));
        if let (true, Some(shard)) = (first, absent.first().copied()) {
            // Connections may have ended while the link was closed.
            self.reach.tell(shard, Lane::Bulk, ToNode::Absent { shards: absent });
        }
        // What opens now comes after what was here.
        for shard in news {
            self.moved(shard, now);
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

    /// Tells an owner which connections are here and where their streams stand; it answers with the
    /// sessions' heads. `first`: its link opened, and it may know of connections that ended since.
    /// False: there are none.
    fn reattach(&mut self, shard: Shard, first: bool) -> bool {
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
        for frame in reattach_frames(shard, &sessions, first) {
            self.reach.tell(shard, Lane::Bulk, frame);
        }
        !sessions.is_empty()
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

/// What tells of the sessions, in frames of at most [`REATTACHED_AT_ONCE`]. Only the first frame after
/// a link opened ends what it does not name.
fn reattach_frames(
    shard: Shard,
    sessions: &[Reattached],
    first: bool,
) -> impl Iterator<Item = ToNode> {
    sessions.chunks(REATTACHED_AT_ONCE).enumerate().map(move |(index, chunk)| {
        let sessions = chunk.to_vec();
        if first && index == 0 {
            ToNode::Reattach { shard, sessions }
        } else {
            ToNode::ReattachMore { shard, sessions }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gss_shared::ids::Position;

    fn shape(first: bool) -> Vec<(&'static str, usize)> {
        let session = |number| Reattached {
            session: SessionId(uuid::Uuid::from_u128(number)),
            position: Position::START,
            connections: Vec::new(),
        };
        let sessions: Vec<_> = (0..600).map(session).collect();
        let frames = reattach_frames(Shard(3), &sessions, first).map(|frame| match frame {
            ToNode::Reattach { sessions, .. } => ("all", sessions.len()),
            ToNode::ReattachMore { sessions, .. } => ("more", sessions.len()),
            other => panic!("{other:?}"),
        });
        frames.collect()
    }

    #[test]
    fn only_the_first_frame_after_an_opening_ends_what_it_does_not_name() {
        assert_eq!(shape(true), [("all", 256), ("more", 256), ("more", 88)]);
        assert_eq!(shape(false), [("more", 256), ("more", 256), ("more", 88)]);
    }
}
