//! The shell of [`crate::ownership`]: asks the directory each 250 ms, carries out acts, and tells
//! service. Holds no decision of its own.

mod job;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use gss_shared::clock::Clock;
use gss_shared::ids::{Epoch, NodeId, SessionId, Shard};
use gss_shared::ports::directory::{Directory, Lease, MemberRecord, View};
use gss_shared::ports::journal::Journal;
use gss_shared::vital;
use job::Job;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::metrics::Metrics;
use crate::ownership::{Act, DropCause, Ownership, POLL_MS, Reply, Settings, Verified};
use crate::ownership_events::{OwnershipEvent, Peers};

/// Notices waiting for the task. One that does not fit is dropped: what it says is found out again
/// by the next renewal.
const NOTICES: usize = 4_096;
/// Notices taken in a row before their acts are carried out together.
const NOTICES_AT_ONCE: usize = 64;
/// Offers waiting for room; beyond, they are refused, and repeated later.
const OFFERS_WAITING: usize = 64;
/// An offer is refused after this long: its owner takes it as refused soon after.
const OFFER_PATIENCE_MS: u64 = 500;
/// Between two publications of the standing: it is made anew for all shards.
const PUBLISH: Duration = Duration::from_millis(20);
/// How often an idle node makes sure that it reaches the journal.
const JOURNAL_CHECK: Duration = Duration::from_millis(1_000);

enum Notice {
    Round(View),
    Alive(BTreeSet<Shard>),
    Acquired { results: Vec<(Shard, Option<Epoch>)>, gate: bool },
    Verified(Vec<(Shard, Epoch, Verified)>),
    OfferAnswered { shard: Shard, epoch: Epoch, to: NodeId, accepted: bool },
    Drained(Shard, Epoch, Vec<SessionId>),
    JournalOk,
    Fenced(Shard, Epoch),
    Raised(Vec<(Shard, Epoch, Epoch)>),
    Offered { shard: Shard, reply: oneshot::Sender<bool> },
    Released(Shard, Epoch),
    ReleaseDone,
    Draining(bool),
}

/// What a few notices in a row lead to.
#[derive(Default)]
struct Outcome {
    acts: Vec<Act>,
    /// To offers, once their shards are expected.
    answers: Vec<(oneshot::Sender<bool>, bool)>,
}

/// What other tasks may know of ownership at any time.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Served shards with their epochs.
    pub served: BTreeMap<Shard, Epoch>,
    /// Served shards whose lease is good until then.
    lease_until: BTreeMap<Shard, Instant>,
    /// Best guess for shards of others.
    owners: BTreeMap<Shard, (Epoch, Option<NodeId>)>,
    /// Live members as last seen.
    pub members: BTreeMap<NodeId, MemberRecord>,
    /// The directory answered the last round.
    pub directory_ok: bool,
    /// The drain is complete.
    pub drained: bool,
}

/// How others speak to ownership. Cheap to clone.
#[derive(Clone)]
pub struct OwnershipHandle {
    notices: mpsc::Sender<Notice>,
    standing: watch::Receiver<Arc<Standing>>,
}

impl OwnershipHandle {
    fn notify(&self, notice: Notice) {
        if self.notices.try_send(notice).is_err() {
            warn!("ownership is behind: a notice was dropped, the next renewal finds it out");
        }
    }

    /// An append or check found another epoch; service has ended already.
    pub fn fenced(&self, shard: Shard, epoch: Epoch) {
        self.notify(Notice::Fenced(shard, epoch));
    }

    /// The writer raised epochs (shard, old, new); service goes on under the new one.
    pub fn raised(&self, shards: &[(Shard, Epoch, Epoch)]) {
        self.notify(Notice::Raised(shards.to_vec()));
    }

    /// A commit or epoch check went well just now.
    pub fn journal_ok(&self) {
        // Said with every commit: losing one changes nothing.
        if self.notices.try_send(Notice::JournalOk).is_err() {
            debug!("ownership is behind");
        }
    }

