//! `gssctl session ID`: where one session stands, by the journal.

use anyhow::{Context as _, Result, bail};
use clap::Args;
use gss_session::Session;
use gss_shared::ids::{SessionId, Version};
use gss_shared::ports::journal::{Journal, JournalEvent};

use crate::output;
use crate::source::{self, Source};

/// Events read at a time.
const PAGE: usize = 1_000;

#[derive(Args)]
pub(crate) struct Options {
    /// The session.
    id: SessionId,
    #[command(flatten)]
    source: Source,
}

/// Prints it; fails when the journal has no such session.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let config = options.source.config()?;
    let shard = source::shards(&config)?.shard_of(options.id);
    let journal = source::open(&config).await?.journal;
    let rows = journal.shards(&[shard]).await.context("read the shard")?;
    let snapshot = journal.snapshot(options.id, None).await.context("read the snapshot")?;
    let after = snapshot.as_ref().map_or(Version::ZERO, |snapshot| snapshot.position.version);
    let tail = tail(journal.as_ref(), options.id, after).await?;
    let state = snapshot.as_ref().map(|snapshot| snapshot.state.as_str());
    let Some(session) = Session::replay(options.id, state, &tail)? else {
        bail!("the journal has no session {}", options.id);
    };
    let owner = rows.first().and_then(|row| row.owner.as_ref());
    let owner = owner.map_or_else(|| "-".to_owned(), |(node, start)| format!("{node} ({start})"));
    let epoch = rows.first().map_or_else(|| "-".to_owned(), |row| row.epoch.to_string());
    let snapshot = snapshot.map(|snapshot| snapshot.position.version.to_string());
    let of_last = tail.last().map(|event| event.epoch.to_string());
    let head = session.head();
    let deleted = if session.is_deleted() { ", deleted" } else { "" };
    let lines = [
        ("session", options.id.to_string()),
        ("name", head.name),
        ("status", format!("{}{deleted}", session.status().as_str())),
        ("shard", shard.to_string()),
        ("owner", owner),
        ("epoch", epoch),
        ("version", session.position().version.to_string()),
        ("position", session.position().to_string()),
        ("last event", session.last_at().to_string()),
        ("written under", of_last.unwrap_or_else(|| "-".to_owned())),
        ("snapshot", snapshot.unwrap_or_else(|| "-".to_owned())),
        ("events since", tail.len().to_string()),
        ("members", head.members.len().to_string()),
        ("bytes", session.size_bytes().to_string()),
    ];
    output::print(&lines.map(|(name, value)| format!("{name:<14} {value}\n")).concat())
}

async fn tail(
    journal: &dyn Journal,
    session: SessionId,
    after: Version,
) -> Result<Vec<JournalEvent>> {
    let mut events: Vec<JournalEvent> = Vec::new();
    loop {
        let from = events.last().map_or(after, |event| event.version);
        let page = journal.events(session, from, PAGE).await.context("read the events")?;
        if page.is_empty() {
            return Ok(events);
        }
        events.extend(page);
    }
}
