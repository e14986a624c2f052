//! Feeds the hub from the journal, shard by shard from its cursor (SAFETY S16).
//!
//! Invariants: a session's messages are published one after the other, each only when the one before
//! is confirmed; a cursor moves only over contiguous confirmed rows, only forward, under the shard's
//! epoch; a row without a message just advances it. While the hub is away nothing is lost: the
//! cursor waits.

mod cursor;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::Duration;

use gss_session::hub_message;
use gss_shared::ids::{Epoch, SessionId, Shard};
use gss_shared::limits::HUB_OUTSTANDING;
use gss_shared::ports::hub::{Confirmation, Hub, HubMessage, HubUnavailable};
use gss_shared::ports::journal::{HubCursor, Journal, JournalError, RelayRow};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::relay_wake::RelayWake;
use crate::routes::Service;
use cursor::ShardCursor;

/// Without a commit the journal is asked this often: a wake that was lost with a failed pass.
const IDLE: Duration = Duration::from_millis(1_000);
/// Between passes: commits of a moment are relayed together.
const GATHER: Duration = Duration::from_millis(10);
/// … and of a longer moment when there are many: each pass costs a query.
const GATHER_BUSY: Duration = Duration::from_millis(100);
/// Rows of a pass that make it a busy one.
const BUSY: usize = 8;
/// Cursors are stored this often. What a crash forgets is published again under the same ids.
const STORE: Duration = Duration::from_millis(1_000);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// The relay of one node.
pub struct HubRelay {
    journal: Arc<dyn Journal>,
    hub: Arc<dyn Hub>,
    service: Service,
    wake: Arc<RelayWake>,
    metrics: Metrics,
    cursors: BTreeMap<Shard, ShardCursor>,
    /// Shards that have more than was read.
    pending: BTreeSet<Shard>,
    gather: Duration,
    stored_at: Instant,
}

/// Messages that wait, with their shard and row, by session.
type Queues = BTreeMap<SessionId, Vec<(Shard, i64, HubMessage)>>;

/// Why a pass ended early.
#[derive(Debug, thiserror::Error)]
enum PassError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Hub(#[from] HubUnavailable),
    #[error("the hub did not take a message")]
    Nacked,
}

impl HubRelay {
    /// A relay that has read nothing.
    pub fn new(
        journal: Arc<dyn Journal>,
        hub: Arc<dyn Hub>,
        service: Service,
        wake: Arc<RelayWake>,
        metrics: Metrics,
    ) -> Self {
        let (cursors, pending) = (BTreeMap::new(), BTreeSet::new());
        let (gather, stored_at) = (GATHER, Instant::now());
        Self { journal, hub, service, wake, metrics, cursors, pending, gather, stored_at }
    }