    /// A peer asks whether this node takes the shard over.
    pub async fn offer(&self, _from: &NodeId, shard: Shard, _epoch: Epoch) -> bool {
        let (reply, answer) = oneshot::channel();
        let sent = self.notices.send(Notice::Offered { shard, reply }).await;
        sent.is_ok() && answer.await.unwrap_or(false)
    }

    /// A peer released its lease on the shard to this node.
    pub fn released(&self, _from: &NodeId, shard: Shard, epoch: Epoch) {
        self.notify(Notice::Released(shard, epoch));
    }

    /// Whether the shard's lease was renewed within its time.
    pub fn within_lease(&self, shard: Shard) -> bool {
        let standing = self.standing.borrow();
        standing.lease_until.get(&shard).is_some_and(|until| Instant::now() < *until)
    }

    /// Highest epoch seen and likely owner of a shard that is not served here.
    pub fn owner_of(&self, shard: Shard) -> (Epoch, Option<NodeId>) {
        self.standing.borrow().owners.get(&shard).cloned().unwrap_or_default()
    }

    /// The latest standing, and its changes.
    pub fn standing(&self) -> watch::Receiver<Arc<Standing>> {
        self.standing.clone()
    }

    /// Leaves the ring and hands all shards off.
    pub fn drain(&self) {
        self.notify(Notice::Draining(true));
    }

    /// Takes a drain back.
    pub fn undrain(&self) {
        self.notify(Notice::Draining(false));
    }

    /// Waits until a drain is complete.
    pub async fn drained(&self) {
        let mut standing = self.standing.clone();
        // An error means that the task is gone: then nothing is served either.
        let _gone = standing.wait_for(|standing| standing.drained).await;
    }
}

/// What the task works with.
pub struct OwnershipPorts {
    /// Members, leases, gates.
    pub directory: Arc<dyn Directory>,
    /// Epochs.
    pub journal: Arc<dyn Journal>,
    /// The shard registry.
    pub events: mpsc::Sender<OwnershipEvent>,
    /// Other nodes.
    pub peers: Arc<dyn Peers>,
    /// Corrected by the journal's clock.
    pub clock: Clock,
    /// What operators see.
    pub metrics: Metrics,
}

struct Offer {
    shard: Shard,
    at: u64,
    reply: oneshot::Sender<bool>,
}

struct Task {
    ownership: Ownership,
    settings: Settings,
    ports: Arc<OwnershipPorts>,
    start: Instant,
    notices: mpsc::Sender<Notice>,
    standing: watch::Sender<Arc<Standing>>,
    jobs: TaskTracker,
    /// Leases that are being released: a drain is complete when they are.
    releases: TaskTracker,
    directory_ok: bool,
    members: BTreeMap<NodeId, MemberRecord>,
    /// The standing may have changed since it was published.
    changed: bool,
    /// Cancelled: the node ends.
    stop: CancellationToken,
    /// Offers of peers that have no answer yet.
    offers: VecDeque<Offer>,
    /// Shards that peers released to us, to be acquired next.
    handed_over: Vec<(Shard, Epoch)>,
    /// An acquisition of such shards is under way.
    taking_over: bool,
}

