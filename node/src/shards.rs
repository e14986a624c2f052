//! The registry of shard tasks: starts and ends them as ownership says, publishes the routes, tells
//! routers what is served.
//!
//! Invariants: a shard has at most one task that decides; its loss is announced before its lease is
//! released; every mailbox that was published is read until its last sender is gone, so that each
//! request gets an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gss_shared::ids::{Epoch, NodeId, SessionId, Shard};
use gss_shared::limits::SHARD_MAILBOX;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::ANNOUNCEMENTS;
use crate::metrics::Metrics;
use crate::ownership_events::OwnershipEvent;
use crate::relay_wake::RelayWake;
use crate::routes::{Announcement, Route, Routes, Service};
use crate::shard::Input;
use crate::shard_task::{self, Ended, Mailbox, ShardHandle, ShardTools};

/// Ownership events handled before routers are told.
const EVENTS_AT_ONCE: usize = 64;

/// What became of a shard that fenced itself.
pub trait FenceKeeper: Send + Sync + 'static {
    /// Another epoch was found; service has ended.
    fn fenced(&self, shard: Shard, epoch: Epoch);
}

impl FenceKeeper for crate::ownership_task::OwnershipHandle {
    fn fenced(&self, shard: Shard, epoch: Epoch) {
        Self::fenced(self, shard, epoch);
    }
}

struct Served {
    handle: ShardHandle,
    epoch: Epoch,
    /// Its pulse at the last question; None: it was just taken.
    pulse: Option<u64>,
    stop: Option<(Option<NodeId>, oneshot::Sender<Vec<SessionId>>)>,
}

/// The registry.
struct Registry {
    tools: ShardTools,
    tasks: TaskTracker,
    metrics: Metrics,
    relay: Arc<RelayWake>,
    served: BTreeMap<Shard, Served>,
    expected: BTreeMap<Shard, Mailbox>,
    routes: watch::Sender<Routes>,
    announcements: broadcast::Sender<Announcement>,
    owns: Vec<(Shard, Epoch)>,
    lost: Vec<(Shard, Epoch, Option<NodeId>)>,
    /// Said when the loss is announced, with the sessions that were played until then.
    drained: Vec<(oneshot::Sender<Vec<SessionId>>, Vec<SessionId>)>,
}

/// What the registry reads.
pub struct RegistryInbox {
    /// From ownership.
    pub events: mpsc::Receiver<OwnershipEvent>,
    /// From shard tasks.
    pub ended: mpsc::Receiver<Ended>,
}

/// The registry and what link tasks see of it. Run the future on a tracked task.
pub fn registry(
    tools: ShardTools,
    relay: Arc<RelayWake>,
    tasks: TaskTracker,
) -> (Service, impl FnOnce(RegistryInbox, Arc<dyn FenceKeeper>, CancellationToken) -> Running) {
    let registry = Registry::new(tools, relay, tasks);
    let (routes, announcements) = (registry.routes.subscribe(), registry.announcements.clone());
    let service = Service { routes, announcements };
    (service, move |inbox, keeper, stop| Box::pin(registry.run(inbox, keeper, stop)))
}

/// The registry at work.
pub type Running = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn mailbox() -> Mailbox {
    mpsc::channel(SHARD_MAILBOX)
}

impl Registry {
    fn new(tools: ShardTools, relay: Arc<RelayWake>, tasks: TaskTracker) -> Self {
        Self {
            metrics: tools.metrics.clone(),
            tools,
            tasks,
            relay,
            served: BTreeMap::new(),
            expected: BTreeMap::new(),
            routes: watch::channel(Routes::default()).0,
            announcements: broadcast::channel(ANNOUNCEMENTS).0,
            owns: Vec::new(),
            lost: Vec::new(),
            drained: Vec::new(),
        }
    }

