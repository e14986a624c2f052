//! Connections of one session as its owner knows them, and presence made of them.
//!
//! Told by attach, detach, reattach and "seen"; not journaled, rebuilt after a takeover.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use gss_session::{Presence, PresenceStatus};
use gss_shared::ids::{ConnectionId, PlayerId};
use gss_shared::limits::OFFLINE_GRACE_SECONDS;
use gss_shared::token::TokenClaims;
use tokio::time::Instant;
use uuid::Uuid;

use crate::limits::{AWAY_MS, GONE, REPLACED};
use crate::peer::Peer;

/// One connection.
#[derive(Debug)]
pub struct Attachment {
    /// The router that holds it.
    pub peer: Arc<Peer>,
    /// Whose.
    pub player: PlayerId,
    /// Chain of its session token.
    pub chain: Uuid,
    /// Issue time of its session token.
    pub issued_ms: i64,
    /// When it sent something last.
    pub seen: Instant,
}

/// All connections of one session.
#[derive(Debug, Default)]
pub struct Clients {
    attached: BTreeMap<ConnectionId, Attachment>,
    replaced: VecDeque<ConnectionId>,
    gone: VecDeque<ConnectionId>,
    leaving: BTreeMap<PlayerId, Instant>,
    told: BTreeMap<PlayerId, (PresenceStatus, u32)>,
    /// Until then players may come back of whom somebody here was told before, by another owner.
    strangers: Option<Instant>,
}

impl Clients {
    /// Whether no connection is there.
    pub fn is_empty(&self) -> bool {
        self.attached.is_empty() && self.leaving.is_empty()
    }

    /// How many connections are there.
    pub fn len(&self) -> usize {
        self.attached.len()
    }

    /// A connection was admitted. Returns those that it replaces: earlier ones of its chain.
    pub fn attach(
        &mut self,
        connection: ConnectionId,
        peer: &Arc<Peer>,
        token: &TokenClaims,
        now: Instant,
    ) -> Vec<(ConnectionId, Arc<Peer>)> {
        let replaced = self.replaced_by(connection, token);
        // Decided before, these were not there yet when this one was decided.
        self.note_replaced(&replaced);
        let gone = replaced.iter().filter_map(|old| {
            let attachment = self.attached.remove(old)?;
            Some((*old, attachment.peer))
        });
        let gone: Vec<_> = gone.collect();
        self.leaving.remove(&token.player);
        let (player, chain, issued_ms) = (token.player, token.chain, token.issued_ms);
        let attachment = Attachment { peer: Arc::clone(peer), player, chain, issued_ms, seen: now };
        self.attached.insert(connection, attachment);
        gone
    }

    /// Notes which connections a decided, not yet committed, connect replaces: their later
    /// commands are refused (SAFETY S10).
    pub fn supersede(&mut self, connection: ConnectionId, token: &TokenClaims) {
        self.replaced.retain(|replaced| *replaced != connection);
        self.note_replaced(&self.replaced_by(connection, token));
    }

    fn note_replaced(&mut self, connections: &[ConnectionId]) {
        for old in connections {
            if !self.is_replaced(*old) {
                self.replaced.push_back(*old);
            }
        }
        while self.replaced.len() > REPLACED {
            self.replaced.pop_front();
        }
    }

    fn replaced_by(&self, connection: ConnectionId, token: &TokenClaims) -> Vec<ConnectionId> {
        let same_chain = self.attached.iter().filter(|(id, old)| {
            **id != connection && old.chain == token.chain && old.player == token.player
        });
        same_chain.map(|(id, _)| *id).collect()
    }

    /// Whether a newer connection took this one's place.
    pub fn is_replaced(&self, connection: ConnectionId) -> bool {
        self.replaced.contains(&connection)
    }

    /// A connection is gone. Its player has a grace before it is called offline.
    pub fn detach(&mut self, connection: ConnectionId, now: Instant) {
        if !self.is_gone(connection) {
            self.gone.push_back(connection);
        }
        while self.gone.len() > GONE {
            self.gone.pop_front();
        }
        self.remove(connection, now);
    }

    /// Whether its router said that it is over: it is not attached again.
    pub fn is_gone(&self, connection: ConnectionId) -> bool {
        self.gone.contains(&connection)
    }

