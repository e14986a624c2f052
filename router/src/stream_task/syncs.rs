//! Reads: of REST callers, and of state for connections.

use std::time::Duration;

use gss_shared::error_code::{ClientError, CloseCode, ErrorCode};
use gss_shared::frames::{error_frame, sync_frame};
use gss_shared::ids::{ConnectionId, Epoch, NodeId, PlayerId, SessionId};
use gss_shared::link::frame::{ReadAnswer, ReadKind, Refused};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::reach::nobody_answered;
use super::requests::{Ask, Request};
use super::session::{SYNCS_WAITING, SyncAsk};
use super::{Worker, commands};
use crate::routes::REDIRECT_PAUSE;
use crate::routes::route::GivenUp;
use crate::stream::cursor::Wish;

/// Refusals of state that another try may not meet: a connection that cannot go on without the
/// state asks again.
const PASSING: [ErrorCode; 2] = [ErrorCode::OwnerUnreachable, ErrorCode::Unavailable];
/// Between two such tries.
const RESYNC_PAUSE: Duration = Duration::from_millis(500);

impl Worker {
    /// A REST read.
    pub(super) fn read(
        &mut self,
        session: SessionId,
        (player, kind): (PlayerId, ReadKind),
        reply: oneshot::Sender<Result<ReadAnswer, ClientError>>,
        now: Instant,
    ) {
        let ask = Ask::Read(player, kind, reply);
        let deadline = now + self.reach.budget();
        let number = self.reach.requests.open(session, ask, deadline);
        self.session(session).requests.push(number);
        self.pump(session, now);
    }

    /// A `sync_request`.
    pub(super) fn sync_asked(
        &mut self,
        session: SessionId,
        id: ConnectionId,
        paths: Vec<String>,
        now: Instant,
    ) {
        let entry = self.sessions.get_mut(&session);
        let Some(client) = entry.and_then(|session| session.client(id)) else { return };
        if client.cursor.is_leaving() {
            return;
        }
        if client.syncs.len() >= SYNCS_WAITING {
            let error = ClientError::new(ErrorCode::RateLimited, "Too many sync requests wait.")
                .with("retry_after_ms", 1_000)
                .with("effect", "none");
            client.cursor.say(error_frame(&error).into());
        } else {
            client.syncs.push_back(SyncAsk { paths, forced: false });
            self.next_sync(session, id, now);
        }
        self.pump(session, now);
    }

    /// What a cursor asked for.
    pub(super) fn wish(&mut self, session: SessionId, id: ConnectionId, wish: Wish, now: Instant) {
        if wish == Wish::Sync {
            let entry = self.sessions.get_mut(&session);
            if let Some(client) = entry.and_then(|session| session.client(id)) {
                client.syncs.push_front(SyncAsk::forced());
                self.next_sync(session, id, now);
            }
        }
    }

    /// Begins the connection's next read of state, if none is under way.
    pub(super) fn next_sync(&mut self, session_id: SessionId, id: ConnectionId, now: Instant) {
        let Some(session) = self.sessions.get_mut(&session_id) else { return };
        let Some(client) = session.client(id) else { return };
        if client.reading.is_some() || !client.cursor.is_attached() {
            return;
        }
        let Some(ask) = client.syncs.pop_front() else { return };
        client.cursor.hold();
        let deadline = now + self.reach.budget();
        let number = self.reach.requests.open(session_id, Ask::Sync(id, ask), deadline);
        client.reading = Some(number);
        session.requests.push(number);
    }

    /// The owner's answer to a read.
    pub(super) fn read_done(
        &mut self,
        number: u64,
        outcome: Result<ReadAnswer, Refused>,
        now: Instant,
    ) {
        if let Err(refused) = &outcome
            && refused.code == ErrorCode::OwnerUnreachable
        {
            // The node does not serve the shard: its announcement or another's will say who does.
            return self.request_redirected(number, Epoch(0), None, now);
        }
        let Some(request) = self.close_request(number) else { return };
        let session = request.session;
        match request.ask {
            Ask::Read(_, _, reply) => {
                // A caller that went away needs no answer.
                drop(reply.send(outcome.map_err(commands::client_error)));
            }
            Ask::Sync(id, ask) => self.synced(session, (id, ask), outcome, now),
            Ask::Attach(_) | Ask::Fetch(_) => {}
        }
        self.pump(session, now);
    }

