//! Activations are counted against sessions that bring a process down, and against no others.

use std::sync::Arc;

use futures::FutureExt as _;
use gss_node::limits::EARLY_ACTIVATIONS_AT_ONCE;
use gss_node::loader::Loader;
use gss_node::metrics::Metrics;
use gss_node::work::{LoadError, Urgency};
use gss_shared::ids::SessionId;
use gss_shared::limits::ACTIVATION_TRIES;
use gss_shared::link::frame::Outcome;
use gss_shared::ports::journal::Journal as _;
use prometheus::Registry;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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
        () = loader.activate(table(), Urgency::Commands, &end, to) => panic!("it cannot end"),
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
        loader.activate(table(), Urgency::Commands, &end, to).await;
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
        loader.activate(table(), Urgency::Commands, &CancellationToken::new(), to).await;
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
    tokio::join!(loader.activate(table(), Urgency::Commands, &end, to), handoff);
    assert_eq!(loaded.await.expect("told").err(), Some(LoadError::Unavailable));
    assert_eq!(journal.begin_activation(table()).await.expect("count"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_nothing_waited_for_is_held_up_by_its_like_until_a_command_comes() {
    let (_world, journal, loader) = loading().await;
    journal.fail(Fault::EventsHang, EARLY_ACTIVATIONS_AT_ONCE);
    let (loader, end) = (Arc::new(loader), CancellationToken::new());
    let early = |number: usize| {
        let (loader, end) = (Arc::clone(&loader), end.clone());
        let session = SessionId(Uuid::from_u128(0x7a00 + number as u128));
        let ((hurry, hurried), (to, loaded)) = (oneshot::channel(), oneshot::channel());
        let load = async move {
            loader.activate(session, Urgency::Nothing(hurried), &end, to).await;
        };
        (tokio::spawn(load), hurry, loaded)
    };
    let mut hang = Vec::new();
    for number in 0..EARLY_ACTIVATIONS_AT_ONCE {
        hang.push(early(number));
        journal.hanging.notified().await;
    }
    assert!(journal.is_sound());
    let (_, hurry, loaded) = early(EARLY_ACTIVATIONS_AT_ONCE);
    let read = SessionId(Uuid::from_u128(0x7b));
    let (to, other) = oneshot::channel();
    let (_listens, hurried) = oneshot::channel();
    loader.activate(read, Urgency::Reads(hurried), &end, to).await;
    other.await.expect("told").expect("reads have places of their own");
    let mut loaded = std::pin::pin!(loaded);
    assert!(loaded.as_mut().now_or_never().is_none(), "it waits");
    hurry.send(()).expect("it listens");
    loaded.await.expect("told").expect("loaded");
    end.cancel();
}
