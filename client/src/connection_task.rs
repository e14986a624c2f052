//! Holds one connection open: runs the [`Tracker`]'s steps over sockets, one after the other.

mod conversation;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::command::Command;
use crate::error::{CommandError, EndReason};
use crate::frame::{Ack, Event};
use crate::options::ConnectOptions;
use crate::socket::{self, OpenError, Socket, Ticket};
use crate::tracker::Tracker;

/// Unanswered commands that are held; then callers wait.
const HELD: usize = 256;

/// What callers ask.
#[derive(Debug)]
pub(crate) enum Request {
    /// Send and answer.
    Command(Command, Answer),
    /// Send if connected.
    Frame(String),
    /// Drop the socket and resume.
    Reconnect,
    /// End.
    Close(oneshot::Sender<()>),
}

type Answer = oneshot::Sender<Result<Ack, CommandError>>;
type Opened = oneshot::Sender<Result<(), EndReason>>;

/// State of the task between and during connections.
struct Task {
    options: ConnectOptions,
    tracker: Tracker,
    requests: mpsc::Receiver<Request>,
    events: mpsc::Sender<Event>,
    /// Events that the application has not taken.
    untold: VecDeque<Event>,
    answers: HashMap<Uuid, Answer>,
    retries: Vec<(Instant, Uuid)>,
    opened: Option<Opened>,
    closing: Option<oneshot::Sender<()>>,
    backoff: Backoff,
    url: usize,
}

/// What follows a connection.
enum Next {
    /// Another one, after this at least.
    Reconnect(Duration),
    /// Nothing.
    End(EndReason),
}

pub(crate) async fn run(
    options: ConnectOptions,
    requests: mpsc::Receiver<Request>,
    events: mpsc::Sender<Event>,
    opened: Opened,
) {
    let tracker = Tracker::new(options.session_token.clone(), options.position.clone());
    let mut task = Task {
        options,
        tracker,
        requests,
        events,
        untold: VecDeque::new(),
        answers: HashMap::new(),
        retries: Vec::new(),
        opened: Some(opened),
        closing: None,
        backoff: Backoff::default(),
        url: 0,
    };
    let reason = task.hold().await;
    task.end(reason).await;
}

impl Task {
    async fn hold(&mut self) -> EndReason {
        loop {
            let next = match self.open().await {
                Ok(socket) => {
                    let next = self.converse(socket).await;
                    self.tracker.disconnected();
                    self.retries.clear();
                    next
                }
                Err(OpenError::Final(reason)) => Next::End(reason),
                Err(OpenError::Passing(why, after)) => {
                    tracing::debug!(%why, "no connection");
                    self.url += 1;
                    Next::Reconnect(Duration::from_millis(after.unwrap_or_default()))
                }
            };
            match next {
                Next::End(reason) => return reason,
                Next::Reconnect(after) => {
                    let wait = after + self.backoff.next(&mut rand::rng());
                    if let Some(reason) = self.wait(wait).await {
                        return reason;
                    }
                }
            }
        }
    }

    /// One try, while requests are taken.
    async fn open(&mut self) -> Result<Socket, OpenError> {
        let options = self.options.clone();
        let index = self.url % options.urls.len().max(1);
        let Some(url) = options.urls.get(index).cloned() else {
            return Err(OpenError::Final(EndReason::Options("there is no URL".to_owned())));
        };
        let token = self.tracker.token().to_owned();
        let position = self.tracker.position().map(str::to_owned);
        let opening = async move {
            let jwt = options.jwt.get().await;
            let jwt = jwt.map_err(|why| OpenError::Final(EndReason::NoToken(why)))?;
            let position = position.as_deref();
            let ticket = Ticket { url: &url, jwt: &jwt, token: &token, position };
            let opening = socket::open(ticket, options.tls.clone(), options.reach.as_ref());
            let late = |_| OpenError::Passing("no answer in time".to_owned(), None);
            tokio::time::timeout(options.try_within, opening).await.map_err(late)?
        };
        tokio::pin!(opening);
        loop {
            let (room, telling) = (self.has_room(), !self.untold.is_empty());
            tokio::select! {
                opened = &mut opening => return opened,
                () = tell_one(&self.events, &mut self.untold), if telling => {}
                request = self.requests.recv(), if room => {
                    if let Some(reason) = self.take_unconnected(request) {
                        return Err(OpenError::Final(reason));
                    }
                }
            }
        }
    }

    /// Waits, while requests are taken. Some: the caller ended it.
    async fn wait(&mut self, wait: Duration) -> Option<EndReason> {
        let until = Instant::now() + wait;
        loop {
            let (room, telling) = (self.has_room(), !self.untold.is_empty());
            tokio::select! {
                () = tell_one(&self.events, &mut self.untold), if telling => {}
                () = tokio::time::sleep_until(until) => return None,
                request = self.requests.recv(), if room => {
                    let ended = self.take_unconnected(request);
                    if ended.is_some() {
                        return ended;
                    }
                }
            }
        }
    }

    fn has_room(&self) -> bool {
        self.tracker.unanswered() < HELD
    }

    fn take_unconnected(&mut self, request: Option<Request>) -> Option<EndReason> {
        match request {
            Some(Request::Command(command, answer)) => {
                self.answers.insert(command.action_id, answer);
                let steps = self.tracker.submit(&command);
                debug_assert!(steps.is_empty(), "nothing is sent without a connection");
                None
            }
            Some(Request::Frame(_) | Request::Reconnect) => None,
            Some(Request::Close(closed)) => {
                self.closing = Some(closed);
                Some(EndReason::Closed)
            }
            None => Some(EndReason::Closed),
        }
    }

    async fn end(mut self, reason: EndReason) {
        for (_, answer) in self.answers.drain() {
            // A caller that no longer waits needs no answer.
            drop(answer.send(Err(CommandError::Ended)));
        }
        // Whoever closes need not take events first.
        if let Some(closing) = self.closing.take() {
            // Nobody waits when the closing caller gave up.
            let _gave_up = closing.send(()).is_err();
        }
        self.refuse_requests().await;
        if let Some(opened) = self.opened.take() {
            drop(opened.send(Err(reason)));
            return;
        }
        self.untold.push_back(Event::Ended(reason));
        while !self.untold.is_empty() {
            tell_one(&self.events, &mut self.untold).await;
        }
    }

    /// Requests that were under way: one that arrived in a channel without a reader would stay there
    /// as long as its caller holds the other end, which waits.
    async fn refuse_requests(&mut self) {
        self.requests.close();
        while let Some(request) = self.requests.recv().await {
            // A caller that no longer waits needs no answer.
            match request {
                Request::Command(_, answer) => drop(answer.send(Err(CommandError::Ended))),
                Request::Close(closed) => drop(closed.send(())),
                Request::Frame(_) | Request::Reconnect => {}
            }
        }
    }
}

/// Tells the next event when there is room. Nobody listens: forgets them all. Cancel safe.
async fn tell_one(events: &mpsc::Sender<Event>, untold: &mut VecDeque<Event>) {
    match events.reserve().await {
        Ok(permit) => {
            if let Some(event) = untold.pop_front() {
                permit.send(event);
            }
        }
        Err(_) => untold.clear(),
    }
}

#[cfg(test)]
mod tests;
