//! Calls over RabbitMQ: a direct exchange, answers by direct reply-to, each found by its correlation
//! id. Nothing of a call is stored: who asks again asks anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, Consumer, ExchangeKind};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::super::{HubUnavailable, Unanswered};

/// RabbitMQ's own pseudo-queue: answers to what this channel published come back on it.
const REPLIES: &str = "amq.rabbitmq.reply-to";
/// The largest answer that is read, bytes.
const ANSWER_BYTES: usize = 256 * 1_024;

/// Who waits for an answer, by correlation id.
type Waiting = Arc<Mutex<BTreeMap<String, oneshot::Sender<String>>>>;

/// A channel for calls.
pub(super) struct Calls {
    channel: Channel,
    exchange: String,
    waiting: Waiting,
    /// The broker takes no more answers for us.
    deaf: CancellationToken,
    _listener: DropGuard,
}

/// Leaves the list of those who wait, however the wait ends.
struct Place<'a>(&'a Calls, &'a str);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting().remove(self.1);
    }
}

impl Calls {
    pub(super) async fn open(connection: &Connection, exchange: &str) -> lapin::Result<Self> {
        let channel = connection.create_channel().await?;
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let table = FieldTable::default;
        channel.exchange_declare(exchange.into(), ExchangeKind::Direct, durable, table()).await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let replies = channel.basic_consume(REPLIES.into(), "".into(), options, table()).await?;
        let (waiting, deaf, stop) =
            (Waiting::default(), CancellationToken::new(), CancellationToken::new());
        let listen = listen(replies, Arc::clone(&waiting), deaf.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(listen));
        let (exchange, _listener) = (exchange.to_owned(), stop.drop_guard());
        Ok(Self { channel, exchange, waiting, deaf, _listener })
    }

    pub(super) fn alive(&self) -> bool {
        self.channel.status().connected() && !self.deaf.is_cancelled()
    }

    /// The broker forgets the call after `deadline`; the caller stops waiting by itself.
    pub(super) async fn ask(
        &self,
        call: &str,
        body: String,
        deadline: Duration,
    ) -> Result<String, Unanswered> {
        let away = |error: lapin::Error| HubUnavailable(Box::new(error));
        let (to, answer) = oneshot::channel();
        let id = Uuid::new_v4().to_string();
        self.waiting().insert(id.clone(), to);
        let _place = Place(self, &id);
        if self.deaf.is_cancelled() {
            return Err(HubUnavailable("the channel is broken".into()).into());
        }
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_type(call.into())
            .with_reply_to(REPLIES.into())
            .with_correlation_id(id.as_str().into())
            .with_expiration(deadline.as_millis().to_string().into());
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let exchange = self.exchange.as_str().into();
        let sent =
            self.channel.basic_publish(exchange, call.into(), options, body.as_bytes(), properties);
        let confirmation = sent.await.map_err(away)?;
        let gone = |_| HubUnavailable("the channel broke before the answer came".into());
        tokio::pin!(answer);
        // An answer says more than a confirmation, and may be there before it.
        tokio::select! {
            answer = &mut answer => return Ok(answer.map_err(gone)?),
            confirmation = confirmation => match confirmation.map_err(away)? {
                Confirmation::Ack(None) => {}
                Confirmation::Ack(Some(_)) => return Err(Unanswered::Nobody),
                Confirmation::Nack(_) | Confirmation::NotRequested => {
                    return Err(HubUnavailable("the broker did not take the call".into()).into());
                }
            },
        }
        Ok(answer.await.map_err(gone)?)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<String, oneshot::Sender<String>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn listen(mut replies: Consumer, waiting: Waiting, deaf: CancellationToken) {
    while let Some(Ok(delivery)) = replies.next().await {
        hand_over(delivery, &waiting);
    }
    deaf.cancel();
    // Those who wait hear of it: their senders are gone.
    waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

fn hand_over(delivery: Delivery, waiting: &Waiting) {
    let Some(id) = delivery.properties.correlation_id() else {
        tracing::debug!("an answer without a correlation id");
        return;
    };
    let waits = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id.as_str());
    // Nobody: the answer came too late.
    let Some(to) = waits else { return };
    if delivery.data.len() > ANSWER_BYTES {
        tracing::warn!(bytes = delivery.data.len(), "an answer is too large");
    }
    let text = String::from_utf8(delivery.data).ok().filter(|text| text.len() <= ANSWER_BYTES);
    // What cannot be read is no answer of the protocol's; who reads it says so.
    if to.send(text.unwrap_or_default()).is_err() {
        tracing::debug!("an answer came too late");
    }
}
