//! Reads of the journal beside the shard tasks: activations, history, tails, trails.
//!
//! Invariants: at most [`ACTIVATIONS_AT_ONCE`] activations at a time, those that commands wait for
//! first; an activation is counted in the journal before it starts and cleared after (SAFETY S14);
//! what is loaded is a fold of the journal.

mod fold;
mod tail;
mod trail;

use std::sync::Arc;
use std::time::Duration;

use gss_session::Session;
use gss_shared::ids::{ActionId, Epoch, Position, SessionId, Shard, ShardCount, Version};
use gss_shared::limits::{ACTIVATION_TRIES, ACTIVATIONS_AT_ONCE};
use gss_shared::ports::journal::{FoundAction, Journal, JournalError, Snapshot};
use tokio::sync::Semaphore;

use crate::limits::{JOURNAL_READS_AT_ONCE, LARGE_STATE_BYTES, READ_ACTIVATIONS_AT_ONCE};
use crate::metrics::Metrics;
use crate::work::{Candidate, LoadError, Loaded};

pub use tail::Tail;

const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_millis(1_000);
/// Tries of a snapshot of cadence: the next one is due soon anyway.
const SAVE_TRIES: u32 = 5;

/// The node's loader.
pub struct Loader {
    journal: Arc<dyn Journal>,
    shards: ShardCount,
    metrics: Metrics,
    activations: Semaphore,
    read_activations: Semaphore,
    reads: Semaphore,
}

impl Loader {
    /// One per node: its bounds are the node's.
    pub fn new(journal: Arc<dyn Journal>, shards: ShardCount, metrics: Metrics) -> Self {
        Self {
            journal,
            shards,
            metrics,
            activations: Semaphore::new(ACTIVATIONS_AT_ONCE),
            read_activations: Semaphore::new(READ_ACTIVATIONS_AT_ONCE),
            reads: Semaphore::new(JOURNAL_READS_AT_ONCE),
        }
    }

    /// Loads a session. Waits while the journal does not answer: requests that wait for it are
    /// refused when they are late.
    ///
    /// # Errors
    /// [`LoadError::Quarantined`]: it cannot be read, or earlier activations did not survive.
    pub async fn activate(
        &self,
        session: SessionId,
        for_commands: bool,
    ) -> Result<Box<Loaded>, LoadError> {
        let _turn = if for_commands { None } else { self.read_activations.acquire().await.ok() };
        let _place = self.activations.acquire().await;
        self.metrics.activations.inc();
        let begun = retry(|| self.journal.begin_activation(session)).await;
        let begun = begun.map_err(|error| self.quarantine(session, &error.to_string()))?;
        if begun > ACTIVATION_TRIES {
            return Err(self.quarantine(session, "activations did not complete"));
        }
        let loaded = match retry(|| self.load(session, None)).await {
            Ok(loaded) => loaded,
            Err(error) => return Err(self.quarantine(session, &error.to_string())),
        };
        if let Err(error) = retry(|| self.journal.end_activation(session)).await {
            tracing::warn!(%session, %error, "activation cannot be marked as complete");
        }
        Ok(Box::new(loaded))
    }

    fn quarantine(&self, session: SessionId, why: &str) -> LoadError {
        tracing::error!(%session, why, "session is quarantined");
        self.metrics.quarantined.inc();
        LoadError::Quarantined
    }

    /// The session as of a version; None: it has no such version.
    ///
    /// # Errors
    /// [`LoadError::Quarantined`]: it cannot be read.
    pub async fn history(
        &self,
        session: SessionId,
        version: Version,
    ) -> Result<Option<Box<Session>>, LoadError> {
        let _place = self.reads.acquire().await;
        match retry(|| self.load(session, Some(version))).await {
            Ok(loaded) => {
                Ok(loaded.session.filter(|then| then.position().version == version).map(Box::new))
            }
            Err(error) => {
                tracing::error!(%session, %version, %error, "history cannot be read");
                Err(LoadError::Quarantined)
            }
        }
    }

    /// Those of these actions that were accepted.
    ///
    /// # Errors
    /// [`LoadError::Quarantined`]: they cannot be read.
    pub async fn find(
        &self,
        session: SessionId,
        actions: &[ActionId],
    ) -> Result<Vec<FoundAction>, LoadError> {
        let _place = self.reads.acquire().await;
        retry(|| self.journal.find_actions(session, actions))
            .await
            .map_err(|error| self.quarantine(session, &error.to_string()))
    }

    /// Where sessions stand.
    pub async fn heads(&self, shard: Shard, sessions: &[SessionId]) -> Vec<(SessionId, Position)> {
        let _place = self.reads.acquire().await;
        match retry(|| self.journal.heads(shard, sessions)).await {
            Ok(heads) => heads,
            Err(error) => {
                tracing::error!(%shard, %error, "heads cannot be read");
                Vec::new()
            }
        }
    }

    /// Stores a snapshot under the epoch. False: not stored.
    pub async fn save(
        &self,
        shard: Shard,
        epoch: Epoch,
        session: SessionId,
        candidate: Candidate,
    ) -> bool {
        let Candidate { session: state, position, at, saved } = candidate;
        let tries = if saved.is_some() { u32::MAX } else { SAVE_TRIES };
        let Some(state) = encode(state).await else {
            tracing::error!(%session, "snapshot cannot be encoded");
            return false;
        };
        let (metadata, saved_by) = saved.unzip();
        let snapshot = Snapshot { position, state, at, metadata, saved_by };
        let mut pause = FIRST_RETRY;
        for _ in 0..tries {
            let _place = self.reads.acquire().await;
            let stored = self.journal.save_snapshot(shard, epoch, session, snapshot.clone()).await;
            match stored {
                Ok(stored) => {
                    self.metrics.snapshots.inc_by(u64::from(stored));
                    return stored;
                }
                Err(JournalError::Corrupt(why)) => {
                    tracing::error!(%session, why, "snapshot is refused");
                    return false;
                }
                Err(JournalError::Unavailable(error)) => {
                    tracing::debug!(%session, %error, "snapshot waits");
                }
            }
            wait(&mut pause).await;
        }
        false
    }
}

async fn encode(state: Session) -> Option<String> {
    if state.size_bytes() < LARGE_STATE_BYTES {
        return Some(state.snapshot());
    }
    tokio::task::spawn_blocking(move || state.snapshot()).await.ok()
}

async fn wait(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LAST_RETRY);
}

/// Repeats until the journal answers.
async fn retry<T, F>(mut act: impl FnMut() -> F) -> Result<T, JournalError>
where
    F: Future<Output = Result<T, JournalError>>,
{
    let mut pause = FIRST_RETRY;
    loop {
        match act().await {
            Err(JournalError::Unavailable(error)) => {
                tracing::debug!(%error, "journal is unavailable, trying again");
                wait(&mut pause).await;
            }
            done => return done,
        }
    }
}
