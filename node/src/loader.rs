//! Reads of the journal beside the shard tasks: activations, history, tails, trails.
//!
//! Invariants: at most [`ACTIVATIONS_AT_ONCE`] activations at a time, those that commands wait for
//! first; an activation is counted in the journal before it starts and cleared after, however it
//! ends, but by the death of the process (SAFETY S14), and a process counts a session once at most
//! until the journal said that the count is cleared; what is loaded is a fold of the journal.

mod fold;
mod tail;
mod trail;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gss_session::Session;
use gss_shared::beside::beside;
use gss_shared::ids::{ActionId, Epoch, Position, SessionId, Shard, ShardCount, Version};
use gss_shared::limits::{ACTIVATION_TRIES, ACTIVATIONS_AT_ONCE};
use gss_shared::ports::journal::{FoundAction, Journal, JournalError, Snapshot};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio_util::sync::CancellationToken;

use crate::limits::{
    COUNTED, EARLY_ACTIVATIONS_AT_ONCE, JOURNAL_READS_AT_ONCE, LARGE_STATE_BYTES,
    READ_ACTIVATIONS_AT_ONCE, SAVES_AT_ONCE,
};
use crate::metrics::Metrics;
use crate::work::{Candidate, LoadError, Loaded, Stored, Urgency};

pub use tail::Tail;

const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_millis(1_000);
/// Tries of a snapshot in a row: one of cadence is due again soon, a save by the GM is kept.
const SAVE_TRIES: u32 = 5;
/// How long the end of an activation may take to be marked.
const END_PATIENCE: Duration = Duration::from_millis(1_000);

/// What an activation of this process left in the journal.
#[derive(Clone, Copy, Debug)]
enum Count {
    /// Nothing.
    None,
    /// One, or nothing.
    Unknown,
    /// One.
    Known,
}

