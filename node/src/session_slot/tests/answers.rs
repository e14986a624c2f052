//! When answers leave.

use std::time::Duration;

use gss_shared::ids::Epoch;
use gss_shared::link::frame::{ReadFrame, ReadKind};

use super::bench::*;
use crate::epoch_check::Checked;
use crate::shard::Input;
use crate::work::Effect;

#[tokio::test]
async fn nothing_is_said_before_the_commit_and_then_live_comes_first() {
    let mut bench = Bench::new().await;
    bench.create();
    bench.decide().await;
    assert_eq!(bench.story(), [""; 0]);
    let part = bench.part().expect("a submission");
    bench.append(part).await;
    assert_eq!(bench.story(), ["live 1", "ack 1"]);
}

#[tokio::test]
async fn a_refusal_waits_for_what_it_saw() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 5));
    bench.send(&expecting(2, "/shared/hp", 10, 7));
    bench.send(&set(1, "/shared/hp", 5));
    bench.decide().await;
    assert_eq!(bench.story(), [""; 0]);
    let part = bench.part().expect("a submission");
    assert!(bench.part().is_none());
    bench.append(part).await;
    assert_eq!(bench.story(), ["live 4", "ack 4", "conflict at 4", "ack 4 again"]);
}

#[tokio::test]
async fn decisions_run_ahead_of_commits_and_answers_keep_their_order() {
    let mut bench = Bench::with_table().await;
    for number in 1..=3 {
        bench.send(&set(number, "/shared/hp", 5 + i64::try_from(number).expect("small")));
    }
    bench.decide().await;
    let parts = [(); 3].map(|()| bench.part().expect("a submission"));
    assert_eq!(parts.each_ref().map(|part| part.after.0), [3, 4, 5]);
    for part in parts {
        bench.append(part).await;
    }
    assert_eq!(bench.story(), ["live 4", "ack 4", "live 5", "ack 5", "live 6", "ack 6"]);
}

#[tokio::test]
async fn at_most_64_decisions_are_ahead() {
    let mut bench = Bench::with_table().await;
    for number in 1..=70 {
        bench.send(&set(number, "/shared/hp", i64::try_from(number).expect("small")));
    }
    bench.decide().await;
    let submitted = |effect: &&Effect| matches!(effect, Effect::Submit(_));
    assert_eq!(bench.effects.iter().filter(submitted).count(), 64);
    bench.settle().await;
    assert_eq!(bench.story().last().map(String::as_str), Some("ack 73"));
}

#[tokio::test]
async fn a_command_older_than_its_budget_is_not_decided() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 5));
    bench.now += Duration::from_millis(10_001);
    bench.settle().await;
    assert_eq!(bench.story(), ["owner_unreachable at 0"]);
    assert_eq!(bench.shard.slot(table()).expect("slot").durable().expect("live").version.0, 3);
}

#[tokio::test]
async fn while_the_journal_stalls_waiting_commands_are_told_so_before_their_router_gives_up() {
    let mut bench = Bench::with_table().await;
    bench.stalled = true;
    bench.send(&set(1, "/shared/hp", 5));
    bench.now += Duration::from_millis(7_900);
    bench.with(crate::shard::Shard::tick);
    assert_eq!(bench.story(), [""; 0]);
    bench.now += Duration::from_millis(1_000);
    bench.with(crate::shard::Shard::tick);
    assert_eq!(bench.story(), ["unavailable at 0"]);
}

#[tokio::test]
async fn a_command_stamped_with_an_old_beat_is_not_decided() {
    let mut bench = Bench::with_table().await;
    bench.now += Duration::from_secs(11);
    bench.send(&set(1, "/shared/hp", 5));
    bench.settle().await;
    assert_eq!(bench.story(), ["owner_unreachable at 0"]);
}

fn read(bench: &mut Bench) {
    let frame = ReadFrame { request: 9, session: table(), player: gm(), kind: ReadKind::Session };
    let to = bench.bulk();
    bench.input(Input::Read(to, Box::new(frame)));
}

