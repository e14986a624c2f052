//! A connection as its worker sees it: a bounded queue of frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gss_shared::error_code::CloseCode;
use gss_shared::ids::Position;
use gss_shared::limits;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// What a worker hands to a connection at once: written with one flush.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Text frames in order.
    pub frames: Vec<Utf8Bytes>,
    /// Bytes of the frames.
    pub bytes: usize,
    /// Position of the last thing with a version among all that was sent so far.
    pub position: Position,
    /// Commands that were answered since the last batch.
    pub answered: usize,
    /// The session's messages per minute, when just learned.
    pub messages_per_minute: Option<u32>,
    /// Close after the frames.
    pub close: Option<CloseCode>,
}

/// The worker's end of a connection's queue.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    queue: mpsc::Sender<Batch>,
    waiting: Arc<Waiting>,
}

/// The connection's end.
#[derive(Debug)]
pub(crate) struct Inbox {
    queue: mpsc::Receiver<Batch>,
    waiting: Arc<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: AtomicUsize,
    frames: AtomicUsize,
}

/// Why a batch was not queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotQueued {
    /// More waits than a client may have waiting.
    Slow,
    /// The connection has ended.
    Gone,
}

/// The queue of one connection.
pub(crate) fn queue() -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::channel(limits::CLIENT_QUEUE_FRAMES);
    let waiting = Arc::new(Waiting::default());
    (Outbox { queue: sender, waiting: Arc::clone(&waiting) }, Inbox { queue: receiver, waiting })
}

impl Outbox {
    /// Queues a batch unless the client is too slow.
    ///
    /// # Errors
    /// [`NotQueued`]; the batch is dropped then.
    pub(crate) fn push(&self, batch: Batch) -> Result<(), NotQueued> {
        let bytes = self.waiting.bytes.fetch_add(batch.bytes, Ordering::Relaxed);
        let frames = self.waiting.frames.fetch_add(batch.frames.len(), Ordering::Relaxed);
        // The first batch of an empty queue always fits: a snapshot may be larger than the bound.
        let over = (bytes > 0 && bytes + batch.bytes > limits::CLIENT_QUEUE_BYTES)
            || (frames > 0 && frames + batch.frames.len() > limits::CLIENT_QUEUE_FRAMES);
        if over {
            return Err(NotQueued::Slow);
        }
        self.queue.try_send(batch).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotQueued::Slow,
            mpsc::error::TrySendError::Closed(_) => NotQueued::Gone,
        })
    }
}

impl Inbox {
    /// The next batch; None: the worker has let go of the connection.
    pub(crate) async fn next(&mut self) -> Option<Batch> {
        self.queue.recv().await
    }

    /// The next batch if one waits.
    pub(crate) fn waiting(&mut self) -> Option<Batch> {
        self.queue.try_recv().ok()
    }

    /// These frames are with the kernel now.
    pub(crate) fn written(&self, frames: usize, bytes: usize) {
        self.waiting.frames.fetch_sub(frames, Ordering::Relaxed);
        self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
