//! Roles and visibility change under load, and an owner dies meanwhile: nobody ever sees what is
//! not for it, and everybody sees all that is.

use std::time::Duration;

use anyhow::{Result, ensure};
use gss_tests::cluster::Cluster;
use gss_tests::length::Length;
use gss_tests::player::{Player, Seat, retried};
use gss_tests::workload::{Table, Workload};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
/// The first's role over time.
const ROLES: [&str; 4] = ["assistant_gm", "player", "spectator", "player"];

/// Writes to every kind of place, by whoever may; whispers and rolls to all kinds of groups.
fn command(table: &Table, turn: usize, sender: &Player) -> Value {
    let change = |path: String, value: Value| json!({"type": "state_change", "data": {"changes": [{"path": path, "value": value}]}});
    let is_gm = sender.id() == table.players[0].id();
    let other = table.players[(turn / 3 + 1) % table.players.len()].id();
    let me = sender.id();
    match turn / table.players.len() % 6 {
        0 if is_gm => change("/gm/plan".to_owned(), json!({"turn": turn, "trap": "pit"})),
        1 if is_gm => change(format!("/players/{other}/note"), json!({"turn": turn})),
        2 if is_gm => change("/players".to_owned() + &format!("/{me}"), json!({"turn": turn})),
        0 | 3 => change("/shared/secret".to_owned(), json!({"turn": turn, "deep": {"of": me}})),
        1 => change(format!("/players/{me}/diary"), json!([turn, "mine"])),
        2 => json!({"type": "chat", "data": {"text": format!("psst {turn}"), "to": [other]}}),
        4 => json!({"type": "chat", "data": {"text": format!("to gm {turn}"), "to": "gm"}}),
        _ => json!({"type": "roll", "data": {"expression": "1d20", "to": "gm"}}),
    }
}

/// One round of changes at a table; `step` chooses them.
async fn change(table: &Table, step: usize) -> Result<()> {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_and_visibility_change_under_load_and_nobody_sees_too_much() -> Result<()> {
    let rounds = Length::of_this_run().rounds(6, 40);
    let mut cluster = Cluster::builder().start().await?;
    let tables = Length::of_this_run().pick(6, 20);
    let load = Workload { tables, players: 4, rate: 12.0 };
    let running = load.start_script(&cluster, command).await?;
    for step in 0..rounds {
        let changes = running.tables.iter().map(|table| change(table, step));
        futures::future::try_join_all(changes).await?;
        if step % 6 == 2 {
            cluster.kill("node-1").await?;
        }
        if step % 6 == 5 {
            cluster.restart("node-1")?;
            cluster.await_process_ready("node-1").await?;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let outcome = running.finish(PATIENCE).await?;
    outcome.check()?;
    ensure!(outcome.closes() == 0, "{} sockets closed", outcome.closes());
    ensure!(outcome.unknown() == 0, "{} commands without a fate", outcome.unknown());
    let refusals = outcome.refusals();
    println!("{} acknowledged, refused: {refusals:?}", outcome.acknowledged());
    ensure!(refusals.keys().all(|code| code == "forbidden"), "refused: {refusals:?}");
    // Spectators are refused; GMs, players and assistants are not without effect.
    ensure!(refusals.contains_key("forbidden"), "no spectator was refused: no role changed");
    let changed = |kind: &str| {
        let events = outcome.journals.values().flatten();
        events.filter(|event| event.event_type == kind).count()
    };
    let (roles, settings) = (changed("role_changed"), changed("settings_changed"));
    ensure!(roles >= rounds * tables, "{roles} changes of roles");
    ensure!(settings >= rounds * tables, "{settings} changes of settings");
    cluster.passed();
    Ok(())
}
