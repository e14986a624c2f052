//! `core`: the numbers of the backbone, next to the raw limits of the same machine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use futures::future::join_all;
use serde_json::json;

use crate::client::action_id;
use crate::cpu::{self, Usage};
use crate::endpoints::Endpoints;
use crate::fleet::{self, Fleet};
use crate::load::{Load, Outcome};
use crate::report::{Core, Step};
use crate::{broadcaster, journal_limit, report};

/// The steady rate of part (a), updates per second over all tables.
const STEADY: u64 = 1_000;
/// The first step of the search for the highest rate.
const FIRST: u64 = 2_000;
/// Requirement: p99 from the intended send to the last player, microseconds.
const P99_US: u64 = 50_000;
/// Share of updates that must be complete for a step to count as held.
const COMPLETE: f64 = 0.9999;
/// Bytes of a `state_update` frame of this load.
const FRAME_BYTES: usize = 420;

/// Options of `gss-bench core`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// `endpoints.json` of the cluster to measure (started with --plaintext --limits open).
    #[arg(long, default_value = "target/cluster/endpoints.json")]
    endpoints: PathBuf,
    /// Tables.
    #[arg(long, default_value_t = 100)]
    tables: usize,
    /// Players of each, the GM among them.
    #[arg(long, default_value_t = 10)]
    players: usize,
    /// Seconds of each measured run.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Only this rate, updates per second; may be repeated. Without raw limits and JSON.
    #[arg(long)]
    rate: Vec<u64>,
    /// Where the JSON goes.
    #[arg(long, default_value = "target/bench/core.json")]
    out: PathBuf,
}

/// Runs all parts and prints the table.
pub(crate) async fn run(options: Options) -> Result<()> {
    let endpoints = Endpoints::read(&options.endpoints)?;
    if endpoints.routers.iter().any(|router| router.ws.starts_with("wss")) {
        bail!(
            "start the cluster with --plaintext: TLS of the clients would cost the servers' cores"
        );
    }
    journal_limit::recycle_wal(&endpoints.postgres).await?;
    report::progress(format!("{} tables × {} players connect …", options.tables, options.players));
    let fleet = fleet::assemble(&endpoints, options.tables, options.players).await?;
    report::progress("warm-up");
    step(&endpoints, &fleet, &options, STEADY, 3).await?;
    if !options.rate.is_empty() {
        for rate in &options.rate {
            let step = step(&endpoints, &fleet, &options, *rate, options.seconds).await?;
            report::progress(report::line(&step));
            report::progress(report::cpu(&step));
        }
        return Ok(());
    }
    let steady = step(&endpoints, &fleet, &options, STEADY, options.seconds).await?;
    report::progress(report::line(&steady));
    let (best, steps) = highest(&endpoints, &fleet, &options, &steady).await?;
    drop(fleet);
    tokio::time::sleep(Duration::from_secs(2)).await;
    report::progress("raw limits");
    let clients = options.tables * options.players;
    let time = Duration::from_secs(options.seconds);
    let frames_per_second = broadcaster::measure(clients, FRAME_BYTES, time).await?;
    let rows_per_second = journal_limit::measure(&endpoints.postgres, time).await?;
    let core = Core {
        tables: options.tables,
        players: options.players,
        steady,
        best,
        steps,
        frames_per_second,
        rows_per_second,
    };
    report::print(&core, &options.out)
}

/// Doubles the rate until it does not hold, then halves the gap three times.
async fn highest(
    endpoints: &Endpoints,
    fleet: &Fleet,
    options: &Options,
    steady: &Step,
) -> Result<(Option<Step>, Vec<Step>)> {
    let mut held = holds(&steady.outcome).then(|| steady.clone());
    let (mut broken, mut rate) = (None, FIRST);
    let mut steps = Vec::new();
    for _ in 0..8 {
        let step = step(endpoints, fleet, options, rate, options.seconds).await?;
        report::progress(report::line(&step));
        let holds = holds(&step.outcome);
        steps.push(step.clone());
        if holds {
            held = Some(step);
        } else {
            broken = Some(rate);
        }
        let low = held.as_ref().map_or(STEADY, |step| step.rate);
        rate = match broken {
            None => rate * 2,
            Some(high) if high - low <= low / 8 => break,
            Some(high) => u64::midpoint(low, high),
        };
        // What an overload left behind must not count against the next step.
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    Ok((held, steps))
}

fn holds(outcome: &Outcome) -> bool {
    let complete = outcome.completed as f64 >= outcome.sent as f64 * COMPLETE;
    complete && outcome.refused == 0 && outcome.last_receipt.value_at_quantile(0.99) <= P99_US
}

/// One open-loop run at `rate` updates per second over all tables.
async fn step(
    endpoints: &Endpoints,
    fleet: &Fleet,
    options: &Options,
    rate: u64,
    seconds: u64,
) -> Result<Step> {
    let per_table = rate * seconds / fleet.tables.len() as u64;
    let updates = usize::try_from(per_table)? * fleet.tables.len();
    let players = u32::try_from(options.players)?;
    let load = Arc::new(Load::new(updates, players, uuid::Uuid::new_v4().as_u64_pair().0));
    let before: Usage = cpu::usage(endpoints);
    fleet.current.send_replace(Some(load.clone()));
    let interval = Duration::from_secs_f64(fleet.tables.len() as f64 / rate as f64);
    let senders = fleet.tables.iter().enumerate().map(|(number, table)| {
        let load = load.clone();
        let tables = fleet.tables.len();
        async move {
            // Tables do not fire in step: each is shifted by its share of the interval.
            let shift = interval.mul_f64(number as f64 / tables as f64);
            for turn in 0..usize::try_from(per_table).unwrap_or(usize::MAX) {
                let due = shift + interval.mul_f64(turn as f64);
                tokio::time::sleep_until(load.start() + due).await;
                let update = turn * tables + number;
                load.due(update, u64::try_from(due.as_micros()).unwrap_or(u64::MAX));
                let text = json!({"type": "state_change", "data": {
                    "action_id": action_id(load.salt, update),
                    "changes": [{"path": "/shared/token/x", "value": turn}],
                }});
                let player = &table.players[turn % table.players.len()];
                if player.send(text.to_string()).await.is_err() {
                    load.refused();
                }
            }
        }
    });
    join_all(senders).await;
    let seconds_sent = load.elapsed_us() as f64 / 1e6;
    let patience = tokio::time::Instant::now() + Duration::from_secs(15);
    while !load.is_complete() && tokio::time::Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let outcome = load.outcome(seconds_sent);
    let cpu = cpu::difference(&before, &cpu::usage(endpoints));
    Ok(Step { rate, outcome, cpu })
}
