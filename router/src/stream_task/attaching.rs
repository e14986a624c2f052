//! Connections come and go.

use gss_shared::error_code::{ClientError, CloseCode, ErrorCode};
use gss_shared::frames::{Established, connection_error_frame, established_frame, sync_frame};
use gss_shared::ids::{ConnectionId, Position, ResumePoint, SessionId};
use gss_shared::link::frame::{AttachOutcome, Lane, ToNode};
use gss_shared::token::TokenClaims;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::requests::{Ask, Request};
use super::session::Client;
use super::upkeep::{SLOW_TIMES, SLOW_WITHIN};
use super::{Worker, commands};
use crate::connection::queue::Outbox;
use crate::stream::Urgency;
use crate::stream::cursor::{Attached, Cursor};
use crate::switchboard::OpenConnection;

/// How long the owner also sends over the link what it publishes, while a shard's channel is being
/// subscribed to.
const SUBSCRIBING_MS: u32 = 1_000;

impl Worker {
    /// A connection opens: the stream's messages wait for it from here on.
    pub(super) fn connect(
        &mut self,
        open: OpenConnection,
        id: ConnectionId,
        outbox: Outbox,
        now: Instant,
    ) {
        let session_id = open.session;
        let position = match self.was_slow(session_id, &open, now) {
            true => None,
            false => open.position,
        };
        let refusal = self.refusal(&open);
        if refusal.is_none() {
            self.supersede(session_id, &open.token);
        }
        let session = self.session(session_id);
        let shard = session.shard;
        session.clients.push(Client {
            id,
            player: open.player,
            cursor: Cursor::attaching(open.player),
            outbox,
            token: open.token,
            credential: open.credential,
            position,
            syncs: std::collections::VecDeque::new(),
            reading: None,
        });
        self.arrived(shard);
        match refusal {
            Some((error, code)) => self.refuse(session_id, id, &error, code),
            None => {
                let ask = Ask::Attach(id);
                let deadline = now + self.reach.budget();
                let number = self.reach.requests.open(session_id, ask, deadline);
                self.session(session_id).requests.push(number);
            }
        }
        self.pump(session_id, now);
    }

    /// A client that opens another connection with the same token has given up those that still
    /// wait for the owner: brought to it later than the new one, they would take its place.
    fn supersede(&mut self, session_id: SessionId, token: &TokenClaims) {
        let Some(session) = self.sessions.get_mut(&session_id) else { return };
        let given_up = |client: &&Client| {
            !client.cursor.is_attached()
                && client.token.player == token.player
                && client.token.chain == token.chain
                && client.token.issued_ms <= token.issued_ms
        };
        let older: Vec<ConnectionId> =
            session.clients.iter().filter(given_up).map(|client| client.id).collect();
        for id in older {
            if self.drop_questions(session_id, id) {
                let text = "another connection replaced this";
                let error = ClientError::new(ErrorCode::Forbidden, text);
                self.refuse(session_id, id, &error, CloseCode::Replaced);
            }
        }
    }

    /// Closes a connection's questions. False: there were none.
    fn drop_questions(&mut self, session_id: SessionId, id: ConnectionId) -> bool {
        let Some(session) = self.sessions.get_mut(&session_id) else { return false };
        let requests = &mut self.reach.requests;
        let before = session.requests.len();
        session.requests.retain(|number| {
            let ask = requests.get(*number).map(|request| &request.ask);
            let its = matches!(ask, Some(Ask::Attach(of) | Ask::Sync(of, _)) if *of == id);
            if its {
                requests.take(*number);
            }
            !its
        });
        session.requests.len() < before
    }

    fn refusal(&self, open: &OpenConnection) -> Option<(ClientError, CloseCode)> {
        if self.draining.is_some() {
            let error = ClientError::new(ErrorCode::Draining, "The router is leaving.");
            return Some((error, CloseCode::Restart));
        }
        if self.revocations.covers(open.player, &open.credential) {
            return Some((commands::revoked(), CloseCode::Unauthenticated));
        }
        None
    }

    /// Closed twice for slowness within a minute: a resume would only repeat it (SAFETY L19).
    fn was_slow(&self, session: SessionId, open: &OpenConnection, now: Instant) -> bool {
        self.slow.get(&(session, open.player)).is_some_and(|(last, times)| {
            *times >= SLOW_TIMES && now.saturating_duration_since(*last) < SLOW_WITHIN
        })
    }

    /// One more connection in the shard; the first subscribes to its channel.
    fn arrived(&mut self, shard: gss_shared::ids::Shard) {
        let place = self.places.entry(shard).or_default();
        place.clients += 1;
        if !place.subscribed {
            place.subscribed = true;
            self.reach.fanout.subscribe(shard);
            let frame = ToNode::WantLive { shard, for_ms: SUBSCRIBING_MS };
            self.reach.tell(shard, Lane::Commands, frame);
        }
    }

    /// The owner's answer to an attach.
    pub(super) fn attached(&mut self, number: u64, outcome: AttachOutcome, now: Instant) {
        if let AttachOutcome::NotOwner { epoch, owner } = outcome {
            return self.request_redirected(number, epoch, owner, now);
        }
        let Some((request, id)) = self.attach_request(number) else { return };
        let session_id = request.session;
        let result = match &outcome {
            AttachOutcome::Resumed { .. } => "resumed",
            AttachOutcome::Fresh { .. } => "fresh",
            AttachOutcome::Refused { .. } | AttachOutcome::NotOwner { .. } => "refused",
        };
        self.reach.metrics.attaches.with_label_values(&[result]).inc();
        match outcome {
            AttachOutcome::Resumed { at, .. } | AttachOutcome::Fresh { at, .. } => {
                self.join(session_id, id, outcome, at, now);
            }
            AttachOutcome::Refused { refused, close } => {
                let code = CloseCode::from_number(close).unwrap_or(CloseCode::Forbidden);
                self.refuse(session_id, id, &commands::client_error(refused), code);
            }
            AttachOutcome::NotOwner { .. } => {}
        }
        self.pump(session_id, now);
    }

