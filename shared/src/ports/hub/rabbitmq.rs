//! The hub on RabbitMQ: a durable topic exchange, persistent messages, publisher confirms.
//!
//! One keeper task holds the connection and makes a new one, for ever, when it breaks; publishing
//! meanwhile fails at once, and the relay's cursor waits. At most [`limits::HUB_OUTSTANDING`]
//! messages are unconfirmed. A message that nobody is bound for comes back and counts as delivered
//! (SAFETY S16).

use std::sync::Arc;
use std::time::Duration;

mod calls;

use async_trait::async_trait;
use futures::future::try_join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use rand::Rng as _;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::calls::Calls;
use super::{Confirmation, Hub, HubMessage, HubUnavailable, Unanswered};
use crate::limits;

/// Exchange of the session service's events.
pub const EXCHANGE: &str = "game_session.events";
/// Exchange of its calls of other services.
pub const CALLS: &str = "game_session.calls";
/// Persistent, in AMQP's numbers.
const PERSISTENT: u8 = 2;
/// Longest time to connect and declare.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time until a message is confirmed.
const CONFIRM: Duration = Duration::from_secs(10);
/// Between tries to connect: the first wait and the longest, halved to doubled at random.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// Between looks at whether the connection lives; heartbeats notice a dead broker.
const LOOK: Duration = Duration::from_millis(250);

/// The address is no AMQP URL. It is not repeated: it may hold a password.
#[derive(Debug, thiserror::Error)]
#[error("hub.url is no AMQP URL: {0}")]
pub struct BadUrl(String);

#[derive(Debug, thiserror::Error)]
enum Away {
    #[error("no connection to the broker yet")]
    NotConnected,
    #[error("the broker did not confirm in time")]
    Slow,
}

/// A connection with confirms on.
struct Link {
    connection: Connection,
    channel: Channel,
    exchange: String,
    /// Opened by the first call; whatever becomes of it, events go on.
    calls: Mutex<Option<Arc<Calls>>>,
    broken: CancellationToken,
}

/// Publishes to RabbitMQ.
pub struct RabbitHub {
    link: watch::Receiver<Option<Arc<Link>>>,
    /// Exchange of calls.
    calls: String,
    outstanding: Semaphore,
    _keeper: DropGuard,
}

impl RabbitHub {
    /// Starts connecting to `amqp(s)://user:password@host:port/vhost` and returns at once.
    /// The connection ends with the value. `exchange` is for events, `calls` for calls.
    ///
    /// # Errors
    /// The URL does not parse.
    pub fn start(url: &str, exchange: &str, calls: &str) -> Result<Self, BadUrl> {
        let mut uri: AMQPUri = url.parse().map_err(BadUrl)?;
        uri.query.heartbeat.get_or_insert(5);
        let (told, link) = watch::channel(None);
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(keep(uri, exchange.to_owned(), told)));
        let outstanding = Semaphore::new(limits::HUB_OUTSTANDING);
        Ok(Self { link, calls: calls.to_owned(), outstanding, _keeper: stop.drop_guard() })
    }

    /// Waits until a broker is there.
    pub async fn connected(&self) {
        let mut link = self.link.clone();
        // The keeper lives as long as this value, so the channel cannot close.
        let there = link.wait_for(Option::is_some).await.is_ok();
        debug_assert!(there);
    }
}

#[async_trait]
impl Hub for RabbitHub {
    async fn publish(&self, messages: &[HubMessage]) -> Result<Vec<Confirmation>, HubUnavailable> {
        let away = |error: Away| HubUnavailable(Box::new(error));
        let link = self.link.borrow().clone().ok_or_else(|| away(Away::NotConnected))?;
        let mut verdicts = Vec::with_capacity(messages.len());
        for some in messages.chunks(limits::HUB_OUTSTANDING) {
            let permits = u32::try_from(some.len()).unwrap_or(u32::MAX);
            let permits = self.outstanding.acquire_many(permits).await;
            let published = tokio::time::timeout(CONFIRM, publish(&link, some)).await;
            drop(permits);
            match published {
                Ok(Ok(some)) => verdicts.extend(some),
                Ok(Err(error)) => {
                    link.broken.cancel();
                    return Err(HubUnavailable(Box::new(error)));
                }
                Err(_) => {
                    link.broken.cancel();
                    return Err(away(Away::Slow));
                }
            }
        }
        Ok(verdicts)
    }

