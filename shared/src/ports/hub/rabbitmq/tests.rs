use futures::StreamExt as _;
use lapin::Consumer;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};

use super::super::contract::{self, Listener, message};
use super::*;
use crate::testing::rabbitmq::Broker;

struct Bound {
    _connection: Connection,
    consumer: Consumer,
}

async fn bind(url: &str, exchange: &str) -> Bound {
    let connection =
        Connection::connect(url, ConnectionProperties::default()).await.expect("connect");
    let channel = connection.create_channel().await.expect("channel");
    let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    let table = FieldTable::default;
    let queue = channel.queue_declare("".into(), exclusive, table()).await.expect("queue");
    let name = queue.name().clone();
    let options = QueueBindOptions::default();
    let key = "session.#".into();
    channel.queue_bind(name.clone(), exchange.into(), key, options, table()).await.expect("bind");
    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let consumer = channel.basic_consume(name, "".into(), options, table()).await.expect("consume");
    Bound { _connection: connection, consumer }
}

#[async_trait]
impl Listener for Bound {
    async fn next(&mut self) -> HubMessage {
        let delivery = self.consumer.next().await.expect("open").expect("delivery");
        let properties = &delivery.properties;
        assert_eq!(*properties.delivery_mode(), Some(2));
        assert_eq!(
            properties.content_type().as_ref().map(|kind| kind.as_str()),
            Some("application/json")
        );
        let id = properties.message_id().as_ref().expect("id");
        let kind = properties.kind().as_ref().expect("type");
        assert_eq!(kind.as_str(), delivery.routing_key.as_str());
        let headers = properties.headers().as_ref().expect("headers");
        let header = |name: &'static str| {
            let text = match headers.inner().get(name).expect("header") {
                AMQPValue::LongString(text) => text.to_string(),
                AMQPValue::LongInt(number) if name == "schema_version" => number.to_string(),
                other => panic!("{name} is {other:?}"),
            };
            (name, text)
        };
        let kinds = ["session.state.changed", "session.player.changed"];
        HubMessage {
            message_id: id.to_string(),
            event_type: kinds.into_iter().find(|known| *known == kind.as_str()).expect("known"),
            headers: ["session_id", "version", "schema_version"].map(header).to_vec(),
            body: String::from_utf8(delivery.data.clone()).expect("text"),
        }
    }
}

/// A service beside us on the same broker.
struct Beside {
    channel: Channel,
    exchange: String,
    _connection: Connection,
}

#[async_trait]
impl contract::Service for Beside {
    async fn take(&self, call: &'static str, answer: contract::Answering) {
        let (channel, table) = (self.channel.clone(), FieldTable::default);
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare("".into(), exclusive, table()).await.expect("queue");
        let name = queue.name().clone();
        let (exchange, options) = (self.exchange.as_str().into(), QueueBindOptions::default());
        let bound = channel.queue_bind(name.clone(), exchange, call.into(), options, table());
        bound.await.expect("bind");
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let consumer = channel.basic_consume(name, "".into(), options, table()).await;
        let mut consumer = consumer.expect("consume");
        tokio::spawn(async move {
            while let Some(Ok(delivery)) = consumer.next().await {
                let properties = &delivery.properties;
                let asked = std::str::from_utf8(&delivery.data).expect("text");
                let Some(text) = answer(asked) else { continue };
                assert!(properties.expiration().is_some(), "the broker may forget it");
                let to = properties.reply_to().clone().expect("a place for the answer");
                let id = properties.correlation_id().clone().expect("an id");
                let answer = BasicProperties::default().with_correlation_id(id);
                let options = BasicPublishOptions::default();
                let sent = channel.basic_publish("".into(), to, options, text.as_bytes(), answer);
                sent.await.expect("published");
            }
        });
    }
}

async fn beside(url: &str, exchange: &str) -> Beside {
    let connection =
        Connection::connect(url, ConnectionProperties::default()).await.expect("connect");
    let channel = connection.create_channel().await.expect("channel");
    Beside { channel, exchange: exchange.to_owned(), _connection: connection }
}

/// One broker for all: it takes seconds to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_and_recovers() {
    let mut broker = Broker::start();
    let exchange = format!("test-{}", uuid::Uuid::new_v4());
    let calls = format!("{exchange}.calls");
    let hub = RabbitHub::start(broker.url(), &exchange, &calls).expect("URL");
    hub.connected().await;
    contract::unbound_messages_count_as_delivered(&hub).await;
    let listener = bind(broker.url(), &exchange).await;
    contract::messages_arrive_whole_and_in_order(&hub, listener).await;
    let listener = bind(broker.url(), &exchange).await;
    contract::more_than_may_be_outstanding(&hub, listener, 2_500).await;

    contract::calls_are_answered(&hub, &beside(broker.url(), &calls).await).await;

    if !broker.is_ours() {
        return;
    }
    broker.stop();
    let error = hub.publish(&[message(1)]).await.expect_err("no broker");
    assert_eq!(error.to_string(), "hub is unavailable");
    assert!(!hub.healthy());
    let error = hub.ask("character.get", "{}".to_owned(), CONFIRM).await.expect_err("no broker");
    assert!(matches!(error, Unanswered::Away(_)), "{error:?}");
    broker.start_again();
    hub.connected().await;
    let listener = bind(broker.url(), &exchange).await;
    contract::messages_arrive_whole_and_in_order(&hub, listener).await;
    assert!(hub.healthy());
    let answer = hub.ask("character.get", "{}".to_owned(), CONFIRM).await;
    assert!(matches!(answer, Err(Unanswered::Nobody)), "{answer:?}");
    let service = beside(broker.url(), &calls).await;
    contract::Service::take(&service, "character.get", |_| Some("again".to_owned())).await;
    let answer = hub.ask("character.get", "{}".to_owned(), CONFIRM).await;
    assert_eq!(answer.expect("answer"), "again");
}

#[tokio::test]
async fn without_a_broker_publishing_fails_at_once() {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("bind");
    let url = format!("amqp://127.0.0.1:{}/", port.local_addr().expect("address").port());
    drop(port);
    let hub = RabbitHub::start(&url, EXCHANGE, CALLS).expect("URL");
    assert!(hub.publish(&[message(1)]).await.is_err());
    assert!(!hub.healthy());
}

#[tokio::test]
async fn a_wrong_url_is_refused_without_repeating_it() {
    let error =
        RabbitHub::start("http://user:hunter2@host/", EXCHANGE, CALLS).err().expect("refused");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
