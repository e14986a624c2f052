//! Tables under load, and everything they saw.
//!
//! Open loop: every table sends at its rate whatever happens to the cluster meanwhile. Histories
//! are whole; the checks run over all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures::future::try_join_all;
use gss_shared::clock::Clock;
use gss_shared::ids::{SessionId, ShardCount, Version};
use gss_shared::ports::journal::{Journal, JournalEvent};
use gss_shared::ports::journal::{JournalConfig, open};
use gss_shared::time::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cluster::Cluster;
use crate::figures::Figures;
use crate::history::{self, Fate, History, Ownership, Violation};
use crate::player::{Player, Seat};
use crate::watch::OwnerWatch;

/// How many tables are set up at a time.
const SETUPS: usize = 4;

/// What to play.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Tables.
    pub tables: usize,
    /// Clients of each, the GM among them; spread over the routers.
    pub players: usize,
    /// Commands per second of each table.
    pub rate: f64,
}

/// What a table sends at a turn: a frame, by one of its clients.
pub type Script = fn(&Table, usize, &Player) -> Value;

/// A table: its session and the clients at it, the GM first.
pub struct Table {
    /// The session.
    pub session: SessionId,
    /// The GM's seat, for calls.
    pub gm: Seat,
    /// The clients.
    pub players: Vec<Arc<Player>>,
}

/// Tables that play until told to stop.
pub struct Running {
    /// The tables.
    pub tables: Vec<Arc<Table>>,
    stop: CancellationToken,
    senders: JoinSet<()>,
    journal: Arc<dyn Journal>,
    watch: OwnerWatch,
}

/// Everything that was seen and stored.
pub struct Outcome {
    /// One per client.
    pub histories: Vec<History>,
    /// One per session.
    pub journals: BTreeMap<SessionId, Vec<JournalEvent>>,
    /// Who could write when.
    pub ownership: Ownership,
}

impl Workload {
    /// Sets the tables up and starts to play every kind of command.
    ///
    /// # Errors
    /// When a session cannot be created, joined or connected.
    pub async fn start(&self, cluster: &Cluster) -> Result<Running> {
        self.start_script(cluster, command).await
    }

    /// Sets the tables up and starts to play a script.
    ///
    /// # Errors
    /// When a session cannot be created, joined or connected.
    pub async fn start_script(&self, cluster: &Cluster, script: Script) -> Result<Running> {
        let watch = OwnerWatch::start(cluster);
        let journal = open_journal(cluster).await?;
        let mut tables = Vec::new();
        for chunk in (0..self.tables).collect::<Vec<_>>().chunks(SETUPS) {
            let setups = chunk.iter().map(|number| Table::set_up(cluster, *number, self.players));
            tables.extend(try_join_all(setups).await?.into_iter().map(Arc::new));
        }
        let stop = CancellationToken::new();
        let mut senders = JoinSet::new();
        let interval = Duration::from_secs_f64(1.0 / self.rate);
        for table in &tables {
            senders.spawn(play(table.clone(), interval, script, stop.clone()));
        }
        Ok(Running { tables, stop, senders, journal, watch })
    }
}

/// Reads the journal of a running cluster.
///
/// # Errors
/// When it does not answer.
pub async fn open_journal(cluster: &Cluster) -> Result<Arc<dyn Journal>> {
    let address = cluster.endpoints().postgres.as_str().into();
    let config = JournalConfig::new(address, ShardCount::DEFAULT);
    Ok(open(&config, &Clock::system()).await?.journal)
}

impl Table {
    /// Creates a session and seats `players` connected clients.
    ///
    /// # Errors
    /// When the cluster refuses.
    pub async fn set_up(cluster: &Cluster, number: usize, players: usize) -> Result<Self> {
        let gm = Seat::new(cluster, number)?;
        let settings = json!({"max_players": 100, "limits": {"messages_per_minute": 60_000}});
        let (session, token) = gm.create(&format!("table {number}"), &settings).await?;
        let mut seated = vec![Arc::new(gm.connect(session, token).await?)];
        for place in 1..players {
            let seat = Seat::new(cluster, number + place)?;
            let token = seat.join(session).await?;
            seated.push(Arc::new(seat.connect(session, token).await?));
        }
        Ok(Self { session, gm, players: seated })
    }
}