    fn attach_request(&mut self, number: u64) -> Option<(Request, ConnectionId)> {
        let request = self.close_request(number)?;
        match request.ask {
            Ask::Attach(id) => Some((request, id)),
            Ask::Sync(..) | Ask::Fetch(_) | Ask::Read(..) => None,
        }
    }

    /// Lets an admitted connection into the stream.
    fn join(
        &mut self,
        session_id: SessionId,
        id: ConnectionId,
        outcome: AttachOutcome,
        at: Position,
        now: Instant,
    ) {
        let Some(session) = self.sessions.get_mut(&session_id) else { return };
        let last = session.stream.last();
        let Some(client) = session.client(id) else { return };
        if last.is_some_and(|last| !client.cursor.covers(at.version, last.version)) {
            // Another answer started the stream beyond this one's place: asked again, the owner
            // answers with a later one.
            let ask = Ask::Attach(id);
            let deadline = now + self.reach.budget();
            let number = self.reach.requests.open(session_id, ask, deadline);
            session.requests.push(number);
            return;
        }
        let Some(attached) = self.reach.admission(session_id, client, outcome) else {
            let error = ClientError::new(ErrorCode::Internal, "No resume token could be made.");
            return self.refuse(session_id, id, &error, CloseCode::Restart);
        };
        let wish = client.cursor.attached(attached);
        self.wish(session_id, id, wish, now);
        self.joined(session_id, at, now);
    }

    /// The stream must reach the place of a snapshot, or starts there.
    pub(super) fn joined(&mut self, session: SessionId, at: Position, now: Instant) {
        self.judge(session, now, |stream, steps| match stream.last() {
            None => stream.start(at, now, steps),
            Some(_) => stream.told(at, Urgency::Soon, now, steps),
        });
    }

    /// Tells a connection that is not attached why not, and closes it.
    pub(super) fn refuse(
        &mut self,
        session: SessionId,
        id: ConnectionId,
        error: &ClientError,
        code: CloseCode,
    ) {
        if let Some(client) = self.session(session).client(id) {
            client.cursor.say_and_close(connection_error_frame(error).into(), code);
        }
    }

    /// The connection's task has ended.
    pub(super) fn gone(&mut self, session: SessionId, id: ConnectionId, slow: bool, now: Instant) {
        if slow && let Some(player) = self.player_of(session, id) {
            self.count_slow(session, player, now);
        }
        self.remove(session, id);
        self.note(session, now);
    }

    /// Lets go of a connection: its commands and questions are not sent again.
    pub(super) fn remove(&mut self, session_id: SessionId, id: ConnectionId) {
        let Some(session) = self.sessions.get_mut(&session_id) else { return };
        let Some(at) = session.clients.iter().position(|client| client.id == id) else { return };
        session.clients.swap_remove(at);
        session.route.leave(id);
        self.drop_questions(session_id, id);
        let Some(session) = self.sessions.get_mut(&session_id) else { return };
        let requests = &mut self.reach.requests;
        if session.clients.is_empty() {
            session.stream = crate::stream::Stream::default();
            if let Some(number) = session.fetch.take() {
                session.requests.retain(|open| *open != number);
                requests.take(number);
            }
        }
        let shard = session.shard;
        if let Some(place) = self.places.get_mut(&shard) {
            place.clients = place.clients.saturating_sub(1);
        }
        let frame = ToNode::Detach { session: session_id, connection: id };
        self.reach.tell(shard, Lane::Bulk, frame);
    }
}

impl super::reach::Reach {
    /// What an admitted connection is told first; None: no token could be signed.
    fn admission(
        &self,
        session: SessionId,
        client: &Client,
        outcome: AttachOutcome,
    ) -> Option<Attached> {
        let now = self.clock.now();
        let claims = TokenClaims {
            issued_ms: now.0.max(client.token.issued_ms + 1),
            resume: true,
            ..client.token
        };
        let token = match self.tokens.issue(claims) {
            Ok(token) => token,
            Err(error) => {
                tracing::error!(%error, "session token cannot be signed");
                return None;
            }
        };
        let (role, resumed, from) = match &outcome {
            AttachOutcome::Resumed { role, .. } => {
                (*role, true, client.position.unwrap_or(Position::START.into()))
            }
            AttachOutcome::Fresh { role, at, .. } => {
                (*role, false, ResumePoint { position: *at, owed: true })
            }
            AttachOutcome::Refused { .. } | AttachOutcome::NotOwner { .. } => return None,
        };
        let established = Utf8Bytes::from(established_frame(&Established {
            session,
            player: client.player,
            at: now,
            connection: client.id,
            role,
            resumed,
            position: from,
            resume_token: &token,
        }));
        match outcome {
            AttachOutcome::Resumed { missed, at, messages_per_minute, sync, .. } => {
                let messages_per_minute = self.messages_per_minute(messages_per_minute);
                let sync = sync.map(|data| sync_frame(&data, false).into());
                Some(Attached { role, established, from, missed, sync, at, messages_per_minute })
            }
            AttachOutcome::Fresh { sync, at, messages_per_minute, .. } => {
                let messages_per_minute = self.messages_per_minute(messages_per_minute);
                let sync = Some(sync_frame(&sync, false).into());
                let missed = Vec::new();
                Some(Attached { role, established, from, missed, sync, at, messages_per_minute })
            }
            AttachOutcome::Refused { .. } | AttachOutcome::NotOwner { .. } => None,
        }
    }
}