/// The node's loader.
pub struct Loader {
    journal: Arc<dyn Journal>,
    shards: ShardCount,
    metrics: Metrics,
    activations: Semaphore,
    read_activations: Semaphore,
    early_activations: Semaphore,
    reads: Semaphore,
    saves: Semaphore,
    /// Sessions that this process counted, or may have, at most [`COUNTED`]: it lives, so it does not
    /// count them again.
    counted: Mutex<BTreeSet<SessionId>>,
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
            early_activations: Semaphore::new(EARLY_ACTIVATIONS_AT_ONCE),
            reads: Semaphore::new(JOURNAL_READS_AT_ONCE),
            saves: Semaphore::new(SAVES_AT_ONCE),
            counted: Mutex::default(),
        }
    }

    /// Loads a session until `end` and gives it to `to`; then marks in the journal that the process
    /// survived it. Waits while the journal does not answer: requests that wait for it are refused
    /// when they are late.
    ///
    /// [`LoadError::Quarantined`]: it cannot be read, or earlier activations did not survive.
    /// [`LoadError::Unavailable`]: it ended before.
    pub async fn activate(
        &self,
        session: SessionId,
        urgency: Urgency,
        end: &CancellationToken,
        to: oneshot::Sender<Result<Box<Loaded>, LoadError>>,
    ) {
        let (loaded, count) = self.activated(session, urgency, end).await;
        // Who asked may be gone: the shard is another's.
        let _gone = to.send(loaded);
        match count {
            Count::None => {}
            Count::Unknown => _ = self.over(session).await,
            Count::Known => {
                if self.over(session).await {
                    self.counted().remove(&session);
                }
            }
        }
    }

    /// The loaded session, and what the journal counts against it.
    async fn activated(
        &self,
        session: SessionId,
        urgency: Urgency,
        end: &CancellationToken,
    ) -> (Result<Box<Loaded>, LoadError>, Count) {
        let place = async {
            let turn = match urgency {
                Urgency::Commands => None,
                Urgency::Reads(hurry) => until(hurry, &self.read_activations).await,
                Urgency::Nothing(hurry) => until(hurry, &self.early_activations).await,
            };
            (turn, self.activations.acquire().await)
        };
        let Some(_place) = end.run_until_cancelled(place).await else {
            return (Err(LoadError::Unavailable), Count::None);
        };
        self.metrics.activations.inc();
        let begun = match end.run_until_cancelled(self.begin(session)).await {
            Some(Ok(begun)) => begun,
            Some(Err(error)) => {
                self.counted().remove(&session);
                return (Err(self.quarantine(session, &error.to_string())), Count::None);
            }
            None => None,
        };
        if begun.is_some_and(|begun| begun > ACTIVATION_TRIES) {
            self.counted().remove(&session);
            let why = "activations did not complete, delete its row of `activations` to try again";
            return (Err(self.quarantine(session, why)), Count::None);
        }
        let loaded = match end.run_until_cancelled(retry(|| self.load(session, None))).await {
            Some(Ok(loaded)) => Ok(Box::new(loaded)),
            Some(Err(error)) => Err(self.quarantine(session, &error.to_string())),
            None => Err(LoadError::Unavailable),
        };
        (loaded, if begun.is_some() { Count::Known } else { Count::Unknown })
    }

    fn counted(&self) -> MutexGuard<'_, BTreeSet<SessionId>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this process did not count the session yet; from now on it did.
    fn is_first(&self, session: SessionId) -> bool {
        let mut counted = self.counted();
        let first = counted.insert(session);
        if counted.len() > COUNTED {
            counted.pop_first();
        }
        first
    }

    /// Counts an activation; returns how many processes began one and did not end it, this one
    /// included. None: that is not known, or this process was counted before. A try without an answer
    /// may be counted, even after the mark that it is over, and is not repeated: in an outage one
    /// death, or none, would count as many.
    async fn begin(&self, session: SessionId) -> Result<Option<u32>, JournalError> {
        if !self.is_first(session) {
            return Ok(None);
        }
        match self.journal.begin_activation(session).await {
            Err(JournalError::Unavailable(error)) => {
                tracing::debug!(%session, %error, "activation may not be counted");
                Ok(None)
            }
            counted => counted.map(Some),
        }
    }

    /// The process has survived the activation, whatever came of it. True: the journal knows.
    async fn over(&self, session: SessionId) -> bool {
        let end = retry(|| self.journal.end_activation(session));
        match tokio::time::timeout(END_PATIENCE, end).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => {
                tracing::warn!(%session, %error, "activation cannot be marked as complete");
            }
            Err(_) => tracing::warn!(%session, "activation is not marked as complete in time"),
        }
        false
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

    /// Stores a snapshot under the epoch.
    pub async fn save(
        &self,
        shard: Shard,
        epoch: Epoch,
        session: SessionId,
        candidate: &Candidate,
    ) -> Stored {
        let _place = self.saves.acquire().await;
        let Candidate { session: state, position, at, saved } = candidate;
        let Some(state) = encode(state.clone()).await else {
            tracing::error!(%session, "snapshot cannot be encoded");
            return Stored::Refused;
        };
        let (metadata, saved_by) = saved.clone().unzip();
        let snapshot = Snapshot { position: *position, state, at: *at, metadata, saved_by };
        let mut pause = FIRST_RETRY;
        for _ in 0..SAVE_TRIES {
            let stored = self.journal.save_snapshot(shard, epoch, session, snapshot.clone()).await;
            match stored {
                Ok(true) => {
                    self.metrics.snapshots.inc();
                    return Stored::Done;
                }
                Ok(false) => return Stored::Not,
                Err(JournalError::Corrupt(why)) => {
                    tracing::error!(%session, why, "snapshot is refused");
                    return Stored::Refused;
                }
                Err(JournalError::Unavailable(error)) => {
                    tracing::debug!(%session, %error, "snapshot waits");
                }
            }
            wait(&mut pause).await;
        }
        Stored::Not
    }
}

async fn encode(state: Session) -> Option<String> {
    beside(state.size_bytes() >= LARGE_STATE_BYTES, move || state.snapshot()).await.ok()
}

/// A place among few, or none any more when a command comes.
async fn until(hurry: oneshot::Receiver<()>, few: &Semaphore) -> Option<SemaphorePermit<'_>> {
    tokio::select! {
        Ok(()) = hurry => None,
        place = few.acquire() => place.ok(),
    }
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
