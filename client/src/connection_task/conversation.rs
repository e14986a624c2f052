//! One open connection: frames in, frames out, heartbeats, events, until it ends.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{Sink, SinkExt as _, StreamExt as _};
use gss_shared::clock::Clock;
use gss_shared::error_code::CloseCode;
use gss_shared::limits;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message};

use super::{Next, Request, Task, tell_one};
use crate::error::EndReason;
use crate::frame::Event;
use crate::options::Raw;
use crate::socket::Socket;
use crate::tracker::Step;

/// Frames that wait to be written before requests wait.
const WAITING: usize = 128;
/// Longest time for the close handshake.
const CLOSE: Duration = Duration::from_secs(2);

/// State of one connection.
struct Conversation {
    /// Frames to write.
    out: VecDeque<Message>,
    /// Written, not flushed.
    unflushed: bool,
    /// When the client's next heartbeat is due.
    heartbeat: Instant,
    /// When the server counts as gone unless it says something.
    silence: Instant,
    /// When to leave, if the router asked to.
    leave: Option<Instant>,
    /// How it ends.
    next: Option<Next>,
}

impl Task {
    pub(super) async fn converse(&mut self, socket: Socket) -> Next {
        let (mut sink, mut stream) = socket.split();
        let now = Instant::now();
        let mut talk = Conversation {
            out: VecDeque::new(),
            unflushed: false,
            heartbeat: now + Duration::from_secs(limits::HEARTBEAT_SECONDS),
            silence: now + Duration::from_secs(limits::IDLE_SECONDS),
            leave: None,
            next: None,
        };
        while talk.next.is_none() {
            self.turn(&mut talk, &mut sink, &mut stream).await;
        }
        let next = talk.next.unwrap_or(Next::Reconnect(Duration::ZERO));
        if matches!(next, Next::End(EndReason::Closed)) {
            close(sink, stream).await;
        }
        next
    }

    async fn turn(
        &mut self,
        talk: &mut Conversation,
        sink: &mut SplitSink<Socket, Message>,
        stream: &mut SplitStream<Socket>,
    ) {
        // While the application takes no events, nothing is read.
        let (reading, telling) = (self.untold.is_empty(), !self.untold.is_empty());
        let asking = self.has_room() && talk.out.len() < WAITING;
        let writing = talk.unflushed || !talk.out.is_empty();
        let timer = self.next_timer(talk);
        tokio::select! {
            frame = stream.next(), if reading => self.hear(talk, frame).await,
            request = self.requests.recv(), if asking => self.serve(talk, request),
            () = tell_one(&self.events, &mut self.untold), if telling => {}
            written = write(sink, &mut talk.out, &mut talk.unflushed), if writing => {
                if let Err(error) = written {
                    tracing::debug!(%error, "connection cannot be written");
                    self.broke(talk, None);
                }
            }
            () = tokio::time::sleep_until(timer) => self.on_timer(talk),
        }
    }

    async fn hear(
        &mut self,
        talk: &mut Conversation,
        frame: Option<Result<Message, tungstenite::Error>>,
    ) {
        talk.silence = Instant::now() + Duration::from_secs(limits::IDLE_SECONDS);
        match frame {
            Some(Ok(Message::Text(text))) => {
                self.tap(Raw::Frame(&text));
                let steps = self.tracker.receive(&text);
                self.follow(talk, steps).await;
            }
            Some(Ok(Message::Close(frame))) => {
                let closed = frame.map(|frame| (u16::from(frame.code), frame.reason.to_string()));
                self.broke(talk, closed);
            }
            // The library answers pings; the answer has to be flushed.
            Some(Ok(Message::Ping(_))) => talk.unflushed = true,
            Some(Ok(Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
            Some(Err(error)) => {
                tracing::debug!(%error, "connection broke");
                self.broke(talk, None);
            }
            None => self.broke(talk, None),
        }
    }

    fn serve(&mut self, talk: &mut Conversation, request: Option<Request>) {
        match request {
            Some(Request::Command(command, answer)) => {
                self.answers.insert(command.action_id, answer);
                let steps = self.tracker.submit(&command);
                self.send(talk, steps);
            }
            Some(Request::Frame(text)) => talk.out.push_back(Message::text(text)),
            Some(Request::Reconnect) => self.broke(talk, None),
            Some(Request::Close(closed)) => {
                self.closing = Some(closed);
                talk.next = Some(Next::End(EndReason::Closed));
            }
            None => talk.next = Some(Next::End(EndReason::Closed)),
        }
    }

    /// Steps that need no waiting.
    fn send(&mut self, talk: &mut Conversation, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Send(text) => talk.out.push_back(Message::text(text)),
                Step::Answer(action, answer) => {
                    if let Some(waiting) = self.answers.remove(&action) {
                        // A caller that no longer waits needs no answer.
                        drop(waiting.send(answer));
                    }
                }
                Step::RetryAfter(action, after) => {
                    self.retries.push((Instant::now() + after, action));
                }
                Step::Tell(event) => self.tell(event),
                Step::Reconnect => self.broke(talk, None),
                Step::LeaveAfter(after) => {
                    talk.leave.get_or_insert(Instant::now() + after);
                }
                Step::RefreshJwt => {}
            }
        }
    }

