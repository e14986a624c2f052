//! Drives one connection: its socket on one side, its worker on the other.
//!
//! Many frames leave with one flush; a client is read only while fewer than the bound of its
//! commands are unanswered; a write that does not get through ends the connection. Decides nothing
//! that [`Conversation`] can decide.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, OptionFuture};
use futures::{SinkExt as _, StreamExt as _};
use gss_shared::clock::Clock;
use gss_shared::error_code::{ClientError, CloseCode, ErrorCode};
use gss_shared::frames::{auth_refreshed_frame, error_frame, heartbeat_frame};
use gss_shared::ids::{ConnectionId, PlayerId, Position, ResumePoint, SessionId};
use gss_shared::limits;
use gss_shared::token::{SessionTokens, TokenClaims};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::connection::queue::{self, Batch, Inbox};
use crate::connection::{Act, Conversation};
use crate::mail::{ClientFrame, Mail};
use crate::metrics::Metrics;
use crate::switchboard::{Credential, OpenConnection, RefreshAuth};

/// A write that takes longer ends the connection: the client has stopped reading.
const WRITE_STALL: Duration = Duration::from_secs(30);
/// Time for a close to reach the client and be answered.
const CLOSE_WAIT: Duration = Duration::from_secs(3);
/// Silence after which a client that sent what cannot be read has read its close.
const REST: Duration = Duration::from_millis(500);
/// Batches written with one flush.
const BATCHES_PER_FLUSH: usize = 64;

/// What a connection needs beside its socket and its worker.
pub(crate) struct Around {
    pub tokens: SessionTokens,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub stop: CancellationToken,
}

/// How sockets must be configured: frames bounded, buffers small (a default socket costs 145 KB).
pub fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .write_buffer_size(32 << 10)
        .max_write_buffer_size(limits::LINK_FRAME_BYTES)
        .max_message_size(Some(limits::CLIENT_FRAME_BYTES))
        .max_frame_size(Some(limits::CLIENT_FRAME_BYTES))
}

/// How a connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// With a close frame of ours.
    Close(CloseCode),
    /// The client sent what no WebSocket may carry.
    Broken(u16),
    /// The client reads too slowly.
    Slow,
    /// The socket is gone.
    Gone,
}

/// Serves a connection to its end.
pub(crate) async fn run<S>(
    around: Around,
    worker: mpsc::Sender<Mail>,
    open: OpenConnection,
    socket: WebSocketStream<S>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (outbox, inbox) = queue::queue();
    let id = ConnectionId(Uuid::new_v4());
    let session = open.session;
    let now = Instant::now();
    let mut shell = Shell {
        socket,
        inbox,
        conversation: Conversation::new(open.credential.expires_at, now),
        established: false,
        position: Position::START.into(),
        id,
        session,
        player: open.player,
        token: open.token,
        refresh: Arc::clone(&open.refresh),
        refreshing: None,
        worker,
        around,
    };
    shell.around.metrics.connections.inc();
    let end = match shell.worker.send(Mail::Connect(Box::new(open), id, outbox)).await {
        Ok(()) => shell.serve().await,
        Err(_) => End::Close(CloseCode::GoingAway),
    };
    let slow = end == End::Slow;
    let gone = Mail::Gone { session, connection: id, slow };
    if shell.worker.send(gone).await.is_err() {
        tracing::debug!(%session, connection = %id, "worker has stopped");
    }
    tracing::debug!(%session, connection = %id, ?end, "connection ends");
    shell.end(end).await;
    shell.around.metrics.connections.dec();
}

struct Shell<S> {
    socket: WebSocketStream<S>,
    inbox: Inbox,
    conversation: Conversation,
    /// The owner admitted it: before, nothing is read.
    established: bool,
    /// Of the last thing with a version that was written.
    position: ResumePoint,
    id: ConnectionId,
    session: SessionId,
    player: PlayerId,
    token: TokenClaims,
    refresh: Arc<dyn RefreshAuth>,
    refreshing: Option<BoxFuture<'static, Result<Credential, ClientError>>>,
    worker: mpsc::Sender<Mail>,
    around: Around,
}

enum Event {
    Batch(Option<Batch>),
    Socket(Option<Result<Message, tungstenite::Error>>),
    Refreshed(Result<Credential, ClientError>),
    Time,
    Stop,
}

