//! What happens in a fight because nobody did anything in time.

use gss_session::{Characters, service_time_out};
use gss_shared::ids::Version;
use serde_json::{Value, json};
use uuid::Uuid;

use super::bench::*;
use crate::session_slot::Slot;
use crate::session_slot::decide::Said;
use crate::shard::Shard;

/// Default of `reaction_seconds`, as milliseconds.
const REACTION_MS: i64 = 15_000;

fn who(number: u128) -> Uuid {
    Uuid::from_u128(0xc0 << 64 | number)
}

fn combatant(number: u128, initiative: i32, side: &str, position: [i32; 2]) -> Value {
    json!({
        "character_id": who(number), "kind": "character", "side": side, "position": position,
        "initiative": initiative,
        "custom": {
            "size": "medium", "ac": 12, "hp": {"current": 20, "max": 20, "temp": 0},
            "abilities": {"str": 10, "dex": 10, "con": 10, "int": 10, "wis": 10, "cha": 10},
            "speeds": {"walk": 30},
            "attacks": [{"attack_id": "club", "name": "Club", "kind": "melee", "bonus": 3,
                         "damage": [{"dice": "1d4", "type": "bludgeoning"}]}],
        },
    })
}

impl Bench {
    fn command(&mut self, number: u128, kind: &str, mut data: Value) {
        data["action_id"] = json!(action(number));
        self.send(&json!({"type": kind, "data": data}).to_string());
    }

    /// Types of the events so far, and the last one's data.
    async fn history(&self) -> (Vec<String>, Value) {
        let events = self.journal.events(table(), Version::ZERO, 100).await.expect("events");
        let last = events.last().map(|event| serde_json::from_str(&event.data).expect("JSON"));
        (events.into_iter().map(|event| event.event_type).collect(), last.unwrap_or_default())
    }

    fn slot<R>(&mut self, act: impl FnOnce(&mut Slot) -> R) -> R {
        let slot =
            self.with(|shard, present, out| shard.with(table(), present, out, |slot, _| act(slot)));
        slot.expect("no panic")
    }
}

/// A fight in which somebody is asked whether it strikes at who leaves: the prompt's id.
async fn asked() -> (Bench, Value) {
    let mut bench = Bench::with_table().await;
    let start = json!({
        "combatants": [combatant(1, 20, "one", [1, 1]), combatant(2, 10, "other", [2, 1])],
        "grid": {"width": 9, "height": 9},
    });
    bench.command(1, "combat_start", start);
    let leave = json!({
        "character_id": who(1), "action_type": "move", "targets": [],
        "details": {"path": [[0, 1]]},
    });
    bench.command(2, "action_declare", leave);
    bench.settle().await;
    let (types, last) = bench.history().await;
    assert_eq!(types.last().map(String::as_str), Some("reaction_prompt"));
    let prompt = last["gms"]["prompt_id"].clone();
    let prompt = if prompt.is_null() { last["all"]["prompt_id"].clone() } else { prompt };
    bench.story();
    (bench, prompt)
}

fn result(data: &Value) -> &Value {
    &data["all"]["result"]
}

/// Types of what came since so many events, with the first one's result.
async fn since(bench: &Bench, events: usize) -> (Vec<String>, Value) {
    let after = Version(events as u64);
    let events = bench.journal.events(table(), after, 100).await.expect("events");
    let data = events.first().map(|event| serde_json::from_str(&event.data).expect("JSON"));
    let result = result(&data.unwrap_or_default()).clone();
    (events.into_iter().map(|event| event.event_type).collect(), result)
}

#[tokio::test]
async fn a_question_is_answered_when_its_time_is_over_and_not_before() {
    let (mut bench, _) = asked().await;
    let events = bench.history().await.0.len();
    bench.clock = bench.clock.plus_ms(REACTION_MS - 1);
    bench.with(Shard::tick);
    bench.settle().await;
    assert_eq!(since(&bench, events).await.0, [""; 0]);
    bench.clock = bench.clock.plus_ms(1);
    bench.with(Shard::tick);
    bench.settle().await;
    let (types, result) = since(&bench, events).await;
    assert_eq!((types[0].as_str(), result), ("reaction_resolved", json!("timed_out")));
}

#[tokio::test]
async fn time_does_not_overtake_an_answer_that_waits() {
    let (mut bench, prompt) = asked().await;
    let events = bench.history().await.0.len();
    bench.command(3, "reaction", json!({"prompt_id": prompt, "accept": false}));
    bench.clock = bench.clock.plus_ms(REACTION_MS);
    bench.with(Shard::tick);
    bench.settle().await;
    let (types, result) = since(&bench, events).await;
    assert_eq!((types[0].as_str(), result), ("reaction_resolved", json!("declined")));
}

#[tokio::test]
async fn a_time_out_that_was_refused_is_not_refused_for_ever() {
    let (mut bench, _) = asked().await;
    let events = bench.history().await.0.len();
    let early = action(77);
    bench.slot(|slot| slot.time_out = Some((slot.working().version, early)));
    let refused = bench.with(|shard, present, out| {
        shard.with(table(), present, out, |slot, turn| {
            matches!(
                slot.ask_session(&service_time_out(early, false), &Characters::default(), turn),
                Said::Refused(_)
            )
        })
    });
    assert_eq!(refused, Some(true));
    bench.settle().await;
    bench.clock = bench.clock.plus_ms(REACTION_MS);
    bench.with(Shard::tick);
    bench.settle().await;
    let (types, result) = since(&bench, events).await;
    assert_eq!((types[0].as_str(), result), ("reaction_resolved", json!("timed_out")));
}

#[tokio::test]
async fn a_time_out_that_panicked_is_tried_again_only_at_another_version() {
    let (mut bench, _) = asked().await;
    let events = bench.history().await.0.len();
    let deadly = action(78);
    bench.with(|shard, present, out| {
        shard.with(table(), present, out, |slot, turn| {
            slot.time_out = Some((slot.working().version, deadly));
            turn.common.remember_panic(deadly);
        })
    });
    bench.clock = bench.clock.plus_ms(REACTION_MS);
    for _ in 0..3 {
        bench.with(Shard::tick);
        bench.settle().await;
    }
    assert_eq!(since(&bench, events).await.0, [""; 0]);
    bench.command(3, "chat", json!({"text": "Hm.", "to": "all"}));
    bench.settle().await;
    bench.with(Shard::tick);
    bench.settle().await;
    let (types, _) = since(&bench, events).await;
    assert_eq!(types[..2], ["chat_message", "reaction_resolved"]);
}
