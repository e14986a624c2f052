//! The node's one journal writer: natural group commit, no timer.
//!
//! Takes submissions of all shards, appends them in statements one after the other, tells each shard
//! its verdicts in order, and the fan-out what was committed. Invariants: one statement at a time; an
//! unknown outcome is settled by raising the epochs first, before anything else is appended or
//! answered (SAFETY S2); while the journal does not answer, `stalled` says so and nothing more is
//! decided (SAFETY L13).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use gss_shared::clock::Clock;
use gss_shared::ids::{Epoch, Incarnation, NodeId, Shard};
use gss_shared::ports::journal::{AppendError, Appended, Committed, Journal, JournalError, Part};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fan_out::FanOutHandle;
use crate::journal_batch::{Batch, Entry, ShardSender, Submission, pack};
use crate::limits::WRITER_QUEUE;
use crate::metrics::Metrics;
use crate::ownership_task::OwnershipHandle;
use crate::relay_wake::RelayWake;
use crate::work::Verdict;

const FIRST_RETRY: Duration = Duration::from_millis(20);
const LAST_RETRY: Duration = Duration::from_millis(1_000);
/// From the beginning of a busy statement to the next: each has a price of its own, and what is
/// decided meanwhile shares it.
const PACE: Duration = Duration::from_millis(10);
/// Submissions that make a statement a busy one: more than commonly meet while another is under way
/// as long as processors are idle, fewer than a pace brings once they are not.
const BUSY: usize = 4;
/// Turns of the scheduler in which submissions may join a statement that is about to go.
const BOARDING_TURNS: usize = 8;

/// What ownership has to be told by the writer.
pub trait EpochKeeper: Send + Sync + 'static {
    /// A commit went well.
    fn journal_ok(&self);
    /// Epochs were raised: shard, old, new.
    fn raised(&self, shards: &[(Shard, Epoch, Epoch)]);
}

impl EpochKeeper for OwnershipHandle {
    fn journal_ok(&self) {
        Self::journal_ok(self);
    }

    fn raised(&self, shards: &[(Shard, Epoch, Epoch)]) {
        Self::raised(self, shards);
    }
}

/// What the writer works with.
pub struct WriterPorts {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Who raises.
    pub node: NodeId,
    /// Which start.
    pub incarnation: Incarnation,
    /// Ownership.
    pub keeper: Arc<dyn EpochKeeper>,
    /// Gets what was committed.
    pub fan_out: FanOutHandle,
    /// Woken by commits.
    pub relay: Arc<RelayWake>,
    /// Corrected by the journal's clock.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
}

/// How shards reach the writer. Cheap to clone.
#[derive(Clone)]
pub struct WriterHandle {
    queue: mpsc::Sender<Submission>,
    stalled: watch::Receiver<bool>,
}

impl WriterHandle {
    /// The queue; full: hold back.
    pub fn queue(&self) -> &mpsc::Sender<Submission> {
        &self.queue
    }

    /// True while the journal does not answer.
    pub fn stalled(&self) -> watch::Receiver<bool> {
        self.stalled.clone()
    }
}

struct Writer {
    ports: WriterPorts,
    waiting: VecDeque<Submission>,
    stalled: watch::Sender<bool>,
    /// Epochs this writer raised to, by shard.
    raised: BTreeMap<Shard, Epoch>,
}

/// The writer and its handle. Run the future on a tracked task; it ends when all handles are dropped
/// or `stop` is cancelled.
pub fn writer(
    ports: WriterPorts,
    stop: CancellationToken,
) -> (WriterHandle, impl Future<Output = ()> + Send) {
    let (queue, inbox) = mpsc::channel(WRITER_QUEUE);
    let (stalled, watching) = watch::channel(false);
    let writer = Writer { ports, waiting: VecDeque::new(), stalled, raised: BTreeMap::new() };
    let run = async move {
        // A statement that is under way when the process stops is settled by the next owner.
        stop.run_until_cancelled(writer.run(inbox)).await;
    };
    (WriterHandle { queue, stalled: watching }, run)
}

impl Writer {
    async fn run(mut self, mut inbox: mpsc::Receiver<Submission>) {
        let mut arrived = Vec::new();
        let mut next = Instant::now();
        loop {
            if self.waiting.is_empty() && inbox.recv_many(&mut arrived, WRITER_QUEUE).await == 0 {
                return;
            }
            self.waiting.extend(arrived.drain(..));
            tokio::time::sleep_until(next).await;
            self.board(&mut inbox).await;
            if self.waiting.len() >= BUSY {
                next = Instant::now() + PACE;
            }
            let batch = pack(&mut self.waiting);
            self.append(batch).await;
        }
    }

    /// Lets what the process can decide without waiting come along: others run until none of them
    /// brings more. On an idle node this is one turn of the scheduler.
    async fn board(&mut self, inbox: &mut mpsc::Receiver<Submission>) {
        for _ in 0..BOARDING_TURNS {
            tokio::task::yield_now().await;
            let before = self.waiting.len();
            while self.waiting.len() < WRITER_QUEUE
                && let Ok(submission) = inbox.try_recv()
            {
                self.waiting.push_back(submission);
            }
            if self.waiting.len() == before {
                return;
            }
        }
    }

