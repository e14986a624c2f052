//! What is kept beside the events: cursors, activations, acts.

use super::*;

async fn relay(
    journal: &dyn Journal,
    cursors: &[(u16, i64)],
    limit: usize,
) -> Vec<(u16, RelayRow)> {
    let cursors: Vec<_> =
        cursors.iter().map(|(shard, row)| HubCursor { shard: Shard(*shard), row: *row }).collect();
    let rows = journal.relay(&cursors, limit).await.expect("relay");
    rows.into_iter().map(|(shard, row)| (shard.0, row)).collect()
}

fn names(rows: &[(u16, RelayRow)]) -> Vec<(u16, SessionId, u64)> {
    rows.iter().map(|(shard, row)| (*shard, row.session, row.event.version.0)).collect()
}

pub(crate) async fn relays_in_order_from_cursors(journal: &dyn Journal) {
    own(journal, &[1, 2]).await;
    let (one, two, three) = (session(1, 1), session(1, 2), session(2, 3));
    let batch = vec![part(1, 1, two, 0, 2), part(2, 1, three, 0, 1), part(1, 1, one, 0, 1)];
    assert_eq!(append(journal, batch).await, [None, None, None]);
    assert_eq!(append(journal, vec![part(1, 1, two, 2, 1)]).await, [None]);

    let rows = relay(journal, &[(2, 0), (1, 0), (3, 0)], 100).await;
    let all = [(1, two, 1), (1, two, 2), (1, one, 1), (1, two, 3), (2, three, 1)];
    assert_eq!(names(&rows), all);
    assert!(rows[..4].is_sorted_by(|a, b| a.1.row < b.1.row), "rows grow along the shard");
    let events = journal.events(two, Version(0), 10).await.expect("events");
    assert_eq!(rows[0].1.event, events[0]);
    // From a cursor on, and only the shards asked for.
    let rest = relay(journal, &[(1, rows[1].1.row)], 100).await;
    assert_eq!(names(&rest), [(1, one, 1), (1, two, 3)]);
    assert_eq!(names(&relay(journal, &[(1, 0)], 2).await), [(1, two, 1), (1, two, 2)]);
    assert_eq!(names(&relay(journal, &[], 2).await), []);
    // A backlog of one shard does not keep the other out for ever.
    let mut first = Vec::new();
    for _ in 0..2 {
        first.extend(names(&relay(journal, &[(1, 0), (2, 0)], 1).await));
    }
    first.sort_unstable();
    assert_eq!(first, [(1, two, 1), (2, three, 1)]);
}

pub(crate) async fn moves_cursors_forward_only(journal: &dyn Journal) {
    own(journal, &[1, 3]).await;
    let cursor = |shard, row| HubCursor { shard: Shard(shard), row };
    let shards = [Shard(3), Shard(2), Shard(1)];
    let at = async || {
        let cursors = journal.cursors(&shards).await.expect("cursors");
        cursors.iter().map(|cursor| cursor.row).collect::<Vec<_>>()
    };
    let moved = async |cursors: &[(HubCursor, Epoch)]| {
        let held = journal.move_cursors(cursors).await.expect("answer");
        held.into_iter().map(|shard| shard.0).collect::<Vec<_>>()
    };
    assert_eq!(at().await, [0, 0, 0]);
    assert_eq!(moved(&[]).await, [0; 0]);
    assert_eq!(moved(&[(cursor(1, 7), Epoch(1))]).await, [1]);
    assert_eq!(at().await, [0, 0, 7]);
    // Never back, which is not a fence; and one that is fenced does not hold up the others.
    let several = [(cursor(3, 4), Epoch(1)), (cursor(2, 4), Epoch(1)), (cursor(1, 5), Epoch(1))];
    assert_eq!(moved(&several).await, [1, 3]);
    assert_eq!(at().await, [4, 0, 7]);
    for epoch in [0, 2] {
        let fenced = [(cursor(1, 9), Epoch(epoch)), (cursor(3, 5), Epoch(1))];
        assert_eq!(moved(&fenced).await, [3]);
    }
    assert_eq!(at().await, [5, 0, 7]);
}

pub(crate) async fn counts_activations(journal: &dyn Journal) {
    let (one, other) = (session(1, 1), session(1, 2));
    let begin = async |session| journal.begin_activation(session).await.expect("begin");
    assert_eq!((begin(one).await, begin(one).await, begin(other).await), (1, 2, 1));
    journal.end_activation(one).await.expect("end");
    journal.end_activation(one).await.expect("ending twice is fine");
    assert_eq!((begin(one).await, begin(other).await), (1, 2));
}

pub(crate) async fn records_acts(journal: &dyn Journal) {
    let record = async |details| journal.audit(Timestamp(1), "op", "drain", details).await;
    record("{\"node\":\"a\",\"reason\":\"rolling\"}").await.expect("recorded");
    let refused = record("{\"node\":").await;
    assert!(matches!(refused, Err(JournalError::Corrupt(_))), "{refused:?}");
}