    async fn follow(&mut self, talk: &mut Conversation, steps: Vec<Step>) {
        if steps.contains(&Step::RefreshJwt) {
            match self.options.jwt.get().await {
                Ok(jwt) => {
                    let frame = serde_json::json!({"type": "auth_refresh", "data": {"jwt": jwt}});
                    talk.out.push_back(Message::text(frame.to_string()));
                }
                Err(why) => tracing::warn!(%why, "no new token; the server will close"),
            }
        }
        self.send(talk, steps);
    }

    fn tell(&mut self, event: Event) {
        if matches!(event, Event::Connected { .. } | Event::Resumed { .. }) {
            self.backoff.reset();
            if let Some(opened) = self.opened.take() {
                // The caller may have stopped waiting; then all clients are dropped too.
                drop(opened.send(Ok(())));
            }
        }
        self.untold.push_back(event);
    }

    /// The connection is gone, with a close code or without; the first cause counts.
    fn tap(&self, raw: Raw<'_>) {
        if let Some(tap) = &self.options.tap {
            tap(raw);
        }
    }

    fn broke(&mut self, talk: &mut Conversation, closed: Option<(u16, String)>) {
        if talk.next.is_some() {
            return;
        }
        let code = closed.as_ref().map(|(code, _)| *code);
        self.tap(Raw::Closed(code));
        talk.next = Some(match closed {
            Some((code, reason)) if !CloseCode::reconnect(code) => {
                Next::End(EndReason::ClosedByService { code, reason })
            }
            Some(_) | None => {
                self.untold.push_back(Event::Disconnected { code });
                Next::Reconnect(Duration::ZERO)
            }
        });
    }

    fn next_timer(&self, talk: &Conversation) -> Instant {
        let retry = self.retries.iter().map(|(at, _)| *at).min();
        let timers = [Some(talk.heartbeat), Some(talk.silence), talk.leave, retry];
        timers.into_iter().flatten().min().unwrap_or(talk.silence)
    }

    fn on_timer(&mut self, talk: &mut Conversation) {
        let now = Instant::now();
        if now >= talk.silence && self.untold.is_empty() {
            tracing::debug!("the server is silent");
            self.broke(talk, None);
        } else if now >= talk.silence {
            // Nothing was read because the application takes no events: that is no silence.
            talk.silence = now + Duration::from_secs(limits::IDLE_SECONDS);
        }
        if talk.leave.is_some_and(|leave| now >= leave) {
            self.broke(talk, None);
        }
        if now >= talk.heartbeat {
            talk.heartbeat = now + Duration::from_secs(limits::HEARTBEAT_SECONDS);
            let timestamp = Clock::system().now();
            let frame = serde_json::json!({"type": "heartbeat", "data": {"timestamp": timestamp}});
            talk.out.push_back(Message::text(frame.to_string()));
        }
        let (due, later): (Vec<_>, Vec<_>) = self.retries.drain(..).partition(|(at, _)| now >= *at);
        self.retries = later;
        for (_, action) in due {
            let steps = self.tracker.retry(action);
            self.send(talk, steps);
        }
    }
}

/// Writes and flushes. Cancel safe: what was not handed over stays in `out`.
async fn write(
    sink: &mut SplitSink<Socket, Message>,
    out: &mut VecDeque<Message>,
    unflushed: &mut bool,
) -> Result<(), tungstenite::Error> {
    while !out.is_empty() {
        futures::future::poll_fn(|cx| Pin::new(&mut *sink).poll_ready(cx)).await?;
        if let Some(message) = out.pop_front() {
            Pin::new(&mut *sink).start_send(message)?;
            *unflushed = true;
        }
    }
    futures::future::poll_fn(|cx| Pin::new(&mut *sink).poll_flush(cx)).await?;
    *unflushed = false;
    Ok(())
}

/// Says goodbye and waits for the answer, for a while.
async fn close(mut sink: SplitSink<Socket, Message>, mut stream: SplitStream<Socket>) {
    let goodbye = async {
        let normal = CloseFrame { code: CloseCode::Normal.number().into(), reason: "".into() };
        sink.send(Message::Close(Some(normal))).await?;
        while let Some(frame) = stream.next().await {
            frame?;
        }
        Ok::<(), tungstenite::Error>(())
    };
    match tokio::time::timeout(CLOSE, goodbye).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "connection was gone at its close"),
        Err(_) => tracing::debug!("the server does not answer the close"),
    }
}
