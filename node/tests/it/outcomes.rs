//! Appends whose outcome is unknown (SAFETY S2).

use std::sync::Arc;

use gss_shared::ids::Version;

use crate::flaky::{Flaky, Next};
use crate::world::*;

async fn play(next: Next) -> Vec<u64> {
    let world = World::new().await;
    let journal = Arc::new(Flaky::on(Arc::clone(&world.journal)));
    let node = world.node_on("a", Arc::clone(&journal) as _).await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    router.ask(create()).await;
    journal.next(next);
    let (live, outcome) = router.ask(set(1, 5)).await;
    assert_eq!((live, accepted(&outcome)), (vec![2, 3], (3, false)));
    let (_, outcome) = router.ask(set(1, 5)).await;
    assert_eq!(accepted(&outcome), (3, true));
    let (live, outcome) = router.ask(set(2, 6)).await;
    assert_eq!((live, accepted(&outcome)), (vec![4], (4, false)));
    node.handle.stop().await;
    let events = world.journal.events(table(), Version::ZERO, 10).await.expect("events");
    let first = events[0].epoch.0;
    events.iter().map(|event| event.epoch.0 - first).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_was_lost_is_decided_again_under_the_raised_epoch() {
    assert_eq!(play(Next::LoseIt).await, [0, 1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_was_lost_is_acknowledged_as_it_stands() {
    assert_eq!(play(Next::LoseTheAnswer).await, [0, 0, 0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_was_not_sent_is_sent_again() {
    assert_eq!(play(Next::Refuse).await, [0, 0, 0, 0]);
}
