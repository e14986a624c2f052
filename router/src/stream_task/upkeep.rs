//! What a worker does because time passes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use gss_shared::error_code::CloseCode;
use gss_shared::frames::{error_frame, going_away_frame};
use gss_shared::ids::{ConnectionId, PlayerId, SessionId, Shard};
use gss_shared::link::frame::{Lane, ToNode};
use tokio::time::Instant;

use super::{HOT_TICK, SLOW_TICK, Worker, commands};
use crate::revocations::Revocations;
use crate::routes::route::GivenUp;
use crate::switchboard::Credential;

/// Closed this often within [`SLOW_WITHIN`], a client resumes with a snapshot (SAFETY L19).
pub(super) const SLOW_TIMES: u32 = 2;
/// See [`SLOW_TIMES`].
pub(super) const SLOW_WITHIN: Duration = Duration::from_secs(60);
/// How often owners are told who was seen, and shards without clients are let go.
const UPKEEP: Duration = Duration::from_secs(10);
/// Connections named in one `Seen`.
const SEEN_AT_ONCE: usize = 4_096;
/// Clients of a leaving router come back within this time, milliseconds.
const RECONNECT_WITHIN_MS: u128 = 2_000;

impl Worker {
    /// Does what is due.
    pub(crate) fn pass_time(&mut self, now: Instant) {
        if now >= self.next_hot && !self.hot.is_empty() {
            self.next_hot = now + HOT_TICK;
            self.look_at_hot(now);
        }
        if now >= self.next_slow {
            self.next_slow = now + SLOW_TICK;
            self.look_at_deadlines(now);
            self.drain_some(now);
        }
        if now >= self.next_upkeep {
            self.next_upkeep = now + UPKEEP;
            self.tell_seen();
            self.let_go(now);
        }
    }

    fn look_at_hot(&mut self, now: Instant) {
        if self.reach.send_backlogs() {
            tracing::debug!("frames wait for room on a link");
        }
        let hot: Vec<SessionId> = self.hot.drain().collect();
        for id in hot {
            self.judge(id, now, |stream, steps| stream.tick(now, steps));
            self.pump(id, now);
        }
    }

    fn look_at_deadlines(&mut self, now: Instant) {
        let waiting: Vec<SessionId> = self.waiting.drain().collect();
        for id in waiting {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            let late = session.route.expire(now);
            let requests = &mut self.reach.requests;
            let over: Vec<u64> = session
                .requests
                .iter()
                .copied()
                .filter(|number| requests.get(*number).is_none_or(|open| open.deadline <= now))
                .collect();
            for command in late {
                self.give_up(id, command, GivenUp::Deadline);
            }
            for number in over {
                self.request_failed(number, GivenUp::Deadline, now);
            }
            self.pump(id, now);
        }
    }

    /// Tells owners which connections sent something lately.
    fn tell_seen(&mut self) {
        let mut seen: BTreeMap<Shard, Vec<(SessionId, ConnectionId)>> = BTreeMap::new();
        for session in self.sessions.values() {
            for client in session.clients.iter().filter(|client| client.outbox.was_seen()) {
                seen.entry(session.shard).or_default().push((session.id, client.id));
            }
        }
        for (shard, connections) in seen {
            for chunk in connections.chunks(SEEN_AT_ONCE) {
                let frame = ToNode::Seen { connections: chunk.to_vec() };
                self.reach.tell(shard, Lane::Commands, frame);
            }
        }
    }

    fn let_go(&mut self, now: Instant) {
        for (shard, place) in &mut self.places {
            if place.clients == 0 && place.subscribed {
                place.subscribed = false;
                self.reach.fanout.unsubscribe(*shard);
            }
        }
        self.places.retain(|_, place| place.subscribed || !place.sessions.is_empty());
        self.slow.retain(|_, (last, _)| now.saturating_duration_since(*last) < SLOW_WITHIN);
    }

    /// Tokens were revoked: connections that live by them close.
    pub(super) fn revoke(&mut self, revocations: Arc<Revocations>, now: Instant) {
        let mut touched = Vec::new();
        for session in self.sessions.values_mut() {
            for client in &mut session.clients {
                if revocations.covers(client.player, &client.credential) {
                    let frame = error_frame(&commands::revoked()).into();
                    client.cursor.say_and_close(frame, CloseCode::Unauthenticated);
                    touched.push(session.id);
                }
            }
        }
        self.revocations = revocations;
        for id in touched {
            self.note(id, now);
        }
    }

    /// A connection lives by another token now, which may have been taken back meanwhile.
    pub(super) fn refreshed(
        &mut self,
        session: SessionId,
        connection: ConnectionId,
        credential: Credential,
        now: Instant,
    ) {
        let entry = self.sessions.get_mut(&session);
        let Some(client) = entry.and_then(|session| session.client(connection)) else { return };
        client.credential = credential;
        if self.revocations.covers(client.player, &client.credential) {
            let frame = error_frame(&commands::revoked()).into();
            client.cursor.say_and_close(frame, CloseCode::Unauthenticated);
        }
        self.note(session, now);
    }

    /// The router leaves: clients are asked to go one after the other.
    pub(super) fn drain(&mut self, spread: Duration, now: Instant) {
        let everybody: Vec<(SessionId, ConnectionId)> = self
            .sessions
            .values()
            .flat_map(|session| session.clients.iter().map(|client| (session.id, client.id)))
            .collect();
        let count = u32::try_from(everybody.len().max(1)).unwrap_or(u32::MAX);
        let step = spread / count;
        let plan: VecDeque<_> = everybody
            .into_iter()
            .zip(0_u32..)
            .map(|((session, client), place)| (now + step * place, session, client))
            .collect();
        self.draining = Some(plan);
    }

    fn drain_some(&mut self, now: Instant) {
        while let Some((_, id, connection)) =
            self.draining.as_mut().and_then(|plan| plan.pop_front_if(|(due, ..)| *due <= now))
        {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            if let Some(client) = session.client(connection) {
                let after = connection.0.as_u128() % RECONNECT_WITHIN_MS;
                let after = u64::try_from(after).expect("a remainder of thousands");
                client.cursor.say_and_close(going_away_frame(after).into(), CloseCode::Restart);
            }
            self.note(id, now);
        }
    }

    /// Whose connection it is.
    pub(super) fn player_of(&self, session: SessionId, id: ConnectionId) -> Option<PlayerId> {
        let session = self.sessions.get(&session)?;
        session.clients.iter().find(|client| client.id == id).map(|client| client.player)
    }
}
