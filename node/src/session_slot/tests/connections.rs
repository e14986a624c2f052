//! Connections: admitted, resumed, replaced, and what they are told.

use std::time::Duration;

use gss_shared::ids::{ConnectionId, Position, Version};
use gss_shared::link::frame::{AttachOutcome, CommandBody, ToRouter};
use gss_shared::rest_command::RestCommand;
use uuid::Uuid;

use super::bench::*;
use crate::shard::Input;
use crate::work::{Effect, Fact, LoadError, Missed};

fn position(bench: &Bench) -> Position {
    bench.shard.slot(table()).expect("slot").durable().expect("live")
}

fn connection(number: u128) -> ConnectionId {
    ConnectionId(Uuid::from_u128(number))
}

#[tokio::test]
async fn an_attach_is_answered_when_its_event_is_committed() {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.decide().await;
    assert_eq!(bench.story(), [""; 0]);
    bench.settle().await;
    let story = bench.story();
    assert_eq!(story, ["presence \"online\"", "fresh 1 at 4"]);
}

#[tokio::test]
async fn a_resume_gets_what_was_missed_from_memory_or_from_the_journal() {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.settle().await;
    let from = position(&bench);
    bench.send(&set(1, "/shared/hp", 5));
    bench.settle().await;
    bench.story();
    bench.attach(2, 70, Some(from));
    bench.settle().await;
    let in_memory = bench.story();
    assert!(in_memory.contains(&"resumed 2: 5,6 to 6".to_owned()), "{in_memory:?}");
    assert!(in_memory.contains(&"close 1 4005".to_owned()), "{in_memory:?}");
    bench.shard = crate::shard::Shard::new(ONE, bench.shard.epoch(), BUDGET);
    bench.attach(3, 70, Some(from));
    bench.settle().await;
    let from_journal = bench.story();
    assert!(from_journal.contains(&"resumed 3: 5,6,7 to 7".to_owned()), "{from_journal:?}");
}

#[tokio::test]
async fn a_position_of_another_history_gets_a_snapshot() {
    let mut bench = Bench::with_table().await;
    let other =
        Position { event: gss_shared::ids::EventId(Uuid::from_u128(1)), ..position(&bench) };
    bench.attach(1, 70, Some(other));
    bench.settle().await;
    assert_eq!(bench.story(), ["presence \"online\"", "fresh 1 at 4"]);
}

#[tokio::test]
async fn a_resume_across_a_rollback_gets_the_state_as_well() {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.settle().await;
    let from = position(&bench);
    bench.send(&set(1, "/shared/hp", 5));
    let data = serde_json::json!({ "action_id": action(3), "to_version": "4" });
    bench.send(&serde_json::json!({ "type": "rollback", "data": data }).to_string());
    bench.settle().await;
    bench.story();
    bench.attach(2, 70, Some(from));
    bench.settle().await;
    let story = bench.story();
    assert!(story.contains(&"resumed 2: 5,6,7 to 7 and sync".to_owned()), "{story:?}");
    // Who has the rollback itself may lack the state that followed it.
    let rolled_back = Position { version: Version(6), ..position(&bench) };
    let events = bench.journal.events(table(), Version(5), 1).await.expect("events");
    bench.attach(3, 71, Some(Position { event: events[0].id, ..rolled_back }));
    bench.settle().await;
    let story = bench.story();
    assert!(story.contains(&"resumed 3: 7,8 to 8 and sync".to_owned()), "{story:?}");
}

#[tokio::test]
async fn commands_of_a_replaced_connection_are_refused() {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.settle().await;
    bench.attach(2, 70, None);
    bench.story();
    bench.ask(Some(connection(1)), CommandBody::Frame(set(1, "/shared/hp", 5)));
    bench.ask(Some(connection(2)), CommandBody::Frame(set(2, "/shared/hp", 6)));
    bench.settle().await;
    let story = bench.story();
    let acks: Vec<_> =
        story.iter().filter(|told| told.starts_with("ack") || told.starts_with("forb")).collect();
    assert_eq!(acks, ["forbidden at 5", "ack 6"]);
}