    /// Relays until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        let mut failing = false;
        loop {
            let wait = async {
                if self.pending.is_empty() {
                    // A timeout looks at what a failed pass may have left.
                    let _woken = tokio::time::timeout(IDLE, self.wake.wait()).await;
                }
                tokio::time::sleep(self.gather).await;
            };
            if stop.run_until_cancelled(wait).await.is_none() {
                return;
            }
            match stop.run_until_cancelled(self.pass()).await {
                None => return,
                Some(Ok(())) => {
                    pause = FIRST_PAUSE;
                    failing = false;
                }
                Some(Err(error)) => {
                    if !failing {
                        tracing::warn!(%error, "hub relay waits");
                        failing = true;
                    }
                    if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                        return;
                    }
                    pause = (pause * 2).min(LAST_PAUSE);
                }
            }
        }
    }

    /// Relays what is there: at most [`HUB_OUTSTANDING`] rows.
    async fn pass(&mut self) -> Result<(), PassError> {
        let owned: BTreeMap<Shard, Epoch> = self.service.owns().into_iter().collect();
        self.cursors.retain(|shard, cursor| owned.get(shard) == Some(&cursor.epoch));
        self.pending.retain(|shard| owned.contains_key(shard));
        self.pending.extend(self.wake.take(owned.keys().copied()));
        self.store_cursors().await?;
        self.load_cursors(&owned).await?;
        let from: Vec<HubCursor> = self
            .pending
            .iter()
            .filter_map(|shard| Some(self.cursors.get(shard)?.position(*shard)))
            .collect();
        if from.is_empty() {
            return Ok(());
        }
        let rows = self.journal.relay(&from, HUB_OUTSTANDING).await?;
        if rows.len() < HUB_OUTSTANDING {
            self.pending.clear();
        }
        self.gather = if rows.len() < BUSY { GATHER } else { GATHER_BUSY };
        self.metrics.hub_waiting.set(i64::try_from(rows.len()).unwrap_or(i64::MAX));
        let read: BTreeSet<Shard> = rows.iter().map(|(shard, _)| *shard).collect();
        let outcome = self.publish(rows).await;
        // What was confirmed counts, whatever became of the rest.
        for shard in &read {
            if let Some(cursor) = self.cursors.get_mut(shard) {
                cursor.advance();
            }
        }
        if outcome.is_err() {
            self.pending.extend(read);
        } else {
            self.metrics.hub_waiting.set(0);
        }
        outcome
    }

    async fn load_cursors(&mut self, owned: &BTreeMap<Shard, Epoch>) -> Result<(), PassError> {
        let unknown: Vec<Shard> = self
            .pending
            .iter()
            .filter(|shard| !self.cursors.contains_key(shard))
            .copied()
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        for cursor in self.journal.cursors(&unknown).await? {
            if let Some(epoch) = owned.get(&cursor.shard) {
                self.cursors.insert(cursor.shard, ShardCursor::new(cursor.row, *epoch));
            }
        }
        Ok(())
    }

    /// Messages by session, oldest last. Rows without a message are confirmed at once.
    fn queue(&mut self, rows: Vec<(Shard, RelayRow)>) -> Queues {
        let mut queues = Queues::new();
        let mut blocked: BTreeSet<Shard> = BTreeSet::new();
        for (shard, row) in rows {
            let Some(cursor) = self.cursors.get_mut(&shard) else { continue };
            if blocked.contains(&shard) || !cursor.read(row.row) {
                continue;
            }
            // A panic would end every owner of the shard, one after the other.
            let told = catch_unwind(|| hub_message(row.session, &row.event))
                .map_err(|_| "panicked".to_owned())
                .and_then(|told| told.map_err(|error| error.to_string()));
            match told {
                Ok(None) => cursor.confirm(row.row),
                Ok(Some(message)) => {
                    queues.entry(row.session).or_default().push((shard, row.row, message));
                }
                Err(error) => {
                    tracing::error!(%shard, row = row.row, %error, "event cannot be relayed");
                    self.metrics.hub_corrupt.inc();
                    blocked.insert(shard);
                }
            }
        }
        queues.values_mut().for_each(|queue| queue.reverse());
        queues
    }

    /// Publishes in waves: of each session the next message, when the one before is confirmed.
    async fn publish(&mut self, rows: Vec<(Shard, RelayRow)>) -> Result<(), PassError> {
        let mut queues = self.queue(rows);
        let mut nacked = false;
        loop {
            let (mut wave, mut messages) = (Vec::new(), Vec::new());
            for (session, queue) in &mut queues {
                if let Some((shard, row, message)) = queue.pop() {
                    wave.push((*session, shard, row));
                    messages.push(message);
                }
            }
            if wave.is_empty() {
                return if nacked { Err(PassError::Nacked) } else { Ok(()) };
            }
            let confirmations = self.hub.publish(&messages).await?;
            for ((session, shard, row), confirmation) in wave.into_iter().zip(confirmations) {
                match confirmation {
                    Confirmation::Confirmed { routed } => {
                        self.metrics.hub_confirmed.inc();
                        self.metrics.hub_unrouted.inc_by(u64::from(!routed));
                        if let Some(cursor) = self.cursors.get_mut(&shard) {
                            cursor.confirm(row);
                        }
                    }
                    Confirmation::Nacked => {
                        nacked = true;
                        queues.remove(&session);
                    }
                }
            }
        }
    }

    async fn store_cursors(&mut self) -> Result<(), PassError> {
        if self.stored_at.elapsed() < STORE {
            return Ok(());
        }
        self.stored_at = Instant::now();
        let unstored = |(shard, cursor): (&Shard, &ShardCursor)| {
            Some((HubCursor { shard: *shard, row: cursor.unstored()? }, cursor.epoch))
        };
        let unstored: Vec<_> = self.cursors.iter().filter_map(unstored).collect();
        if unstored.is_empty() {
            return Ok(());
        }
        let held = self.journal.move_cursors(&unstored).await?;
        for (cursor, _) in unstored {
            if !held.contains(&cursor.shard) {
                tracing::info!(shard = %cursor.shard, "hub cursor is fenced");
                self.cursors.remove(&cursor.shard);
            } else if let Some(kept) = self.cursors.get_mut(&cursor.shard) {
                kept.stored(cursor.row);
            }
        }
        Ok(())
    }
}
