//! One node, one router.

use std::time::Duration;

use gss_shared::ids::Position;
use gss_shared::link::frame::{
    AttachOutcome, FetchOutcome, ReadFrame, ReadKind, Reattached, ToNode, ToRouter,
};
use gss_shared::ports::fanout::{Envelope, Fanout as _};

use crate::world::*;

#[tokio::test(flavor = "multi_thread")]
async fn committed_messages_come_before_the_answer_and_by_fan_out() {
    let world = World::new().await;
    world.fanout.subscribe(shard());
    let node = world.node("a").await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    let (live, outcome) = router.ask(create()).await;
    assert_eq!((live, accepted(&outcome)), (vec![1], (1, false)));
    let (live, outcome) = router.ask(set(1, 5)).await;
    assert_eq!((live, accepted(&outcome)), (vec![2, 3], (3, false)));
    let mut published = Vec::new();
    while published.len() < 3 {
        let (of, payload) = world.fanout.next().await.expect("open");
        assert_eq!(of, shard());
        let envelope = Envelope::decode(&payload).expect("envelope");
        published.extend(envelope.messages.iter().map(|message| message.version().0));
    }
    assert_eq!(published, [1, 2, 3]);
    node.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_gets_every_event_in_order() {
    let world = World::new().await;
    let mut heard = world.hub.listen();
    let node = world.node("a").await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    router.ask(create()).await;
    for number in 1..=5 {
        router.ask(set(number, i64::try_from(number).expect("small"))).await;
    }
    let mut versions: Vec<u64> = Vec::new();
    while versions.last() != Some(&7) {
        let message = tokio::time::timeout(Duration::from_secs(10), heard.recv()).await;
        let message = message.expect("in time").expect("open");
        let version = message.headers.iter().find(|(name, _)| *name == "version");
        versions.push(version.expect("version").1.parse().expect("number"));
    }
    assert!(versions.is_sorted(), "{versions:?}");
    node.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_admitted_resumed_and_told_by_beat() {
    let world = World::new().await;
    let node = world.node("a").await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    router.ask(create()).await;
    router.attach(1, None).await;
    let ToRouter::Attached { request: 1, outcome } = router.hear_bulk().await else { panic!() };
    let AttachOutcome::Fresh { at, .. } = outcome else { panic!("{outcome:?}") };
    router.ask(set(1, 5)).await;
    router.attach(2, Some(at)).await;
    let ToRouter::Attached { request: 2, outcome } = router.hear_bulk().await else { panic!() };
    let AttachOutcome::Resumed { missed, at: then, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(missed.first().map(|message| message.after), Some(at));
    assert_eq!(missed.last().map(|message| message.position), Some(then));
    loop {
        if let ToRouter::Beat { moved, .. } = router.hear_any().await
            && moved.contains(&(table(), then))
        {
            break;
        }
    }
    node.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fetches_and_reads_are_answered() {
    let world = World::new().await;
    let node = world.node("a").await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    router.ask(create()).await;
    router.ask(set(1, 5)).await;
    let fetch = ToNode::Fetch { request: 4, session: table(), after: Position::START };
    router.say_bulk(fetch).await;
    let ToRouter::Fetched { request: 4, outcome } = router.hear_bulk().await else { panic!() };
    let FetchOutcome::Tail { messages, more: false } = outcome else { panic!("{outcome:?}") };
    assert_eq!(messages.iter().map(|m| m.version().0).collect::<Vec<_>>(), [1, 2, 3]);
    let elsewhere = Position { event: messages[0].position.event, ..messages[1].position };
    let fetch = ToNode::Fetch { request: 5, session: table(), after: elsewhere };
    router.say_bulk(fetch).await;
    let gone = FetchOutcome::Gone { head: messages[2].position };
    assert_eq!(router.hear_bulk().await, ToRouter::Fetched { request: 5, outcome: gone });
    let kind = ReadKind::Sync { paths: vec!["/shared/hp".to_owned()] };
    let read = ReadFrame { request: 6, session: table(), player: gm(), kind };
    router.say_bulk(ToNode::Read(read)).await;
    let ToRouter::ReadDone { request: 6, outcome } = router.hear_bulk().await else { panic!() };
    let answer = outcome.expect("read");
    assert_eq!((answer.at, answer.stale), (messages[2].position, false));
    let state: serde_json::Value = serde_json::from_str(&answer.json).expect("json");
    assert_eq!(state["state"]["shared"]["hp"], 5);
    let (after, limit) = (gss_shared::ids::Version(2), 10);
    let kind = ReadKind::Events { after, limit, types: Vec::new() };
    let read = ReadFrame { request: 7, session: table(), player: gm(), kind };
    router.say_bulk(ToNode::Read(read)).await;
    let ToRouter::ReadDone { request: 7, outcome } = router.hear_bulk().await else { panic!() };
    let trail: serde_json::Value =
        serde_json::from_str(&outcome.expect("read").json).expect("json");
    assert_eq!(trail["items"][0]["version"], "3");
    assert_eq!(trail["next_cursor"], serde_json::Value::Null);
    node.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_start_of_the_node_acknowledges_again_and_tells_where_sessions_stand() {
    let world = World::new().await;
    let node = world.node("a").await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    router.ask(create()).await;
    let (_, outcome) = router.ask(set(1, 5)).await;
    assert_eq!(accepted(&outcome), (3, false));
    node.handle.stop().await;
    let node = world.node("a").await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    let told = Reattached { session: table(), position: Position::START, connections: vec![] };
    router.say_bulk(ToNode::Reattach { shard: shard(), sessions: vec![told] }).await;
    let ToRouter::Heads { heads, .. } = router.hear_bulk().await else { panic!() };
    assert_eq!(heads.iter().map(|(s, at)| (*s, at.version.0)).collect::<Vec<_>>(), [(table(), 3)]);
    let (live, outcome) = router.ask(set(1, 5)).await;
    assert_eq!((live, accepted(&outcome)), (vec![], (3, true)));
    node.handle.stop().await;
}
