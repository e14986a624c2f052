//! The raw limit of delivery: a bare tokio-tungstenite server that sends the same frames to the
//! same number of clients, as fast as it can, many per flush.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// Frames that are fed before each flush: what a busy router reaches.
const BATCH: usize = 20;

/// Options of the hidden server process.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Bytes of each frame.
    #[arg(long)]
    bytes: usize,
}

/// The server: prints its port, then sends to whoever connects until it is killed.
pub(crate) async fn run(options: Options) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    #[expect(clippy::print_stdout, reason = "the parent reads the port")]
    {
        println!("{}", listener.local_addr()?.port());
    }
    let frame: Utf8Bytes = "x".repeat(options.bytes).into();
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let frame = frame.clone();
        tokio::spawn(async move {
            let config = WebSocketConfig::default().read_buffer_size(4_096);
            let Ok(mut stream) =
                tokio_tungstenite::accept_async_with_config(socket, Some(config)).await
            else {
                return;
            };
            loop {
                for _ in 0..BATCH {
                    if stream.feed(Message::Text(frame.clone())).await.is_err() {
                        return;
                    }
                }
                if stream.flush().await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Frames per second that `clients` clients of this process get from a bare broadcaster.
pub(crate) async fn measure(clients: usize, bytes: usize, time: Duration) -> Result<f64> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["broadcast", "--bytes", &bytes.to_string()])
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("start the broadcaster")?;
    let out = child.stdout.take().context("its output")?;
    let port = BufReader::new(out).lines().next_line().await?.context("its port")?;
    let received = Arc::new(AtomicU64::new(0));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let mut stream = crate::client::connect(&format!("ws://127.0.0.1:{port}/"), &[]).await?;
        let received = received.clone();
        readers.spawn(async move {
            while let Some(Ok(_)) = stream.next().await {
                received.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    tokio::time::sleep(time / 5).await;
    let (before, start) = (received.load(Ordering::Relaxed), tokio::time::Instant::now());
    tokio::time::sleep(time).await;
    let rate = (received.load(Ordering::Relaxed) - before) as f64 / start.elapsed().as_secs_f64();
    readers.abort_all();
    child.kill().await?;
    Ok(rate)
}