    async fn append(&mut self, batch: Batch) {
        let Batch { mut parts, entries } = batch;
        let under: Vec<Epoch> = parts.iter().map(|part| part.epoch).collect();
        let mut pause = FIRST_RETRY;
        let begun = Instant::now();
        let appended = loop {
            match self.ports.journal.append(parts).await {
                Ok(appended) => break appended,
                Err(AppendError::Unavailable(back, error)) => {
                    if !self.stalled.send_replace(true) {
                        tracing::warn!(%error, "journal is unavailable, commands wait");
                    }
                    parts = back;
                    wait(&mut pause).await;
                }
                Err(AppendError::Unknown(back, error)) => {
                    self.stalled.send_replace(true);
                    tracing::warn!(%error, "outcome of an append is unknown, settling it");
                    self.ports.metrics.unknown_outcomes.inc();
                    break self.settle(back).await;
                }
            }
        };
        // Every shard's task listens: only a change may wake them.
        if self.stalled.send_if_modified(|stalled| std::mem::replace(stalled, false)) {
            tracing::info!("journal answers again");
        }
        self.ports.keeper.journal_ok();
        self.ports.metrics.statement(begun.elapsed());
        self.tell(appended, entries, &under);
    }

    fn tell(&self, appended: Vec<Appended>, entries: Vec<Entry>, under: &[Epoch]) {
        let mut published = Vec::with_capacity(appended.len());
        for ((appended, entry), under) in appended.into_iter().zip(entries).zip(under) {
            let (shard, session, outcome) = match appended {
                Appended::Committed(committed) => {
                    let committed = Arc::new(committed);
                    published.push((Arc::clone(&committed), entry.shard.clone()));
                    let part = committed.part();
                    self.ports.metrics.committed(part.events.len());
                    (part.shard, part.session, Ok(committed))
                }
                Appended::Refused(part, refusal) => {
                    self.ports.metrics.refused(refusal);
                    (part.shard, part.session, Err(refusal))
                }
            };
            let epoch = self.raised.get(&shard).copied().unwrap_or(*under);
            let (covered, under) = (entry.covered, *under);
            let verdict = Verdict { session, covered, under, epoch, outcome };
            // The channel holds a verdict for every submission; closed: the shard was dropped.
            if let Err(TrySendError::Full(_)) = entry.shard.verdicts.try_send(verdict) {
                tracing::error!(%shard, "a shard's verdicts overflow");
            }
        }
        self.ports.relay.committed(published.iter().map(|(committed, _)| committed.part().shard));
        self.ports.fan_out.publish(published);
    }

    /// Raises the epochs, then reads what became of the parts.
    async fn settle(&mut self, mut parts: Vec<Part>) -> Vec<Appended> {
        let mut wanted: BTreeMap<Shard, Epoch> = BTreeMap::new();
        for part in &parts {
            // Parts of a former epoch may be among them: what may still commit is the latest.
            let epoch = wanted.entry(part.shard).or_insert(part.epoch);
            *epoch = (*epoch).max(part.epoch);
        }
        let mut pause = FIRST_RETRY;
        while let Err(error) = self.raise(&wanted).await {
            tracing::warn!(%error, "epochs cannot be raised yet");
            wait(&mut pause).await;
        }
        loop {
            let copy = parts.clone();
            match self.ports.journal.settle(parts).await {
                Ok(appended) => return appended,
                Err(error) => {
                    tracing::warn!(%error, "outcome cannot be read yet");
                    parts = copy;
                    wait(&mut pause).await;
                }
            }
        }
    }

    async fn raise(&mut self, wanted: &BTreeMap<Shard, Epoch>) -> Result<(), JournalError> {
        let me = (&self.ports.node, self.ports.incarnation);
        let expected: Vec<_> = wanted.iter().map(|(shard, epoch)| (*shard, *epoch)).collect();
        let asked = self.ports.clock.uncorrected();
        let (raised, time) = self.ports.journal.raise(&expected, me).await?;
        self.ports.clock.correct(asked, time);
        // A shard that is missing was raised by another, by ownership of this node, or by a try of ours
        // whose answer was lost: the service that decided these parts may be over, and is fenced.
        let told: Vec<_> = raised
            .iter()
            .filter_map(|(shard, epoch)| Some((*shard, *wanted.get(shard)?, *epoch)))
            .filter(|(_, old, new)| new > old)
            .collect();
        self.raised.extend(told.iter().map(|(shard, _, new)| (*shard, *new)));
        self.ports.keeper.raised(&told);
        Ok(())
    }
}

async fn wait(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LAST_RETRY);
}

/// What was committed, and the shard task to tell when it cannot be published.
pub type Published = Vec<(Arc<Committed>, ShardSender)>;
