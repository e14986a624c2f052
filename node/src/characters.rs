//! What the character service says of characters (`character.get`, PROTOCOL section 8).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use gss_session::{Character, CharacterAnswer, Characters};
use gss_shared::ids::CharacterId;
use gss_shared::limits::HUB_CALL_DEADLINE_MS;
use gss_shared::ports::hub::Hub;
use gss_shared::ports::hub::service::{CallError, RemoteService};
use serde_json::json;

use crate::metrics::Metrics;

/// Calls under way at once for one session.
const AT_ONCE: usize = 32;

/// The character service, if one is configured.
pub struct CharacterService {
    service: Option<RemoteService>,
    metrics: Metrics,
}

impl CharacterService {
    /// `hub`: where the service is reached; none: there is none.
    pub fn new(hub: Option<Arc<dyn Hub>>, metrics: Metrics) -> Self {
        Self { service: hub.map(RemoteService::new), metrics }
    }

    /// What it says of these. Nothing is remembered: a character may change between two questions.
    pub async fn get(&self, ids: &[CharacterId]) -> Characters {
        let Some(service) = &self.service else { return Characters::Unserved };
        let ask = |id: CharacterId| async move { (id, self.ask(service, id).await) };
        let answers = futures::stream::iter(ids.iter().copied()).map(ask);
        let answers = answers.buffer_unordered(AT_ONCE).collect();
        // Whoever asked waits for it: what another service sent must not keep it waiting for ever.
        Characters::Answered(AssertUnwindSafe(answers).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("an answer of the character service panicked");
            ids.iter().map(|id| (*id, CharacterAnswer::Failed)).collect()
        }))
    }

    async fn ask(&self, service: &RemoteService, id: CharacterId) -> CharacterAnswer {
        let request = json!({"character_id": id});
        let deadline = Duration::from_millis(HUB_CALL_DEADLINE_MS);
        let (outcome, answer) = match service.call("character.get", &request, deadline).await {
            Ok(data) => match Character::read(id, data) {
                Ok(character) => ("answered", CharacterAnswer::Is(Box::new(character))),
                Err(error) => {
                    tracing::warn!(character = %id, %error, "character cannot be used");
                    ("unusable", CharacterAnswer::Failed)
                }
            },
            Err(CallError::Refused { code }) => {
                tracing::debug!(character = %id, code, "character is not given");
                ("refused", CharacterAnswer::Unknown)
            }
            Err(error) => {
                tracing::warn!(character = %id, %error, "character service does not help");
                ("failed", CharacterAnswer::Failed)
            }
        };
        self.metrics.hub_calls.with_label_values(&["character.get", outcome]).inc();
        answer
    }
}
