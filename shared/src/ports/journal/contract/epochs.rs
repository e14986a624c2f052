//! Epochs: who may write.

use super::*;

pub(crate) async fn raises_by_compare_and_set(journal: &dyn Journal) {
    let rows = journal.shards(&[]).await.expect("shards");
    let fresh = |shard| ShardRow { shard, epoch: Epoch(0), owner: None };
    assert_eq!(rows, SHARDS.all().map(fresh).collect::<Vec<_>>());

    let (a, b) = (node("a"), node("b"));
    // Two expect the same epoch: one gets the next, the other nothing.
    let wanted = [(Shard(5), Epoch(0)), (Shard(2), Epoch(0))];
    let before = journal.clock().await.expect("clock");
    let (by_a, clock) = journal.raise(&wanted, (&a, Incarnation(u64::MAX))).await.expect("raise");
    assert!((0..60_000).contains(&clock.since_ms(before)), "{before} {clock}");
    assert_eq!(by_a, [(Shard(2), Epoch(1)), (Shard(5), Epoch(1))]);
    let (by_b, clock) = journal.raise(&wanted, (&b, Incarnation(2))).await.expect("raise");
    assert_eq!(by_b, []);
    assert!((0..60_000).contains(&clock.since_ms(before)));

    // Of a set, those that are as expected.
    let wanted = [(Shard(2), Epoch(1)), (Shard(5), Epoch(0)), (Shard(7), Epoch(0))];
    let (by_b, _) = journal.raise(&wanted, (&b, Incarnation(2))).await.expect("raise");
    assert_eq!(by_b, [(Shard(2), Epoch(2)), (Shard(7), Epoch(1))]);
    let row = |shard, epoch, node: &NodeId, incarnation| ShardRow {
        shard: Shard(shard),
        epoch: Epoch(epoch),
        owner: Some((node.clone(), Incarnation(incarnation))),
    };
    let rows = journal.shards(&[Shard(7), Shard(5), Shard(2)]).await.expect("shards");
    assert_eq!(rows, [row(2, 2, &b, 2), row(5, 1, &a, u64::MAX), row(7, 1, &b, 2)]);
}

pub(crate) async fn fences_everything_written_under_an_older_epoch(journal: &dyn Journal) {
    own(journal, &[3]).await;
    let session = session(3, 1);
    assert_eq!(append(journal, vec![part(3, 1, session, 0, 1)]).await, [None]);
    let position = Position { version: Version(1), event: event(session, 1).id };
    let snapshot = Snapshot {
        position,
        state: "{}".to_owned(),
        at: Timestamp(5),
        metadata: None,
        saved_by: None,
    };
    let raise = [(Shard(3), Epoch(1))];
    journal.raise(&raise, (&node("b"), Incarnation(2))).await.expect("raise");

    // The old owner wakes: nothing it sends counts.
    let late = append(journal, vec![part(3, 1, session, 1, 1)]).await;
    assert_eq!(late, [Some(PartRefusal::Fenced)]);
    let saved = journal.save_snapshot(Shard(3), Epoch(1), session, snapshot.clone()).await;
    assert!(!saved.expect("answer"));
    assert_eq!(journal.snapshot(session, None).await.expect("snapshot"), None);
    let cursor = HubCursor { shard: Shard(3), row: 1 };
    let moved = journal.move_cursors(&[(cursor, Epoch(1))]).await;
    assert_eq!(moved.expect("answer"), BTreeSet::new());
    // An epoch to come does not count either.
    let early = append(journal, vec![part(3, 3, session, 1, 1)]).await;
    assert_eq!(early, [Some(PartRefusal::Fenced)]);
    // The new owner's does.
    assert_eq!(append(journal, vec![part(3, 2, session, 1, 1)]).await, [None]);
    let saved = journal.save_snapshot(Shard(3), Epoch(2), session, snapshot).await;
    assert!(saved.expect("answer"));
    let moved = journal.move_cursors(&[(cursor, Epoch(2))]).await;
    assert_eq!(moved.expect("answer"), BTreeSet::from([Shard(3)]));
}

pub(crate) async fn raises_above_what_was_seen(journal: &dyn Journal) {
    own(journal, &[6]).await;
    let a = node("a");
    let raised = journal.raise_above(Shard(6), Epoch(9), (&a, Incarnation(3))).await;
    assert_eq!(raised.expect("raise"), Epoch(10));
    // Lower than what is there: still the next.
    let raised = journal.raise_above(Shard(6), Epoch(2), (&a, Incarnation(4))).await;
    assert_eq!(raised.expect("raise"), Epoch(11));
    let rows = journal.shards(&[Shard(6)]).await.expect("shards");
    let owner = Some((a.clone(), Incarnation(4)));
    assert_eq!(rows, [ShardRow { shard: Shard(6), epoch: Epoch(11), owner }]);
    let unknown = journal.raise_above(Shard(100), Epoch(1), (&a, Incarnation(4))).await;
    assert!(matches!(unknown, Err(JournalError::Corrupt(_))));
}
