//! What a node tells of members: presence, and the session's row.

use gss_session::{PresenceStatus, Verdict, presence_frame};
use gss_shared::ids::PlayerId;
use gss_shared::ports::journal::SessionHead;
use serde_json::{Value, json};

use crate::schema;
use crate::support::{Table, id};

const GM: PlayerId = PlayerId(id(1));
const ARIA: PlayerId = PlayerId(id(2));

/// Players to be told of, and the session's row.
fn decide(
    table: &mut Table,
    who: PlayerId,
    action: u128,
    command: Value,
) -> (Vec<PlayerId>, Option<SessionHead>) {
    match table.rest(who, action, &command).expect("accepted") {
        Verdict::Accepted(decision) => (decision.members_changed, decision.head),
        other => panic!("{other:?}"),
    }
}

#[test]
fn row_and_presence_follow_the_members() {
    let mut table = Table::new();
    let create = json!({"kind": "create", "campaign_id": id(200), "name": "Table"});
    let (members, head) = decide(&mut table, GM, 1_000, create);
    let head = head.expect("a row");
    assert_eq!((members, head.members, head.open), (vec![GM], vec![GM], true));
    let mut listed: Value = serde_json::from_str(&head.metadata).expect("JSON");
    listed["websocket_url"] = json!("wss://localhost/ws");
    schema::check("rest-v2.json", "session", &listed);
    assert_eq!((&listed["role"], &listed["settings"]["visibility"]), (&Value::Null, &Value::Null));

    let join = json!({"kind": "join", "character_id": id(102)});
    let (members, head) = decide(&mut table, ARIA, 1_001, join);
    assert_eq!((members, head.expect("a row").members), (vec![ARIA], vec![GM, ARIA]));
    let online = presence_frame(table.session(), ARIA, PresenceStatus::Online, 2).expect("frame");
    let online: Value = serde_json::from_str(&online).expect("JSON");
    schema::check("server.json", "presence", &online);
    let expected = json!({
        "player_id": id(2), "status": "online", "connections": 2, "role": "player",
        "characters": [id(102)],
    });
    assert_eq!(online["data"], expected);

    let save = json!({"kind": "save_state", "state": {"x": 1}});
    assert_eq!(decide(&mut table, GM, 1_002, save), (vec![], None));
    let (members, head) = decide(&mut table, ARIA, 1_003, json!({"kind": "leave"}));
    assert_eq!((members, head.expect("a row").members), (vec![ARIA], vec![GM]));
    let frame = |status| presence_frame(table.session(), ARIA, status, 0);
    let gone: Value =
        serde_json::from_str(&frame(PresenceStatus::Offline).expect("frame")).expect("JSON");
    let expected = json!({"player_id": id(2), "status": "offline", "connections": 0});
    assert_eq!(gone["data"], expected);
    assert_eq!(frame(PresenceStatus::Online), None);
}