    async fn run(
        mut self,
        mut inbox: RegistryInbox,
        keeper: Arc<dyn FenceKeeper>,
        stop: CancellationToken,
    ) {
        let mut events = Vec::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => {
                    // Tasks end with the last sender to their mailboxes.
                    self.routes.send_replace(Routes::default());
                    return;
                }
                received = inbox.events.recv_many(&mut events, EVENTS_AT_ONCE) => {
                    if received == 0 {
                        return;
                    }
                    for event in events.drain(..) {
                        self.handle(event);
                    }
                }
                Some(ended) = inbox.ended.recv() => self.ended(ended, keeper.as_ref()),
            }
            self.announce();
        }
    }

    fn handle(&mut self, event: OwnershipEvent) {
        match event {
            OwnershipEvent::Serve { shard, epoch } => self.serve(shard, epoch),
            OwnershipEvent::Expect { shard } => {
                if !self.served.contains_key(&shard) {
                    let (mailbox, _) = self.expected.entry(shard).or_insert_with(mailbox);
                    let route = Route { mailbox: mailbox.clone(), epoch: None };
                    self.routes.send_modify(|routes| drop(routes.insert(shard, route)));
                }
            }
            OwnershipEvent::ExpectNoMore { shard } => {
                if let Some(mailbox) = self.expected.remove(&shard) {
                    self.routes.send_modify(|routes| drop(routes.remove(&shard)));
                    shard_task::refuse(shard, mailbox, &self.tools, &self.tasks);
                }
            }
            OwnershipEvent::Stop { shard, epoch, successor, drained } => {
                self.stop(shard, epoch, successor, drained);
            }
            OwnershipEvent::Drop { shard, epoch, owner } => {
                if self.served.get(&shard).is_some_and(|served| served.epoch <= epoch) {
                    self.remove(shard, owner, Vec::new());
                }
            }
            OwnershipEvent::Alive { reply } => {
                // Ownership that does not wait any more asks again.
                let _late = reply.send(self.alive());
            }
        }
    }

    fn serve(&mut self, shard: Shard, epoch: Epoch) {
        if let Some(served) = self.served.get_mut(&shard) {
            if epoch > served.epoch {
                served.epoch = epoch;
                deliver(&self.tasks, &served.handle.mailbox, Input::Raised(epoch));
                self.route(shard);
            }
            return;
        }
        let mailbox = self.expected.remove(&shard).unwrap_or_else(mailbox);
        let handle = shard_task::spawn(shard, epoch, mailbox, &self.tools, &self.tasks);
        self.served.insert(shard, Served { handle, epoch, pulse: None, stop: None });
        self.route(shard);
        // What a former owner committed may not have been relayed.
        self.relay.committed([shard]);
    }

    /// Publishes where a served shard's frames go, then that it is served.
    fn route(&mut self, shard: Shard) {
        let Some(Served { handle, epoch, .. }) = self.served.get(&shard) else { return };
        let route = Route { mailbox: handle.mailbox.clone(), epoch: Some(*epoch) };
        self.owns.push((shard, *epoch));
        self.routes.send_modify(|routes| drop(routes.insert(shard, route)));
    }

    fn stop(
        &mut self,
        shard: Shard,
        epoch: Epoch,
        successor: Option<NodeId>,
        drained: oneshot::Sender<Vec<SessionId>>,
    ) {
        let Some(served) = self.served.get_mut(&shard).filter(|served| served.epoch <= epoch)
        else {
            // Not served under that epoch: nothing of it is in flight.
            self.drained.push((drained, Vec::new()));
            return;
        };
        served.stop = Some((successor.clone(), drained));
        deliver(&self.tasks, &served.handle.mailbox, Input::Stop(successor));
    }

    fn ended(&mut self, ended: Ended, keeper: &dyn FenceKeeper) {
        let served = self.served.get(&ended.shard);
        if served.is_none_or(|served| served.handle.number != ended.task) {
            // Of a task that was let go before, maybe for one that serves now.
            return;
        }
        if ended.fenced {
            keeper.fenced(ended.shard, ended.epoch);
        }
        self.remove(ended.shard, None, ended.playing);
    }

    fn remove(&mut self, shard: Shard, owner: Option<NodeId>, playing: Vec<SessionId>) {
        let Some(served) = self.served.remove(&shard) else { return };
        self.routes.send_modify(|routes| drop(routes.remove(&shard)));
        let (successor, drained) = served.stop.unzip();
        let owner = successor.flatten().or(owner);
        served.handle.dropped.send_replace(Some(owner.clone()));
        self.lost.push((shard, served.epoch, owner));
        self.drained.extend(drained.map(|drained| (drained, playing)));
    }

    /// Shards whose task did something since the last question; each is nudged for the next.
    fn alive(&mut self) -> BTreeSet<Shard> {
        let mut alive = BTreeSet::new();
        for (shard, served) in &mut self.served {
            let pulse = served.handle.pulse.load(Ordering::Relaxed);
            if served.pulse.replace(pulse) != Some(pulse) {
                alive.insert(*shard);
            } else {
                tracing::warn!(%shard, "shard does not answer, its lease is not renewed");
            }
            // A full mailbox moves the pulse as well, if the task lives.
            let nudged = served.handle.mailbox.try_send(Input::Ping);
            tracing::trace!(%shard, nudged = nudged.is_ok(), "nudged");
        }
        alive
    }

    /// Tells routers what changed.
    fn announce(&mut self) {
        let (owns, lost) = (std::mem::take(&mut self.owns), std::mem::take(&mut self.lost));
        for announcement in [
            (!lost.is_empty()).then_some(Announcement::Lost(lost)),
            (!owns.is_empty()).then_some(Announcement::Owns(owns)),
        ] {
            // Without links there is nobody to tell.
            let _listeners = announcement.map(|told| self.announcements.send(told));
        }
        self.metrics.shards.set(i64::try_from(self.served.len()).unwrap_or(i64::MAX));
        for (drained, playing) in self.drained.drain(..) {
            // Ownership that does not wait has dropped the shard already.
            let _late = drained.send(playing);
        }
    }
}

