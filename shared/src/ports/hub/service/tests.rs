use std::collections::VecDeque;

use async_trait::async_trait;
use serde_json::json;

use super::super::{Confirmation, HubMessage, HubUnavailable};
use super::*;

/// Answers by script; remembers what it was asked.
#[derive(Default)]
struct Scripted {
    answers: Mutex<VecDeque<Result<&'static str, Unanswered>>>,
    asked: Mutex<Vec<(&'static str, String)>>,
}

#[async_trait]
impl Hub for Scripted {
    async fn publish(&self, _: &[HubMessage]) -> Result<Vec<Confirmation>, HubUnavailable> {
        Ok(vec![])
    }

    async fn ask(
        &self,
        call: &'static str,
        body: String,
        _: Duration,
    ) -> Result<String, Unanswered> {
        self.asked.lock().expect("lock").push((call, body));
        tokio::task::yield_now().await;
        let answer = self.answers.lock().expect("lock").pop_front();
        answer.expect("an answer more than scripted").map(str::to_owned)
    }

    fn healthy(&self) -> bool {
        true
    }
}

fn away() -> Unanswered {
    Unanswered::Away(HubUnavailable("gone".into()))
}

fn service(
    answers: impl IntoIterator<Item = Result<&'static str, Unanswered>>,
) -> (Arc<Scripted>, RemoteService) {
    let hub = Arc::new(Scripted {
        answers: Mutex::new(answers.into_iter().collect()),
        asked: Mutex::default(),
    });
    (hub.clone(), RemoteService::new(hub))
}

const DEADLINE: Duration = Duration::from_millis(500);
const RESTS: &str = "not asked";

async fn get(service: &RemoteService) -> String {
    match service.question() {
        Some(question) => call(question, Instant::now() + DEADLINE).await,
        None => RESTS.to_owned(),
    }
}

async fn call(question: Question<'_>, until: Instant) -> String {
    match question.call("character.get", &json!({"character_id": "c"}), until).await {
        Ok(data) => data.to_string(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn answers_are_taken_apart() {
    let (hub, service) = service([
        Ok(r#"{"ok":true,"data":{"name":"Aria"},"later":1}"#),
        Ok(r#"{"ok":false,"error":{"code":"character_not_found","message":"No."}}"#),
        Ok(r#"{"ok":true}"#),
        Ok(r#"{"ok":false}"#),
        Ok("Aria"),
    ]);
    assert_eq!(get(&service).await, r#"{"name":"Aria"}"#);
    assert_eq!(get(&service).await, "the service refused: character_not_found");
    for _ in 0..3 {
        assert_eq!(get(&service).await, "the answer cannot be read");
    }
    let asked = hub.asked.lock().expect("lock").clone();
    assert_eq!(asked, vec![("character.get", r#"{"character_id":"c"}"#.to_owned()); 5]);
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_three_times_within_the_deadline() {
    let unavailable = r#"{"ok":false,"error":{"code":"unavailable","message":"Later."}}"#;
    let (hub, service) = service([
        Err(away()),
        Ok(unavailable),
        Ok(r#"{"ok":true,"data":{}}"#),
        Err(Unanswered::Late),
    ]);
    assert_eq!(get(&service).await, "{}");
    assert_eq!(get(&service).await, "no answer of use");
    assert_eq!(hub.asked.lock().expect("lock").len(), 4);
    let begun = Instant::now();
    let (hub, service) = super::tests::service([Err(away()), Err(away()), Err(away())]);
    assert_eq!(get(&service).await, "no answer of use");
    assert_eq!(hub.asked.lock().expect("lock").len(), 3);
    assert!(begun.elapsed() < DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn who_fails_is_left_alone_for_a_while() {
    let late = || Err(Unanswered::Late);
    let (hub, service) = service([
        late(),
        late(),
        late(),
        late(),
        // A refusal is an answer: the count begins anew.
        Ok(r#"{"ok":false,"error":{"code":"forbidden","message":"No."}}"#),
        late(),
        late(),
        late(),
        late(),
        Err(Unanswered::Nobody),
        late(),
        Ok(r#"{"ok":true,"data":1}"#),
        late(),
    ]);
    for _ in 0..10 {
        assert_ne!(get(&service).await, RESTS);
    }
    assert_eq!(get(&service).await, RESTS);
    tokio::time::sleep(REST).await;
    assert_eq!(get(&service).await, "no answer of use", "one more failure");
    assert_eq!(get(&service).await, RESTS);
    tokio::time::sleep(REST).await;
    // One asks; those beside it rest until it knows.
    let (one, other) = tokio::join!(get(&service), get(&service));
    assert_eq!((one.as_str(), other.as_str()), ("1", RESTS));
    assert_eq!(get(&service).await, "no answer of use", "all is forgotten");
    assert_eq!(hub.asked.lock().expect("lock").len(), 13);
}

#[tokio::test(start_paused = true)]
async fn one_question_of_many_calls_is_let_through_whole() {
    let late = || Err(Unanswered::Late);
    let said = || Ok(r#"{"ok":true,"data":1}"#);
    let (hub, service) =
        service([late(), late(), late(), late(), late(), said(), said(), said(), late()]);
    for _ in 0..5 {
        assert_eq!(get(&service).await, "no answer of use");
    }
    tokio::time::sleep(REST).await;
    let until = Instant::now() + DEADLINE;
    let question = service.question().expect("one question in so long");
    let answers = futures::future::join_all((0..3).map(|_| call(question, until))).await;
    assert_eq!(answers, ["1"; 3]);
    assert_eq!(get(&service).await, "no answer of use", "all is forgotten");
    assert_eq!(hub.asked.lock().expect("lock").len(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_time_asks_nobody_and_counts_for_nothing() {
    let (hub, service) = service([Ok(r#"{"ok":true,"data":1}"#)]);
    let question = service.question().expect("it works");
    for _ in 0..FAILURES {
        assert_eq!(call(question, Instant::now()).await, "no answer of use");
    }
    assert_eq!(get(&service).await, "1");
    assert_eq!(hub.asked.lock().expect("lock").len(), 1);
}
