//! A worker: owns the streams, connections and routes of its shards, and is the only one to touch
//! them.
//!
//! Mails enter in bursts; what they make for connections leaves once per burst, or, when the worker
//! is busy, once per gathering interval. Every decision is a pure sibling's ([`crate::stream`],
//! [`crate::routes`]); here they are carried out.

mod attaching;
mod commands;
mod delivery;
mod flushing;
mod ownership;
mod reach;
pub(crate) mod requests;
mod session;
mod syncs;
mod upkeep;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use gss_shared::config::LimitsSection;
use gss_shared::ids::{ConnectionId, PlayerId, SessionId, Shard, ShardCount};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::reach::{Reach, Refused};
use self::requests::Requests;
use self::session::Session;
use crate::mail::Mail;
use crate::metrics::Metrics;
use crate::revocations::Revocations;
use crate::routes::Owners;
use crate::stream::Step;
use crate::stream::gathering::Gathering;
use crate::stream::rendered::Rendered;
use crate::switchboard::Ports;

/// Mails taken at once: bounds how long frames wait for the flush while idle.
const BURST: usize = 256;
/// How often sessions are looked at that wait for room, a redirect or a missing version.
const HOT_TICK: Duration = Duration::from_millis(5);
/// How often deadlines are looked at.
const SLOW_TICK: Duration = Duration::from_millis(100);

/// A shard with sessions here.
#[derive(Default)]
struct Place {
    sessions: HashSet<SessionId>,
    /// Connections of all its sessions.
    clients: usize,
    subscribed: bool,
    /// Times in a row that a fetch brought what pub/sub did not.
    misses: u32,
}

/// See the module.
pub(crate) struct Worker {
    shards: ShardCount,
    sessions: HashMap<SessionId, Session>,
    places: HashMap<Shard, Place>,
    reach: Reach,
    calls: u64,
    /// Sessions to look at each [`HOT_TICK`].
    hot: HashSet<SessionId>,
    /// Sessions to look at each [`SLOW_TICK`]: they wait for answers.
    waiting: HashSet<SessionId>,
    /// Sessions with something to write, and when it is handed on.
    dirty: VecDeque<(Instant, SessionId)>,
    gathering: Gathering,
    revocations: Arc<Revocations>,
    /// Who was closed for reading too slowly, when, and how often within a minute.
    slow: HashMap<(SessionId, PlayerId), (Instant, u32)>,
    draining: Option<VecDeque<(Instant, SessionId, ConnectionId)>>,
    next_hot: Instant,
    next_slow: Instant,
    next_upkeep: Instant,
    steps: Vec<Step>,
    rendered: Rendered,
}

/// Runs worker `index` of `count` until it is stopped or all its senders are gone.
pub(crate) async fn run(
    ((index, count), shards, limits): ((usize, usize), ShardCount, LimitsSection),
    ports: Arc<Ports>,
    metrics: Arc<Metrics>,
    mut mails: mpsc::Receiver<Mail>,
    stop: CancellationToken,
) {
    let mut worker = Worker::new((index, count), shards, limits, &ports, metrics);
    let mut burst = Vec::with_capacity(BURST);
    loop {
        let wake = worker.next_wake();
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            taken = mails.recv_many(&mut burst, BURST) => if taken == 0 { return },
            () = tokio::time::sleep_until(wake) => {}
        }
        let now = Instant::now();
        for mail in burst.drain(..) {
            worker.handle(mail, now);
        }
        worker.pass_time(now);
        worker.flush(now);
    }
}

