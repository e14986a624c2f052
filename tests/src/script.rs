//! What tables play: frames by turn, and what their GMs change meanwhile.

use anyhow::Result;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::fight::Seated;
use crate::player::{Player, Seat, retried};
use crate::workload::Table;

/// What a table sends at a turn: a frame, by one of its clients.
pub type Script = fn(&Table, usize, &Player) -> Value;

/// Roles of a table's first player over time.
const ROLES: [&str; 4] = ["assistant_gm", "player", "spectator", "player"];

/// Every kind of change whose audience differs: shared, own, for GMs, chat, whispers, rolls; and, a
/// quarter about, fights.
pub fn every_kind(table: &Table, turn: usize, sender: &Player) -> Value {
    // Everybody has its turn at both: senders take turns, too.
    let fights = turn / table.players.len().max(1) % 5 < 4;
    if let Some(frame) = fights.then(|| fight_on(table, turn, sender)).flatten() {
        return frame;
    }
    talk(table, turn, sender)
}

/// The same without fights, for clusters whose older nodes know of none.
pub fn talk(table: &Table, turn: usize, sender: &Player) -> Value {
    let me = sender.id();
    match turn % 8 {
        0..=2 => change(&json!([{"path": "/shared/counter", "op": "increment", "value": 1}])),
        3 => change(&json!([
            {"path": format!("/players/{me}/turn"), "value": turn},
            {"path": "/shared/last", "value": turn}
        ])),
        4 => json!({"type": "chat", "data": {"text": format!("turn {turn}"), "to": "all"}}),
        5 => {
            let to = table.players[turn % table.players.len()].id();
            json!({"type": "chat", "data": {"text": format!("psst {turn}"), "to": [to]}})
        }
        6 => json!({"type": "roll", "data": {"expression": "2d6+3", "to": "all"}}),
        _ => json!({"type": "roll", "data": {"expression": "1d20", "to": "gm"}}),
    }
}

/// What the sender does in the table's fight, if there is anything for it to do.
fn fight_on(table: &Table, turn: usize, sender: &Player) -> Option<Value> {
    let me = sender.id();
    let player = |place: usize| table.players.get(place).map(|player| player.id());
    let owners = [player(1)?, player(2)?];
    let mut random = StdRng::seed_from_u64(turn as u64 ^ me.0.as_u64_pair().0);
    let gm = player(0) == Some(me);
    sender.look(|shown| {
        let (state, seen) = (shown.state(), shown.version());
        Seated { state, me, gm, owners, seen }.next(&mut random)
    })
}

/// Writes to every kind of place, by whoever may; whispers and rolls to all kinds of groups. With
/// [`change_sight`] beside it, senders are refused as `forbidden` now and then.
pub fn every_place(table: &Table, turn: usize, sender: &Player) -> Value {
    let change = |path: &str, value: Value| change(&json!([{"path": path, "value": value}]));
    let is_gm = sender.id() == table.players[0].id();
    let other = table.players[(turn / 3 + 1) % table.players.len()].id();
    let me = sender.id();
    match turn / table.players.len() % 6 {
        0 if is_gm => change("/gm/plan", json!({"turn": turn, "trap": "pit"})),
        1 if is_gm => change(&format!("/players/{other}/note"), json!({"turn": turn})),
        2 if is_gm => change(&format!("/players/{me}"), json!({"turn": turn})),
        0 | 3 => change("/shared/secret", json!({"turn": turn, "deep": {"of": me}})),
        1 => change(&format!("/players/{me}/diary"), json!([turn, "mine"])),
        2 => json!({"type": "chat", "data": {"text": format!("psst {turn}"), "to": [other]}}),
        4 => json!({"type": "chat", "data": {"text": format!("to gm {turn}"), "to": "gm"}}),
        _ => json!({"type": "roll", "data": {"expression": "1d20", "to": "gm"}}),
    }
}

/// A change of one player's role and of the table's visibility; `step` chooses them.
///
/// # Errors
/// When the cluster keeps refusing.
pub async fn change_sight(table: &Table, step: usize) -> Result<()> {
    let (gm, session): (&Seat, _) = (&table.gm, table.session.0);
    let first = table.players[1].id().0;
    let second = table.players[2].id();
    let role = json!({"role": ROLES[step % ROLES.len()]});
    retried(|| gm.api().update_player(session, first, &role)).await?;
    let rules = match step % 3 {
        0 => json!([{"prefix": "/shared/secret", "audience": "gm"}]),
        1 => json!([
            {"prefix": "/shared/secret", "audience": format!("player:{second}")},
            {"prefix": "/shared/secret/deep", "audience": "gm"},
            {"prefix": "/gm/plan/turn", "audience": "all"}
        ]),
        _ => json!([]),
    };
    let settings = json!({"settings": {"visibility": rules}});
    retried(|| gm.api().update(session, &settings, None)).await?;
    Ok(())
}

fn change(changes: &Value) -> Value {
    json!({"type": "state_change", "data": {"changes": changes}})
}
