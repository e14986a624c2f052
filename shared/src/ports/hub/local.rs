//! The hub of a process without a broker: its last messages, for whoever looks.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::broadcast;

use super::{Confirmation, Hub, HubMessage, HubUnavailable};

/// Messages kept, and messages that a listener may lag behind.
pub const KEPT: usize = 1_000;

/// Keeps the last [`KEPT`] messages and tells listeners of new ones.
#[derive(Debug)]
pub struct LocalHub {
    kept: Mutex<VecDeque<HubMessage>>,
    listeners: broadcast::Sender<HubMessage>,
}

impl Default for LocalHub {
    fn default() -> Self {
        Self { kept: Mutex::default(), listeners: broadcast::Sender::new(KEPT) }
    }
}

impl LocalHub {
    /// The last messages, oldest first.
    pub fn recent(&self) -> Vec<HubMessage> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().cloned().collect()
    }

    /// Messages from now on. A listener that lags by more than [`KEPT`] misses the oldest.
    pub fn listen(&self) -> broadcast::Receiver<HubMessage> {
        self.listeners.subscribe()
    }
}

#[async_trait]
impl Hub for LocalHub {
    async fn publish(&self, messages: &[HubMessage]) -> Result<Vec<Confirmation>, HubUnavailable> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut publish = |message: &HubMessage| {
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back(message.clone());
            Confirmation::Confirmed { routed: self.listeners.send(message.clone()).is_ok() }
        };
        Ok(messages.iter().map(&mut publish).collect())
    }

    fn healthy(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::contract::{self, Listener, message};
    use super::*;

    struct Listening(broadcast::Receiver<HubMessage>);

    #[async_trait]
    impl Listener for Listening {
        async fn next(&mut self) -> HubMessage {
            self.0.recv().await.expect("a message")
        }
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let hub = LocalHub::default();
        contract::unbound_messages_count_as_delivered(&hub).await;
        let listener = Listening(hub.listen());
        contract::messages_arrive_whole_and_in_order(&hub, listener).await;
        let listener = Listening(hub.listen());
        contract::more_than_may_be_outstanding(&hub, listener, KEPT).await;
    }

    #[tokio::test]
    async fn only_the_last_messages_are_kept() {
        let hub = LocalHub::default();
        let messages: Vec<_> = (0..KEPT + 2).map(message).collect();
        hub.publish(&messages).await.expect("published");
        assert_eq!(hub.recent(), messages[2..]);
    }
}
