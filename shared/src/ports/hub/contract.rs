//! What every hub does, run on each adapter.

use async_trait::async_trait;

use super::{Confirmation, Hub, HubMessage};

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