    fn synced(
        &mut self,
        session_id: SessionId,
        (id, ask): (ConnectionId, SyncAsk),
        outcome: Result<ReadAnswer, Refused>,
        now: Instant,
    ) {
        let Some(session) = self.sessions.get_mut(&session_id) else { return };
        let last = session.stream.last();
        let Some(client) = session.client(id) else { return };
        client.reading = None;
        match outcome {
            Ok(answer) => {
                let at = answer.at;
                if last.is_some_and(|last| !client.cursor.covers(at.version, last.version)) {
                    client.syncs.push_front(ask);
                } else {
                    let frame = sync_frame(&answer.json, answer.stale).into();
                    let wish = client.cursor.synced(at, frame, ask.paths.is_empty());
                    match wish {
                        Wish::Again => client.syncs.push_front(ask),
                        Wish::Sync => client.syncs.push_front(SyncAsk::forced()),
                        Wish::Nothing => {}
                    }
                    self.joined(session_id, at, now);
                }
            }
            Err(refused) => {
                self.not_synced(session_id, id, &ask, &commands::client_error(refused), now);
            }
        }
        self.next_sync(session_id, id, now);
    }

    fn not_synced(
        &mut self,
        session: SessionId,
        id: ConnectionId,
        ask: &SyncAsk,
        error: &ClientError,
        now: Instant,
    ) {
        let entry = self.sessions.get_mut(&session);
        let Some(client) = entry.and_then(|session| session.client(id)) else { return };
        if ask.forced && PASSING.contains(&error.code) {
            // What comes meanwhile waits, up to what a connection's queue holds.
            client.syncs.push_front(SyncAsk::forced());
            self.next_sync(session, id, now);
            return self.pause_sync(session, id, now);
        }
        if ask.forced {
            return client.cursor.cannot_sync();
        }
        let wish = client.cursor.not_synced(error_frame(error).into());
        self.wish(session, id, wish, now);
    }

    /// Lets some time pass before the read that was just begun is sent.
    fn pause_sync(&mut self, session: SessionId, id: ConnectionId, now: Instant) {
        let entry = self.sessions.get_mut(&session);
        let reading = entry.and_then(|session| session.client(id)).and_then(|it| it.reading);
        if let Some(request) = reading.and_then(|number| self.reach.requests.get(number)) {
            request.paused_until = Some(now + RESYNC_PAUSE);
        }
        self.note(session, now);
    }

    /// Takes a question out of the books.
    pub(super) fn close_request(&mut self, number: u64) -> Option<Request> {
        let request = self.reach.requests.take(number)?;
        if let Some(session) = self.sessions.get_mut(&request.session) {
            session.requests.retain(|open| *open != number);
            if session.fetch == Some(number) {
                session.fetch = None;
            }
        }
        Some(request)
    }

    /// A question came to a node that does not serve the shard.
    pub(super) fn request_redirected(
        &mut self,
        number: u64,
        epoch: Epoch,
        owner: Option<NodeId>,
        now: Instant,
    ) {
        let Some(request) = self.reach.requests.get(number) else { return };
        request.sent = false;
        let session = request.session;
        let shard = self.shards.shard_of(session);
        if self.reach.owners.redirected(shard, epoch, owner) {
            return self.moved(shard, now);
        }
        if let Some(request) = self.reach.requests.get(number) {
            request.paused_until = Some(now + REDIRECT_PAUSE);
        }
        self.note(session, now);
    }

    /// Nobody answered a question.
    pub(super) fn request_failed(&mut self, number: u64, reason: GivenUp, now: Instant) {
        let Some(request) = self.close_request(number) else { return };
        let session = request.session;
        let error = nobody_answered(reason);
        match request.ask {
            Ask::Attach(id) => self.refuse(session, id, &error, CloseCode::Restart),
            Ask::Read(_, _, reply) => drop(reply.send(Err(error))),
            Ask::Fetch(_) => {
                let outcome = gss_shared::link::frame::FetchOutcome::Unavailable;
                self.judge(session, now, |stream, steps| stream.fetched(outcome, now, steps));
            }
            Ask::Sync(id, ask) => {
                let entry = self.sessions.get_mut(&session);
                let Some(client) = entry.and_then(|session| session.client(id)) else { return };
                client.reading = None;
                // Whether the read itself kills owners is the attach's to find out (SAFETY S14).
                if ask.forced && reason != GivenUp::Deadline {
                    return client.cursor.cannot_sync();
                }
                self.not_synced(session, id, &ask, &error, now);
                self.next_sync(session, id, now);
            }
        }
    }
}