impl<S> Shell<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    async fn serve(&mut self) -> End {
        let sleep = tokio::time::sleep_until(Instant::now());
        let stop = self.around.stop.clone();
        let stopped = stop.cancelled();
        tokio::pin!(sleep, stopped);
        loop {
            let due = self.conversation.due(Instant::now(), self.around.clock.now());
            if due != sleep.deadline() {
                sleep.as_mut().reset(due);
            }
            let reads = self.established && self.conversation.reads();
            let refreshing = OptionFuture::from(self.refreshing.as_mut());
            let event = tokio::select! {
                batch = self.inbox.next() => Event::Batch(batch),
                frame = self.socket.next(), if reads => Event::Socket(frame),
                Some(refreshed) = refreshing => Event::Refreshed(refreshed),
                () = &mut sleep => Event::Time,
                () = &mut stopped => Event::Stop,
            };
            if let Err(end) = self.on(event).await {
                return end;
            }
        }
    }

    async fn on(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Batch(Some(batch)) => self.write_batches(batch).await,
            Event::Batch(None) if self.inbox.is_slow() => Err(End::Slow),
            Event::Batch(None) | Event::Stop => Err(End::Close(CloseCode::GoingAway)),
            Event::Socket(frame) => self.received(frame).await,
            Event::Refreshed(result) => {
                self.refreshing = None;
                self.refreshed(result).await
            }
            Event::Time => {
                let acts = self.conversation.tick(Instant::now(), self.around.clock.now());
                self.act(acts, Utf8Bytes::default()).await
            }
        }
    }

    /// Writes what the worker made, with one flush.
    async fn write_batches(&mut self, first: Batch) -> Result<(), End> {
        let mut frames = Vec::with_capacity(first.frames.len());
        let (mut weight, mut close, mut next) = ((0, 0), None, Some(first));
        for _ in 0..BATCHES_PER_FLUSH {
            let Some(batch) = next.take().or_else(|| self.inbox.waiting()) else { break };
            let (count, bytes) = Inbox::weigh(&batch);
            weight = (weight.0 + count, weight.1 + bytes);
            self.position = batch.position;
            self.conversation.answered(batch.answered);
            if let Some(limit) = batch.messages_per_minute {
                self.conversation.set_messages_per_minute(limit);
                self.established = true;
            }
            frames.extend(batch.frames);
            close = batch.close;
            if close.is_some() {
                break;
            }
        }
        if !frames.is_empty() {
            self.around.metrics.frames_per_flush.observe(frames.len() as f64);
            self.write(frames.into_iter().map(Message::Text)).await?;
        }
        self.inbox.written(weight);
        close.map_or(Ok(()), |code| Err(End::Close(code)))
    }

    async fn write(&mut self, frames: impl Iterator<Item = Message>) -> Result<(), End> {
        let socket = &mut self.socket;
        let writing = async move {
            for frame in frames {
                socket.feed(frame).await?;
            }
            socket.flush().await
        };
        tokio::select! {
            biased;
            written = writing => written.map_err(|_| End::Gone),
            () = self.inbox.cut() => Err(End::Slow),
            () = tokio::time::sleep(WRITE_STALL) => Err(End::Slow),
        }
    }

    async fn received(
        &mut self,
        frame: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<(), End> {
        let now = Instant::now();
        self.inbox.seen();
        match frame {
            Some(Ok(Message::Text(text))) => {
                let acts = self.conversation.text(&text, now);
                self.act(acts, text).await
            }
            Some(Ok(Message::Binary(_))) => {
                self.act(Conversation::binary(), Utf8Bytes::default()).await
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                self.conversation.received(now);
                Ok(())
            }
            Some(Err(tungstenite::Error::Capacity(_))) => {
                self.act(Conversation::too_large(), Utf8Bytes::default()).await
            }
            Some(Err(tungstenite::Error::Utf8(_))) => Err(End::Broken(1007)),
            Some(Err(tungstenite::Error::Protocol(_))) => Err(End::Broken(1002)),
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
        }
    }

    async fn act(&mut self, acts: Vec<Act>, text: Utf8Bytes) -> Result<(), End> {
        for act in acts {
            match act {
                Act::Command { seq, action, ephemeral } => {
                    let frame = ClientFrame {
                        session: self.session,
                        connection: self.id,
                        seq,
                        action,
                        ephemeral,
                        text: text.to_string(),
                    };
                    self.tell_worker(Mail::Frame(frame)).await?;
                }
                Act::Sync(paths) => {
                    let (session, connection) = (self.session, self.id);
                    self.tell_worker(Mail::Sync { session, connection, paths }).await?;
                }
                Act::Heartbeat => self.heartbeat(false).await?,
                Act::HeartbeatAndPing => self.heartbeat(true).await?,
                Act::Refresh(jwt) => self.begin_refresh(jwt).await?,
                Act::Say(error) => self.say(error_frame(&error)).await?,
                Act::Close(code) => return Err(End::Close(code)),
            }
        }
        Ok(())
    }

    async fn tell_worker(&mut self, mail: Mail) -> Result<(), End> {
        self.worker.send(mail).await.map_err(|_| End::Close(CloseCode::GoingAway))
    }

    async fn say(&mut self, frame: String) -> Result<(), End> {
        self.write(std::iter::once(Message::Text(frame.into()))).await
    }

    async fn heartbeat(&mut self, ping: bool) -> Result<(), End> {
        if !self.established {
            return Ok(());
        }
        let now = self.around.clock.now();
        let issued_ms = now.0.max(self.token.issued_ms + 1);
        let claims = TokenClaims { issued_ms, resume: true, ..self.token };
        let token = self.around.tokens.issue(claims).map_err(|error| {
            tracing::error!(%error, "session token cannot be signed");
            End::Close(CloseCode::Restart)
        })?;
        let frame = Message::Text(heartbeat_frame(now, self.position, &token).into());
        let ping = ping.then(|| Message::Ping(tungstenite::Bytes::new()));
        self.write(std::iter::once(frame).chain(ping)).await
    }

    async fn begin_refresh(&mut self, jwt: String) -> Result<(), End> {
        if self.refreshing.is_some() {
            let error = ClientError::new(ErrorCode::RateLimited, "A refresh is under way.")
                .with("retry_after_ms", 1_000);
            return self.say(error_frame(&error)).await;
        }
        self.refreshing = Some(self.refresh.refresh(self.player, jwt));
        Ok(())
    }

    async fn refreshed(&mut self, result: Result<Credential, ClientError>) -> Result<(), End> {
        match result {
            Ok(credential) => {
                let expires_at = credential.expires_at;
                self.conversation.refreshed(expires_at);
                let (session, connection) = (self.session, self.id);
                self.tell_worker(Mail::Refreshed { session, connection, credential }).await?;
                self.say(auth_refreshed_frame(expires_at)).await
            }
            Err(error) => self.say(error_frame(&error)).await,
        }
    }

    /// Says good-bye as well as the socket allows, within a bound.
    async fn end(&mut self, end: End) {
        let (number, reason) = match end {
            End::Close(code) => (code.number(), code.reason()),
            End::Broken(number) => (number, ""),
            End::Slow => (CloseCode::SlowConsumer.number(), CloseCode::SlowConsumer.reason()),
            End::Gone => {
                // The client's own close, if it sent one, was answered while it was read.
                if let Ok(Err(error)) = tokio::time::timeout(CLOSE_WAIT, self.socket.flush()).await
                {
                    tracing::trace!(%error, "socket was gone");
                }
                return;
            }
        };
        let socket = &mut self.socket;
        let closing = async move {
            if end == End::Slow {
                let error = ClientError::new(ErrorCode::SlowConsumer, "You read too slowly.");
                socket.feed(Message::Text(error_frame(&error).into())).await?;
            }
            let reason = Utf8Bytes::from_static(reason);
            socket.close(Some(CloseFrame { code: number.into(), reason })).await?;
            // Data left unread would make the kernel reset the connection before the close is read.
            while let Some(Ok(_)) = socket.next().await {}
            if matches!(end, End::Broken(_) | End::Close(CloseCode::TooLarge)) {
                discard(socket.get_mut()).await?;
            }
            Ok::<(), tungstenite::Error>(())
        };
        match tokio::time::timeout(CLOSE_WAIT, closing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::trace!(%error, "close did not get through"),
            Err(_) => tracing::debug!(connection = %self.id, "close was not answered"),
        }
    }
}

/// Reads what still comes of a frame that cannot be read, until the client rests.
async fn discard<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<()> {
    let mut waste = [0; 4 << 10];
    loop {
        match tokio::time::timeout(REST, stream.read(&mut waste)).await {
            Ok(Ok(0)) | Err(_) => return Ok(()),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
