//! The queue between a worker and a connection: bounded in frames and bytes, so that a client that
//! reads too slowly costs a bounded amount and is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gss_shared::error_code::CloseCode;
use gss_shared::ids::ResumePoint;
use gss_shared::limits;
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// What a worker hands to a connection at once: written with one flush.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Text frames in order.
    pub frames: Vec<Utf8Bytes>,
    /// Bytes of the frames.
    pub bytes: usize,
    /// Position of the last thing with a version among all that was sent so far.
    pub position: ResumePoint,
    /// Commands that were answered since the last batch.
    pub answered: usize,
    /// The session's messages per minute, when just learned.
    pub messages_per_minute: Option<u32>,
    /// Close after the frames.
    pub close: Option<CloseCode>,
}

impl Batch {
    /// What it counts against the bounds, frames and bytes: a snapshot or a resume may be larger
    /// than they are and leaves room for what comes while it is written.
    fn weight(&self) -> (usize, usize) {
        let frames = self.frames.len().min(limits::CLIENT_QUEUE_FRAMES / 2);
        (frames, self.bytes.min(limits::CLIENT_QUEUE_BYTES / 2))
    }
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
    /// The client sent something since the worker last asked.
    seen: AtomicBool,
    /// The worker let go of the connection because it reads too slowly.
    slow: AtomicBool,
    /// Wakes a connection that is stuck in a write.
    cut: Notify,
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
    /// Queues a batch unless the client is too slow. A connection that is too slow is told so and
    /// closes; nothing more may be pushed.
    ///
    /// # Errors
    /// [`NotQueued`]; the batch is dropped then.
    pub(crate) fn push(&self, batch: Batch) -> Result<(), NotQueued> {
        let (add_frames, add_bytes) = batch.weight();
        let bytes = self.waiting.bytes.fetch_add(add_bytes, Ordering::Relaxed);
        let frames = self.waiting.frames.fetch_add(add_frames, Ordering::Relaxed);
        let over = bytes + add_bytes > limits::CLIENT_QUEUE_BYTES
            || frames + add_frames > limits::CLIENT_QUEUE_FRAMES;
        if over {
            return Err(self.cut());
        }
        self.queue.try_send(batch).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => self.cut(),
            mpsc::error::TrySendError::Closed(_) => NotQueued::Gone,
        })
    }

    /// Whether the client sent something since the last call.
    pub(crate) fn was_seen(&self) -> bool {
        self.waiting.seen.swap(false, Ordering::Relaxed)
    }

    fn cut(&self) -> NotQueued {
        self.waiting.slow.store(true, Ordering::Release);
        self.waiting.cut.notify_one();
        NotQueued::Slow
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

    /// What the batches that were just taken count; give it back with [`Inbox::written`].
    pub(crate) fn weigh(batch: &Batch) -> (usize, usize) {
        batch.weight()
    }

    /// Batches of this weight are with the kernel now.
    pub(crate) fn written(&self, (frames, bytes): (usize, usize)) {
        self.waiting.frames.fetch_sub(frames, Ordering::Relaxed);
        self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
    /// Resolves when the worker finds the client too slow.
    pub(crate) async fn cut(&self) {
        while !self.is_slow() {
            self.waiting.cut.notified().await;
        }
    }

    /// Whether the worker found the client too slow.
    pub(crate) fn is_slow(&self) -> bool {
        self.waiting.slow.load(Ordering::Acquire)
    }

    /// The client sent something.
    pub(crate) fn seen(&self) {
        self.waiting.seen.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(frames: usize, bytes: usize) -> Batch {
        Batch {
            frames: vec![Utf8Bytes::from_static("x"); frames],
            bytes,
            position: gss_shared::ids::Position::START.into(),
            answered: 0,
            messages_per_minute: None,
            close: None,
        }
    }

    #[tokio::test]
    async fn a_client_is_slow_beyond_the_bound_in_bytes() {
        let (outbox, mut inbox) = queue();
        let half = limits::CLIENT_QUEUE_BYTES / 2;
        assert_eq!(outbox.push(batch(1, 8 << 20)), Ok(()), "a snapshot counts half");
        assert_eq!(outbox.push(batch(1, half)), Ok(()));
        let taken = inbox.next().await.expect("batch");
        assert_eq!(Inbox::weigh(&taken), (1, half));
        inbox.written(Inbox::weigh(&taken));
        assert_eq!(outbox.push(batch(1, half)), Ok(()));
        assert!(!inbox.is_slow());
        assert_eq!(outbox.push(batch(1, 1)), Err(NotQueued::Slow));
        inbox.cut().await;
        assert!(inbox.is_slow());
    }

    #[tokio::test]
    async fn a_client_is_slow_beyond_the_bound_in_frames() {
        let (outbox, inbox) = queue();
        for _ in 0..limits::CLIENT_QUEUE_FRAMES {
            assert_eq!(outbox.push(batch(1, 0)), Ok(()));
        }
        assert_eq!(outbox.push(batch(1, 0)), Err(NotQueued::Slow));
        assert!(inbox.is_slow());
    }

    #[tokio::test]
    async fn empty_batches_are_bounded_too() {
        let (outbox, _inbox) = queue();
        for _ in 0..limits::CLIENT_QUEUE_FRAMES {
            assert_eq!(outbox.push(batch(0, 0)), Ok(()));
        }
        assert_eq!(outbox.push(batch(0, 0)), Err(NotQueued::Slow));
    }

    #[tokio::test]
    async fn a_connection_that_ended_is_not_slow() {
        let (outbox, inbox) = queue();
        drop(inbox);
        assert_eq!(outbox.push(batch(1, 1)), Err(NotQueued::Gone));
    }

    #[tokio::test]
    async fn seen_is_told_once() {
        let (outbox, inbox) = queue();
        assert!(!outbox.was_seen());
        inbox.seen();
        assert!(outbox.was_seen());
        assert!(!outbox.was_seen());
    }
}
