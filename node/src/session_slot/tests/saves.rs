//! Saves by the GM: their rows are stored, whatever comes between.

use std::time::Duration;

use gss_shared::ids::Epoch;
use gss_shared::rest_command::RestCommand;
use serde_json::json;

use super::bench::*;
use crate::limits::SAVES_WAITING;
use crate::shard::{Input, Shard};
use crate::work::{Effect, Fact, Stored};

fn save(bench: &mut Bench, number: u128) {
    let state = json!({ "shared": { "hp": 7 } }).as_object().cloned().expect("object");
    let metadata = json!({ "label": number.to_string() }).as_object().cloned().expect("object");
    bench.rest(number, &RestCommand::SaveState { state, metadata });
}

fn take_save(bench: &mut Bench) -> Option<Effect> {
    bench.take(|effect| matches!(effect, Effect::Save { .. }))
}

async fn commit(bench: &mut Bench) {
    bench.decide().await;
    let part = bench.part().expect("a submission");
    bench.append(part).await;
}

/// Versions and metadata of the saves that are stored, newest first.
async fn saves(bench: &Bench) -> Vec<(u64, String)> {
    let saves = bench.journal.saved_states(table(), None, 100).await.expect("saves");
    let metadata = |metadata: Option<String>| metadata.expect("a save");
    saves.into_iter().map(|save| (save.position.version.0, metadata(save.metadata))).collect()
}

fn saved(version: u64, number: u128) -> (u64, String) {
    (version, json!({ "label": number.to_string() }).to_string())
}

#[tokio::test]
async fn a_save_that_an_owner_did_not_store_is_stored_by_the_next() {
    let mut bench = Bench::with_table().await;
    save(&mut bench, 1);
    commit(&mut bench).await;
    take_save(&mut bench).expect("a save");
    bench.send(&set(2, "/shared/hp", 5));
    commit(&mut bench).await;
    assert_eq!(saves(&bench).await, []);
    bench.raise(Epoch(1)).await;
    bench.shard = Shard::new(ONE, Epoch(2), BUDGET);
    bench.send(&set(3, "/shared/hp", 6));
    bench.settle().await;
    assert_eq!(saves(&bench).await, [saved(4, 1)]);
    let stored = bench.journal.saved_states(table(), None, 1).await.expect("saves").remove(0);
    assert_eq!(stored.saved_by, Some(gm()));
    let state: serde_json::Value = serde_json::from_str(&stored.state).expect("json");
    assert_eq!(state.to_string().matches("\"hp\":7").count(), 1, "{state}");
    // It is not stored anew with each activation.
    bench.shard = Shard::new(ONE, Epoch(2), BUDGET);
    bench.send(&set(4, "/shared/hp", 8));
    bench.decide().await;
    assert!(take_save(&mut bench).is_none());
}

#[tokio::test]
async fn a_save_under_a_former_epoch_is_stored_under_the_raised_one() {
    let mut bench = Bench::with_table().await;
    save(&mut bench, 1);
    commit(&mut bench).await;
    bench.raise(Epoch(1)).await;
    let effect = take_save(&mut bench).expect("a save");
    let Some(Fact::Saved(session, position, Stored::Not)) = bench.fact(effect).await else {
        panic!("not fenced")
    };
    let fact = Fact::Saved(session, position, Stored::Not);
    bench.with(|shard, present, out| shard.fact(fact, present, out));
    bench.input(Input::Raised(Epoch(2)));
    // A session with a save that is not stored is not put away.
    bench.now += Duration::from_secs(120);
    bench.with(Shard::tick);
    assert!(bench.shard.slot(table()).is_some());
    bench.decide().await;
    assert_eq!(saves(&bench).await, [saved(4, 1)]);
    bench.with(Shard::tick);
    assert!(bench.shard.slot(table()).is_none());
}

#[tokio::test]
async fn saves_are_stored_one_after_the_other_and_only_so_many_wait() {
    let mut bench = Bench::with_table().await;
    let waiting = u128::try_from(SAVES_WAITING).expect("small");
    for number in 1..=waiting + 1 {
        save(&mut bench, number);
    }
    while bench.with(Shard::step) {}
    let mut first = None;
    for _ in 0..waiting {
        let part = bench.part().expect("a submission");
        bench.append(part).await;
        if let Some(save) = take_save(&mut bench) {
            assert!(first.replace(save).is_none(), "two at a time");
        }
    }
    // The second is not begun before the first is stored, and the last is not decided.
    assert!(take_save(&mut bench).is_none());
    while bench.with(Shard::step) {}
    assert!(bench.part().is_none());
    let fact = bench.fact(first.expect("a save")).await.expect("stored");
    bench.with(|shard, present, out| shard.fact(fact, present, out));
    assert_eq!(saves(&bench).await, [saved(4, 1)]);
    bench.settle().await;
    assert_eq!(saves(&bench).await.len(), SAVES_WAITING + 1);
}
