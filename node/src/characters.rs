//! What the character service says of characters (`character.get`, PROTOCOL section 8).

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use gss_session::{Character, CharacterAnswer, Characters};
use gss_shared::ids::CharacterId;
use gss_shared::limits::HUB_CALL_DEADLINE_MS;
use gss_shared::ports::hub::Hub;
use gss_shared::ports::hub::service::{CallError, Question, RemoteService};
use serde_json::json;
use tokio::time::Instant;

use crate::metrics::Metrics;

/// The call that reads a character.
const GET: &str = "character.get";
/// Calls under way at once for one session.
const AT_ONCE: usize = 32;
/// What the service says of a character that it has not got.
const UNKNOWN: [&str; 2] = ["character_not_found", "not_found"];
/// Characters of what is logged of an answer: others write it.
const LOGGED: usize = 200;

/// The character service, if one is configured.
pub struct CharacterService {
    service: Option<RemoteService>,
    /// Trials so far of a service that failed.
    trials: AtomicUsize,
    metrics: Metrics,
}

impl CharacterService {
    /// `hub`: where the service is reached; none: there is none.
    pub fn new(hub: Option<Arc<dyn Hub>>, metrics: Metrics) -> Self {
        Self { service: hub.map(RemoteService::new), trials: AtomicUsize::new(0), metrics }
    }

    /// What it says of these. Nothing is remembered: a character may change between two questions.
    pub async fn get(&self, ids: &[CharacterId]) -> Characters {
        let Some(service) = &self.service else { return Characters::Unserved };
        let deadline = || Instant::now() + Duration::from_millis(HUB_CALL_DEADLINE_MS);
        let Some(question) = service.question() else {
            self.count("resting", ids.len());
            return Characters::Answered(failed(ids));
        };
        let ask = |id: CharacterId, until| async move { (id, self.ask(question, id, until).await) };
        let answers = async {
            let mut ids = ids.to_vec();
            // Whether a service that failed answers again is found out by one call, each time by
            // another: one character that it never answers for must not spend every trial.
            if question.is_trial() {
                let trials = self.trials.fetch_add(1, Ordering::Relaxed);
                let next = trials.checked_rem(ids.len()).unwrap_or(0);
                ids.rotate_left(next);
            }
            let (first, others) = ids.split_at(usize::from(question.is_trial()).min(ids.len()));
            let mut answers = BTreeMap::new();
            for id in first {
                answers.extend([ask(*id, deadline()).await]);
            }
            // What the trial took is not taken from the others: they would be late without a fault.
            let until = deadline();
            if question.is_trial() {
                self.count("resting", others.len());
                answers.extend(failed(others));
            } else {
                let asked = futures::stream::iter(others.to_vec()).map(|id| ask(id, until));
                let asked = asked.buffer_unordered(AT_ONCE);
                answers.extend(asked.collect::<Vec<_>>().await);
            }
            answers
        };
        // Whoever asked waits for it: what another service sent must not keep it waiting for ever.
        Characters::Answered(AssertUnwindSafe(answers).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("an answer of the character service panicked");
            failed(ids)
        }))
    }

    async fn ask(
        &self,
        question: Question<'_>,
        id: CharacterId,
        until: Instant,
    ) -> CharacterAnswer {
        let request = json!({"character_id": id});
        let (outcome, answer) = match question.call(GET, &request, until).await {
            Ok(data) => match Character::read(id, data) {
                Ok(character) => ("answered", CharacterAnswer::Is(Box::new(character))),
                Err(error) => {
                    let error: String = error.chars().take(LOGGED).collect();
                    tracing::warn!(character = %id, error, "character cannot be used");
                    ("unusable", CharacterAnswer::Failed)
                }
            },
            Err(CallError::Refused { code }) if UNKNOWN.contains(&code.as_str()) => {
                ("unknown", CharacterAnswer::Unknown)
            }
            Err(error) => {
                tracing::warn!(character = %id, ?error, "character service does not help");
                ("failed", CharacterAnswer::Failed)
            }
        };
        self.count(outcome, 1);
        answer
    }

    fn count(&self, outcome: &str, calls: usize) {
        let calls = u64::try_from(calls).unwrap_or(u64::MAX);
        self.metrics.hub_calls.with_label_values(&[GET, outcome]).inc_by(calls);
    }
}