    async fn ask(
        &self,
        call: &'static str,
        body: String,
        deadline: Duration,
    ) -> Result<String, Unanswered> {
        let link = self.link.borrow().clone();
        let link = link.ok_or_else(|| HubUnavailable(Box::new(Away::NotConnected)))?;
        let answer = async { link.calls(&self.calls).await?.ask(call, body, deadline).await };
        match tokio::time::timeout(deadline, answer).await {
            Ok(answered) => answered,
            Err(_) => Err(Unanswered::Late),
        }
    }

    fn healthy(&self) -> bool {
        self.link.borrow().as_ref().is_some_and(|link| !link.broken.is_cancelled())
    }
}

async fn publish(link: &Link, messages: &[HubMessage]) -> lapin::Result<Vec<Confirmation>> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    // All are queued before the first is waited for: else each costs a turn of lapin's own thread.
    let sent = messages.iter().map(|message| {
        let exchange = link.exchange.as_str().into();
        let key = message.event_type.into();
        let body = message.body.as_bytes();
        link.channel.basic_publish(exchange, key, options, body, properties(message))
    });
    let waiting = try_join_all(sent).await?;
    let mut verdicts = Vec::with_capacity(messages.len());
    for confirm in waiting {
        verdicts.push(match confirm.await? {
            lapin::Confirmation::Ack(returned) => {
                Confirmation::Confirmed { routed: returned.is_none() }
            }
            lapin::Confirmation::Nack(_) | lapin::Confirmation::NotRequested => {
                Confirmation::Nacked
            }
        });
    }
    Ok(verdicts)
}

fn properties(message: &HubMessage) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, text) in &message.headers {
        let value = match text.parse::<i32>() {
            Ok(number) if *name == "schema_version" => AMQPValue::LongInt(number),
            Ok(_) | Err(_) => AMQPValue::LongString(text.as_str().into()),
        };
        headers.insert((*name).into(), value);
    }
    BasicProperties::default()
        .with_message_id(message.message_id.as_str().into())
        .with_type(message.event_type.into())
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers)
}

/// Holds a connection, one after the other.
async fn keep(uri: AMQPUri, exchange: String, told: watch::Sender<Option<Arc<Link>>>) {
    let (shortest, longest) = WAITS;
    let mut wait = shortest;
    loop {
        match tokio::time::timeout(CONNECT, connect(&uri, &exchange)).await {
            Ok(Ok(link)) => {
                tracing::info!(%exchange, "hub is connected");
                wait = shortest;
                let link = Arc::new(link);
                told.send_replace(Some(Arc::clone(&link)));
                while link.alive() {
                    tokio::select! {
                        () = link.broken.cancelled() => {}
                        () = tokio::time::sleep(LOOK) => {}
                    }
                }
                told.send_replace(None);
                tracing::warn!(%exchange, "hub is gone");
                close(&link).await;
            }
            Ok(Err(error)) => tracing::warn!(%error, "hub cannot be reached"),
            Err(_) => tracing::warn!("hub does not answer"),
        }
        let jitter = rand::rng().random_range(0.5..=1.0);
        tokio::time::sleep(wait.mul_f64(jitter)).await;
        wait = (wait * 2).min(longest);
    }
}

async fn connect(uri: &AMQPUri, exchange: &str) -> lapin::Result<Link> {
    let properties = ConnectionProperties::default().with_connection_name("game-session".into());
    let connection = Connection::connect_uri(uri.clone(), properties).await?;
    let channel = connection.create_channel().await?;
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let table = FieldTable::default();
    channel.exchange_declare(exchange.into(), ExchangeKind::Topic, durable, table).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (exchange, broken) = (exchange.to_owned(), CancellationToken::new());
    Ok(Link { connection, channel, exchange, calls: Mutex::default(), broken })
}

async fn close(link: &Link) {
    let closing = link.connection.close(200, "new connection".into());
    match tokio::time::timeout(CONNECT, closing).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "hub connection was gone already"),
        Err(_) => tracing::debug!("hub connection does not close"),
    }
}

impl Link {
    /// The channel for calls, a new one if there is none that works.
    async fn calls(&self, exchange: &str) -> Result<Arc<Calls>, Unanswered> {
        let mut calls = self.calls.lock().await;
        if let Some(open) = calls.as_ref().filter(|open| open.alive()) {
            return Ok(Arc::clone(open));
        }
        let away = |error: lapin::Error| HubUnavailable(Box::new(error));
        let open = Arc::new(Calls::open(&self.connection, exchange).await.map_err(away)?);
        *calls = Some(Arc::clone(&open));
        Ok(open)
    }

    fn alive(&self) -> bool {
        let channel = self.channel.status().connected();
        channel && self.connection.status().connected() && !self.broken.is_cancelled()
    }
}

#[cfg(test)]
mod tests;
