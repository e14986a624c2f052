//! The road to the other services.
//!
//! Adapters: [`rabbitmq`] (production) and [`local`] (one process); one contract suite runs on both.

#[cfg(test)]
mod contract;
pub mod local;
pub mod rabbitmq;
pub mod service;

use std::time::Duration;

use async_trait::async_trait;

/// One event for other services.
#[derive(Clone, PartialEq, Debug)]
pub struct HubMessage {
    /// The event's id.
    pub message_id: String,
    /// Routing key and type.
    pub event_type: &'static str,
    /// Name and text of each header.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
}

/// What the broker said of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Confirmation {
    /// Stored, or returned because nobody is bound (then `routed` is false).
    Confirmed {
        /// A queue took it.
        routed: bool,
    },
    /// Not stored: publish again before anything later of the session.
    Nacked,
}

/// The broker does not answer; nothing is known of the messages.
#[derive(Debug, thiserror::Error)]
#[error("hub is unavailable")]
pub struct HubUnavailable(#[source] pub crate::ports::journal::BoxError);

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// No service takes this call.
    #[error("nobody takes the call")]
    Nobody,
    /// None came in time.
    #[error("no answer in time")]
    Late,
    /// The broker is away.
    #[error(transparent)]
    Away(#[from] HubUnavailable),
}

/// Publishes with confirms, and asks.
#[async_trait]
pub trait Hub: Send + Sync + 'static {
    /// Publishes in order and waits for every confirmation, one each.
    async fn publish(&self, messages: &[HubMessage]) -> Result<Vec<Confirmation>, HubUnavailable>;

    /// Asks whoever takes `call`, and waits for one answer, at most so long. An answer that comes
    /// later is dropped.
    async fn ask(
        &self,
        call: &'static str,
        body: String,
        deadline: Duration,
    ) -> Result<String, Unanswered>;

    /// Whether the last exchange with the broker went well.
    fn healthy(&self) -> bool;
}
