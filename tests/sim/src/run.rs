//! From a seed to a verdict.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::FutureExt as _;
use gss_session::Judged;
use gss_tests::history;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::Instant;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::check;
use crate::fault::{self, Size};
use crate::net::Net;
use crate::plant::Plant;
use crate::player::Place;
use crate::table::{self, SharedLog, with};
use crate::trace::Trace;
use crate::world::World;

const SIZE: Size = Size { nodes: 3, routers: 2, places: 2 };
const TABLES: usize = 4;
/// Until the cluster serves and tables are set up; nothing goes wrong before.
const CALM_MS: u64 = 4_000;
/// When the last fault ends.
const HEAL_MS: u64 = 34_000;
/// When the hub has everything at the latest: its relay pauses up to 5 s after an error.
const RELAYED_MS: u64 = HEAL_MS + 10_000;
/// When the run ends, settled or not.
const END_MS: u64 = 240_000;

/// Simulated milliseconds, for the log.
static NOW: AtomicU64 = AtomicU64::new(0);

struct SimulatedTime;

impl FormatTime for SimulatedTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let now = NOW.load(Ordering::Relaxed);
        write!(writer, "{:>3}.{:03}", now / 1_000, now % 1_000)
    }
}

/// Logs to standard error what `GSS_SIM_LOG` asks for. Set up also when it asks for nothing: the
/// simulation must not notice.
pub(crate) fn init_log() {
    let filter = std::env::var_os("GSS_SIM_LOG").unwrap_or_else(|| "off".into());
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter.to_string_lossy()))
        .with_timer(SimulatedTime)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
}

/// What a run was.
pub(crate) struct Report {
    seed: u64,
    hash: u64,
    simulated_ms: u64,
    commands: usize,
    acknowledged: usize,
    events: usize,
    faults: usize,
    changes_of_owner: usize,
    judged: Judged,
    pub(crate) wrong: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, hash, commands, acknowledged, events, faults, .. } = self;
        write!(
            f,
            "seed {seed} hash {hash:016x} {} s, {commands} commands, {acknowledged} acknowledged, \
             {events} events, {faults} faults, {} changes of owner, {} fights in {} steps: ",
            self.simulated_ms / 1_000,
            self.changes_of_owner,
            self.judged.fights,
            self.judged.steps,
        )?;
        match self.wrong.len() {
            0 => f.write_str("ok"),
            wrong => write!(f, "{wrong} WRONG"),
        }
    }
}

impl Report {
    /// A run that tests too little is none.
    fn enough(&self) -> Vec<String> {
        let least = [
            ("virtual seconds", self.simulated_ms / 1_000, 30),
            ("commands", self.commands as u64, 300),
            ("faults", self.faults as u64, 5),
            ("changes of owner", self.changes_of_owner as u64, 1),
        ];
        let fights = [
            ("fights", self.judged.fights as u64, 2),
            ("steps of fights", self.judged.steps as u64, 20),
        ];
        let missed = least.into_iter().chain(fights).filter(|(_, got, least)| got < least);
        missed.map(|(what, got, least)| format!("{got} {what}, not {least}")).collect()
    }
}

/// Runs one seed; `folder` is for the keys.
pub(crate) fn one(seed: u64, plant: Option<Plant>, folder: &Path) -> Result<Report> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut key = |name: &str| -> Result<String> {
        let key = format!("{:032x}", random.random::<u128>());
        std::fs::write(folder.join(name), &key)?;
        Ok(key)
    };
    let (secret, _) = (key("hs256.key")?, key("session_token.key")?);
    let trace = Trace::default();
    let net = Net::new(seed, trace.clone());
    let mut world = World::new(seed, SIZE, folder, net, plant)?;
    let mut plan = fault::plan(&mut random, SIZE, CALM_MS, HEAL_MS);
    let logs = seat(&world, &mut random, secret.as_bytes(), (&trace, plant));
    let mut under_way = Vec::new();
    let settled = |log: &SharedLog| with(log, |log| log.settled);
    while world.net.now() < END_MS && !(logs.iter().all(settled) && is_relayed(&world, &logs)?) {
        world.step();
        NOW.store(world.net.now(), Ordering::Relaxed);
        world.suffer(&mut plan, &mut under_way)?;
    }
    verdict(seed, &world, &logs, &trace)
}

/// Whether the hub has everything, or had the time to: looked at now and then.
fn is_relayed(world: &World, logs: &[SharedLog]) -> Result<bool> {
    let now = world.net.now();
    if !now.is_multiple_of(100) {
        return Ok(false);
    }
    let sessions = logs.iter().filter_map(|log| with(log, |log| log.session));
    let journals = world.journals(sessions)?;
    Ok(now > RELAYED_MS || check::is_relayed(&journals, &world.stores.broker.taken()))
}

/// Sets the players to their tables.
fn seat(
    world: &World,
    random: &mut StdRng,
    secret: &[u8],
    (trace, plant): (&Trace, Option<Plant>),
) -> Vec<SharedLog> {
    let mut logs = Vec::new();
    for number in 0..TABLES {
        let host = world.place(number % SIZE.places);
        let place = Place {
            net: world.net.clone(),
            host: host.id,
            routers: world.router_names(),
            secret: secret.to_vec(),
            trace: trace.clone(),
            plant,
        };
        let log = SharedLog::default();
        let (kept, random) = (Arc::clone(&log), StdRng::seed_from_u64(random.random()));
        host.within(|| {
            let stop = Instant::now() + Duration::from_millis(HEAL_MS + 500);
            tokio::spawn(table::play(place, number, random, kept, stop));
        });
        logs.push(log);
    }
    logs
}

fn verdict(seed: u64, world: &World, logs: &[SharedLog], trace: &Trace) -> Result<Report> {
    let sessions = logs.iter().filter_map(|log| with(log, |log| log.session));
    let journals = world.journals(sessions)?;
    let hub = world.stores.broker.taken();
    let mut report = Report {
        seed,
        hash: 0,
        simulated_ms: world.net.now(),
        commands: 0,
        acknowledged: 0,
        events: journals.values().map(Vec::len).sum(),
        faults: world.done.len(),
        changes_of_owner: world.stores.database.changes_of_owner(CALM_MS),
        judged: history::judged(&journals),
        wrong: Vec::new(),
    };
    for log in logs {
        with(log, |log| {
            if !log.settled {
                report.wrong.push("a table did not settle".to_owned());
            }
            let (sent, acknowledged) = check::commands(log);
            report.commands += sent;
            report.acknowledged += acknowledged;
            report.wrong.extend(check::table(log, &journals, &hub));
        });
    }
    let ownership = world.stores.database.ownership().now_or_never().context("at once")??;
    report.wrong.extend(history::check_ownership(&ownership));
    let missed = report.enough();
    report.wrong.extend(missed);
    for event in journals.values().flatten() {
        tracing::debug!(?event, "is in the journal");
        trace.bytes(event.id.0.as_bytes());
        trace.bytes(event.data.as_bytes());
    }
    report.hash = trace.digest();
    Ok(report)
}
