//! `GET /api/v2/sessions`, from rows of the journal.

use gss_shared::ids::{
    ActionId, CampaignId, Epoch, EventId, Incarnation, PlayerId, SessionId, ShardCount, Version,
};
use gss_shared::ports::journal::{Appended, Part, SessionHead, StoredEvent};
use serde_json::{Value, json};
use uuid::Uuid;

use super::harness::{NOW, Router, alice, bob};
use super::node::Node;

/// Journals a session whose number is its id and its time.
async fn put(router: &Router, number: u8, gm: PlayerId, open: bool) {
    let session = SessionId(Uuid::from_u128(number.into()));
    let shard = ShardCount::DEFAULT.shard_of(session);
    let owner = (&Node::id(), Incarnation(1));
    router.journal.raise(&[(shard, Epoch(0))], owner).await.expect("raise");
    let at = NOW.plus_ms(number.into());
    let event = StoredEvent {
        version: Version(1),
        id: EventId(Uuid::from_u128(number.into())),
        action: Some((ActionId(Uuid::from_u128(number.into())), [0; 16])),
        actor: Some(gm),
        event_type: "session_created",
        data: "{}".to_owned(),
        audience: "\"all\"".to_owned(),
        at,
    };
    let metadata = json!({
        "players": 1, "combat_id": null, "settings": {"join": "open"}, "status_reason": null,
        "name": "older name", "roles": {gm.to_string(): "gm", alice().to_string(): "player"},
    });
    let head = SessionHead {
        campaign: CampaignId(Uuid::nil()),
        name: format!("Table {number}"),
        status: "created".to_owned(),
        session_type: "game".to_owned(),
        gm,
        members: if open { vec![gm] } else { vec![gm, alice()] },
        open,
        metadata: metadata.to_string(),
        created_at: at,
        updated_at: at,
        deleted_at: None,
    };
    let part = Part {
        shard,
        epoch: Epoch(1),
        session,
        after: Version::ZERO,
        events: vec![event],
        head: Some(head),
        messages: Vec::new(),
    };
    let appended = router.journal.append(vec![part]).await.expect("append");
    assert!(matches!(appended.as_slice(), [Appended::Committed(_)]), "{appended:?}");
}

async fn names(router: &Router, query: &str) -> (Vec<String>, Value) {
    let answer = router.call(&format!("GET /api/v2/sessions{query}"), "").await;
    let page = answer.json();
    assert_eq!(answer.status, 200, "{page}");
    let items = page["items"].as_array().expect("items").iter();
    let names = items.map(|item| item["name"].as_str().expect("name").to_owned());
    (names.collect(), page["next_cursor"].clone())
}

#[tokio::test]
async fn a_list_shows_own_and_open_sessions_newest_first_in_pages() {
    let router = Router::start().await;
    for (number, gm, open) in [(1, alice(), true), (2, bob(), true), (3, bob(), false)] {
        put(&router, number, gm, open).await;
    }
    let (first, cursor) = names(&router, "?limit=2").await;
    assert_eq!(first, ["Table 3", "Table 2"]);
    let cursor = cursor.as_str().expect("a next page").to_owned();
    let (second, end) = names(&router, &format!("?limit=2&cursor={cursor}")).await;
    assert_eq!((second, end), (vec!["Table 1".to_owned()], Value::Null));
    let (mine, end) = names(&router, "?mine=true&limit=2").await;
    assert_eq!((mine, end), (vec!["Table 3".to_owned(), "Table 1".to_owned()], Value::Null));
}

#[tokio::test]
async fn an_item_is_the_row_with_the_caller_s_role() {
    let router = Router::start().await;
    put(&router, 3, bob(), false).await;
    let answer = router.call("GET /api/v2/sessions", "").await;
    let id = "00000000-0000-0000-0000-000000000003";
    let expected = json!({
        "session_id": id,
        "campaign_id": "00000000-0000-0000-0000-000000000000",
        "name": "Table 3",
        "type": "game",
        "status": "created",
        "status_reason": null,
        "version": "1",
        "gm_id": bob(),
        "role": "player",
        "players": 1,
        "combat_id": null,
        "settings": {"join": "open"},
        "websocket_url": format!("ws://127.0.0.1:8080/api/v2/sessions/{id}/ws"),
        "created_at": NOW.plus_ms(3),
        "updated_at": NOW.plus_ms(3),
    });
    assert_eq!(answer.json()["items"], json!([expected]));
}