/// Puts an input into a mailbox that may be full, beside the registry.
fn deliver(tasks: &TaskTracker, mailbox: &mpsc::Sender<Input>, input: Input) {
    if let Err(mpsc::error::TrySendError::Full(input)) = mailbox.try_send(input) {
        let mailbox = mailbox.clone();
        tasks.spawn(async move {
            if mailbox.send(input).await.is_err() {
                tracing::debug!("shard is gone");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use gss_shared::ids::ShardCount;

    use super::*;
    use crate::shard_task::tests::Still;

    #[derive(Default)]
    struct Fences(Mutex<Vec<Epoch>>);

    impl FenceKeeper for Fences {
        fn fenced(&self, _: Shard, epoch: Epoch) {
            self.0.lock().expect("lock").push(epoch);
        }
    }

    #[tokio::test]
    async fn the_end_of_a_former_task_is_not_the_end_of_the_one_that_serves() {
        let (still, tasks, shard) = (Still::new().await, TaskTracker::new(), Shard(0));
        let wake = Arc::new(RelayWake::new(ShardCount(1)));
        let mut registry = Registry::new(still.tools.clone(), wake, tasks);
        registry.serve(shard, Epoch(5));
        let former = registry.served[&shard].handle.number;
        registry.remove(shard, None, Vec::new());
        registry.serve(shard, Epoch(6));
        let present = registry.served[&shard].handle.number;
        let fences = Fences::default();
        let ended =
            |task, fenced| Ended { task, shard, epoch: Epoch(6), fenced, playing: Vec::new() };
        // Its last check read the epoch that its successor serves under.
        for fenced in [false, true] {
            registry.ended(ended(former, fenced), &fences);
            assert!(registry.served.contains_key(&shard));
        }
        assert_eq!(*fences.0.lock().expect("lock"), []);
        registry.ended(ended(present, true), &fences);
        assert!(registry.served.is_empty());
        assert_eq!(*fences.0.lock().expect("lock"), [Epoch(6)]);
        still.tools.stop.cancel();
    }
}
