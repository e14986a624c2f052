//! Appends that the journal does not take, actions it has already, decisions that panic.

use gss_shared::error_code::ErrorCode;
use gss_shared::ids::{ActionId, Epoch, Version};
use gss_shared::link::frame::{CommandBody, Outcome, ToRouter};
use gss_shared::ports::journal::PartRefusal;
use gss_shared::rest_command::RestCommand;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng as _};
use uuid::Uuid;

use super::bench::*;
use crate::chance::Chance;
use crate::work::Effect;

#[tokio::test]
async fn after_a_refusal_nothing_is_loaded_before_the_last_verdict_and_all_is_decided_again() {
    let mut bench = Bench::with_table().await;
    for number in 1..=2 {
        bench.send(&set(number, "/shared/hp", i64::try_from(number).expect("small")));
    }
    bench.decide().await;
    let (first, second) = (bench.part().expect("one"), bench.part().expect("two"));
    // The writer raised the epoch to settle another append.
    let raised = bench.raise(Epoch(1)).await;
    bench.append_knowing(first, raised).await;
    assert!(bench.take(|effect| matches!(effect, Effect::Load { .. })).is_none());
    bench.send(&set(3, "/shared/hp", 3));
    bench.append_knowing(second, raised).await;
    assert!(bench.effects.iter().any(|effect| matches!(effect, Effect::Load { .. })));
    assert_eq!(bench.story(), [""; 0]);
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4", "live 5", "ack 5", "live 6", "ack 6"]);
    let events = bench.journal.events(table(), Version::ZERO, 10).await.expect("events");
    assert_eq!(events.iter().map(|event| event.epoch.0).collect::<Vec<_>>(), [1, 1, 1, 2, 2, 2]);
}

#[tokio::test]
async fn a_fence_under_the_present_epoch_ends_service() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 5));
    bench.decide().await;
    bench.raise(Epoch(1)).await;
    let part = bench.part().expect("a submission");
    bench.append(part).await;
    assert!(bench.take(|effect| matches!(effect, Effect::Fenced)).is_some());
    bench.with(|shard, _, _| shard.abandon(None));
    assert_eq!(bench.story(), ["not owner 1"]);
}

#[tokio::test]
async fn a_refused_command_is_refused_again_until_another_owner_decides() {
    let mut bench = Bench::with_table().await;
    let command = expecting(1, "/shared/hp", 2, 9);
    bench.send(&command);
    bench.settle().await;
    assert_eq!(bench.story(), ["conflict at 3"]);
    // Now it would do.
    bench.send(&set(2, "/shared/hp", 2));
    bench.send(&command);
    // Another command is another matter, whatever its id.
    bench.send(&expecting(1, "/shared/hp", 2, 3));
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4", "conflict at 4", "live 5", "ack 5"]);
    bench.send(&expecting(3, "/shared/hp", 2, 9));
    bench.settle().await;
    bench.send(&set(4, "/shared/hp", 2));
    bench.settle().await;
    bench.story();
    bench.shard = crate::shard::Shard::new(ONE, Epoch(1), BUDGET);
    bench.send(&expecting(3, "/shared/hp", 2, 9));
    bench.settle().await;
    assert_eq!(bench.story(), ["live 7", "ack 7"]);
}

#[tokio::test]
async fn a_command_sent_again_before_its_refusal_left_is_refused_too() {
    let mut bench = Bench::with_table().await;
    let command = expecting(2, "/shared/hp", 2, 9);
    bench.send(&set(1, "/shared/hp", 1));
    bench.send(&command);
    // Now it would do; but the refusal waits for the commit of what it saw.
    bench.send(&set(3, "/shared/hp", 2));
    bench.send(&command);
    bench.settle().await;
    let told = ["live 4", "ack 4", "conflict at 4", "live 5", "ack 5", "conflict at 5"];
    assert_eq!(bench.story(), told);
}

#[tokio::test]
async fn a_refusal_by_a_state_that_was_never_committed_is_not_remembered() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 2));
    bench.send(&expecting(2, "/shared/hp", 1, 5));
    bench.decide().await;
    // What the refusal saw never was.
    bench.part().expect("a submission");
    bench.refuse(1, PartRefusal::Poison);
    bench.settle().await;
    assert_eq!(bench.story(), ["internal at 3", "live 4", "ack 4"]);
}

#[tokio::test]
async fn an_accepted_action_is_acknowledged_again_after_a_reload() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 5));
    bench.settle().await;
    bench.story();
    bench.shard = crate::shard::Shard::new(ONE, Epoch(1), BUDGET);
    bench.send(&set(1, "/shared/hp", 5));
    bench.settle().await;
    assert_eq!(bench.story(), ["ack 4 again"]);
}

