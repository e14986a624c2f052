//! Questions to owners that wait for their answer: attaches, fetches and reads. All can be asked
//! again, so a change of owner asks them again.

use std::collections::HashMap;

use gss_shared::error_code::ClientError;
use gss_shared::ids::{ConnectionId, Epoch, PlayerId, Position, SessionId};
use gss_shared::link::frame::{ReadAnswer, ReadKind};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::session::SyncAsk;

/// What is asked.
pub(crate) enum Ask {
    /// Open this connection.
    Attach(ConnectionId),
    /// State for this connection.
    Sync(ConnectionId, SyncAsk),
    /// What follows this position.
    Fetch(Position),
    /// A REST read.
    Read(PlayerId, ReadKind, oneshot::Sender<Result<ReadAnswer, ClientError>>),
}

/// One question.
pub(crate) struct Request {
    pub session: SessionId,
    pub ask: Ask,
    /// When the asker is told that nobody answered.
    pub deadline: Instant,
    /// It is on its way; otherwise it waits for an owner.
    pub sent: bool,
    /// Not to be sent before this.
    pub paused_until: Option<Instant>,
    /// Owners that died with it, and the epoch of the last one (SAFETY S14).
    pub outlived: u8,
    /// The link to this epoch's owner broke while it was there.
    pub orphaned: Option<Epoch>,
}

/// The open questions of one worker, by number. A number tells the worker it belongs to.
pub(crate) struct Requests {
    next: u64,
    step: u64,
    open: HashMap<u64, Request>,
}

/// The worker, of `workers`, that asked a question.
pub(crate) fn worker_of(request: u64, workers: usize) -> usize {
    usize::try_from(request % workers.max(1) as u64).expect("less than the number of workers")
}

impl Requests {
    /// For worker `index` of `workers`.
    pub(crate) fn new(index: usize, workers: usize) -> Self {
        Self { next: index as u64, step: workers as u64, open: HashMap::new() }
    }

    /// Opens a question; it is not sent yet.
    pub(crate) fn open(&mut self, session: SessionId, ask: Ask, deadline: Instant) -> u64 {
        let number = self.next;
        self.next += self.step;
        let request = Request {
            session,
            ask,
            deadline,
            sent: false,
            paused_until: None,
            outlived: 0,
            orphaned: None,
        };
        self.open.insert(number, request);
        number
    }

    /// An open question.
    pub(crate) fn get(&mut self, number: u64) -> Option<&mut Request> {
        self.open.get_mut(&number)
    }

    /// Closes a question.
    pub(crate) fn take(&mut self, number: u64) -> Option<Request> {
        self.open.remove(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_its_worker() {
        let mut requests = Requests::new(2, 5);
        for _ in 0..3 {
            let deadline = Instant::now();
            let session = SessionId(uuid::Uuid::nil());
            let number = requests.open(session, Ask::Fetch(Position::START), deadline);
            assert_eq!(worker_of(number, 5), 2);
            assert!(requests.take(number).is_some());
            assert!(requests.take(number).is_none());
        }
    }
}