/// Every kind of change whose audience differs: shared, own, for GMs, chat, whispers, rolls.
fn command(table: &Table, turn: usize, sender: &Player) -> Value {
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

fn change(changes: &Value) -> Value {
    json!({"type": "state_change", "data": {"changes": changes}})
}

async fn play(table: Arc<Table>, interval: Duration, script: Script, stop: CancellationToken) {
    let start = Instant::now();
    for turn in 0.. {
        let due = start + interval.mul_f64(f64::from(turn));
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(due) => {}
        }
        let turn = usize::try_from(turn).unwrap_or_default();
        let sender = &table.players[turn % table.players.len()];
        sender.send(script(&table, turn, sender));
    }
}

impl Running {
    /// The journal of one session.
    ///
    /// # Errors
    /// When the journal does not answer.
    pub async fn journal(&self, session: SessionId) -> Result<Vec<JournalEvent>> {
        read_all(self.journal.as_ref(), session).await
    }

    /// Stops sending, waits until every command has a fate and every client has what it may see,
    /// and collects all histories.
    ///
    /// # Errors
    /// When that does not happen within `patience`; the checks of what was seen say more.
    pub async fn finish(mut self, patience: Duration) -> Result<Outcome> {
        self.stop.cancel();
        while self.senders.join_next().await.is_some() {}
        let deadline = Instant::now() + patience;
        let mut journals = BTreeMap::new();
        for table in &self.tables {
            for player in &table.players {
                player.await_fates(deadline).await.context("a command without a fate")?;
            }
            let journal = self.journal(table.session).await?;
            for player in &table.players {
                player.await_version(history::end_for(&journal, player.id()), deadline).await;
            }
            journals.insert(table.session, journal);
        }
        let mut histories = Vec::new();
        for table in &self.tables {
            for player in &table.players {
                histories.push(player.leave().await);
            }
        }
        let ownership = self.watch.finish().await?;
        Ok(Outcome { histories, journals, ownership })
    }
}

async fn read_all(journal: &dyn Journal, session: SessionId) -> Result<Vec<JournalEvent>> {
    let (mut events, mut after) = (Vec::new(), Version::ZERO);
    loop {
        let page = journal.events(session, after, 1_000).await?;
        let Some(last) = page.last() else { return Ok(events) };
        after = last.version;
        events.extend(page);
    }
}

impl Outcome {
    /// All checks over all histories. Of the sessions at fault everything is written to a file
    /// that the error names.
    ///
    /// # Errors
    /// Names the first violations.
    pub fn check(&self) -> Result<()> {
        let violations = self.violations()?;
        if !violations.is_empty() {
            let kept = self.keep(&violations)?;
            let first = &violations[..violations.len().min(10)];
            bail!("{} violations, see {}; the first: {first:#?}", violations.len(), kept.display());
        }
        let ownership = history::check_ownership(&self.ownership);
        ensure!(ownership.is_empty(), "{ownership:#?}");
        ensure!(self.acknowledged() > 0, "nothing was acknowledged: nothing was tested");
        Ok(())
    }

    fn violations(&self) -> Result<Vec<Violation>> {
        let mut violations: Vec<Violation> = Vec::new();
        for (session, journal) in &self.journals {
            violations.extend(history::check_journal(*session, journal));
        }
        violations.extend(history::check_commands(&self.histories, &self.journals));
        for history in &self.histories {
            let journal = self.journals.get(&history.session).context("a journal")?;
            violations.extend(history::check_stream(history, journal, true));
            violations.extend(history::check_snapshots(history, journal));
            violations.extend(history::check_audience(history, journal));
        }
        Ok(violations)
    }

