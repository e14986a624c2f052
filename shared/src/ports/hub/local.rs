//! The hub of a process without a broker: its last messages, for whoever looks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;

use super::{Confirmation, Hub, HubMessage, HubUnavailable, Unanswered};

/// Messages kept, and messages that a listener may lag behind.
pub const KEPT: usize = 1_000;

/// Answers a call: JSON to JSON, or none.
type Taker = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Keeps the last [`KEPT`] messages and tells listeners of new ones.
pub struct LocalHub {
    kept: Mutex<VecDeque<HubMessage>>,
    listeners: broadcast::Sender<HubMessage>,
    takers: Mutex<BTreeMap<&'static str, Taker>>,
}

impl Default for LocalHub {
    fn default() -> Self {
        let (kept, takers) = (Mutex::default(), Mutex::default());
        Self { kept, listeners: broadcast::Sender::new(KEPT), takers }
    }
}

impl LocalHub {
    /// The last messages, oldest first.
    pub fn recent(&self) -> Vec<HubMessage> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().cloned().collect()
    }

    /// From now on `taker` answers `call`, or lets it pass without an answer.
    pub fn take(
        &self,
        call: &'static str,
        taker: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) {
        let mut takers = self.takers.lock().unwrap_or_else(PoisonError::into_inner);
        takers.insert(call, Box::new(taker));
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

    async fn ask(
        &self,
        call: &'static str,
        body: String,
        deadline: Duration,
    ) -> Result<String, Unanswered> {
        let answer = {
            let takers = self.takers.lock().unwrap_or_else(PoisonError::into_inner);
            takers.get(call).ok_or(Unanswered::Nobody)?(&body)
        };
        match answer {
            Some(answer) => Ok(answer),
            None => {
                tokio::time::sleep(deadline).await;
                Err(Unanswered::Late)
            }
        }
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

    #[async_trait]
    impl contract::Service for LocalHub {
        async fn take(&self, call: &'static str, answer: contract::Answering) {
            Self::take(self, call, answer);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_the_contract_of_calls() {
        let hub = LocalHub::default();
        contract::calls_are_answered(&hub, &hub).await;
    }

    #[tokio::test]
    async fn only_the_last_messages_are_kept() {
        let hub = LocalHub::default();
        let messages: Vec<_> = (0..KEPT + 2).map(message).collect();
        hub.publish(&messages).await.expect("published");
        assert_eq!(hub.recent(), messages[2..]);
    }
}
