//! Shards that go to another node.

use std::sync::Arc;
use std::time::Duration;

use gss_shared::ids::{Epoch, Incarnation, NodeId};
use gss_shared::link::frame::{Outcome, ToRouter};

use crate::flaky::{Fault, Flaky};
use crate::world::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_node_says_so_and_answers_nothing() {
    let world = World::new().await;
    let node = world.node("a").await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    router.ask(create()).await;
    let rows = world.journal.shards(&[shard()]).await.expect("rows");
    let other: NodeId = "b".parse().expect("id");
    let wanted = [(shard(), rows[0].epoch)];
    world.journal.raise(&wanted, (&other, Incarnation(1))).await.expect("raise");
    let asked = router.command(set(1, 5)).await;
    loop {
        match router.hear().await {
            ToRouter::Answer(answer) => {
                assert_eq!(answer.seq, asked);
                assert!(matches!(answer.outcome, Outcome::NotOwner { .. }), "{answer:?}");
                break;
            }
            ToRouter::Lost { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    node.handle.stop().await;
}

/// Nobody plays there, so that no append tells it, and the directory has forgotten who has the shard.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_node_that_lost_its_epoch_does_not_write_its_lease_again() {
    let world = World::new().await;
    let node = world.node("a").await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    let rows = world.journal.shards(&[shard()]).await.expect("rows");
    let other: NodeId = "b".parse().expect("id");
    let wanted = [(shard(), rows[0].epoch)];
    world.journal.raise(&wanted, (&other, Incarnation(1))).await.expect("raise");
    world.directory.forget();
    let lost = async {
        loop {
            if let ToRouter::Lost { shards } = router.hear_any().await
                && shards.iter().any(|(lost, ..)| *lost == shard())
            {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), lost).await.expect("service ends");
    node.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_node_hands_over_and_play_goes_on() {
    let world = World::new().await;
    let a = world.node("a").await;
    let mut at_a = world.router(&a).await;
    at_a.until_owned().await;
    at_a.ask(create()).await;
    let b = world.node("b").await;
    let mut at_b = world.router(&b).await;
    let draining = tokio::spawn(async move {
        a.handle.drain_and_stop().await;
    });
    at_b.until_owned().await;
    draining.await.expect("drained");
    let (live, outcome) = at_b.ask(set(1, 5)).await;
    assert_eq!((live, accepted(&outcome)), (vec![2, 3], (3, false)));
    let (_, outcome) = at_b.ask(create()).await;
    assert_eq!(accepted(&outcome), (1, true));
    let rows = world.journal.shards(&[shard()]).await.expect("rows");
    assert!(rows[0].epoch > Epoch(1));
    b.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_played_is_loaded_by_the_next_owner_before_anybody_asks() {
    let world = World::new().await;
    let a = world.node("a").await;
    let mut at_a = world.router(&a).await;
    at_a.until_owned().await;
    at_a.ask(create()).await;
    let journal = Arc::new(Flaky::on(Arc::clone(&world.journal)));
    journal.fail(Fault::EventsHang, 1);
    let b = world.node_on("b", Arc::clone(&journal) as _).await;
    let _ = at_a.ask(set(1, 5)).await;
    let draining = tokio::spawn(async move {
        a.handle.drain_and_stop().await;
    });
    let loading = tokio::time::timeout(Duration::from_secs(20), journal.hanging.notified());
    loading.await.expect("its events are read");
    draining.await.expect("drained");
    b.handle.stop().await;
}
