//! What every hub does, run on each adapter.

use std::time::Duration;

use async_trait::async_trait;

use super::{Confirmation, Hub, HubMessage, Unanswered};

/// Somebody who gets all messages published from its making on.
#[async_trait]
pub(super) trait Listener: Send {
    async fn next(&mut self) -> HubMessage;
}

pub(super) fn message(number: usize) -> HubMessage {
    HubMessage {
        message_id: uuid::Uuid::from_u128(number as u128).to_string(),
        event_type: if number.is_multiple_of(2) {
            "session.state.changed"
        } else {
            "session.player.changed"
        },
        headers: vec![
            ("session_id", uuid::Uuid::from_u128(7).to_string()),
            ("version", number.to_string()),
            ("schema_version", "1".to_owned()),
        ],
        body: format!("{{\"number\":{number},\"text\":\"à table\"}}"),
    }
}

pub(super) async fn unbound_messages_count_as_delivered(hub: &impl Hub) {
    let confirmed = hub.publish(&[message(1), message(2)]).await.expect("published");
    assert_eq!(confirmed, [Confirmation::Confirmed { routed: false }; 2]);
    assert_eq!(hub.publish(&[]).await.expect("published"), []);
    assert!(hub.healthy());
}

pub(super) async fn messages_arrive_whole_and_in_order(hub: &impl Hub, mut to: impl Listener) {
    let messages: Vec<_> = (0..10).map(message).collect();
    let confirmed = hub.publish(&messages).await.expect("published");
    assert_eq!(confirmed, [Confirmation::Confirmed { routed: true }; 10]);
    for sent in messages {
        assert_eq!(to.next().await, sent);
    }
}

pub(super) async fn more_than_may_be_outstanding(
    hub: &impl Hub,
    mut to: impl Listener,
    count: usize,
) {
    let messages: Vec<_> = (0..count).map(message).collect();
    let confirmed = hub.publish(&messages).await.expect("published");
    assert_eq!(confirmed, vec![Confirmation::Confirmed { routed: true }; count]);
    for sent in messages {
        assert_eq!(to.next().await, sent);
    }
}

/// What a service says to a call; none: nothing.
pub(super) type Answering = fn(&str) -> Option<String>;

/// Somebody who takes calls.
#[async_trait]
pub(super) trait Service {
    async fn take(&self, call: &'static str, answer: Answering);
}

pub(super) async fn calls_are_answered(hub: &impl Hub, service: &impl Service) {
    let (soon, long) = (Duration::from_millis(300), Duration::from_secs(30));
    let ask = |call, body: &str, deadline| hub.ask(call, body.to_owned(), deadline);
    let nobody = ask("campaign.get", "{}", long).await.expect_err("nobody is there");
    assert!(matches!(nobody, Unanswered::Nobody), "{nobody:?}");

    service.take("character.get", |asked| Some(format!("{{\"asked\":{asked}}}"))).await;
    service
        .take("campaign.get", |asked| asked.contains("loud").then(|| "à table".to_owned()))
        .await;
    let answer = ask("character.get", "{\"character_id\":\"c\"}", long).await.expect("answer");
    assert_eq!(answer, "{\"asked\":{\"character_id\":\"c\"}}");

    let late = ask("campaign.get", "quiet", soon).await.expect_err("no answer");
    assert!(matches!(late, Unanswered::Late), "{late:?}");
    assert_eq!(ask("campaign.get", "loud", long).await.expect("answer"), "à table");

    // Many at once, each with its own answer.
    let many = (0..100).map(|number| async move {
        let answer = ask("character.get", &number.to_string(), long).await.expect("answer");
        assert_eq!(answer, format!("{{\"asked\":{number}}}"));
    });
    futures::future::join_all(many).await;
}
