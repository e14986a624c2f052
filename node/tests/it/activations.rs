//! Activations are counted against sessions that bring a process down, and against no others.

use std::sync::Arc;

use gss_node::loader::Loader;
use gss_node::metrics::Metrics;
use gss_node::work::LoadError;
use gss_shared::limits::ACTIVATION_TRIES;
use gss_shared::link::frame::Outcome;
use gss_shared::ports::journal::Journal as _;
use prometheus::Registry;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::flaky::{Fault, Flaky};
use crate::world::*;

/// A loader on a journal that loses what it is told to lose.
async fn loading() -> (World, Arc<Flaky>, Loader) {
    let world = World::new().await;
    let journal = Arc::new(Flaky::on(Arc::clone(&world.journal)));
    let metrics = Metrics::register(&Registry::new()).expect("metrics");
    let loader = Loader::new(Arc::clone(&journal) as _, SHARDS, metrics);
    (world, journal, loader)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_whose_answer_was_lost_is_no_activation() {
    let world = World::new().await;
    let journal = Arc::new(Flaky::on(Arc::clone(&world.journal)));
    let node = world.node_on("a", Arc::clone(&journal) as _).await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    journal.fail(Fault::BeginLost, 1);
    let (_, outcome) = router.ask(create()).await;
    assert_eq!(accepted(&outcome), (1, false));
    assert!(journal.is_sound());
    node.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_counts_once_whatever_the_journal_answered() {
    let (world, journal, loader) = loading().await;
    journal.fail(Fault::BeginLost, 4);
    journal.fail(Fault::EventsHang, 1);
    let (to, _loaded) = oneshot::channel();
    let end = CancellationToken::new();
    tokio::select! {
        () = loader.activate(table(), true, &end, to) => panic!("it cannot end"),
        () = journal.hanging.notified() => {}
    }
    assert_eq!(world.journal.begin_activation(table()).await.expect("count"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_lives_counts_once_however_often_answers_are_lost() {
    let (world, journal, loader) = loading().await;
    let end = CancellationToken::new();
    for _ in 0..2 * ACTIVATION_TRIES {
        journal.fail(Fault::BeginLost, 1);
        journal.fail(Fault::EndCorrupt, 1);
        let (to, loaded) = oneshot::channel();
        loader.activate(table(), true, &end, to).await;
        loaded.await.expect("told").expect("it is healthy");
    }
    assert_eq!(world.journal.begin_activation(table()).await.expect("count"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_brought_processes_down_is_quarantined_however_often_it_is_asked_for() {
    let (world, _journal, loader) = loading().await;
    for _ in 0..ACTIVATION_TRIES {
        world.journal.begin_activation(table()).await.expect("count");
    }
    for _ in 0..2 {
        let (to, loaded) = oneshot::channel();
        loader.activate(table(), true, &CancellationToken::new(), to).await;
        assert_eq!(loaded.await.expect("told").err(), Some(LoadError::Quarantined));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_cannot_be_read_did_not_bring_the_process_down() {
    let world = World::new().await;
    let journal = Arc::new(Flaky::on(Arc::clone(&world.journal)));
    let node = world.node_on("a", Arc::clone(&journal) as _).await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    journal.fail(Fault::EventsCorrupt, 1);
    let (_, outcome) = router.ask(create()).await;
    assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    node.handle.stop().await;
    assert_eq!(world.journal.begin_activation(table()).await.expect("count"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_that_a_handoff_ends_is_not_counted() {
    let (_world, journal, loader) = loading().await;
    journal.fail(Fault::EventsHang, 1);
    let end = CancellationToken::new();
    let handoff = async {
        journal.hanging.notified().await;
        end.cancel();
    };
    let (to, loaded) = oneshot::channel();
    tokio::join!(loader.activate(table(), true, &end, to), handoff);
    assert_eq!(loaded.await.expect("told").err(), Some(LoadError::Unavailable));
    assert_eq!(journal.begin_activation(table()).await.expect("count"), 1);
}