fn failed(ids: &[CharacterId]) -> BTreeMap<CharacterId, CharacterAnswer> {
    ids.iter().map(|id| (*id, CharacterAnswer::Failed)).collect()
}

#[cfg(test)]
mod tests {
    use gss_shared::ports::hub::local::LocalHub;
    use prometheus::Registry;
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> CharacterId {
        CharacterId(Uuid::from_u128(number))
    }

    /// 1 is there, 2 is broken, 3 waits for better times, 4 is refused, 5 is silent; others are unknown.
    fn answer(asked: &str) -> Option<String> {
        let asked: Value = serde_json::from_str(asked).expect("JSON");
        let id = asked["character_id"].as_str().expect("an id").to_owned();
        let error = |code: &str| json!({"ok": false, "error": {"code": code, "message": "No."}});
        let block = json!({
            "size": "medium", "ac": 12, "hp": {"current": 20, "max": 28, "temp": 0},
            "abilities": {"str": 8, "dex": 14, "con": 10, "int": 16, "wis": 8, "cha": 8},
            "speeds": {"walk": 30},
        });
        let data = json!({"character_id": id, "owner_id": id, "name": "A", "stat_block": block});
        Some(match id.as_bytes().last()? {
            b'1' => json!({"ok": true, "data": data}).to_string(),
            b'2' => json!({"ok": true, "data": {"name": "A"}}).to_string(),
            b'3' => error("unavailable").to_string(),
            b'4' => error("forbidden").to_string(),
            b'5' => return None,
            _ => error("character_not_found").to_string(),
        })
    }

    async fn said(service: &CharacterService, numbers: &[u128]) -> Vec<&'static str> {
        let ids: Vec<CharacterId> = numbers.iter().map(|number| id(*number)).collect();
        let Characters::Answered(answers) = service.get(&ids).await else {
            panic!("there is a service");
        };
        let said = answers.values().map(|answer| match answer {
            CharacterAnswer::Is(_) => "is",
            CharacterAnswer::Unknown => "unknown",
            CharacterAnswer::Failed => "failed",
        });
        said.collect()
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_is_not_there_is_unknown() {
        let hub = Arc::new(LocalHub::default());
        hub.take("character.get", answer);
        let metrics = Metrics::register(&Registry::new()).expect("metrics");
        let service = CharacterService::new(Some(hub), metrics.clone());
        let began = Instant::now();
        let said = said(&service, &[1, 2, 3, 4, 5, 6]).await;
        assert_eq!(began.elapsed(), Duration::from_millis(HUB_CALL_DEADLINE_MS));
        assert_eq!(said, ["is", "failed", "failed", "failed", "failed", "unknown"]);
        let count =
            |outcome: &str| metrics.hub_calls.with_label_values(&["character.get", outcome]).get();
        let outcomes = ["answered", "unusable", "failed", "unknown"];
        assert_eq!(outcomes.map(count), [1, 1, 3, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_failed_is_tried_with_one_call() {
        let hub = Arc::new(LocalHub::default());
        hub.take("character.get", answer);
        let metrics = Metrics::register(&Registry::new()).expect("metrics");
        let service = CharacterService::new(Some(hub), metrics.clone());
        let count =
            |outcome: &str| metrics.hub_calls.with_label_values(&["character.get", outcome]).get();
        let silent = [0x15, 0x25, 0x35, 0x45, 0x55];
        assert_eq!(said(&service, &silent).await, ["failed"; 5]);
        assert_eq!(said(&service, &[0x11, 0x21]).await, ["failed"; 2], "it rests");
        tokio::time::sleep(Duration::from_secs(5)).await;
        // The first is silent still, and the others are not asked.
        assert_eq!(said(&service, &[0x15, 0x21, 0x31, 0x41]).await, ["failed"; 4]);
        assert_eq!(["failed", "resting", "answered"].map(count), [6, 5, 0]);
        tokio::time::sleep(Duration::from_secs(5)).await;
        // The next trial is of another. It answers: the others are asked.
        let same = [0x15, 0x21, 0x31, 0x41];
        assert_eq!(said(&service, &same).await, ["failed", "is", "is", "is"]);
        assert_eq!(["failed", "resting", "answered"].map(count), [7, 5, 3]);
    }
}
