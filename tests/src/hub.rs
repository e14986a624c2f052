//! Another service's ear: a durable queue bound to every event of the hub.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::StreamExt;
use gss_shared::ids::SessionId;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties, ExchangeKind};
use tokio::time::Instant;

/// The exchange of PROTOCOL section 8.
const EXCHANGE: &str = "game_session.events";
/// Our queue.
const QUEUE: &str = "test.listener";

type Heard = BTreeMap<SessionId, Vec<String>>;

/// Collects message ids per session, first occurrences only.
pub struct Listener {
    heard: Arc<Mutex<Heard>>,
    task: tokio::task::JoinHandle<()>,
}

impl Listener {
    /// Declares the queue and starts to listen; comes back by itself when the broker does.
    ///
    /// # Errors
    /// When the broker does not answer now.
    pub async fn start(url: &str) -> Result<Self> {
        let mut seen = BTreeSet::new();
        let heard = Arc::new(Mutex::new(Heard::new()));
        let (url, kept) = (url.to_owned(), heard.clone());
        drop(open(&url).await?);
        let task = tokio::spawn(async move {
            loop {
                if let Ok((connection, mut deliveries)) = open(&url).await {
                    while let Some(Ok(delivery)) = deliveries.next().await {
                        note(&delivery, &mut seen, &kept);
                        if delivery.acker.ack(BasicAckOptions::default()).await.is_err() {
                            break;
                        }
                    }
                    drop(connection);
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        Ok(Self { heard, task })
    }

    /// Waits until what was heard satisfies the condition, and returns it; also when it never does.
    ///
    /// # Errors
    /// When the listener broke.
    pub async fn until(
        &self,
        enough: impl Fn(&Heard) -> bool,
        patience: Duration,
    ) -> Result<Heard> {
        let deadline = Instant::now() + patience;
        loop {
            let heard = self.heard.lock().ok().context("the listener broke")?.clone();
            if enough(&heard) || Instant::now() > deadline {
                return Ok(heard);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn note(delivery: &lapin::message::Delivery, seen: &mut BTreeSet<String>, heard: &Mutex<Heard>) {
    let Some(id) = delivery.properties.message_id().as_ref().map(ToString::to_string) else {
        return;
    };
    let body: serde_json::Value = serde_json::from_slice(&delivery.data).unwrap_or_default();
    let session = body["session_id"].as_str().and_then(|text| text.parse().ok());
    if let (Some(session), true) = (session, seen.insert(id.clone()))
        && let Ok(mut heard) = heard.lock()
    {
        heard.entry(session).or_default().push(id);
    }
}

async fn open(url: &str) -> Result<(Connection, lapin::Consumer)> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
    let none = FieldTable::default;
    channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, durable, none()).await?;
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(QUEUE.into(), durable, none()).await?;
    let bind = QueueBindOptions::default();
    channel.queue_bind(QUEUE.into(), EXCHANGE.into(), "#".into(), bind, none()).await?;
    let options = BasicConsumeOptions::default();
    let consumer = channel.basic_consume(QUEUE.into(), "listener".into(), options, none()).await?;
    Ok((connection, consumer))
}
