//! Saved states.

use super::*;

fn snapshot(session: SessionId, version: u64) -> Snapshot {
    Snapshot {
        position: Position { version: Version(version), event: event(session, version).id },
        state: version.to_string(),
        at: Timestamp(10_000),
        metadata: None,
        saved_by: None,
    }
}

async fn save(journal: &dyn Journal, session: SessionId, snapshot: Snapshot) {
    let saved = journal.save_snapshot(Shard(1), Epoch(1), session, snapshot).await;
    assert!(saved.expect("answer"), "not fenced");
}

pub(crate) async fn loads_the_highest_of_this_history(journal: &dyn Journal) {
    own(journal, &[1]).await;
    let session = session(1, 1);
    assert_eq!(append(journal, vec![part(1, 1, session, 0, 9)]).await, [None]);
    assert_eq!(journal.snapshot(session, None).await.expect("snapshot"), None);
    for version in [3, 6] {
        save(journal, session, snapshot(session, version)).await;
    }
    // One of events that were lost, and one of an event that is to come.
    let mut lost = snapshot(session, 8);
    lost.position.event = EventId(Uuid::from_u128(1));
    save(journal, session, lost).await;
    save(journal, session, snapshot(session, 10)).await;

    let load = async |at_most: Option<u64>| {
        journal.snapshot(session, at_most.map(Version)).await.expect("snapshot")
    };
    assert_eq!(load(None).await, Some(snapshot(session, 6)));
    assert_eq!(load(Some(6)).await, Some(snapshot(session, 6)));
    assert_eq!(load(Some(5)).await, Some(snapshot(session, 3)));
    assert_eq!(load(Some(2)).await, None);
    // When its event comes, it counts.
    assert_eq!(append(journal, vec![part(1, 1, session, 9, 1)]).await, [None]);
    assert_eq!(load(None).await, Some(snapshot(session, 10)));
}

pub(crate) async fn keeps_saves_and_few_others(journal: &dyn Journal) {
    own(journal, &[1]).await;
    let session = session(1, 1);
    assert_eq!(append(journal, vec![part(1, 1, session, 0, 9)]).await, [None]);
    let save_by_gm = |version: u64, name: &str| Snapshot {
        metadata: Some(format!("{{\"name\": \"{name}\"}}")),
        saved_by: Some(player(1)),
        ..snapshot(session, version)
    };
    save(journal, session, snapshot(session, 1)).await;
    save(journal, session, save_by_gm(2, "two")).await;
    save(journal, session, snapshot(session, 3)).await;
    // A save where one of cadence is, and one of cadence where a save is.
    save(journal, session, save_by_gm(3, "three")).await;
    save(journal, session, snapshot(session, 3)).await;
    for version in 4..=7 {
        save(journal, session, snapshot(session, version)).await;
    }
    // One of an event that was lost: it is no state of this history.
    let mut lost = save_by_gm(4, "four");
    lost.position.event = EventId(Uuid::from_u128(1));
    save(journal, session, lost).await;
    let mut kept = Vec::new();
    for version in 1..=9 {
        let found = journal.snapshot(session, Some(Version(version))).await.expect("snapshot");
        kept.extend(found.map(|found| found.position.version.0));
    }
    kept.dedup();
    assert_eq!(kept, [2, 3, 5, 6, 7]);

    let saves = async |before: Option<u64>, limit| {
        let saves = journal.saved_states(session, before.map(Version), limit).await;
        let describe = |save: Snapshot| {
            assert_eq!(save.saved_by, Some(player(1)));
            (save.position.version.0, save.metadata.expect("metadata").replace(' ', ""))
        };
        saves.expect("saves").into_iter().map(describe).collect::<Vec<_>>()
    };
    let (two, three) = ((2, r#"{"name":"two"}"#.to_owned()), (3, r#"{"name":"three"}"#.to_owned()));
    assert_eq!(saves(None, 10).await, [three.clone(), two.clone()]);
    assert_eq!(saves(None, 1).await, [three]);
    assert_eq!(saves(Some(3), 10).await, [two]);
}
