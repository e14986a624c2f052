//! Another service's ear: a durable queue bound to every event of the hub.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::StreamExt;
use gss_shared::ids::{SessionId, Version};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties, ExchangeKind};
use tokio::time::Instant;
use uuid::Uuid;

use crate::history::Heard;

/// The exchange of PROTOCOL section 8.
const EXCHANGE: &str = "game_session.events";
/// Our queue.
const QUEUE: &str = "test.listener";

/// Collects every delivery, in order.
pub struct Listener {
    heard: Arc<Mutex<Vec<Heard>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Listener {
    /// Declares the queue and starts to listen; comes back by itself when the broker does.
    ///
    /// # Errors
    /// When the broker does not answer now.
    pub async fn start(url: &str) -> Result<Self> {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (url, kept) = (url.to_owned(), heard.clone());
        drop(open(&url).await?);
        let task = tokio::spawn(async move {
            loop {
                if let Ok((connection, mut deliveries)) = open(&url).await {
                    while let Some(Ok(delivery)) = deliveries.next().await {
                        note(&delivery, &kept);
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
        enough: impl Fn(&[Heard]) -> bool,
        patience: Duration,
    ) -> Result<Vec<Heard>> {
        let deadline = Instant::now() + patience;
        loop {
            {
                let heard = self.heard.lock().ok().context("the listener broke")?;
                if enough(&heard) || Instant::now() > deadline {
                    return Ok(heard.clone());
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Messages that wait in our queue.
///
/// # Errors
/// When the broker does not answer.
pub async fn depth(url: &str) -> Result<u32> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, durable: true, ..Default::default() };
    let queue = channel.queue_declare(QUEUE.into(), passive, FieldTable::default()).await?;
    Ok(queue.message_count())
}

/// A delivery without the headers of PROTOCOL section 8 is kept under nil names, which no journal
/// has.
fn note(delivery: &lapin::message::Delivery, heard: &Mutex<Vec<Heard>>) {
    let properties = &delivery.properties;
    let headers = properties.headers().as_ref().map(FieldTable::inner);
    let header = |name: &str| match headers?.get(name)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    };
    let message = Heard {
        session: header("session_id")
            .and_then(|id| id.parse().ok())
            .unwrap_or(SessionId(Uuid::nil())),
        version: header("version").and_then(|v| v.parse().ok()).map_or(Version::ZERO, Version),
        message_id: properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default(),
        event_type: delivery.routing_key.to_string(),
        body: serde_json::from_slice(&delivery.data).unwrap_or_default(),
        redelivered: delivery.redelivered,
    };
    if let Ok(mut heard) = heard.lock() {
        heard.push(message);
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
