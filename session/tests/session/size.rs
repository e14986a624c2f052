//! An idle session is small: a node holds a hundred thousand of them.

use serde_json::json;

use crate::support::{Table, id};
use gss_shared::ids::PlayerId;

#[test]
fn an_idle_table_of_five_takes_less_than_four_kilobytes() {
    let mut table = Table::new();
    let create = json!({
        "kind": "create", "campaign_id": id(200), "name": "Lost Mine, evening 7",
        "settings": {"join": "open", "rules": {"edition": "5.2"}},
    });
    table.rest(PlayerId(id(1)), 1_000, &create).expect("create");
    for player in 2..6 {
        let join = json!({"kind": "join", "character_id": id(100 + player)});
        table.rest(PlayerId(id(player)), 1_000 + player, &join).expect("join");
    }
    let save = json!({"kind": "save_state", "state": {"shared": {"door": {"open": true}}}});
    table.rest(PlayerId(id(1)), 1_100, &save).expect("save");
    let size = table.session().size_bytes();
    assert!(size < 4_096, "{size} bytes");
}
