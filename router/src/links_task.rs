//! Keeps two lanes open to every live node and brings each frame to the worker it concerns.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gss_shared::ids::{NodeId, SessionId, Shard};
use gss_shared::limits;
use gss_shared::link::frame::{Lane, PeerRole, Revocation, ToNode, ToRouter};
use gss_shared::link::transport::{Connected, Dialer, Identity, LinkError, LinkStream};
use gss_shared::ports::directory::{Directory, MemberRecord};
use gss_shared::ports::fanout::Fanout;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::links::{NodeLink, Readiness};
use crate::mail::Mail;
use crate::metrics::Metrics;
use crate::revocations::Revocations;
use crate::stream_task::requests::worker_of;
use crate::switchboard::Lifetime;

/// How often members are read.
const MEMBERS_EVERY: Duration = Duration::from_millis(250);
/// Wait after a lane did not open or broke, doubled each time up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// See [`FIRST_PAUSE`]: a node that comes back is found this soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A link that lasted this long starts again with [`FIRST_PAUSE`].
const LASTED: Duration = Duration::from_secs(5);

/// Twenty beats: a commands lane that is silent for so long leads nowhere, whatever TCP believes.
const SILENCE: Duration = Duration::from_millis(20 * limits::BEAT_MS);

/// What all links share.
pub(crate) struct Links {
    pub identity: Identity,
    pub directory: Arc<dyn Directory>,
    pub dialer: Arc<dyn Dialer>,
    pub workers: Vec<mpsc::Sender<Mail>>,
    pub readiness: watch::Sender<Readiness>,
    pub revocations: watch::Sender<Arc<Revocations>>,
    pub metrics: Arc<Metrics>,
    pub lifetime: Lifetime,
}

/// All workers have stopped: so does the link.
struct Stopped;

struct Kept {
    record: MemberRecord,
    up: Arc<AtomicBool>,
    stop: CancellationToken,
}

/// Follows the members until stopped.
pub(crate) async fn run(links: Arc<Links>) {
    let mut kept: BTreeMap<NodeId, Kept> = BTreeMap::new();
    let mut ticks = tokio::time::interval(MEMBERS_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let view = tokio::select! {
            () = links.lifetime.stop.cancelled() => return,
            view = async { ticks.tick().await; links.directory.members().await } => view,
        };
        if view.complete {
            links.readiness.send_if_modified(|readiness| {
                !std::mem::replace(&mut readiness.members_seen, true)
            });
            kept.retain(|node, link| {
                let stays = view.members.contains_key(node) || link.up.load(Ordering::Relaxed);
                if !stays {
                    link.stop.cancel();
                }
                stays
            });
        }
        for (node, record) in view.members {
            let same = |known: &Kept| {
                known.record.link == record.link && known.record.incarnation == record.incarnation
            };
            if kept.get(&node).is_some_and(same) {
                continue;
            }
            if let Some(old) = kept.remove(&node) {
                old.stop.cancel();
            }
            let (up, stop) = (Arc::new(AtomicBool::new(false)), links.lifetime.stop.child_token());
            let link = Kept { record: record.clone(), up: Arc::clone(&up), stop: stop.clone() };
            kept.insert(node, link);
            links.lifetime.vital("link", keep(Arc::clone(&links), record, up, stop));
        }
    }
}

/// Brings what is published to the workers until the fan-out ends.
pub(crate) async fn listen(
    fanout: Arc<dyn Fanout>,
    workers: Vec<mpsc::Sender<Mail>>,
    stop: CancellationToken,
) {
    while let Some(Some((shard, payload))) = stop.run_until_cancelled(fanout.next()).await {
        let worker = &workers[usize::from(shard.0) % workers.len()];
        if worker.send(Mail::Published(shard, payload)).await.is_err() {
            return;
        }
    }
}

