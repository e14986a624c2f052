//! `gssctl dev`: the service in this process, with a table that is ready to play.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use gss_client::{Api, JwtSource};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use crate::demo;
use crate::embedded::{self, Embedded};
use crate::source::journal_file;
use crate::token;

/// Seconds that the printed tokens are good for: a week.
const TOKEN_SECONDS: i64 = 7 * 86_400;

#[derive(Args)]
pub(crate) struct Options {
    /// Where journal and keys are kept.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// Port on loopback. Default: 8080; with --demo: a free one.
    #[arg(long)]
    port: Option<u16>,
    /// Let five bots play an evening with a fight, check what they saw against the journal, and end.
    #[arg(long)]
    demo: bool,
    /// Forget what was played before. Keys stay, so tokens do too.
    #[arg(long)]
    reset: bool,
}

/// The table that is ready, kept over restarts.
#[derive(Serialize, Deserialize)]
struct Table {
    session: Uuid,
}

/// Runs until interrupted, or until the demo is over.
pub(crate) async fn run(options: &Options) -> Result<()> {
    if options.reset {
        reset(&options.data)?;
    }
    let port = options.port.unwrap_or(if options.demo { 0 } else { 8080 });
    let service = embedded::start(&options.data, port).await?;
    let work = async {
        if options.demo { demo::run(&service).await } else { serve(&service, &options.data).await }
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        () = service.failed() => Err(anyhow!("a task of the server panicked")),
    };
    service.stop().await;
    outcome
}

/// Removes the journal and the table; keys stay.
fn reset(data: &Path) -> Result<()> {
    let journal = journal_file(data).display().to_string();
    for file in [format!("{journal}-wal"), format!("{journal}-shm"), journal] {
        remove(Path::new(&file))?;
    }
    remove(&table_file(data))
}

fn remove(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", file.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn table_file(data: &Path) -> PathBuf {
    data.join("table.json")
}

async fn serve(service: &Embedded, data: &Path) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    introduce(service, data).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    println!("stopping; what was played is in {}", journal_file(data).display());
    Ok(())
}

/// Prints how to use it.
async fn introduce(service: &Embedded, data: &Path) -> Result<()> {
    let issuer = service.keys.issuer()?;
    let sign =
        |name: &str| token::sign(&issuer, token::user(name), "sessions:create", TOKEN_SECONDS);
    let (gm, player) = (sign("gm")?, sign("mira")?);
    let api = Api::new(&service.url, JwtSource::fixed(gm.clone()), None)?;
    let (session, kept) = table(&api, data).await?;
    let guest = api.as_user(JwtSource::fixed(player.clone()));
    let joined = guest.join(session, json!({})).await.context("join the table")?;
    let url = &service.url;
    let kept = if kept { "as it was left" } else { "new" };
    println!("The game session service runs on {url} (health: {url}/health); Ctrl-C ends it.\n");
    println!("A table, {kept}: {session}");
    println!("  game master  {}\n  a player     {}\n", token::user("gm"), token::user("mira"));
    println!("GM={gm}\nMIRA={player}\n");
    println!("curl -H \"Authorization: Bearer $GM\" {url}/api/v2/sessions/{session}");
    println!(
        "curl -H \"Authorization: Bearer $MIRA\" {url}/api/v2/sessions/{session}/join \\\n  \
         -H 'Content-Type: application/json' -d '{{}}'      # answers a connection_token"
    );
    println!(
        "websocat -H \"Authorization: Bearer $MIRA\" \\\n  -H 'X-Session-Token: {}' \\\n  {}\n",
        joined.connection_token, joined.websocket_url
    );
    println!(
        "then type: {{\"type\":\"chat\",\"data\":{{\"action_id\":\"{}\",\"text\":\"Hello\",\"to\":\"all\"}}}}",
        Uuid::new_v4()
    );
    println!("more tokens: gssctl token --user NAME --data {}", data.display());
    Ok(())
}

/// The table of the last start, or a new one. True: of the last start.
async fn table(api: &Api, data: &Path) -> Result<(Uuid, bool)> {
    let file = table_file(data);
    if let Ok(text) = std::fs::read_to_string(&file) {
        let Table { session } =
            serde_json::from_str(&text).with_context(|| format!("read {}", file.display()))?;
        match api.get(session).await {
            Ok(found) if found["status"] != "ended" => return Ok((session, true)),
            Ok(_) => {}
            Err(error) if error.status() == Some(404) => {}
            Err(error) => bail!("look for the table of last time: {error}"),
        }
    }
    let made = api.create(Uuid::nil(), "The first table", json!({})).await;
    let session = made.context("create a table")?.session_id;
    std::fs::write(&file, serde_json::to_string(&Table { session })?)?;
    Ok((session, false))
}
