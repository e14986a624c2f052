//! What happens at a table beside the commands of its players: joins, roles, rollbacks, saves.
//!
//! A call that a struck cluster does not answer is no violation; that it acted at most once, and
//! that what was answered happened, is checked with the histories.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use gss_tests::cluster::Cluster;
use gss_tests::history::Calls;
use gss_tests::player::Seat;
use gss_tests::script::{self, Script};
use gss_tests::workload::Table;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Between two acts at a table.
const PACE: Duration = Duration::from_millis(1_500);
/// Longer than anything takes that has a bound, twenty tries of a call included.
const ENDS: Duration = Duration::from_secs(60);
/// How long a guest waits for the fates of its commands.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who does what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// Nobody.
    #[default]
    Calm,
    /// A guest joins, plays, reconnects, leaves; again and again.
    Churn,
    /// Roles and visibility change.
    Sight,
    /// The GM rolls back.
    Rollback,
    /// Saves, loads, lists, reads of events.
    Rest,
}

/// Acts until told to stop.
pub(crate) struct Directors {
    stop: CancellationToken,
    tasks: JoinSet<Vec<Endless>>,
}

/// Something that has to end by itself did not.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0} does not end")]
pub(crate) struct Endless(&'static str);

/// What has bounds of its own, and is watched.
async fn ends<T>(what: &'static str, act: impl Future<Output = T>) -> Result<T, Endless> {
    tokio::time::timeout(ENDS, act).await.map_err(|_| Endless(what))
}

impl Direction {
    /// What the players of such tables send.
    pub(crate) fn script(self, fights: bool) -> Script {
        match self {
            Self::Sight => script::every_place,
            Self::Calm | Self::Churn | Self::Rollback | Self::Rest if !fights => script::talk,
            Self::Calm | Self::Churn | Self::Rollback | Self::Rest => script::every_kind,
        }
    }

    /// Starts to act at these tables.
    pub(crate) fn start(self, cluster: &Cluster, tables: &[Arc<Table>]) -> Result<Directors> {
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        for (number, table) in tables.iter().enumerate() {
            if self == Self::Calm {
                break;
            }
            let guest = Seat::new(cluster, number)?;
            tasks.spawn(self.direct(table.clone(), guest, number, stop.clone()));
        }
        Ok(Directors { stop, tasks })
    }

    async fn direct(
        self,
        table: Arc<Table>,
        guest: Seat,
        number: usize,
        stop: CancellationToken,
    ) -> Vec<Endless> {
        let mut endless = Vec::new();
        // The tables take turns within the pace.
        let mut next = Instant::now() + PACE.mul_f64(number as f64 % 7.0 / 7.0);
        for step in number.. {
            next += PACE;
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(next) => {}
            }
            let acted = match self {
                Self::Calm => Ok(()),
                Self::Churn => visit(&table, &guest, step).await,
                Self::Sight => script::change_sight(&table, step).await,
                Self::Rollback => roll_back(&table, step).await,
                Self::Rest => call(&table, step).await,
            };
            // Anything else was not answered: see the module.
            endless.extend(acted.err().and_then(|error| error.downcast::<Endless>().ok()));
            next = next.max(Instant::now());
        }
        endless
    }
}

impl Directors {
    /// Ends when the acts under way have ended. What should have ended before is a violation.
    pub(crate) async fn finish(self) -> Vec<String> {
        self.stop.cancel();
        let endless = self.tasks.join_all().await;
        endless.into_iter().flatten().map(|it| it.to_string()).collect()
    }
}

fn calls(table: &Table) -> MutexGuard<'_, Calls> {
    table.calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A guest joins, plays, comes back over another connection or not, and leaves.
async fn visit(table: &Table, guest: &Seat, step: usize) -> Result<()> {
    let token = ends("a guest's join", guest.join(table.session)).await??;
    let player = ends("a guest's connect", guest.connect(table.session, token)).await??;
    for turn in 0..4 {
        player.send(script::every_kind(table, step + turn, &player));
        if turn == 2 && step.is_multiple_of(3) {
            // Sent home already: the record says so.
            let _ended = ends("a guest's reconnect", player.reconnect()).await?;
        }
    }
    let fates = ends("a guest's wait", player.await_fates(Instant::now() + PATIENCE)).await?;
    let left = ends("a guest's leave", guest.api().leave(table.session.0, None)).await?;
    let history = ends("a guest's close", player.leave()).await?;
    table.guests.lock().unwrap_or_else(PoisonError::into_inner).push(history);
    fates?;
    Ok(left?)
}

async fn roll_back(table: &Table, step: usize) -> Result<()> {
    let gm = table.players.first().context("a GM")?;
    let to = gm.last_version().0.saturating_sub(step as u64 % 20).max(1);
    let done = table.gm.api().rollback(table.session.0, to).await;
    calls(table).tried("rolled_back", done.is_ok());
    done?;
    Ok(())
}

async fn call(table: &Table, step: usize) -> Result<()> {
    let (api, session) = (table.gm.api(), table.session.0);
    match step % 4 {
        0 => {
            let state = json!({"shared": {"saved": step}});
            let saved = api.save_state(session, state, json!({})).await;
            calls(table).tried("state_saved", saved.is_ok());
            saved?;
        }
        1 => {
            api.load_state(session).await?;
        }
        2 => {
            api.events(session, &Default::default()).await?;
        }
        _ => {
            api.get(session).await?;
            api.list(&Default::default()).await?;
        }
    }
    Ok(())
}
