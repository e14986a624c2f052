//! Appending, and reading back.

use serde_json::{Value, json};

use super::*;

fn head(name: &str, updated_at: i64) -> SessionHead {
    SessionHead {
        campaign: CampaignId(Uuid::from_u128(0xca)),
        name: name.to_owned(),
        status: "active".to_owned(),
        session_type: "game".to_owned(),
        gm: player(1),
        members: vec![player(1), player(2)],
        open: true,
        metadata: "{\"players\":2}".to_owned(),
        created_at: Timestamp(1_000),
        updated_at: Timestamp(updated_at),
        deleted_at: None,
    }
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).expect("JSON")
}

pub(crate) async fn reads_back_what_was_appended(journal: &dyn Journal) {
    own(journal, &[3]).await;
    let session = session(3, 1);
    let mut sent = part(3, 1, session, 0, 3);
    sent.events[0].action = Some(action(1));
    sent.events[0].actor = Some(player(1));
    sent.events[1].audience = "{\"some\":{\"gms\":true,\"players\":[]}}".to_owned();
    assert_eq!(append(journal, vec![sent.clone()]).await, [None]);

    let events = journal.events(session, Version(0), 10).await.expect("events");
    assert_eq!(events.len(), 3);
    for (read, sent) in events.iter().zip(&sent.events) {
        assert_eq!((read.version, read.id, read.epoch), (sent.version, sent.id, Epoch(1)));
        assert_eq!((read.action, read.actor, read.at), (sent.action, sent.actor, sent.at));
        assert_eq!(read.event_type, sent.event_type);
        assert_eq!(value(&read.data), value(&sent.data));
        assert_eq!(value(&read.audience), value(&sent.audience));
    }
    let tail = journal.events(session, Version(1), 1).await.expect("events");
    assert_eq!(tail, events[1..2]);
    assert_eq!(journal.events(session, Version(u64::MAX), 5).await.expect("events"), []);

    let position = Position { version: Version(3), event: events[2].id };
    let absent = super::session(3, 2);
    let heads = journal.heads(Shard(3), &[absent, session]).await.expect("heads");
    assert_eq!(heads, [(session, position)]);
}

pub(crate) async fn judges_each_part_by_itself(journal: &dyn Journal) {
    own(journal, &[1, 2, 3]).await;
    let (kept, twice, ahead, behind) = (session(1, 1), session(2, 2), session(3, 3), session(1, 4));
    let first = vec![acting(2, 1, twice, 0, 1), part(1, 1, behind, 0, 2)];
    assert_eq!(append(journal, first).await, [None, None]);

    let batch = vec![
        part(1, 1, kept, 0, 2),
        part(3, 2, session(3, 5), 0, 1),
        acting(2, 1, twice, 1, 1),
        part(3, 1, ahead, 4, 1),
        part(1, 1, behind, 1, 1),
        part(4, 1, session(4, 6), 0, 1),
        part(3, 1, session(3, 7), 0, 1),
    ];
    let verdicts = append(journal, batch).await;
    let expected = [
        None,
        Some(PartRefusal::Fenced),
        Some(PartRefusal::Duplicate),
        Some(PartRefusal::Diverged),
        Some(PartRefusal::Diverged),
        Some(PartRefusal::Fenced),
        None,
    ];
    assert_eq!(verdicts, expected);
    assert_eq!(versions(journal, kept).await, [1, 2]);
    assert_eq!(versions(journal, twice).await, [1]);
    assert_eq!(versions(journal, ahead).await, [0; 0]);
    assert_eq!(versions(journal, behind).await, [1, 2]);
    assert_eq!(versions(journal, session(3, 7)).await, [1]);
    assert_eq!(append(journal, Vec::new()).await, []);
}

pub(crate) async fn takes_an_action_once(journal: &dyn Journal) {
    own(journal, &[1, 5]).await;
    let (one, other) = (session(1, 1), session(5, 2));
    assert_eq!(append(journal, vec![acting(1, 1, one, 0, 1)]).await, [None]);
    // A duplicate later in its part refuses the part whole.
    let mut late = part(1, 1, one, 1, 2);
    late.events[0].action = Some(action(2));
    late.events[1].action = Some(action(1));
    assert_eq!(append(journal, vec![late]).await, [Some(PartRefusal::Duplicate)]);
    // As one that is twice in its own part.
    let mut twice = part(1, 1, one, 1, 2);
    twice.events[0].action = Some(action(3));
    twice.events[1].action = Some(action(3));
    assert_eq!(append(journal, vec![twice]).await, [Some(PartRefusal::Duplicate)]);
    assert_eq!(versions(journal, one).await, [1]);
    // The same action in another session is another action.
    assert_eq!(append(journal, vec![acting(5, 1, other, 0, 1)]).await, [None]);
}

