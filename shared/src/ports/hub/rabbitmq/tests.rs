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

/// One broker for all: it takes seconds to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_and_recovers() {
    let mut broker = Broker::start();
    let exchange = format!("test-{}", uuid::Uuid::new_v4());
    let hub = RabbitHub::start(broker.url(), &exchange).expect("URL");
    hub.connected().await;
    contract::unbound_messages_count_as_delivered(&hub).await;
    let listener = bind(broker.url(), &exchange).await;
    contract::messages_arrive_whole_and_in_order(&hub, listener).await;
    let listener = bind(broker.url(), &exchange).await;
    contract::more_than_may_be_outstanding(&hub, listener, 2_500).await;

    if !broker.is_ours() {
        return;
    }
    broker.stop();
    let error = hub.publish(&[message(1)]).await.expect_err("no broker");
    assert_eq!(error.to_string(), "hub is unavailable");
    assert!(!hub.healthy());
    broker.start_again();
    hub.connected().await;
    let listener = bind(broker.url(), &exchange).await;
    contract::messages_arrive_whole_and_in_order(&hub, listener).await;
    assert!(hub.healthy());
}

#[tokio::test]
async fn without_a_broker_publishing_fails_at_once() {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("bind");
    let url = format!("amqp://127.0.0.1:{}/", port.local_addr().expect("address").port());
    drop(port);
    let hub = RabbitHub::start(&url, EXCHANGE).expect("URL");
    assert!(hub.publish(&[message(1)]).await.is_err());
    assert!(!hub.healthy());
}

#[tokio::test]
async fn a_wrong_url_is_refused_without_repeating_it() {
    let error = RabbitHub::start("http://user:hunter2@host/", EXCHANGE).err().expect("refused");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