    /// A connection that was admitted gets no answer that it could go on with.
    pub fn refuse(&mut self, connection: ConnectionId, now: Instant) {
        self.remove(connection, now);
    }

    /// Somebody comes who was told of others before this owner knew them: those who do not come as
    /// well within the grace have to be told of as offline.
    pub fn expect_strangers(&mut self, now: Instant) {
        if self.told.is_empty() {
            let due = now + Duration::from_secs(OFFLINE_GRACE_SECONDS);
            self.strangers.get_or_insert(due);
        }
    }

    /// Whether that grace is over.
    pub fn has_strangers(&self, now: Instant) -> bool {
        self.strangers.is_some_and(|due| due <= now) && !self.attached.is_empty()
    }

    /// The same, and it counts as told from now on.
    pub fn take_strangers(&mut self, now: Instant) -> bool {
        self.strangers.take_if(|due| *due <= now).is_some()
    }

    /// Whether it is there.
    pub fn is_attached(&self, connection: ConnectionId) -> bool {
        self.attached.contains_key(&connection)
    }

    /// Token chains of a player's connections.
    pub fn chains(&self, player: PlayerId) -> BTreeSet<Uuid> {
        let of_player = self.attached.values().filter(|other| other.player == player);
        of_player.map(|other| other.chain).collect()
    }

    /// Players whose grace is over are not waited for any more.
    pub fn expire(&mut self, now: Instant) {
        self.leaving.retain(|_, due| *due > now);
    }

    fn remove(&mut self, connection: ConnectionId, now: Instant) {
        if let Some(old) = self.attached.remove(&connection) {
            self.left(old.player, now);
        }
    }

    fn left(&mut self, player: PlayerId, now: Instant) {
        if !self.attached.values().any(|other| other.player == player) {
            self.leaving.insert(player, now + Duration::from_secs(OFFLINE_GRACE_SECONDS));
        }
    }

    /// What a router has here. `whole`: its earlier connections that are not among them are gone.
    pub fn reattach(
        &mut self,
        peer: &Arc<Peer>,
        connections: &[(ConnectionId, PlayerId, TokenClaims)],
        whole: bool,
        now: Instant,
    ) {
        let still: BTreeSet<_> = connections.iter().map(|(id, ..)| *id).collect();
        self.forget(|id, old| whole && old.peer.router == peer.router && !still.contains(&id), now);
        if !connections.is_empty() {
            self.expect_strangers(now);
        }
        for (connection, player, token) in connections {
            let token = TokenClaims { player: *player, ..*token };
            if !self.is_replaced(*connection) && !self.is_gone(*connection) {
                self.leaving.remove(player);
                let (chain, issued_ms) = (token.chain, token.issued_ms);
                let peer = Arc::clone(peer);
                let attachment = Attachment { peer, player: *player, chain, issued_ms, seen: now };
                self.attached.insert(*connection, attachment);
            }
        }
    }

    /// This start of a router is gone, with all its connections.
    pub fn router_gone(&mut self, peer: &Arc<Peer>, now: Instant) {
        self.forget(|_, old| Arc::ptr_eq(&old.peer, peer), now);
    }

    fn forget(&mut self, gone: impl Fn(ConnectionId, &Attachment) -> bool, now: Instant) {
        let ids = self.attached.iter().filter(|(id, old)| gone(**id, old)).map(|(id, _)| *id);
        for id in ids.collect::<Vec<_>>() {
            self.remove(id, now);
        }
    }

    /// A connection sent something.
    pub fn seen(&mut self, connection: ConnectionId, now: Instant) {
        if let Some(attachment) = self.attached.get_mut(&connection) {
            attachment.seen = now;
        }
    }

    /// Connections and their players.
    pub fn connections(&self) -> BTreeMap<ConnectionId, PlayerId> {
        self.attached.iter().map(|(id, attached)| (*id, attached.player)).collect()
    }

    /// Routers with connections here, each once.
    pub fn peers(&self) -> Vec<&Arc<Peer>> {
        let mut peers: Vec<&Arc<Peer>> = Vec::new();
        for attachment in self.attached.values() {
            if !peers.iter().any(|known| Arc::ptr_eq(known, &attachment.peer)) {
                peers.push(&attachment.peer);
            }
        }
        peers
    }

