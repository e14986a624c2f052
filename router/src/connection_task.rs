//! Drives one connection: its socket on one side, its worker on the other.

use std::sync::Arc;

use gss_shared::clock::Clock;
use gss_shared::ids::ConnectionId;
use gss_shared::limits;
use gss_shared::token::SessionTokens;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use futures::SinkExt as _;

use crate::connection;
use crate::mail::Mail;
use crate::metrics::Metrics;
use crate::switchboard::OpenConnection;

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
        .max_write_buffer_size(8 << 20)
        .max_message_size(Some(limits::CLIENT_FRAME_BYTES))
        .max_frame_size(Some(limits::CLIENT_FRAME_BYTES))
}

/// Serves a connection to its end.
pub(crate) async fn run<S>(
    around: Around,
    worker: mpsc::Sender<Mail>,
    open: OpenConnection,
    mut socket: WebSocketStream<S>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (outbox, mut inbox) = connection::queue();
    let id = ConnectionId(Uuid::new_v4());
    let session = open.session;
    around.metrics.connections.inc();
    let mail = Mail::Connect(Box::new(open), id, outbox);
    if worker.send(mail).await.is_ok() {
        while let Some(batch) = inbox.next().await {
            for frame in batch.frames {
                if socket.feed(Message::Text(frame)).await.is_err() {
                    break;
                }
            }
        }
        if worker.send(Mail::Gone { session, connection: id, slow: false }).await.is_err() {
            tracing::debug!(%session, connection = %id, "worker has stopped");
        }
    }
    around.metrics.connections.dec();
}
