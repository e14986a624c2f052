//! Roles and visibility change under load, and an owner dies meanwhile: nobody ever sees what is
//! not for it, and everybody sees all that is.

use std::time::Duration;

use anyhow::{Result, ensure};
use gss_tests::cluster::Cluster;
use gss_tests::length::Length;
use gss_tests::script::{change_sight, every_place};
use gss_tests::workload::Workload;

const PATIENCE: Duration = Duration::from_secs(60);
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_and_visibility_change_under_load_and_nobody_sees_too_much() -> Result<()> {
    let rounds = Length::of_this_run().rounds(6, 40);
    let mut cluster = Cluster::builder().start().await?;
    let tables = Length::of_this_run().pick(6, 20);
    let load = Workload { tables, players: 4, rate: 12.0 };
    let running = load.start_script(&cluster, every_place).await?;
    for step in 0..rounds {
        let changes = running.tables.iter().map(|table| change_sight(table, step));
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