    /// Who is here: players with connections, and those within their grace.
    pub fn presence(&self, now: Instant) -> Presence {
        let mut presence = Presence::new();
        for attachment in self.attached.values() {
            let idle = now.saturating_duration_since(attachment.seen);
            let away = idle >= Duration::from_millis(AWAY_MS);
            let entry = presence.entry(attachment.player).or_insert((PresenceStatus::Away, 0));
            entry.1 += 1;
            if !away {
                entry.0 = PresenceStatus::Online;
            }
        }
        for (player, due) in &self.leaving {
            if *due > now {
                presence.entry(*player).or_insert((PresenceStatus::Online, 0));
            }
        }
        presence
    }

    /// What changed since it was told last, and counts as told from now on.
    pub fn changes(&mut self, now: Instant) -> Vec<(PlayerId, PresenceStatus, u32)> {
        self.expire(now);
        let presence = self.presence(now);
        let mut changes = Vec::new();
        for (player, (status, connections)) in &presence {
            if self.told.get(player) != Some(&(*status, *connections)) {
                changes.push((*player, *status, *connections));
            }
        }
        for player in self.told.keys() {
            if !presence.contains_key(player) {
                changes.push((*player, PresenceStatus::Offline, 0));
            }
        }
        self.told = presence;
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gss_shared::ids::{Incarnation, SessionId};

    fn peer(name: &str) -> Arc<Peer> {
        Peer::new(name.parse().expect("id"), Incarnation(1))
    }

    fn connection(number: u128) -> ConnectionId {
        ConnectionId(Uuid::from_u128(number))
    }

    fn token(player: u128, chain: u128) -> TokenClaims {
        TokenClaims {
            session: SessionId(Uuid::from_u128(1)),
            player: PlayerId(Uuid::from_u128(player)),
            generation: 1,
            chain: Uuid::from_u128(chain),
            issued_ms: 5,
            resume: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_of_the_same_chain_is_replaced() {
        let (mut clients, a, b) = (Clients::default(), peer("a"), peer("b"));
        let now = Instant::now();
        assert!(clients.attach(connection(1), &a, &token(7, 70), now).is_empty());
        assert!(clients.attach(connection(2), &a, &token(7, 71), now).is_empty());
        clients.supersede(connection(3), &token(7, 70));
        assert!(clients.is_replaced(connection(1)));
        assert!(!clients.is_replaced(connection(2)));
        let gone = clients.attach(connection(3), &b, &token(7, 70), now);
        assert_eq!(gone.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [connection(1)]);
        assert_eq!(clients.len(), 2);
        assert_eq!(clients.peers().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn offline_is_told_after_the_grace_only() {
        let (mut clients, a) = (Clients::default(), peer("a"));
        let player = PlayerId(Uuid::from_u128(7));
        let now = Instant::now();
        clients.attach(connection(1), &a, &token(7, 70), now);
        assert_eq!(clients.changes(now), [(player, PresenceStatus::Online, 1)]);
        assert_eq!(clients.changes(now), []);
        clients.detach(connection(1), now);
        assert_eq!(clients.changes(now), [(player, PresenceStatus::Online, 0)]);
        let later = now + Duration::from_secs(OFFLINE_GRACE_SECONDS);
        assert_eq!(clients.changes(later), [(player, PresenceStatus::Offline, 0)]);
        assert_eq!(clients.changes(later), []);
        assert!(clients.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_player_that_comes_back_within_the_grace_was_never_offline() {
        let (mut clients, a) = (Clients::default(), peer("a"));
        let player = PlayerId(Uuid::from_u128(7));
        let now = Instant::now();
        clients.attach(connection(1), &a, &token(7, 70), now);
        clients.changes(now);
        clients.router_gone(&a, now);
        clients.reattach(&a, &[(connection(2), player, token(7, 70))], true, now);
        assert_eq!(clients.changes(now + Duration::from_secs(20)), []);
        let idle = now + Duration::from_millis(AWAY_MS);
        assert_eq!(clients.changes(idle), [(player, PresenceStatus::Away, 1)]);
        clients.seen(connection(2), idle);
        assert_eq!(clients.changes(idle), [(player, PresenceStatus::Online, 1)]);
    }
}