/// Starts ownership. It ends, without releasing anything, when `stop` is cancelled.
pub fn spawn(
    settings: Settings,
    ports: OwnershipPorts,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> OwnershipHandle {
    let (notices, inbox) = mpsc::channel(NOTICES);
    let (standing, seen) = watch::channel(Arc::new(Standing::default()));
    let task = Task {
        ownership: Ownership::new(settings.clone(), 0),
        settings,
        ports: Arc::new(ports),
        start: Instant::now(),
        notices: notices.clone(),
        standing,
        stop: stop.clone(),
        jobs: TaskTracker::new(),
        releases: TaskTracker::new(),
        directory_ok: false,
        members: BTreeMap::new(),
        changed: false,
        offers: VecDeque::new(),
        handed_over: Vec::new(),
        taking_over: false,
    };
    vital::spawn(tasks, &stop, "ownership", task.run(inbox));
    OwnershipHandle { notices, standing: seen }
}

impl Task {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Notice>) {
        let mut poll = tokio::time::interval(Duration::from_millis(POLL_MS));
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut check = tokio::time::interval(JOURNAL_CHECK);
        check.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut round_under_way = false;
        let mut check_under_way = false;
        let mut publish = tokio::time::interval(PUBLISH);
        publish.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let notice = tokio::select! {
                () = self.stop.cancelled() => break,
                _ = poll.tick(), if !round_under_way => {
                    round_under_way = true;
                    self.begin_round().await;
                    continue;
                }
                _ = check.tick(), if !check_under_way => {
                    check_under_way = true;
                    self.check_journal();
                    continue;
                }
                _ = publish.tick(), if self.changed => {
                    self.publish();
                    continue;
                }
                notice = inbox.recv() => notice,
            };
            let Some(first) = notice else { break };
            let mut outcome = Outcome::default();
            let waiting = std::iter::from_fn(|| inbox.try_recv().ok());
            for notice in std::iter::once(first).chain(waiting).take(NOTICES_AT_ONCE) {
                match &notice {
                    Notice::Round(_) => round_under_way = false,
                    Notice::JournalOk => check_under_way = false,
                    _ => {}
                }
                self.handle(notice, &mut outcome);
            }
            self.follow_up(outcome).await;
        }
    }

    async fn follow_up(&mut self, Outcome { acts, answers }: Outcome) {
        for act in acts {
            self.carry_out(act).await;
        }
        self.take_over();
        for (offer, accepted) in answers {
            // A peer that stopped waiting asks again.
            let _late = offer.send(accepted);
        }
    }

    /// Something beside the task, which waits for what it says.
    fn job(&self, job: impl Future<Output = ()> + Send + 'static) {
        vital::spawn(&self.jobs, &self.stop, "ownership job", job);
    }

    /// Asks service which shards are alive when leases are due, then the directory, beside the task.
    async fn begin_round(&mut self) {
        if self.ownership.renewal_due(self.now()) {
            let (reply, alive) = oneshot::channel();
            if self.ports.events.send(OwnershipEvent::Alive { reply }).await.is_ok() {
                let notices = self.notices.clone();
                self.job(async move {
                    let alive = alive.await.unwrap_or_default();
                    // The task is gone when this fails.
                    let _gone = notices.send(Notice::Alive(alive)).await;
                });
                return;
            }
        }
        self.ask_directory(None);
    }

    fn ask_directory(&mut self, alive: Option<&BTreeSet<Shard>>) {
        let plan = self.ownership.plan_round(self.now(), alive);
        let (ports, notices) = (self.ports.clone(), self.notices.clone());
        let ttl = self.settings.lease_ttl_ms;
        self.job(async move {
            let view = ports.directory.round(&plan.record, &plan.renew, &plan.watch, ttl).await;
            // The task is gone when this fails.
            let _gone = notices.send(Notice::Round(view)).await;
        });
    }

    fn check_journal(&self) {
        let (ports, notices) = (self.ports.clone(), self.notices.clone());
        self.job(async move {
            loop {
                let asked = ports.clock.uncorrected();
                if let Ok(time) = ports.journal.clock().await {
                    ports.clock.correct(asked, time);
                    ports.metrics.clock_offset_ms.set(ports.clock.offset_ms());
                    break;
                }
                tokio::time::sleep(JOURNAL_CHECK).await;
                if notices.is_closed() {
                    return;
                }
            }
            let _gone = notices.send(Notice::JournalOk).await;
        });
    }

    fn handle(&mut self, notice: Notice, outcome: &mut Outcome) {
        let now = self.now();
        match notice {
            Notice::JournalOk => return self.ownership.journal_answered(now),
            Notice::Alive(alive) => return self.ask_directory(Some(&alive)),
            Notice::Offered { reply, .. } if self.offers.len() >= OFFERS_WAITING => {
                outcome.answers.push((reply, false));
            }
            Notice::Offered { shard, reply } => {
                self.offers.push_back(Offer { shard, at: now, reply });
            }
            notice => outcome.acts.extend(self.decide(now, notice)),
        }
        self.answer_offers(now, outcome);
        self.changed = true;
    }

    fn answer_offers(&mut self, now: u64, outcome: &mut Outcome) {
        while let Some(Offer { shard, at, reply }) = self.offers.pop_front() {
            // A peer that stops waiting hands nothing over: nothing may be expected of it.
            let late = now.saturating_sub(at) >= OFFER_PATIENCE_MS;
            let answer = if late { Reply::No } else { self.ownership.offered(now, shard) };
            match answer {
                Reply::Yes(expect) => {
                    outcome.acts.push(expect);
                    outcome.answers.push((reply, true));
                }
                Reply::No => outcome.answers.push((reply, false)),
                Reply::Later => return self.offers.push_front(Offer { shard, at, reply }),
            }
        }
    }

    fn decide(&mut self, now: u64, notice: Notice) -> Vec<Act> {
        match notice {
            Notice::Round(view) => {
                self.directory_ok = view.complete;
                if view.complete {
                    self.members = view.members.clone();
                }
                self.ownership.on_round(now, &view)
            }
            Notice::Acquired { results, gate } => {
                if !gate {
                    self.taking_over = false;
                }
                self.ownership.acquired(now, results)
            }
            Notice::Verified(results) => self.ownership.verified(now, results),
            Notice::OfferAnswered { shard, epoch, to, accepted } => {
                self.ownership.offer_answered(now, (shard, epoch), &to, accepted)
            }
            Notice::Drained(shard, epoch, playing) => {
                self.ownership.drained(now, (shard, epoch), playing)
            }
            Notice::Fenced(shard, epoch) => self.ownership.fenced(shard, epoch),
            Notice::Raised(shards) => {
                let ownership = &mut self.ownership;
                shards.into_iter().flat_map(|(s, old, new)| ownership.raised(s, old, new)).collect()
            }
            Notice::Released(shard, epoch) => self.ownership.released(shard, epoch),
            Notice::Draining(draining) => {
                self.ownership.set_draining(draining);
                Vec::new()
            }
            Notice::ReleaseDone | Notice::JournalOk | Notice::Alive(_) | Notice::Offered { .. } => {
                Vec::new()
            }
        }
    }

    fn publish(&mut self) {
        self.changed = false;
        let (now, at) = (self.now(), Instant::now());
        let ttl = Duration::from_millis(self.settings.lease_ttl_ms);
        let served = self.ownership.served();
        let lease_until = served
            .keys()
            .filter_map(|shard| Some((*shard, self.ownership.lease_age_ms(now, *shard)?)))
            .map(|(shard, age)| (shard, at + ttl.saturating_sub(Duration::from_millis(age))))
            .collect();
        let others = self.settings.shards.all().filter(|shard| !served.contains_key(shard));
        let owners = others.map(|shard| (shard, self.ownership.owner_of(shard))).collect();
        self.standing.send_replace(Arc::new(Standing {
            served,
            lease_until,
            owners,
            members: self.members.clone(),
            directory_ok: self.directory_ok,
            drained: self.ownership.is_drained() && self.releases.is_empty(),
        }));
    }

    async fn tell(&self, event: OwnershipEvent) {
        if self.ports.events.send(event).await.is_err() {
            debug!("service has stopped");
        }
    }

    async fn carry_out(&mut self, act: Act) {
        match act {
            Act::Acquire { shards, gate: true } => self.acquire(shards, true),
            Act::Acquire { shards, gate: false } => self.handed_over.extend(shards),
            Act::Verify(shards) => self.verify(shards),
            Act::Serve(shard, epoch) => self.tell(OwnershipEvent::Serve { shard, epoch }).await,
            Act::Expect(shard) => self.tell(OwnershipEvent::Expect { shard }).await,
            Act::ExpectNoMore(shard) => self.tell(OwnershipEvent::ExpectNoMore { shard }).await,
            Act::Stop { shard, epoch, successor } => self.stop(shard, epoch, successor).await,
            Act::Drop { shard, epoch, owner, cause } => {
                self.drop_shard(shard, epoch, owner, cause).await;
            }
            Act::Offer { to, shard, epoch } => self.offer(to, shard, epoch),
            Act::Release { shard, lease, successor, playing } => {
                self.release(shard, lease, successor, playing);
            }
        }
    }

    async fn stop(&self, shard: Shard, epoch: Epoch, successor: Option<NodeId>) {
        let (drained, done) = oneshot::channel();
        let notices = self.notices.clone();
        self.job(async move {
            // Dropped without a word: the shard's task is gone, so nothing is in flight either.
            let playing = done.await.unwrap_or_default();
            let _gone = notices.send(Notice::Drained(shard, epoch, playing)).await;
        });
        self.tell(OwnershipEvent::Stop { shard, epoch, successor, drained }).await;
    }

    async fn drop_shard(&self, shard: Shard, epoch: Epoch, owner: Option<NodeId>, why: DropCause) {
        if why == DropCause::CommitsLost {
            tracing::error!(%shard, %epoch, "the journal lost confirmed commits of this shard");
        } else {
            info!(%shard, %epoch, cause = ?why, "shard is no longer served");
        }
        self.tell(OwnershipEvent::Drop { shard, epoch, owner }).await;
        let Settings { node, incarnation, .. } = &self.settings;
        let lease = Lease { node: node.clone(), incarnation: *incarnation, epoch };
        let ports = self.ports.clone();
        self.job(async move { ports.directory.release(&[(shard, lease)], None).await });
    }

    fn offer(&self, to: MemberRecord, shard: Shard, epoch: Epoch) {
        let (ports, notices) = (self.ports.clone(), self.notices.clone());
        self.job(async move {
            let accepted = ports.peers.offer(&to, shard, epoch).await;
            let answer = Notice::OfferAnswered { shard, epoch, to: to.node, accepted };
            let _gone = notices.send(answer).await;
        });
    }

    fn release(
        &self,
        shard: Shard,
        lease: Lease,
        successor: Option<MemberRecord>,
        playing: Vec<SessionId>,
    ) {
        let (ports, notices) = (self.ports.clone(), self.notices.clone());
        vital::spawn(&self.releases, &self.stop, "release", async move {
            let epoch = lease.epoch;
            let to = successor.as_ref().map(|record| &record.node);
            ports.directory.release(&[(shard, lease)], to).await;
            if let Some(record) = successor {
                ports.peers.released(&record, shard, epoch, playing).await;
            }
            // The task is gone when this fails.
            let _gone = notices.send(Notice::ReleaseDone).await;
        });
    }

    /// One acquisition of what peers hand over at a time: a raise takes its turn among the appends,
    /// so that what is handed over meanwhile is raised together.
    fn take_over(&mut self) {
        if !self.taking_over && !self.handed_over.is_empty() {
            self.taking_over = true;
            let shards = std::mem::take(&mut self.handed_over);
            self.acquire(shards, false);
        }
    }

    fn acquire(&self, shards: Vec<(Shard, Epoch)>, gate: bool) {
        let job = Job { ports: self.ports.clone(), settings: self.settings.clone() };
        let notices = self.notices.clone();
        self.job(async move {
            let results = job.acquire(shards, gate).await;
            let _gone = notices.send(Notice::Acquired { results, gate }).await;
        });
    }

    fn verify(&self, shards: Vec<(Shard, Epoch)>) {
        let job = Job { ports: self.ports.clone(), settings: self.settings.clone() };
        let notices = self.notices.clone();
        self.job(async move {
            let results = job.verify(shards).await;
            let _gone = notices.send(Notice::Verified(results)).await;
        });
    }
}