/// Keeps the lanes to one start of one node open until told to stop.
async fn keep(
    links: Arc<Links>,
    record: MemberRecord,
    up: Arc<AtomicBool>,
    stop: CancellationToken,
) {
    let mut pause = FIRST_PAUSE;
    while !stop.is_cancelled() {
        let began = Instant::now();
        let opened = stop.run_until_cancelled(open(&links, &record)).await;
        match opened {
            None => return,
            Some(Ok((commands, bulk))) => {
                up.store(true, Ordering::Relaxed);
                let over = serve(&links, &record, commands, bulk, &stop).await;
                up.store(false, Ordering::Relaxed);
                if let Err(Stopped) = over {
                    return;
                }
            }
            Some(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(node = %record.node, error, "link does not open");
            }
        }
        pause = if began.elapsed() > LASTED { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        let jitter = rand::random_range(0.5..1.0);
        if stop.run_until_cancelled(tokio::time::sleep(pause.mul_f64(jitter))).await.is_none() {
            return;
        }
    }
}

async fn open(links: &Links, record: &MemberRecord) -> Result<(Connected, Connected), LinkError> {
    let hello = |lane| links.identity.hello(PeerRole::Router, lane);
    let (commands, bulk) = tokio::try_join!(
        links.dialer.dial(&record.link, hello(Lane::Commands)),
        links.dialer.dial(&record.link, hello(Lane::Bulk)),
    )?;
    let (one, other) = (&commands, &bulk);
    if one.process != record.node || one.incarnation != other.incarnation {
        let found = &one.process;
        return Err(LinkError::Refused(format!("{found} answers at the address of another")));
    }
    Ok((commands, bulk))
}

/// One opening of a link, from its announcement to the workers to its end.
async fn serve(
    links: &Arc<Links>,
    record: &MemberRecord,
    commands: Connected,
    bulk: Connected,
    stop: &CancellationToken,
) -> Result<(), Stopped> {
    static OPENINGS: AtomicU64 = AtomicU64::new(1);
    let link = NodeLink {
        node: record.node.clone(),
        opening: OPENINGS.fetch_add(1, Ordering::Relaxed),
        commands: commands.sink,
        bulk: bulk.sink,
        beat: Arc::default(),
        reset: stop.child_token(),
    };
    tracing::info!(node = %link.node, incarnation = %commands.incarnation, "link opens");
    links.to_all(|| Mail::LinkUp(link.clone())).await?;
    links.count(1);
    let lane = |lane, stream: LinkStream<ToRouter>| {
        let (links, link) = (Arc::clone(links), link.clone());
        links.lifetime.tracker.clone().spawn(read(links, link, lane, stream))
    };
    let small = lane(Lane::Commands, commands.stream);
    let large = lane(Lane::Bulk, bulk.stream);
    link.reset.cancelled().await;
    // Both readers end with the opening: no frame of it comes after its end was told.
    for reader in [small, large] {
        if let Err(error) = reader.await {
            tracing::error!(node = %link.node, %error, "link reader panicked");
        }
    }
    links.count(-1);
    tracing::info!(node = %link.node, "link is closed");
    let (node, opening) = (link.node.clone(), link.opening);
    links.to_all(|| Mail::LinkDown { node: node.clone(), opening }).await
}

/// Reads one lane until it breaks or the opening ends.
async fn read(links: Arc<Links>, link: NodeLink, lane: Lane, mut stream: LinkStream<ToRouter>) {
    let _ends = link.reset.clone().drop_guard();
    loop {
        let next = async {
            match lane {
                Lane::Commands => tokio::time::timeout(SILENCE, stream.next()).await,
                Lane::Bulk => Ok(stream.next().await),
            }
        };
        let frame = match link.reset.run_until_cancelled(next).await {
            None | Some(Ok(Ok(None))) => return,
            Some(Ok(Ok(Some(frame)))) => frame,
            Some(Err(_)) => {
                tracing::warn!(node = %link.node, "no beat for long; link is opened anew");
                return;
            }
            Some(Ok(Err(error))) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(node = %link.node, error, "lane broke");
                return;
            }
        };
        if let Err(Stopped) = links.dispatch(&link, frame).await {
            return;
        }
    }
}

