//! The caller's ends of a connection that is held open.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::command::Command;
use crate::connection_task::{self, Request};
use crate::error::{CommandError, EndReason};
use crate::frame::{Ack, Event};
use crate::options::ConnectOptions;

/// Requests that wait for the connection's task.
const REQUESTS: usize = 64;
/// Events that wait for the application; then the connection is not read until it takes some.
const EVENTS: usize = 1_024;

/// Sends commands. Clones share the connection, which closes when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Client {
    requests: mpsc::Sender<Request>,
}

/// What happens, in order. Take events while commands wait: acknowledgements come by the same road.
/// Dropping it discards all further events.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Event>,
}

impl Events {
    /// The next event; None after [`Event::Ended`].
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The next event, if it is there.
    pub fn try_next(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}

/// The acknowledgement of a command, to come.
#[derive(Debug)]
pub struct Pending {
    action_id: Uuid,
    answer: oneshot::Receiver<Result<Ack, CommandError>>,
}

impl Pending {
    /// The command's key.
    pub fn action_id(&self) -> Uuid {
        self.action_id
    }
}

impl Future for Pending {
    type Output = Result<Ack, CommandError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.answer).poll(cx);
        answer.map(|answer| answer.unwrap_or(Err(CommandError::Ended)))
    }
}

impl Client {
    /// Connects and holds the connection open. Returns when it is open for the first time.
    ///
    /// # Errors
    /// Why no connection will open, or [`EndReason::Unreachable`] after `first_within`.
    pub async fn connect(options: ConnectOptions) -> Result<(Self, Events), EndReason> {
        let (requests, asked) = mpsc::channel(REQUESTS);
        let (told, events) = mpsc::channel(EVENTS);
        let (opened, first) = oneshot::channel();
        let within = options.first_within;
        tokio::spawn(connection_task::run(options, asked, told, opened));
        match tokio::time::timeout(within, first).await {
            Ok(Ok(Ok(()))) => Ok((Self { requests }, Events { events })),
            Ok(Ok(Err(reason))) => Err(reason),
            Ok(Err(_)) | Err(_) => Err(EndReason::Unreachable),
        }
    }

    /// Gives a command to the connection, waiting while too many are unanswered; then await the
    /// answer. Commands take effect in the order they were given.
    ///
    /// # Errors
    /// [`CommandError::Ended`].
    pub async fn send(&self, command: Command) -> Result<Pending, CommandError> {
        let (tell, answer) = oneshot::channel();
        let action_id = command.action_id;
        let request = Request::Command(command, tell);
        self.requests.send(request).await.map_err(|_| CommandError::Ended)?;
        Ok(Pending { action_id, answer })
    }

    /// Sends a frame that is not acknowledged (an ephemeral change). Lost when the connection is
    /// away.
    ///
    /// # Errors
    /// [`CommandError::Ended`].
    pub async fn send_unacknowledged(&self, frame: String) -> Result<(), CommandError> {
        self.requests.send(Request::Frame(frame)).await.map_err(|_| CommandError::Ended)
    }

    /// Asks for a `sync_response` of these members; none: of the whole document. A
    /// [`Document`](crate::Document) takes the former by its `follow_part`.
    ///
    /// # Errors
    /// [`CommandError::Ended`].
    pub async fn sync(&self, paths: &[&str]) -> Result<(), CommandError> {
        let frame = serde_json::json!({"type": "sync_request", "data": {"paths": paths}});
        self.send_unacknowledged(frame.to_string()).await
    }

    /// Drops the connection as if the network had, then resumes.
    ///
    /// # Errors
    /// [`CommandError::Ended`].
    pub async fn reconnect(&self) -> Result<(), CommandError> {
        self.requests.send(Request::Reconnect).await.map_err(|_| CommandError::Ended)
    }

    /// Closes for good and waits for it. Unanswered commands end with [`CommandError::Ended`].
    pub async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.requests.send(Request::Close(closed)).await.is_ok() && done.await.is_err() {
            tracing::trace!("the connection had ended");
        }
    }
}
