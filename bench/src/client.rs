//! A client that costs as little as one can: reads frames by scanning, sends what it is told.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::load::Load;

/// Updates waiting to be written by one client.
const QUEUE: usize = 1_024;

/// The run that receipts count for; None between runs.
pub(crate) type CurrentLoad = watch::Receiver<Option<Arc<Load>>>;

/// Opens a plain WebSocket.
pub(crate) async fn connect(
    url: &str,
    headers: &[(&'static str, String)],
) -> Result<WebSocketStream<TcpStream>> {
    let mut request = url.into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse()?);
    }
    let authority = request.uri().authority().context("an address in the URL")?.to_string();
    let socket =
        TcpStream::connect(&authority).await.with_context(|| format!("connect {authority}"))?;
    socket.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4 << 10);
    let (stream, _) = tokio_tungstenite::client_async_with_config(request, socket, Some(config))
        .await
        .context("open the WebSocket")?;
    Ok(stream)
}

/// Runs one client; what is sent into the returned channel goes out as text.
pub(crate) fn spawn(
    mut stream: WebSocketStream<TcpStream>,
    mut current: CurrentLoad,
) -> mpsc::Sender<String> {
    let (sender, mut outgoing) = mpsc::channel::<String>(QUEUE);
    tokio::spawn(async move {
        let mut load: Option<Arc<Load>> = current.borrow().clone();
        loop {
            // In this order: what answers an update is counted for its run.
            tokio::select! {
                biased;
                changed = current.changed() => {
                    if changed.is_err() { break }
                    load = current.borrow().clone();
                }
                text = outgoing.recv() => {
                    let Some(text) = text else { break };
                    if stream.send(Message::text(text)).await.is_err() { break }
                }
                frame = stream.next() => match frame {
                    Some(Ok(Message::Text(text))) => {
                        if let Some(load) = &load { take(text.as_str(), load) }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                },
            }
        }
        if let Some(load) = &load {
            load.closed();
        }
    });
    sender
}

/// The update's number stands in the lower half of its action id.
pub(crate) fn action_id(salt: u64, update: usize) -> uuid::Uuid {
    uuid::Uuid::from_u64_pair(salt, update as u64)
}

fn update_of(text: &str, salt: u64) -> Option<usize> {
    let at = text.find("\"action_id\":\"")? + 13;
    let (high, low) = text.get(at..at + 36)?.parse::<uuid::Uuid>().ok()?.as_u64_pair();
    (high == salt).then_some(usize::try_from(low).ok()?)
}

fn decided_ms(text: &str) -> Option<i64> {
    let at = text.find("\"timestamp\":\"")? + 13;
    let time = text.get(at..at + 24)?;
    time.parse::<gss_shared::time::Timestamp>().ok().map(|time| time.0)
}

fn take(text: &str, load: &Load) {
    let head = text.get(..24).unwrap_or(text);
    if head.starts_with("{\"type\":\"state_update\"") {
        if let (Some(update), Some(decided)) = (update_of(text, load.salt), decided_ms(text)) {
            load.received(update, decided);
        }
    } else if head.starts_with("{\"type\":\"ack\"") {
        if let Some(update) = update_of(text, load.salt) {
            load.acked(update);
        }
    } else if head.starts_with("{\"type\":\"error\"") {
        load.refused();
    }
}

/// Reads until the session is joined.
pub(crate) async fn established(stream: &mut WebSocketStream<TcpStream>) -> Result<()> {
    while let Some(frame) = stream.next().await {
        match frame? {
            Message::Text(text) if text.contains("\"sync_response\"") => return Ok(()),
            Message::Close(close) => bail!("closed while connecting: {close:?}"),
            _ => {}
        }
    }
    bail!("the socket ended while connecting")
}
