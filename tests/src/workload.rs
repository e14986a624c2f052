//! Tables under load, and everything they saw.
//!
//! Open loop: every table sends at its rate whatever happens to the cluster meanwhile. Histories
//! are whole; the checks run over all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use gss_shared::clock::Clock;
use gss_shared::ids::{SessionId, ShardCount, Version};
use gss_shared::ports::journal::{Journal, JournalEvent};
use gss_shared::ports::journal::{JournalConfig, open};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cluster::Cluster;
use crate::history::{self, Calls, History};
use crate::outcome::Outcome;
use crate::player::{Player, Seat};
use crate::script::{Script, every_kind};
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

/// A table: its session and the clients at it, the GM first.
pub struct Table {
    /// The session.
    pub session: SessionId,
    /// The GM's seat, for calls.
    pub gm: Seat,
    /// The clients.
    pub players: Vec<Arc<Player>>,
    /// Histories of clients that left.
    pub guests: Mutex<Vec<History>>,
    /// What the GM did by REST.
    pub calls: Mutex<Calls>,
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

impl Workload {
    /// Sets the tables up and starts to play every kind of command.
    ///
    /// # Errors
    /// When a session cannot be created, joined or connected.
    pub async fn start(&self, cluster: &Cluster) -> Result<Running> {
        self.start_script(cluster, every_kind).await
    }

    /// Sets the tables up and starts to play a script.
    ///
    /// # Errors
    /// When a session cannot be created, joined or connected.
    pub async fn start_script(&self, cluster: &Cluster, script: Script) -> Result<Running> {
        let watch = OwnerWatch::start(cluster).await?;
        let journal = open_journal(cluster).await?;
        let mut tables = Vec::new();
        for chunk in (0..self.tables).collect::<Vec<_>>().chunks(SETUPS) {
            let setups = chunk.iter().map(|number| Table::set_up(cluster, *number, self.players));
            tables.extend(try_join_all(setups).await?.into_iter().map(Arc::new));
        }
        let stop = CancellationToken::new();
        let mut senders = JoinSet::new();
        let interval = Duration::from_secs_f64(1.0 / self.rate);
        // Tables do not play in step: each is shifted by its share of the interval.
        let shift = interval / u32::try_from(tables.len())?.max(1);
        let mut first = Instant::now();
        for table in &tables {
            senders.spawn(play(table.clone(), first, interval, script, stop.clone()));
            first += shift;
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
        let settings = json!({
            "max_players": 100, "limits": {"messages_per_minute": 60_000},
            "reaction_seconds": 2, "physical_dice": number % 3 == 2,
        });
        let (session, token) = gm.create(&format!("table {number}"), &settings).await?;
        let mut seated = vec![Arc::new(gm.connect(session, token).await?)];
        for place in 1..players {
            let seat = Seat::new(cluster, number + place)?;
            let token = seat.join(session).await?;
            seated.push(Arc::new(seat.connect(session, token).await?));
        }
        Ok(Self { session, gm, players: seated, guests: Mutex::default(), calls: Mutex::default() })
    }

    /// Ends what is being fought: nothing happens by itself then, as when a question is open.
    async fn end_fight(&self, deadline: Instant) -> Result<()> {
        let Some(gm) = self.players.first() else { return Ok(()) };
        if gm.look(|shown| shown.state()["combat"].is_object()) {
            gm.send(json!({"type": "combat_end", "data": {}}));
            gm.await_fates(deadline).await.context("a fight without an end")?;
        }
        Ok(())
    }
}

async fn play(
    table: Arc<Table>,
    first: Instant,
    interval: Duration,
    script: Script,
    stop: CancellationToken,
) {
    for turn in 0.. {
        let due = first + interval.mul_f64(f64::from(turn));
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
    /// Commands acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        let players = self.tables.iter().flat_map(|table| &table.players);
        players.map(|player| player.acknowledged()).sum()
    }

    /// Sessions of the load.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.tables.iter().map(|table| table.session)
    }

    /// Sessions of the load whose shard this node owns, by the journal.
    ///
    /// # Errors
    /// When the journal does not answer.
    pub async fn owned_by(&self, cluster: &Cluster, node: &str) -> Result<Vec<SessionId>> {
        let owners = cluster.owners().await?;
        let owned = |session: &SessionId| {
            owners.get(&ShardCount::DEFAULT.shard_of(*session).0).is_some_and(|owner| owner == node)
        };
        Ok(self.sessions().filter(owned).collect())
    }

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
            table.end_fight(deadline).await?;
            let journal = self.journal(table.session).await?;
            for player in &table.players {
                player.await_version(history::end_for(&journal, player.id()), deadline).await;
            }
            journals.insert(table.session, journal);
        }
        let (mut histories, mut guests, mut calls) = (Vec::new(), Vec::new(), BTreeMap::new());
        for table in &self.tables {
            for player in &table.players {
                histories.push(player.leave().await);
            }
            guests.append(&mut lock(&table.guests));
            calls.insert(table.session, lock(&table.calls).clone());
        }
        let ownership = self.watch.finish().await?;
        Ok(Outcome { histories, guests, calls, journals, ownership })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