pub(crate) async fn keeps_json_and_isolates_poison(journal: &dyn Journal) {
    own(journal, &[1]).await;
    let kept = json!({
        "text": "line\n\ttab \u{1f409} \\u0000 \"quoted\"",
        "numbers": [0, -1, 0.1, 1.5e300, 9_007_199_254_740_993_i64, u64::MAX],
        "nested": {"b": null, "a": [true, false, []]},
        "": {},
    });
    let mut good = part(1, 1, session(1, 1), 0, 1);
    good.events[0].data = kept.to_string();
    let poison = |number, data: &str| {
        let mut part = part(1, 1, session(1, number), 0, 2);
        part.events[1].data = data.to_owned();
        part
    };
    let mut named = part(1, 1, session(1, 7), 0, 1);
    named.events[0].event_type = Box::leak("x".repeat(101).into_boxed_str());
    let mut headed = part(1, 1, session(1, 8), 0, 1);
    headed.head = Some(head(&"n".repeat(256), 1));
    let batch = vec![
        good,
        poison(2, r#"{"a":"\u0000"}"#),
        part(1, 1, session(1, 3), 0, 1),
        poison(4, r#"{"a":"\ud800"}"#),
        poison(5, "{"),
        part(1, 1, session(1, 6), 0, 2),
        named,
        headed,
        part(1, 2, session(1, 9), 0, 1),
    ];
    let bad = Some(PartRefusal::Poison);
    let fenced = Some(PartRefusal::Fenced);
    let verdicts = append(journal, batch).await;
    assert_eq!(verdicts, [None, bad, None, bad, bad, None, bad, bad, fenced]);
    for (number, expected) in [(2, 0), (3, 1), (4, 0), (5, 0), (6, 2), (7, 0), (8, 0)] {
        let found = versions(journal, session(1, number)).await.len();
        assert_eq!(found, expected, "session {number}");
    }
    let events = journal.events(session(1, 1), Version(0), 1).await.expect("events");
    assert_eq!(value(&events[0].data), kept);
}

pub(crate) async fn writes_heads_with_their_events(journal: &dyn Journal) {
    own(journal, &[2]).await;
    let session = session(2, 1);
    let query = ListQuery { limit: 10, ..ListQuery::default() };
    let mut created = part(2, 1, session, 0, 1);
    created.head = Some(head("first", 2_000));
    let mut changed = part(2, 1, session, 1, 2);
    changed.head = Some(head("second", 3_000));
    let mut fenced = part(2, 9, session, 3, 1);
    fenced.head = Some(head("never", 4_000));

    assert_eq!(append(journal, vec![created]).await, [None]);
    let listed = journal.list(&query).await.expect("list");
    let first = ListedSession { session, head: head("first", 2_000), version: Version(1) };
    assert_eq!(normal(listed), normal(vec![first]));

    assert_eq!(append(journal, vec![changed]).await, [None]);
    assert_eq!(append(journal, vec![fenced]).await, [Some(PartRefusal::Fenced)]);
    assert_eq!(append(journal, vec![part(2, 1, session, 3, 1)]).await, [None]);
    let listed = journal.list(&query).await.expect("list");
    let second = ListedSession { session, head: head("second", 3_000), version: Version(3) };
    assert_eq!(normal(listed), normal(vec![second]));
}

fn normal(mut listed: Vec<ListedSession>) -> Vec<ListedSession> {
    for one in &mut listed {
        one.head.metadata = value(&one.head.metadata).to_string();
    }
    listed
}

pub(crate) async fn settles_what_had_no_answer(journal: &dyn Journal) {
    own(journal, &[1, 2]).await;
    let there = part(1, 1, session(1, 1), 0, 2);
    let gone = part(2, 1, session(2, 2), 0, 2);
    assert_eq!(append(journal, vec![there.clone()]).await, [None]);
    let shards = [(Shard(1), Epoch(1)), (Shard(2), Epoch(1))];
    journal.raise(&shards, (&node("a"), Incarnation(1))).await.expect("raise");
    let settled = journal.settle(vec![gone.clone(), there.clone()]).await.expect("settle");
    let expected = [Some(PartRefusal::Fenced), None];
    assert_eq!(verdicts(vec![gone.clone(), there], settled), expected);
    // The same versions with other events are another history.
    let mut other = part(1, 1, session(1, 1), 0, 2);
    for event in &mut other.events {
        event.id = EventId(Uuid::from_u128(event.id.0.as_u128() + 1));
    }
    let settled = journal.settle(vec![other.clone()]).await.expect("settle");
    assert_eq!(verdicts(vec![other], settled), [Some(PartRefusal::Fenced)]);
    // What was lost stays lost.
    assert_eq!(append(journal, vec![gone]).await, [Some(PartRefusal::Fenced)]);
}

pub(crate) async fn finds_actions_with_their_last_event(journal: &dyn Journal) {
    own(journal, &[4]).await;
    let session = session(4, 1);
    let mut sent = part(4, 1, session, 0, 6);
    for (index, id) in [(1, 1), (2, 2), (5, 3)] {
        sent.events[index].action = Some((action(id).0, [u8::try_from(id).expect("small"); 16]));
        sent.events[index].actor = Some(player(id));
    }
    assert_eq!(append(journal, vec![sent.clone()]).await, [None]);
    let found = |id: u8, last: usize, first: usize| FoundAction {
        action: action(id.into()).0,
        actor: Some(player(id.into())),
        body_hash: [id; 16],
        position: Position { version: sent.events[last].version, event: sent.events[last].id },
        at: sent.events[first].at,
    };
    let asked = [action(3).0, action(9).0, action(2).0, action(1).0];
    let actions = journal.find_actions(session, &asked).await.expect("find");
    assert_eq!(actions, [found(1, 1, 1), found(2, 4, 2), found(3, 5, 5)]);
    let other = super::session(4, 2);
    assert_eq!(journal.find_actions(other, &asked).await.expect("find"), []);
}
