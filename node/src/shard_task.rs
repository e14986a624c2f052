//! The shell of [`crate::shard`]: one task per owned shard. Takes what comes, lets sessions decide
//! turn by turn, and carries out effects beside itself. Never waits for the journal.
//!
//! It ends when its mailbox has no senders any more, or with the process; from the moment the shard
//! is another's it answers everything with "not the owner".

mod effects;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gss_shared::clock::Clock;
use gss_shared::hot_keys::HotKeys;
use gss_shared::ids::{Epoch, NodeId, SessionId, Shard as ShardId};
use gss_shared::ports::journal::Part;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::chance::Chance;
use crate::characters::CharacterService;
use crate::epoch_check::{Check, Checked};
use crate::journal_batch::{ShardSender, Submission};
use crate::journal_writer::WriterHandle;
use crate::limits::{SHARD_IN_FLIGHT, SHARD_RESULTS};
use crate::loader::Loader;
use crate::metrics::Metrics;
use crate::shard::{Depth, Input, Present, Shard};
use crate::work::{Effect, Fact, Verdict};

const TICK: Duration = Duration::from_millis(1_000);
/// Inputs taken in a row before sessions decide again.
const INPUTS_IN_A_ROW: usize = 64;

/// What all shard tasks of a node use.
#[derive(Clone)]
pub struct ShardTools {
    /// Appends.
    pub writer: WriterHandle,
    /// Reads the journal beside.
    pub loader: Arc<Loader>,
    /// The character service.
    pub characters: Arc<CharacterService>,
    /// Checks epochs.
    pub checks: mpsc::Sender<Check>,
    /// The journal's time.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
    /// No memory for more sessions.
    pub full: watch::Receiver<bool>,
    /// Time until a request's router gives it up: the operator's.
    pub budget: Duration,
    /// Told what ended.
    pub ended: mpsc::Sender<Ended>,
    /// Keys for other services, where Redis is.
    pub hot: Option<Arc<HotKeys>>,
    /// Work beside the tasks.
    pub jobs: TaskTracker,
    /// Ends all tasks with the process.
    pub stop: CancellationToken,
}

/// A shard's service is over.
#[derive(Debug)]
pub struct Ended {
    /// Which task of it.
    pub task: u64,
    /// The shard.
    pub shard: ShardId,
    /// Its last epoch here.
    pub epoch: Epoch,
    /// Another epoch was found in the journal; else it was stopped and is drained.
    pub fenced: bool,
    /// Sessions that were played until just now.
    pub playing: Vec<SessionId>,
}

/// How the registry holds a shard task.
#[derive(Debug)]
pub struct ShardHandle {
    /// Of all tasks of this process.
    pub number: u64,
    /// Its mailbox.
    pub mailbox: mpsc::Sender<Input>,
    /// Ends service at once: the owner, if known.
    pub dropped: watch::Sender<Option<Option<NodeId>>>,
    /// Moves whenever the task does something.
    pub pulse: Arc<AtomicU64>,
}

struct ShardTask {
    number: u64,
    shard: Shard,
    tools: ShardTools,
    chance: Chance,
    mailbox: mpsc::Receiver<Input>,
    verdicts: mpsc::Receiver<Verdict>,
    facts: mpsc::Receiver<Fact>,
    sender: ShardSender,
    check: Option<oneshot::Receiver<Checked>>,
    dropped: watch::Receiver<Option<Option<NodeId>>>,
    stalled: watch::Receiver<bool>,
    backlog: VecDeque<Part>,
    outstanding: usize,
    hot: BTreeSet<SessionId>,
    depth: Depth,
    pulse: Arc<AtomicU64>,
    /// Ends work beside the task when service ends.
    jobs_end: CancellationToken,
    ended: bool,
}

/// What woke the task.
enum Woken {
    Dropped,
    Verdict(Verdict),
    Fact(Fact),
    Checked(Option<Checked>),
    Input(Option<Input>),
    Room,
    Tick,
    Stalled,
    Turn,
}