impl Links {
    async fn dispatch(&self, link: &NodeLink, frame: ToRouter) -> Result<(), Stopped> {
        match frame {
            ToRouter::Owns { shards } => {
                let parts = self.split(shards, |links, (shard, _)| links.place(*shard));
                for (worker, shards) in parts.into_iter().enumerate() {
                    // Also when empty: it tells that the node serves nothing else.
                    self.to(worker, link, ToRouter::Owns { shards }).await?;
                }
                Ok(())
            }
            ToRouter::Lost { shards } => {
                let parts = self.split(shards, |links, (shard, ..)| links.place(*shard));
                for (worker, shards) in parts.into_iter().enumerate() {
                    if !shards.is_empty() {
                        self.to(worker, link, ToRouter::Lost { shards }).await?;
                    }
                }
                Ok(())
            }
            ToRouter::Beat { number, moved } => self.beat(link, number, moved).await,
            ToRouter::Revoked { revocations } => self.revoked(&revocations).await,
            frame => match self.worker_of(&frame) {
                Some(worker) => self.to(worker, link, frame).await,
                None => Ok(()),
            },
        }
    }

    fn worker_of(&self, frame: &ToRouter) -> Option<usize> {
        match frame {
            ToRouter::Live { session, .. }
            | ToRouter::Unversioned { session, .. }
            | ToRouter::Close { session, .. } => Some(self.of_session(*session)),
            ToRouter::Answer(answer) => Some(self.of_session(answer.session)),
            ToRouter::Attached { request, .. }
            | ToRouter::Fetched { request, .. }
            | ToRouter::ReadDone { request, .. } => Some(worker_of(*request, self.workers.len())),
            ToRouter::Heads { shard, .. } => Some(self.place(*shard)),
            ToRouter::Draining => Some(0),
            ToRouter::Owns { .. }
            | ToRouter::Lost { .. }
            | ToRouter::Beat { .. }
            | ToRouter::OfferAnswer { .. }
            | ToRouter::Revoked { .. } => None,
        }
    }

    async fn beat(
        &self,
        link: &NodeLink,
        number: u64,
        moved: Vec<(SessionId, gss_shared::ids::Position)>,
    ) -> Result<(), Stopped> {
        link.beat.store(number, Ordering::Relaxed);
        // When there is no room the next beat tells it as well.
        if link.commands.try_send(ToNode::BeatSeen { number }).is_err() {
            tracing::debug!(node = %link.node, number, "beat is not confirmed");
        }
        let parts = self.split(moved, |links, (session, _)| links.of_session(*session));
        for (worker, moved) in parts.into_iter().enumerate() {
            if !moved.is_empty() {
                self.to(worker, link, ToRouter::Beat { number, moved }).await?;
            }
        }
        Ok(())
    }

    async fn revoked(&self, told: &[Revocation]) -> Result<(), Stopped> {
        let new = self.revocations.send_if_modified(|known| Arc::make_mut(known).add(told));
        if new {
            let all = self.revocations.borrow().clone();
            self.to_all(|| Mail::Revoked(Arc::clone(&all))).await?;
        }
        Ok(())
    }

    fn place(&self, shard: Shard) -> usize {
        usize::from(shard.0) % self.workers.len()
    }

    fn of_session(&self, session: SessionId) -> usize {
        self.place(self.identity.shards.shard_of(session))
    }

    fn split<T>(&self, all: Vec<T>, to: impl Fn(&Self, &T) -> usize) -> Vec<Vec<T>> {
        let mut parts: Vec<Vec<T>> = self.workers.iter().map(|_| Vec::new()).collect();
        for one in all {
            parts[to(self, &one)].push(one);
        }
        parts
    }

    async fn to(&self, worker: usize, link: &NodeLink, frame: ToRouter) -> Result<(), Stopped> {
        let mail = Mail::Node { node: link.node.clone(), opening: link.opening, frame };
        self.workers[worker].send(mail).await.map_err(|_| Stopped)
    }

    async fn to_all(&self, mail: impl Fn() -> Mail) -> Result<(), Stopped> {
        for worker in &self.workers {
            worker.send(mail()).await.map_err(|_| Stopped)?;
        }
        Ok(())
    }

    fn count(&self, change: i64) {
        self.metrics.links.add(change);
        self.readiness.send_modify(|readiness| {
            readiness.links = usize::try_from(self.metrics.links.get()).unwrap_or(0);
        });
    }
}
