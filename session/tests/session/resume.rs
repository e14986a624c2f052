//! What a node asks before it resumes a client or looks an action up.

use gss_session::{Status, Verdict, service_status};
use gss_shared::ids::{ActionId, PlayerId, Version};
use gss_shared::limits;
use serde_json::json;

use crate::support::{Table, id};

const GM: PlayerId = PlayerId(id(1));
const ARIA: PlayerId = PlayerId(id(2));

fn table() -> Table {
    let mut table = Table::new();
    let create = json!({"kind": "create", "campaign_id": id(200), "name": "Table"});
    table.rest(GM, 1_000, &create).expect("create");
    table.rest(ARIA, 1_001, &json!({"kind": "join"})).expect("join");
    table
}

fn chat(table: &mut Table, action: u128) {
    let data = json!({"action_id": id(action), "text": "x", "to": "all"});
    let chat = json!({"type": "chat", "data": data}).to_string();
    table.frame(GM, &chat).expect("chat");
}

fn can(table: &Table, player: PlayerId, from: u64) -> bool {
    table.session().can_resume(player, Version(from))
}

fn follows(table: &Table, player: PlayerId, version: u64) -> bool {
    table.session().snapshot_follows(player, Version(version))
}

#[test]
fn resume_needs_the_same_role_and_sight_since() {
    let mut table = table();
    assert!(!can(&table, ARIA, 1), "before it joined");
    assert!(can(&table, ARIA, 2) && can(&table, GM, 1));
    let role = json!({"kind": "update_player", "player_id": id(2), "role": "assistant_gm"});
    table.rest(GM, 1_002, &role).expect("role");
    assert!(!can(&table, ARIA, 2) && can(&table, ARIA, 3) && can(&table, GM, 1));
    assert!(follows(&table, ARIA, 3) && !follows(&table, GM, 3));
    let characters = json!({"kind": "update_player", "player_id": id(2), "characters": [id(100)]});
    table.rest(GM, 1_003, &characters).expect("characters");
    assert!(can(&table, ARIA, 3), "the role is the same");
    assert!(!follows(&table, ARIA, 4));
    let visibility = json!([{"prefix": "/x", "audience": "gm"}]);
    let settings = json!({"kind": "update", "settings": {"visibility": visibility}});
    table.rest(GM, 1_004, &settings).expect("visibility");
    assert!(!can(&table, ARIA, 4) && !can(&table, GM, 4) && can(&table, GM, 5));
    assert!(follows(&table, GM, 5) && follows(&table, ARIA, 5));
    let settings =
        json!({"kind": "update", "settings": {"visibility": visibility, "join": "closed"}});
    table.rest(GM, 1_005, &settings).expect("settings");
    assert!(can(&table, GM, 5), "sight is the same");
    assert!(!follows(&table, GM, 6));
    table.rest(GM, 1_006, &json!({"kind": "kick", "player_id": id(2)})).expect("kick");
    assert!(!can(&table, ARIA, 7));
}

#[test]
fn after_a_rollback_the_snapshot_that_follows_may_be_lost() {
    let mut table = table();
    chat(&mut table, 5_000);
    let rollback = json!({"action_id": id(5_001), "to_version": "2"});
    let at = table.session().position().version;
    table.frame(GM, &json!({"type": "rollback", "data": rollback}).to_string()).expect("rollback");
    let rolled_back = table.session().position().version;
    assert!(can(&table, ARIA, at.0) && !follows(&table, ARIA, at.0));
    assert!(can(&table, ARIA, rolled_back.0) && follows(&table, ARIA, rolled_back.0));
    chat(&mut table, 5_002);
    assert!(!follows(&table, ARIA, table.session().position().version.0));
}

#[test]
fn the_window_holds_the_last_actions_and_the_first() {
    let mut table = table();
    let window = limits::ACTION_WINDOW as u128;
    for action in 0..window - 2 {
        chat(&mut table, 5_000 + action);
    }
    assert!(table.session().remembers_all_actions());
    chat(&mut table, 6_000);
    assert!(!table.session().remembers_all_actions());
    let create = json!({"kind": "create", "campaign_id": id(200), "name": "Table"});
    let again = table.rest(GM, 1_000, &create).expect("create again");
    assert!(matches!(again, Verdict::Duplicate { position, .. } if position.version == Version(1)));
    let oldest = table.rest(ARIA, 1_001, &json!({"kind": "join"})).expect("join again");
    assert!(matches!(oldest, Verdict::Duplicate { .. }));
    chat(&mut table, 6_001);
    let forgotten = table.rest(ARIA, 1_001, &json!({"kind": "join"})).expect("join once more");
    assert!(matches!(forgotten, Verdict::Accepted(_)), "only the journal knows it");
}

#[test]
fn the_service_itself_changes_the_status_where_that_is_allowed() {
    let mut table = table();
    let command = |action, status| service_status(ActionId(id(action)), status, None);
    assert!(table.run(&command(7_000, Status::Paused)).is_err(), "not yet active");
    chat(&mut table, 5_000);
    table.run(&command(7_001, Status::Paused)).expect("paused");
    table.run(&command(7_002, Status::Ended)).expect("ended");
    let last = table.journal.last().expect("event");
    assert_eq!((last.actor, table.session().status()), (None, Status::Ended));
    let again = table.run(&command(7_002, Status::Ended)).expect("again");
    assert!(matches!(again, Verdict::Duplicate { .. }));
}
