//! Messages on their way to connections, by whatever road they come.

use std::sync::Arc;

use gss_shared::error_code::CloseCode;
use gss_shared::ids::{ConnectionId, Epoch, Position, SessionId, Shard};
use gss_shared::link::frame::{FetchOutcome, Lane, ToNode};
use gss_shared::message::{Audience, Message};
use gss_shared::ports::fanout::{Envelope, Peek};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Worker;
use super::requests::Ask;
use crate::stream::cursor::Wish;
use crate::stream::{Step, Stream, Urgency};

/// Fetches in a row that bring what pub/sub did not, after which its channel counts as deaf.
const MISSES: u32 = 2;
/// How long the owner then sends over the link too (SAFETY L11).
const REPAIR_MS: u32 = 5_000;

impl Worker {
    /// A payload of a shard's channel. Most are of no interest and cost a peek.
    pub(super) fn published(&mut self, shard: Shard, payload: &[u8], now: Instant) {
        let peek = match Envelope::peek(payload) {
            Ok(peek) => peek,
            Err(error) => {
                tracing::warn!(%shard, error = &error as &dyn std::error::Error, "bad publish");
                return;
            }
        };
        let Some(session) = self.sessions.get(&peek.session) else { return };
        if session.clients.is_empty() || is_old(&session.stream, peek) {
            return;
        }
        let envelope = match Envelope::decode(payload) {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::warn!(%shard, error = &error as &dyn std::error::Error, "bad publish");
                return;
            }
        };
        if let Some(place) = self.places.get_mut(&shard) {
            place.misses = 0;
        }
        if envelope.truncated {
            if let Some(last) = envelope.messages.last().map(|message| message.position) {
                self.judge(envelope.session, now, |stream, steps| {
                    stream.told(last, Urgency::Now, now, steps);
                });
            }
        } else {
            self.live(envelope.session, envelope.messages, now);
        }
    }

    /// Consecutive messages of a session.
    pub(super) fn live(&mut self, session: SessionId, messages: Vec<Message>, now: Instant) {
        self.judge(session, now, |stream, steps| {
            for message in messages {
                stream.offer(Arc::new(message), now, steps);
            }
        });
    }

    /// The owner says where a session stands.
    pub(super) fn beat(&mut self, moved: Vec<(SessionId, Position)>, now: Instant) {
        for (session, position) in moved {
            self.judge(session, now, |stream, steps| {
                stream.told(position, Urgency::Soon, now, steps);
            });
        }
    }

    /// The answer to a fetch.
    pub(super) fn fetched(&mut self, number: u64, outcome: FetchOutcome, now: Instant) {
        if let FetchOutcome::NotOwner { epoch, owner } = outcome {
            return self.request_redirected(number, epoch, owner, now);
        }
        let Some(request) = self.close_request(number) else { return };
        let id = request.session;
        let before = self.sessions.get(&id).and_then(|session| session.stream.last());
        self.judge(id, now, |stream, steps| stream.fetched(outcome, now, steps));
        let Some(session) = self.sessions.get(&id) else { return };
        let shard = session.shard;
        if session.stream.last() != before
            && let Some(place) = self.places.get_mut(&shard)
        {
            place.misses += 1;
            if place.misses >= MISSES {
                place.misses = 0;
                tracing::info!(%shard, "channel seems deaf; subscribed anew, links help meanwhile");
                self.reach.fanout.resubscribe(shard);
                let frame = ToNode::WantLive { shard, for_ms: REPAIR_MS };
                self.reach.tell(shard, Lane::Commands, frame);
            }
        }
    }

    /// Lets the session's judge judge, and does what it says.
    pub(super) fn judge(
        &mut self,
        id: SessionId,
        now: Instant,
        input: impl FnOnce(&mut Stream, &mut Vec<Step>),
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.clients.is_empty() {
            return;
        }
        let mut steps = std::mem::take(&mut self.steps);
        input(&mut session.stream, &mut steps);
        let mut asks = false;
        for step in steps.drain(..) {
            match step {
                Step::Deliver(message) => self.deliver(id, &message, now),
                Step::Fetch { after } => {
                    self.reach.metrics.gaps.inc();
                    asks = true;
                    self.open_fetch(id, after, now);
                }
                Step::Diverged => {
                    asks = true;
                    self.diverged(id);
                }
            }
        }
        self.steps = steps;
        if asks { self.pump(id, now) } else { self.note(id, now) }
    }

    fn open_fetch(&mut self, id: SessionId, after: Position, now: Instant) {
        let deadline = now + self.reach.budget();
        let number = self.reach.requests.open(id, Ask::Fetch(after), deadline);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.requests.push(number);
        if let Some(former) = session.fetch.replace(number) {
            session.requests.retain(|open| *open != former);
            self.reach.requests.take(former);
        }
    }

    fn deliver(&mut self, id: SessionId, message: &Arc<Message>, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        self.rendered.clear();
        let mut wishes: Vec<ConnectionId> = Vec::new();
        for client in &mut session.clients {
            if client.cursor.offer(message, &mut self.rendered) == Wish::Sync {
                wishes.push(client.id);
            }
        }
        for client in &wishes {
            self.wish(id, *client, Wish::Sync, now);
        }
        if !wishes.is_empty() {
            self.pump(id, now);
        }
    }

    /// The stream met another history: every connection must attach anew to go on.
    fn diverged(&mut self, id: SessionId) {
        self.reach.metrics.diverged.inc();
        tracing::error!(session = %id, "another history than the one delivered; clients attach anew");
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let requests = &mut self.reach.requests;
        if let Some(number) = session.fetch.take() {
            session.requests.retain(|open| *open != number);
            requests.take(number);
        }
        for client in &mut session.clients {
            if let Some(number) = client.reading.take() {
                session.requests.retain(|open| *open != number);
                requests.take(number);
            }
            client.cursor.restart();
            client.syncs.clear();
        }
    }

    /// Presence and ephemeral changes: in the sender's order, older ones dropped (SAFETY S22).
    pub(super) fn unversioned(
        &mut self,
        id: SessionId,
        order: (Epoch, u64),
        (audience, except): (&Audience, Option<ConnectionId>),
        frame: String,
        now: Instant,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if order <= session.unversioned {
            return;
        }
        session.unversioned = order;
        let frame = Utf8Bytes::from(frame);
        for client in &mut session.clients {
            let hears = Some(client.id) != except && !client.cursor.is_leaving();
            if hears && audience.admits(client.cursor.viewer()) {
                client.cursor.say(frame.clone());
            }
        }
        self.note(id, now);
    }

    /// The owner closes a connection.
    pub(super) fn close(
        &mut self,
        id: SessionId,
        connection: ConnectionId,
        code: u16,
        now: Instant,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Some(client) = session.client(connection) {
            client.cursor.close(CloseCode::from_number(code).unwrap_or(CloseCode::GoingAway));
        }
        self.note(id, now);
    }
}

/// Whether everything in the envelope was delivered before. One that ends where the stream stands
/// counts only if that is certain: it may be of another history.
fn is_old(stream: &Stream, peek: Peek) -> bool {
    let Some(last) = stream.last() else { return false };
    let end = peek.first.version.0 + peek.count.saturating_sub(1);
    end < last.version.0 || (peek.count == 1 && peek.first == last)
}