    fn keep(&self, violations: &[Violation]) -> Result<PathBuf> {
        let sessions: BTreeSet<SessionId> = violations.iter().map(|one| one.session).collect();
        let histories: Vec<&History> =
            self.histories.iter().filter(|one| sessions.contains(&one.session)).collect();
        let journals: Vec<_> =
            self.journals.iter().filter(|(session, _)| sessions.contains(session)).collect();
        let mut file = tempfile::Builder::new().prefix("gss-violations-").tempfile()?;
        writeln!(file, "{violations:#?}\n{journals:#?}\n{histories:#?}")?;
        Ok(file.keep()?.1)
    }

    /// Commands that were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.fates(|fate| matches!(fate, Fate::Acknowledged(_)))
    }

    /// Commands that were refused, by code.
    pub fn refusals(&self) -> BTreeMap<String, usize> {
        let mut codes = BTreeMap::new();
        for sent in self.histories.iter().flat_map(|history| &history.sent) {
            if let Fate::Refused(code) = &sent.fate {
                *codes.entry(code.clone()).or_default() += 1;
            }
        }
        codes
    }

    /// Error frames that clients got, by code: also those that were followed by a success.
    pub fn errors(&self) -> BTreeMap<String, usize> {
        let mut codes = BTreeMap::new();
        for frame in self.histories.iter().flat_map(History::frames) {
            if let Some(code) = frame["error"]["code"].as_str() {
                *codes.entry(code.to_owned()).or_default() += 1;
            }
        }
        codes
    }

    /// Commands nobody knows the fate of.
    pub fn unknown(&self) -> usize {
        self.fates(|fate| *fate == Fate::Unknown)
    }

    fn fates(&self, which: impl Fn(&Fate) -> bool) -> usize {
        let sent = self.histories.iter().flat_map(|history| &history.sent);
        sent.filter(|sent| which(&sent.fate)).count()
    }

    /// Sockets that were closed by the server or the network.
    pub fn closes(&self) -> usize {
        self.histories.iter().map(History::closes).sum()
    }

    /// Connections that were opened again, all of them resumed.
    ///
    /// # Errors
    /// Names who got a snapshot instead.
    pub fn resumed(&self) -> Result<usize> {
        let mut resumed = 0;
        for history in &self.histories {
            for (number, whole) in history.reopenings().into_iter().enumerate() {
                let History { session, player, .. } = history;
                ensure!(whole, "reopening {number} of {player} at {session} was not resumed");
                resumed += 1;
            }
        }
        Ok(resumed)
    }

    /// Per session, the longest time from a command that was due in this span to its fate.
    pub fn longest_answers(
        &self,
        sessions: &[SessionId],
        from: Instant,
        to: Instant,
    ) -> Vec<Duration> {
        let longest = |session: &SessionId| {
            let histories = self.histories.iter().filter(|history| history.session == *session);
            let sent = histories.flat_map(|history| &history.sent);
            let sent = sent.filter(|sent| sent.at >= from && sent.at <= to);
            sent.filter_map(|sent| Some(sent.answered?.duration_since(sent.at))).max()
        };
        sessions.iter().filter_map(longest).collect()
    }

    /// Time from the due to the fate of every command due in this span.
    pub fn answers(&self, from: Instant, to: Instant) -> Figures {
        let sent = self.histories.iter().flat_map(|history| &history.sent);
        let sent = sent.filter(|sent| sent.at >= from && sent.at <= to);
        Figures::of(sent.filter_map(|sent| Some(sent.answered?.duration_since(sent.at))))
    }

    /// Time from `from`, at which the owner of these sessions died, to the first commit of each
    /// under another epoch.
    pub fn first_commits_after(&self, from: Timestamp, sessions: &[SessionId]) -> Vec<Duration> {
        let first = |session: &SessionId| {
            let journal = self.journals.get(session)?;
            let epoch = journal.iter().rev().find(|event| event.at <= from)?.epoch;
            let event = journal.iter().find(|event| event.at > from && event.epoch > epoch)?;
            Some(Duration::from_millis(u64::try_from(event.at.since_ms(from)).ok()?))
        };
        sessions.iter().filter_map(first).collect()
    }
}
