//! Clients that others wrote play together: PyPI's `websockets`, npm's `ws`, Chromium by subprotocol.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gss_tests::cluster::Cluster;
use gss_tests::history::{self, History, Reading, Seen};
use gss_tests::player::Seat;
use gss_tests::workload::open_journal;
use serde_json::json;
use tokio::process::Command;
use tokio::time::Instant;

/// Commands that each of them sends.
const COMMANDS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(60);

fn scripts() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("third_party")
}

async fn run(command: &mut Command) -> Result<()> {
    let output = command.output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{:?}: {}: {said}", command.as_std(), output.status);
    Ok(())
}

/// The libraries and the browser, kept under `target/` between runs.
async fn install() -> Result<PathBuf> {
    let home = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/third-party");
    std::fs::create_dir_all(&home)?;
    let home = home.canonicalize()?;
    if !home.join("venv/bin/python").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(home.join("venv"))).await?;
        let pip = home.join("venv/bin/pip");
        run(Command::new(pip).args(["install", "--quiet", "websockets==17.4"])).await?;
    }
    for file in ["package.json", "client.mjs", "browser.mjs", "client.py"] {
        std::fs::copy(scripts().join(file), home.join(file))?;
    }
    run(Command::new("npm")
        .args(["install", "--silent", "--no-audit", "--no-fund"])
        .current_dir(&home))
    .await?;
    if !Path::new("/usr/bin/chromium").exists() {
        run(Command::new("apt-get").args(["install", "-y", "-qq", "chromium"])).await?;
    }
    Ok(home)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_others_play_together_and_see_the_same() -> Result<()> {
    let home = install().await?;
    let cluster = Cluster::builder().start().await?;
    let gm = Seat::new(&cluster, 0)?;
    let settings = json!({"max_players": 10, "limits": {"messages_per_minute": 60_000}});
    let (session, token) = gm.create("strangers", &settings).await?;
    let gm = gm.connect(session, token).await?;
    let programs = [
        (home.join("venv/bin/python").display().to_string(), "client.py"),
        ("node".to_owned(), "client.mjs"),
        ("node".to_owned(), "browser.mjs"),
    ];
    let mut children = Vec::new();
    for (number, (program, script)) in programs.iter().enumerate() {
        let seat = Seat::new(&cluster, number)?;
        let token = seat.join(session).await?;
        let child = Command::new(program)
            .arg(home.join(script))
            .args([&seat.url(session), seat.jwt(), &token, &COMMANDS.to_string()])
            .current_dir(&home)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {program} {script}"))?;
        children.push((seat.player(), *script, child));
    }
    let journal = open_journal(&cluster).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let events = journal.events(session, gss_shared::ids::Version::ZERO, 10_000).await?;
        let actions = events.iter().filter(|event| {
            ["state_update", "chat_message", "roll_result"].contains(&event.event_type.as_str())
        });
        if actions.count() >= COMMANDS * programs.len() {
            break;
        }
        ensure!(Instant::now() < deadline, "not all commands were journaled");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    gm.send(json!({"type": "chat", "data": {"text": "finish", "to": "all"}}));
    gm.await_fates(deadline).await?;
    let mut histories = Vec::new();
    for (player, script, child) in children {
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await??;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{script}: {}: {said}", output.status);
        let mut history = History::new(session, player);
        for line in String::from_utf8(output.stdout)?.lines() {
            history.seen.push(Seen::Frame(serde_json::from_str(line)?));
        }
        histories.push(history);
    }
    let events = journal.events(session, gss_shared::ids::Version::ZERO, 10_000).await?;
    let reading = Reading::of(&events);
    for history in &histories {
        let mut violations = history::check_stream(history, &reading, true);
        violations.extend(history::check_snapshots(history, &reading, true));
        violations.extend(history::check_audience(history, &reading));
        ensure!(violations.is_empty(), "{violations:#?}");
    }
    cluster.passed();
    Ok(())
}