#[tokio::test]
async fn offline_is_told_after_the_grace() {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.attach(2, 71, None);
    bench.settle().await;
    bench.story();
    bench.input(Input::Detach(table(), connection(1)));
    assert_eq!(bench.story(), ["presence \"online\""]);
    bench.input(Input::Detach(table(), connection(2)));
    bench.now += Duration::from_secs(10);
    // Nobody is attached any more: nobody is told.
    bench.with(crate::shard::Shard::tick);
    assert_eq!(bench.story(), [""; 0]);
}

#[tokio::test]
async fn a_connection_that_left_before_its_commit_is_not_attached() {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.decide().await;
    bench.input(Input::Detach(table(), connection(1)));
    bench.settle().await;
    assert_eq!(bench.story(), ["refused 1: unavailable 1012"]);
    assert!(bench.shard.slot(table()).expect("slot").connections().is_empty());
}

#[tokio::test]
async fn a_connection_that_left_before_the_load_is_not_decided() {
    let mut bench = Bench::with_table().await;
    bench.shard = crate::shard::Shard::new(ONE, bench.shard.epoch(), BUDGET);
    bench.attach(1, 70, None);
    bench.input(Input::Detach(table(), connection(1)));
    bench.settle().await;
    assert_eq!(bench.story(), ["refused 1: unavailable 1012"]);
    assert_eq!(position(&bench).version.0, 3);
}

#[tokio::test]
async fn a_session_whose_last_player_left_is_put_away_when_it_is_not_live() {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.settle().await;
    bench.input(Input::Detach(table(), connection(1)));
    bench.send(&set(1, "/shared/hp", 5));
    bench.settle().await;
    bench.now += Duration::from_secs(120);
    bench.with(|shard, present, out| {
        shard.with(table(), present, out, |slot, turn| slot.panicked(turn))
    });
    let load = bench.take(|effect| matches!(effect, Effect::Load { .. }));
    assert!(load.is_some());
    let failed = Fact::Loaded(table(), Err(LoadError::Unavailable));
    bench.with(|shard, present, out| shard.fact(failed, present, out));
    bench.with(crate::shard::Shard::tick);
    assert!(bench.shard.slot(table()).is_none());
}

#[tokio::test]
async fn a_player_has_five_connections_at_most() {
    let mut bench = Bench::with_table().await;
    for number in 1..=5 {
        bench.attach(number, 70 + number, None);
    }
    bench.attach(6, 76, None);
    // One of the chains opens anew: it replaces its own.
    bench.attach(7, 75, None);
    bench.settle().await;
    let story = bench.story();
    let told: Vec<_> = story.iter().filter(|told| !told.starts_with("presence")).collect();
    let fresh = ["fresh 1 at 4", "fresh 2 at 5", "fresh 3 at 6", "fresh 4 at 7", "fresh 5 at 8"];
    let last = ["refused 6: session_full 4501", "close 5 4005", "fresh 7 at 9"];
    assert_eq!(told, [&fresh[..], &last[..]].concat());
}

#[tokio::test]
async fn a_beat_after_an_attach_names_what_is_committed() {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.settle().await;
    let moved = vec![(table(), position(&bench))];
    assert_eq!(bench.peer.beat(bench.now), ToRouter::Beat { number: 1, moved });
}

#[tokio::test]
async fn a_resume_that_became_a_snapshot_is_told_the_present_settings() {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.settle().await;
    let from = position(&bench);
    bench.send(&set(1, "/shared/hp", 5));
    let data = serde_json::json!({ "action_id": action(3), "to_version": "4" });
    bench.send(&serde_json::json!({ "type": "rollback", "data": data }).to_string());
    bench.settle().await;
    bench.attach(2, 70, Some(from));
    let settings = serde_json::json!({
        "limits": { "messages_per_minute": 33 },
        "visibility": [{ "prefix": "/shared/secret", "audience": "gm" }],
    });
    let settings = settings.as_object().cloned();
    let command = RestCommand::Update { name: None, settings, if_match: None };
    let command = serde_json::to_string(&command).expect("json");
    bench.ask(None, CommandBody::Rest { action: action(9), command });
    bench.settle().await;
    let told = bench.told();
    let attached = told.iter().find_map(|told| match told {
        ToRouter::Attached { request: 2, outcome } => Some(outcome),
        _ => None,
    });
    let Some(AttachOutcome::Fresh { at, messages_per_minute, .. }) = attached else {
        panic!("{attached:?}")
    };
    assert_eq!((at.version.0, *messages_per_minute), (8, 33));
}

