//! The two directions of an open link: a bounded queue whose writer sends many frames per flush,
//! and a reader.

use std::marker::PhantomData;
use std::time::Duration;

use futures::StreamExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::{SendError, TrySendError};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::LinkError;
use crate::limits;

/// Frames that one pass of the writer takes from the queue.
const FRAMES_PER_PASS: usize = 256;
/// Encoded bytes after which the writer writes before it encodes on.
const BYTES_PER_WRITE: usize = 256 << 10;

/// Where frames go in. Clones share one queue of [`limits::LINK_QUEUE`] frames; order is kept.
/// The link closes its direction when all clones are dropped and everything is written.
#[derive(Debug)]
pub struct LinkSink<T> {
    queue: mpsc::Sender<T>,
}

impl<T> Clone for LinkSink<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<T> LinkSink<T> {
    /// A sink into a queue that something other than a transport empties.
    pub fn into_queue(queue: mpsc::Sender<T>) -> Self {
        Self { queue }
    }

    /// Queues a frame, waiting for room. Cancel safe: a cancelled frame was not queued.
    ///
    /// # Errors
    /// The link is closed; the frame comes back.
    pub async fn send(&self, frame: T) -> Result<(), SendError<T>> {
        self.queue.send(frame).await
    }

    /// Queues a frame if there is room.
    ///
    /// # Errors
    /// The queue is full or the link is closed; the frame comes back.
    pub fn try_send(&self, frame: T) -> Result<(), TrySendError<T>> {
        self.queue.try_send(frame)
    }

    /// Whether frames can no longer be sent.
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Waits until frames can no longer be sent.
    pub async fn closed(&self) {
        self.queue.closed().await;
    }

    /// Frames waiting.
    pub fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

/// Where frames come out. Dropping it closes the whole link at once.
pub struct LinkStream<T> {
    reader: FramedRead<Box<dyn AsyncRead + Send + Unpin>, LengthDelimitedCodec>,
    frames: PhantomData<fn() -> T>,
    _writer: DropGuard,
}

impl<T> std::fmt::Debug for LinkStream<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkStream")
    }
}

impl<T: DeserializeOwned> LinkStream<T> {
    /// The next frame; None: the peer closed. Cancel safe.
    ///
    /// # Errors
    /// [`LinkError::Io`] or [`LinkError::Frame`]; the link is of no more use.
    pub async fn next(&mut self) -> Result<Option<T>, LinkError> {
        match self.reader.next().await {
            None => Ok(None),
            Some(Err(error)) => Err(LinkError::Io(error)),
            Some(Ok(bytes)) => postcard::from_bytes(&bytes).map(Some).map_err(LinkError::Frame),
        }
    }
}

/// Makes the pipes of an open link over `io`; `read` came with the handshake and is read first.
pub(super) fn open<S, Out, In>(io: S, read: BytesMut) -> (LinkSink<Out>, LinkStream<In>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    Out: Serialize + Send + 'static,
{
    let (reader, writer) = tokio::io::split(io);
    let (queue, frames) = mpsc::channel(limits::LINK_QUEUE);
    let stop = CancellationToken::new();
    tokio::spawn(write_until(stop.clone(), writer, frames));
    let reader: Box<dyn AsyncRead + Send + Unpin> = Box::new(reader);
    let mut reader = FramedRead::new(reader, codec(limits::LINK_FRAME_BYTES));
    *reader.read_buffer_mut() = read;
    let stream = LinkStream { reader, frames: PhantomData, _writer: stop.drop_guard() };
    (LinkSink { queue }, stream)
}

/// The framing of all links.
pub(super) fn codec(frame_bytes: usize) -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(frame_bytes).new_codec()
}

async fn write_until<W, T>(stop: CancellationToken, mut writer: W, frames: mpsc::Receiver<T>)
where
    W: AsyncWrite + Send + Unpin,
    T: Serialize,
{
    match stop.run_until_cancelled(write_all(&mut writer, frames)).await {
        Some(Ok(())) | None => {}
        Some(Err(error)) => tracing::debug!(%error, "link writer ends"),
    }
}

async fn write_all<W, T>(writer: &mut W, mut frames: mpsc::Receiver<T>) -> std::io::Result<()>
where
    W: AsyncWrite + Unpin,
    T: Serialize,
{
    let mut waiting = Vec::with_capacity(FRAMES_PER_PASS);
    let mut buffer = Vec::new();
    while frames.recv_many(&mut waiting, FRAMES_PER_PASS).await > 0 {
        for frame in waiting.drain(..) {
            buffer = encode(&frame, buffer)?;
            if buffer.len() >= BYTES_PER_WRITE {
                write(writer, &mut buffer).await?;
            }
        }
        write(writer, &mut buffer).await?;
        timely(writer.flush()).await?;
        buffer.shrink_to(BYTES_PER_WRITE);
    }
    writer.shutdown().await
}

async fn write<W: AsyncWrite + Unpin>(writer: &mut W, buffer: &mut Vec<u8>) -> std::io::Result<()> {
    timely(writer.write_all(buffer)).await?;
    buffer.clear();
    Ok(())
}

/// A peer that takes nothing for so long is as good as gone.
async fn timely<F: Future<Output = std::io::Result<()>>>(write: F) -> std::io::Result<()> {
    let limit = Duration::from_secs(limits::LINK_WRITE_SECONDS);
    let late = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
    tokio::time::timeout(limit, write).await.map_err(late)?
}

fn encode<T: Serialize>(frame: &T, mut buffer: Vec<u8>) -> std::io::Result<Vec<u8>> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    let mut buffer = postcard::to_extend(frame, buffer).map_err(std::io::Error::other)?;
    let length = buffer.len() - start - 4;
    let header = u32::try_from(length).ok().filter(|_| length <= limits::LINK_FRAME_BYTES);
    let Some(header) = header else {
        tracing::error!(length, "a frame is over the link's bound; the link closes");
        return Err(std::io::ErrorKind::FileTooLarge.into());
    };
    buffer[start..start + 4].copy_from_slice(&header.to_be_bytes());
    Ok(buffer)
}