impl Worker {
    pub(crate) fn new(
        (index, count): (usize, usize),
        shards: ShardCount,
        limits: LimitsSection,
        ports: &Ports,
        metrics: Arc<Metrics>,
    ) -> Self {
        let now = Instant::now();
        let reach = Reach {
            owners: Owners::default(),
            links: HashMap::new(),
            requests: Requests::new(index, count),
            fanout: Arc::clone(&ports.fanout),
            tokens: ports.tokens.clone(),
            clock: ports.clock.clone(),
            limits,
            metrics,
        };
        Self {
            shards,
            sessions: HashMap::new(),
            places: HashMap::new(),
            reach,
            calls: 0,
            hot: HashSet::new(),
            waiting: HashSet::new(),
            dirty: VecDeque::new(),
            gathering: Gathering::new(now),
            revocations: Arc::default(),
            slow: HashMap::new(),
            draining: None,
            next_hot: now,
            next_slow: now,
            next_upkeep: now,
            steps: Vec::new(),
            rendered: Rendered::default(),
        }
    }

    pub(crate) fn handle(&mut self, mail: Mail, now: Instant) {
        match mail {
            Mail::Connect(open, id, outbox) => self.connect(*open, id, outbox, now),
            Mail::Gone { session, connection, slow } => self.gone(session, connection, slow, now),
            Mail::Frame(frame) => self.frame(frame, now),
            Mail::Sync { session, connection, paths } => {
                self.sync_asked(session, connection, paths, now);
            }
            Mail::Refreshed { session, connection, credential } => {
                self.refreshed(session, connection, credential, now);
            }
            Mail::Call(call, reply) => self.call(*call, reply, now),
            Mail::Read { session, player, kind, reply } => {
                self.read(session, (player, kind), reply, now);
            }
            Mail::LinkUp(link) => self.reach.opened(link),
            Mail::LinkDown { node, opening } => self.link_down(&node, opening, now),
            Mail::Node { node, opening, frame } => self.node_says(&node, opening, frame, now),
            Mail::Published(shard, payload) => self.published(shard, &payload, now),
            Mail::Revoked(revocations) => self.revoke(revocations, now),
            Mail::Drain { spread } => self.drain(spread, now),
        }
    }

    /// The session, made if it was unknown.
    fn session(&mut self, id: SessionId) -> &mut Session {
        let shard = self.shards.shard_of(id);
        self.places.entry(shard).or_default().sessions.insert(id);
        self.sessions.entry(id).or_insert_with(|| Session::new(id, shard))
    }

    /// Sends what of the session waits, tells whoever cannot be served any more, and notes what
    /// has to be looked at again.
    fn pump(&mut self, id: SessionId, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Refused { commands, requests } = self.reach.pump(session, now);
        for (command, reason) in commands {
            self.give_up(id, command, reason);
        }
        for number in requests {
            self.request_failed(number, crate::routes::route::GivenUp::Outlived, now);
        }
        self.note(id, now);
    }

    /// Puts the session on the lists that its state calls for; lets go of an idle one.
    fn note(&mut self, id: SessionId, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let requests = &mut self.reach.requests;
        let unsent = session.route.has_unsent()
            || session
                .requests
                .iter()
                .any(|number| requests.get(*number).is_some_and(|request| !request.sent));
        // Without an owner there is nothing to try: its announcement brings the session up again.
        let unsent = unsent && self.reach.can_reach(session.shard);
        if unsent || session.stream.due().is_some() {
            self.hot.insert(id);
        }
        if !session.route.is_empty() || !session.requests.is_empty() {
            self.waiting.insert(id);
        }
        let touched = session.clients.iter().any(|client| client.cursor.is_dirty());
        if touched && !session.dirty {
            session.dirty = true;
            self.dirty.push_back((now + self.gathering.wait(), id));
        }
        if session.is_idle() {
            let shard = session.shard;
            self.sessions.remove(&id);
            if let Some(place) = self.places.get_mut(&shard) {
                place.sessions.remove(&id);
            }
        }
    }

    fn next_wake(&self) -> Instant {
        let mut wake = self.next_upkeep;
        if let Some((due, _)) = self.dirty.front() {
            wake = wake.min(*due);
        }
        if !self.hot.is_empty() {
            wake = wake.min(self.next_hot);
        }
        if !self.waiting.is_empty() || self.draining.is_some() {
            wake = wake.min(self.next_slow);
        }
        wake
    }
}

#[cfg(test)]
mod tests;