async fn check(bench: &mut Bench, checked: Checked) {
    assert!(bench.take(|effect| matches!(effect, Effect::Check)).is_some());
    bench.with(|shard, present, out| shard.checked(checked, present, out));
    bench.decide().await;
}

const OURS: Checked = Checked { row: Some((Epoch(1), true)), within_lease: true };

#[tokio::test]
async fn a_read_needs_a_check_that_began_after_it_and_the_commit_of_what_it_shows() {
    let mut bench = Bench::with_table().await;
    read(&mut bench);
    assert!(bench.effects.iter().any(|effect| matches!(effect, Effect::Check)));
    // The second read came after the check began: it needs another one.
    read(&mut bench);
    bench.send(&set(1, "/shared/hp", 5));
    while bench.with(crate::shard::Shard::step) {}
    check(&mut bench, OURS).await;
    assert_eq!(bench.story(), [""; 0]);
    let part = bench.part().expect("a submission");
    bench.append(part).await;
    assert_eq!(bench.story(), ["live 4", "ack 4", "read at 4"]);
}

#[tokio::test]
async fn without_the_journal_reads_are_stale_within_the_lease_only() {
    let mut bench = Bench::with_table().await;
    read(&mut bench);
    check(&mut bench, Checked { row: None, within_lease: true }).await;
    assert_eq!(bench.story(), ["stale at 3"]);
    read(&mut bench);
    check(&mut bench, Checked { row: None, within_lease: false }).await;
    assert_eq!(bench.story(), ["read: unavailable"]);
}

#[tokio::test]
async fn a_check_that_finds_anothers_epoch_ends_service() {
    let mut bench = Bench::with_table().await;
    read(&mut bench);
    let others = Checked { row: Some((Epoch(2), false)), within_lease: true };
    assert!(bench.take(|effect| matches!(effect, Effect::Check)).is_some());
    bench.with(|shard, present, out| shard.checked(others, present, out));
    assert_eq!(bench.story(), ["read: owner_unreachable"]);
    assert!(bench.take(|effect| matches!(effect, Effect::Fenced)).is_some());
}

#[tokio::test]
async fn a_check_that_finds_an_epoch_to_come_shows_nothing_until_the_shard_knows_it() {
    let mut bench = Bench::with_table().await;
    read(&mut bench);
    check(&mut bench, Checked { row: Some((Epoch(2), true)), within_lease: true }).await;
    // The journal says that it is ours; whether this memory is of that epoch is not known.
    assert_eq!(bench.story(), [""; 0]);
    assert!(bench.take(|effect| matches!(effect, Effect::Check)).is_none());
    bench.input(Input::Raised(Epoch(2)));
    check(&mut bench, Checked { row: Some((Epoch(2), true)), within_lease: true }).await;
    assert_eq!(bench.story(), ["read at 3"]);

    // It is not, if another had the shard between: then each tick looks again, until it is dropped.
    read(&mut bench);
    check(&mut bench, Checked { row: Some((Epoch(4), true)), within_lease: true }).await;
    assert!(bench.take(|effect| matches!(effect, Effect::Check)).is_none());
    bench.with(crate::shard::Shard::tick);
    check(&mut bench, Checked { row: Some((Epoch(4), true)), within_lease: true }).await;
    bench.shard.abandon(None);
    assert_eq!(bench.story(), ["read: owner_unreachable"]);
}

#[tokio::test]
async fn a_stop_answers_what_is_decided_and_refuses_the_rest() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 5));
    bench.decide().await;
    bench.input(Input::Stop(Some("b".parse().expect("id"))));
    bench.send(&set(2, "/shared/hp", 6));
    assert_eq!(bench.story(), ["not owner 1"]);
    assert!(bench.take(|effect| matches!(effect, Effect::Drained)).is_none());
    let part = bench.part().expect("a submission");
    bench.append(part).await;
    assert_eq!(bench.story(), ["live 4", "ack 4"]);
    assert!(bench.take(|effect| matches!(effect, Effect::Drained)).is_some());
}