/// A mailbox, and what reads it: service may start later, or never.
pub type Mailbox = (mpsc::Sender<Input>, mpsc::Receiver<Input>);

/// Starts service of a shard under an epoch.
pub fn spawn(
    id: ShardId,
    epoch: Epoch,
    mailbox: Mailbox,
    tools: &ShardTools,
    tasks: &TaskTracker,
) -> ShardHandle {
    let (task, handle) = prepare(id, epoch, mailbox, tools);
    tasks.spawn(task.run());
    handle
}

/// Answers what a mailbox holds as a task whose shard was another's from the start.
pub fn refuse(id: ShardId, mailbox: Mailbox, tools: &ShardTools, tasks: &TaskTracker) {
    let (task, handle) = prepare(id, Epoch(0), mailbox, tools);
    handle.dropped.send_replace(Some(None));
    tasks.spawn(task.run());
}

fn prepare(
    id: ShardId,
    epoch: Epoch,
    (mailbox, inbox): Mailbox,
    tools: &ShardTools,
) -> (ShardTask, ShardHandle) {
    static TASKS: AtomicU64 = AtomicU64::new(1);
    let (verdict_sender, verdicts) = mpsc::channel(SHARD_IN_FLIGHT);
    let (fact_sender, facts) = mpsc::channel(SHARD_RESULTS);
    let (drop_sender, dropped) = watch::channel(None);
    let pulse = Arc::<AtomicU64>::default();
    let number = TASKS.fetch_add(1, Ordering::Relaxed);
    let task = ShardTask {
        number,
        shard: Shard::new(id, epoch, tools.budget),
        chance: Chance::from_os(),
        mailbox: inbox,
        verdicts,
        facts,
        sender: ShardSender { verdicts: verdict_sender, facts: fact_sender },
        check: None,
        dropped,
        stalled: tools.writer.stalled(),
        backlog: VecDeque::new(),
        outstanding: 0,
        hot: BTreeSet::new(),
        depth: Depth::default(),
        pulse: Arc::clone(&pulse),
        jobs_end: CancellationToken::new(),
        ended: false,
        tools: tools.clone(),
    };
    (task, ShardHandle { number, mailbox, dropped: drop_sender, pulse })
}

