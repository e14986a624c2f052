//! Another service that is called over the hub: the character service.

use std::collections::BTreeMap;

use anyhow::Result;
use futures::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind};
use serde_json::{Value, json};
use uuid::Uuid;

/// The exchange and the call of PROTOCOL section 8.
const EXCHANGE: &str = "game_session.calls";
const CALL: &str = "character.get";

/// Answers `character.get` until it is dropped. Its queue is its own: without it nobody is bound.
pub struct CharacterService {
    _connection: Connection,
    task: tokio::task::JoinHandle<()>,
}

impl CharacterService {
    /// Starts to answer with these characters (`character` of `schema/hub.json`).
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn start(url: &str, characters: BTreeMap<Uuid, Value>) -> Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let mut calls = open(&channel).await?;
        let task = tokio::spawn(async move {
            while let Some(Ok(call)) = calls.next().await {
                // Who asked hears nothing and gives up: the test sees that.
                if answer(&channel, &call, &characters).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { _connection: connection, task })
    }
}

impl Drop for CharacterService {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn open(channel: &Channel) -> Result<Consumer> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let table = FieldTable::default;
    channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Direct, durable, table()).await?;
    let own = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), own, table()).await?;
    let (name, options) = (queue.name().clone(), QueueBindOptions::default());
    channel.queue_bind(name.clone(), EXCHANGE.into(), CALL.into(), options, table()).await?;
    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    Ok(channel.basic_consume(name, "".into(), options, table()).await?)
}

async fn answer(
    channel: &Channel,
    call: &Delivery,
    characters: &BTreeMap<Uuid, Value>,
) -> Result<()> {
    let asked: Value = serde_json::from_slice(&call.data)?;
    let id: Uuid = serde_json::from_value(asked["character_id"].clone())?;
    let answer = match characters.get(&id) {
        Some(character) => json!({"ok": true, "data": character}),
        None => {
            let error = json!({"code": "character_not_found", "message": "There is none."});
            json!({"ok": false, "error": error})
        }
    };
    let properties = &call.properties;
    if let (Some(to), Some(id)) = (properties.reply_to(), properties.correlation_id()) {
        let with = BasicProperties::default().with_correlation_id(id.clone());
        let (body, options) = (answer.to_string(), BasicPublishOptions::default());
        channel.basic_publish("".into(), to.clone(), options, body.as_bytes(), with).await?;
    }
    Ok(())
}