#[tokio::test]
async fn a_full_node_creates_nothing_and_plays_on() {
    let mut bench = Bench::with_table().await;
    bench.full = true;
    bench.send(&set(1, "/shared/hp", 5));
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4"]);
    bench.shard = crate::shard::Shard::new(ONE, Epoch(1), BUDGET);
    read(&mut bench);
    check(&mut bench, OURS).await;
    assert_eq!(bench.story(), ["read: unavailable"]);
    bench.send(&set(1, "/shared/hp", 5));
    bench.settle().await;
    assert_eq!(bench.story(), ["ack 4 again"]);
    let mut bench = Bench::new().await;
    bench.full = true;
    bench.create();
    bench.settle().await;
    assert_eq!(bench.story(), ["unavailable at 0"]);
}

#[tokio::test]
async fn a_trail_is_read_once_what_admitted_its_reader_is_committed() {
    let mut bench = Bench::with_table().await;
    let kind = ReadKind::SavedStates { limit: 5, cursor: None };
    let frame = ReadFrame { request: 9, session: table(), player: gm(), kind };
    bench.send(&set(1, "/shared/hp", 5));
    let to = bench.bulk();
    bench.input(Input::Read(to, Box::new(frame)));
    assert!(bench.take(|effect| matches!(effect, Effect::Check)).is_some());
    bench.with(|shard, present, out| shard.checked(OURS, present, out));
    while bench.with(crate::shard::Shard::step) {}
    assert!(!bench.effects.iter().any(|effect| matches!(effect, Effect::Trail { .. })));
    let part = bench.part().expect("a submission");
    bench.append(part).await;
    let trail = bench.take(|effect| matches!(effect, Effect::Trail { .. }));
    let Some(Effect::Trail { at, .. }) = trail else { panic!("no read") };
    assert_eq!(at.version.0, 4);
}

#[tokio::test]
async fn without_the_journal_nothing_uncommitted_is_shown_and_no_read_waits() {
    let mut bench = Bench::with_table().await;
    let stale = Checked { row: None, within_lease: true };
    bench.send(&set(1, "/shared/hp", 5));
    bench.decide().await;
    read(&mut bench);
    bench.take(|effect| matches!(effect, Effect::Check)).expect("a check");
    bench.with(|shard, present, out| shard.checked(stale, present, out));
    assert_eq!(bench.story(), ["read: unavailable"]);
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4"]);
    read(&mut bench);
    bench.take(|effect| matches!(effect, Effect::Check)).expect("a check");
    let stale = Checked { row: None, within_lease: true };
    // Nothing is decided while the journal stalls: the read is answered without a turn.
    bench.with(|shard, present, out| shard.checked(stale, present, out));
    assert_eq!(bench.story(), ["stale at 4"]);
}

#[tokio::test]
async fn a_read_does_not_wait_for_a_commit_longer_than_its_reader() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 5));
    bench.decide().await;
    let part = bench.part().expect("a submission");
    read(&mut bench);
    assert!(bench.take(|effect| matches!(effect, Effect::Check)).is_some());
    bench.with(|shard, present, out| shard.checked(OURS, present, out));
    while bench.with(crate::shard::Shard::step) {}
    bench.now += Duration::from_secs(8);
    bench.with(crate::shard::Shard::tick);
    assert_eq!(bench.story(), [""; 0]);
    bench.now += Duration::from_secs(1);
    bench.with(crate::shard::Shard::tick);
    assert_eq!(bench.story(), ["read: unavailable"]);
    bench.append(part).await;
    assert_eq!(bench.story(), ["live 4", "ack 4"]);
}

#[tokio::test]
async fn the_operator_s_budget_is_what_makes_a_command_late() {
    let mut bench = Bench::with_table().await;
    bench.shard = crate::shard::Shard::new(ONE, Epoch(1), Duration::from_secs(20));
    bench.now += Duration::from_secs(19);
    bench.send(&set(1, "/shared/hp", 5));
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4"]);
    bench.now += Duration::from_secs(2);
    bench.send(&set(2, "/shared/hp", 6));
    bench.settle().await;
    assert_eq!(bench.story(), ["owner_unreachable at 0"]);
}