#[tokio::test]
async fn an_action_beyond_the_window_is_found_in_the_journal() {
    let mut bench = Bench::with_table().await;
    for number in 1..=70 {
        bench.send(&set(number, "/shared/hp", i64::try_from(number).expect("small")));
        bench.settle().await;
    }
    bench.story();
    bench.send(&set(1, "/shared/hp", 1));
    bench.send(&set(2, "/shared/hp", 99));
    bench.send(&set(80, "/shared/hp", 80));
    bench.settle().await;
    let expected = ["ack 4 again", "action_id_reused at 73", "live 74", "ack 74"];
    assert_eq!(bench.story(), expected);
}

#[tokio::test]
async fn a_refusal_of_an_action_that_was_accepted_long_ago_is_its_acknowledgement() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 1));
    bench.settle().await;
    bench.send(&expecting(2, "/shared/hp", 1, 2));
    bench.settle().await;
    for number in 3..=70 {
        bench.send(&set(number, "/shared/hp", i64::try_from(number).expect("small")));
        bench.settle().await;
    }
    bench.story();
    // Decided anew it would be a conflict.
    bench.send(&expecting(2, "/shared/hp", 1, 2));
    bench.send(&expecting(99, "/shared/hp", 1, 2));
    bench.settle().await;
    assert_eq!(bench.story(), ["ack 5 again", "conflict at 73"]);
}

#[tokio::test]
async fn content_that_the_journal_refuses_costs_its_own_command_only() {
    let mut bench = Bench::with_table().await;
    for number in 1..=3 {
        bench.send(&set(number, "/shared/hp", i64::try_from(number).expect("small")));
    }
    bench.decide().await;
    // They were merged: which one is at fault is found by sending them alone.
    for _ in 0..3 {
        bench.part().expect("a submission");
    }
    bench.refuse(3, PartRefusal::Poison);
    bench.decide().await;
    let first = bench.part().expect("a submission");
    assert!(bench.part().is_none());
    bench.append(first).await;
    bench.decide().await;
    bench.part().expect("a submission");
    bench.refuse(1, PartRefusal::Poison);
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4", "internal at 4", "live 5", "ack 5"]);
}

/// Fine for event ids, deadly for dice.
struct BrokenDice(StdRng);

impl RngCore for BrokenDice {
    fn next_u32(&mut self) -> u32 {
        panic!("the dice fell off the table")
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

fn roll(number: u128) -> String {
    let data = serde_json::json!({
        "action_id": action(number), "expression": "1d20", "to": "all",
    });
    serde_json::json!({ "type": "roll", "data": data }).to_string()
}

#[tokio::test]
async fn a_decision_that_panics_is_answered_once_and_never_decided_again() {
    let mut bench = Bench::with_table().await;
    bench.chance = Chance::from_rng(BrokenDice(StdRng::seed_from_u64(1)));
    bench.send(&set(1, "/shared/hp", 5));
    bench.send(&roll(2));
    bench.send(&set(3, "/shared/hp", 6));
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4", "internal at 4", "live 5", "ack 5"]);
    bench.chance = Chance::from_rng(StdRng::seed_from_u64(1));
    bench.send(&roll(2));
    bench.send(&roll(4));
    bench.settle().await;
    assert_eq!(bench.story(), ["internal at 5", "live 6", "ack 6"]);
}

/// It has no key by which it could be kept from being decided again: nor are others without one.
#[tokio::test]
async fn a_command_without_a_key_that_panics_is_answered_and_keeps_no_other_from_being_decided() {
    let mut bench = Bench::with_table().await;
    let invite = RestCommand::CreateInvite { role: None, uses: Some(1), expires_in_seconds: None };
    let command = serde_json::to_string(&invite).expect("json");
    let body = CommandBody::Rest { action: ActionId(Uuid::nil()), command };
    bench.chance = Chance::from_rng(BrokenDice(StdRng::seed_from_u64(1)));
    bench.ask(None, body.clone());
    bench.send(&set(3, "/shared/hp", 6));
    bench.settle().await;
    let [ToRouter::Answer(answer), ..] = &bench.told()[..] else { panic!("no answer") };
    let Outcome::Refused { refused, .. } = &answer.outcome else { panic!("{answer:?}") };
    assert_eq!((answer.action, refused.code), (None, ErrorCode::Internal));
    assert_eq!(refused.details, r#"{"effect":"none"}"#);
    bench.chance = Chance::from_rng(StdRng::seed_from_u64(1));
    bench.ask(None, body);
    bench.settle().await;
    assert_eq!(bench.story(), ["live 5", "ack 5"]);
}

#[tokio::test]
async fn a_rollback_is_decided_with_the_state_of_then() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 5));
    bench.send(&set(2, "/shared/hp", 9));
    let data = serde_json::json!({ "action_id": action(3), "to_version": "4" });
    bench.send(&serde_json::json!({ "type": "rollback", "data": data }).to_string());
    bench.send(&expecting(4, "/shared/hp", 5, 6));
    bench.settle().await;
    let story = bench.story();
    assert_eq!(story, ["live 4", "ack 4", "live 5", "ack 5", "live 6", "ack 6", "live 7", "ack 7"]);
}