/// Attaches connection 1, then resumes it as 2, whose missed messages are still to be read.
async fn resuming() -> (Bench, Effect) {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.settle().await;
    let from = position(&bench);
    bench.send(&set(1, "/shared/hp", 5));
    bench.settle().await;
    bench.shard = crate::shard::Shard::new(ONE, bench.shard.epoch(), BUDGET);
    bench.attach(2, 70, Some(from));
    bench.decide().await;
    let part = bench.part().expect("a submission");
    bench.append(part).await;
    let missed = bench.take(|effect| matches!(effect, Effect::Missed { .. }));
    bench.story();
    (bench, missed.expect("a read"))
}

fn answer(bench: &mut Bench, asked: Effect, missed: Missed) {
    let Effect::Missed { to, admitted, .. } = asked else { panic!("{asked:?}") };
    let fact = Fact::Missed(to, admitted, missed);
    bench.with(|shard, present, out| shard.fact(fact, present, out));
}

fn attached(bench: &Bench) -> Vec<ConnectionId> {
    bench.shard.slot(table()).expect("slot").connections().into_keys().collect()
}

#[tokio::test]
async fn a_connection_that_was_replaced_while_it_resumed_stays_replaced() {
    let (mut bench, asked) = resuming().await;
    bench.attach(3, 70, None);
    bench.settle().await;
    let story = bench.story();
    assert!(story.contains(&"close 2 4005".to_owned()), "{story:?}");
    answer(&mut bench, asked, Missed::Gone);
    bench.settle().await;
    assert_eq!(bench.story(), ["refused 2: forbidden 4005"]);
    assert_eq!(attached(&bench), [connection(3)]);
}

#[tokio::test]
async fn an_older_connection_that_still_resumes_does_not_replace_a_newer() {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.settle().await;
    let from = position(&bench);
    bench.send(&set(1, "/shared/hp", 5));
    bench.settle().await;
    bench.shard = crate::shard::Shard::new(ONE, bench.shard.epoch(), BUDGET);
    bench.attach(2, 70, Some(from));
    bench.attach(3, 70, None);
    bench.decide().await;
    while let Some(part) = bench.part() {
        bench.append(part).await;
    }
    let asked = bench.take(|effect| matches!(effect, Effect::Missed { .. })).expect("a read");
    bench.settle().await;
    bench.story();
    answer(&mut bench, asked, Missed::Gone);
    bench.settle().await;
    assert_eq!(bench.story(), ["refused 2: forbidden 4005"]);
    assert_eq!(attached(&bench), [connection(3)]);
}

#[tokio::test]
async fn an_older_connection_that_is_asked_for_again_does_not_replace_a_newer() {
    let (mut bench, asked) = resuming().await;
    answer(&mut bench, asked, Missed::Unavailable);
    bench.attach(3, 70, None);
    bench.settle().await;
    bench.story();
    // Its router heard "unavailable", and not yet that its client has gone elsewhere.
    bench.attach(2, 70, None);
    bench.settle().await;
    assert_eq!(bench.story(), ["refused 2: forbidden 4005"]);
    assert_eq!(attached(&bench), [connection(3)]);
}

#[tokio::test]
async fn a_resume_that_cannot_be_answered_leaves_nobody_attached() {
    let (mut bench, asked) = resuming().await;
    answer(&mut bench, asked, Missed::Unavailable);
    assert_eq!(bench.story(), ["refused 2: unavailable 1012"]);
    assert_eq!(attached(&bench), []);
}

#[tokio::test]
async fn a_snapshot_that_is_refused_leaves_nobody_attached() {
    let (mut bench, asked) = resuming().await;
    bench.rest(5, &RestCommand::Delete { if_match: None });
    bench.settle().await;
    bench.story();
    answer(&mut bench, asked, Missed::Gone);
    bench.settle().await;
    assert_eq!(bench.story(), ["refused 2: session_not_found 4501"]);
    assert_eq!(attached(&bench), []);
}