impl ShardTask {
    async fn run(mut self) {
        // Not all shards at once: what a tick costs is spread over the second.
        let phase = Duration::from_millis(u64::from(self.shard.id().0) % 1_000);
        let mut tick = tokio::time::interval_at(Instant::now() + phase, TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut effects = Vec::new();
        let stop = self.tools.stop.clone();
        while let Some(woken) = stop.run_until_cancelled(self.wait(&mut tick)).await {
            self.pulse.fetch_add(1, Ordering::Relaxed);
            match woken {
                Woken::Input(None) => break,
                Woken::Input(Some(input)) => self.inputs(input, &mut effects),
                woken => self.handle(woken, &mut effects),
            }
            self.carry_out(&mut effects);
            self.flush();
        }
        self.jobs_end.cancel();
        self.count(Depth::default());
    }

    async fn wait(&mut self, tick: &mut tokio::time::Interval) -> Woken {
        let may_decide = self.shard.is_ready() && self.may_submit() && self.backlog.is_empty();
        let may_send = !self.backlog.is_empty() && self.outstanding < SHARD_IN_FLIGHT;
        let check = async {
            match &mut self.check {
                Some(check) => check.await.ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // The registry holds the sender as long as the mailbox; without it nothing is dropped.
            Ok(()) = self.dropped.changed() => Woken::Dropped,
            Some(verdict) = self.verdicts.recv() => Woken::Verdict(verdict),
            Some(fact) = self.facts.recv() => Woken::Fact(fact),
            checked = check => Woken::Checked(checked),
            _ = tick.tick() => Woken::Tick,
            _ = self.tools.writer.queue().reserve(), if may_send => Woken::Room,
            input = self.mailbox.recv() => Woken::Input(input),
            () = std::future::ready(()), if may_decide => Woken::Turn,
            Ok(()) = self.stalled.changed() => Woken::Stalled,
        }
    }

    /// Whether a decision could be submitted: while the journal stalls nothing more is decided.
    fn may_submit(&self) -> bool {
        self.outstanding < SHARD_IN_FLIGHT && !*self.stalled.borrow()
    }

    fn with(
        &mut self,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Shard, &mut Present<'_>, &mut Vec<Effect>),
    ) {
        let (now, at) = (self.tools.clock.now(), Instant::now());
        let (full, stalled) = (*self.tools.full.borrow(), *self.stalled.borrow());
        let chance = &mut self.chance;
        act(&mut self.shard, &mut Present { now, at, full, stalled, chance }, effects);
    }

    /// Takes some more inputs in a row, then lets a session decide: neither starves the other.
    fn inputs(&mut self, first: Input, effects: &mut Vec<Effect>) {
        let mut next = Some(first);
        for _ in 0..INPUTS_IN_A_ROW {
            let Some(input) = next.take() else { break };
            self.with(effects, |shard, present, out| shard.input(input, present, out));
            next = self.mailbox.try_recv().ok();
        }
        if let Some(input) = next {
            self.with(effects, |shard, present, out| shard.input(input, present, out));
        }
        if self.may_submit() && self.backlog.is_empty() {
            self.turn(effects);
        }
    }

    fn turn(&mut self, effects: &mut Vec<Effect>) {
        self.with(effects, |shard, present, out| {
            shard.step(present, out);
        });
    }

    fn handle(&mut self, woken: Woken, effects: &mut Vec<Effect>) {
        match woken {
            Woken::Dropped => {
                let owner = self.dropped.borrow_and_update().clone().flatten();
                self.abandon(owner);
            }
            Woken::Verdict(verdict) => {
                self.outstanding = self.outstanding.saturating_sub(verdict.covered);
                self.with(effects, |shard, present, out| shard.verdict(verdict, present, out));
            }
            Woken::Fact(fact) => {
                self.with(effects, |shard, present, out| shard.fact(fact, present, out));
            }
            Woken::Checked(checked) => {
                self.check = None;
                // The checker ended with the process.
                let checked = checked.unwrap_or(Checked { row: None, within_lease: false });
                self.with(effects, |shard, present, out| shard.checked(checked, present, out));
            }
            Woken::Tick => {
                self.with(effects, |shard, present, out| shard.tick(present, out));
                self.count(self.shard.depth());
                self.write_hot();
            }
            Woken::Turn => self.turn(effects),
            Woken::Room | Woken::Stalled | Woken::Input(_) => {}
        }
    }

    /// Hands submissions to the writer as far as it has room.
    fn flush(&mut self) {
        while self.outstanding < SHARD_IN_FLIGHT {
            let Some(part) = self.backlog.pop_front() else { return };
            let submission = Submission { part, shard: self.sender.clone() };
            match self.tools.writer.queue().try_send(submission) {
                Ok(()) => self.outstanding += 1,
                Err(mpsc::error::TrySendError::Full(back)) => {
                    self.backlog.push_front(back.part);
                    return;
                }
                // The process ends: what was not appended is answered by nobody.
                Err(mpsc::error::TrySendError::Closed(_)) => return,
            }
        }
    }

    fn count(&mut self, depth: Depth) {
        let change = |gauge: &prometheus::IntGauge, old: usize, new: usize| {
            gauge.add(i64::try_from(new).unwrap_or(i64::MAX) - i64::try_from(old).unwrap_or(0));
        };
        change(&self.tools.metrics.sessions, self.depth.resident, depth.resident);
        change(&self.tools.metrics.waiting, self.depth.waiting, depth.waiting);
        self.depth = depth;
    }
}
