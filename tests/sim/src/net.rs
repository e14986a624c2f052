//! The simulated network: everything that passes between hosts, in one queue ordered by when it
//! arrives.
//!
//! A parcel is a closure that runs where it arrives. Between two hosts bytes keep their order;
//! everything else may overtake. A cut holds what comes until it heals, as TCP's repetitions do, or
//! breaks what waits for it; a host that is down loses it. All random choices are the seed's.

mod pipe;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::oneshot;

pub(crate) use self::pipe::{Door, Stream};

use self::pipe::Pipe;
use crate::trace::Trace;

/// A machine: a process of the service, a store, or where players sit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct HostId(pub(crate) u8);

/// Longest time that a store takes to come to a request whose connection broke.
const LATEST_MS: u64 = 1_500;

type Run = Box<dyn FnOnce() + Send>;

struct Parcel {
    from: HostId,
    to: HostId,
    /// Waits behind a cut; otherwise it is lost there.
    patient: bool,
    run: Run,
}

/// The network. Clones are the same network.
#[derive(Clone)]
pub(crate) struct Net(Arc<Mutex<State>>);

struct State {
    now: u64,
    random: StdRng,
    sequence: u64,
    queue: BTreeMap<(u64, u64), Parcel>,
    held: Vec<Parcel>,
    cuts: BTreeSet<(HostId, HostId)>,
    stalled: BTreeSet<HostId>,
    down: BTreeSet<HostId>,
    /// Went without a word: what it drops says nothing to its peers.
    mute: BTreeSet<HostId>,
    slow_ms: BTreeMap<HostId, u64>,
    flaky: BTreeMap<HostId, f64>,
    addresses: BTreeMap<String, HostId>,
    doors: BTreeMap<String, Backlog>,
    pipes: BTreeMap<u64, Pipe>,
    /// Connects that nobody answers; refused when the host is back.
    unanswered: Vec<Opening>,
    trace: Trace,
}

#[derive(Default)]
struct Backlog {
    waiting: VecDeque<(Stream, HostId)>,
    waker: Option<Waker>,
}

struct Opening {
    from: HostId,
    to: HostId,
    told: oneshot::Sender<std::io::Result<Stream>>,
}

/// Milliseconds from host to host, and rarely much longer.
fn latency(random: &mut StdRng) -> u64 {
    if random.random_bool(0.01) { random.random_range(5..60) } else { random.random_range(1..4) }
}

impl State {
    fn blocked(&self, from: HostId, to: HostId) -> bool {
        self.cuts.contains(&(from, to)) || self.stalled.contains(&to)
    }

    fn arrival(&mut self, from: HostId, to: HostId) -> u64 {
        let slow = |host| self.slow_ms.get(&host).copied().unwrap_or_default();
        let slow = slow(from) + slow(to);
        let slow = if slow > 0 { self.random.random_range(0..=slow) } else { 0 };
        self.now + latency(&mut self.random) + slow
    }

    fn post(&mut self, at: u64, parcel: Parcel) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), parcel);
    }
}

impl Net {
    pub(crate) fn new(seed: u64, trace: Trace) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: 0,
            random: StdRng::seed_from_u64(seed ^ 0x6e65_7477_6f72_6b00),
            sequence: 0,
            queue: BTreeMap::new(),
            held: Vec::new(),
            cuts: BTreeSet::new(),
            stalled: BTreeSet::new(),
            down: BTreeSet::new(),
            mute: BTreeSet::new(),
            slow_ms: BTreeMap::new(),
            flaky: BTreeMap::new(),
            addresses: BTreeMap::new(),
            doors: BTreeMap::new(),
            pipes: BTreeMap::new(),
            unanswered: Vec::new(),
            trace,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves time on by a millisecond and delivers what is due.
    pub(crate) fn tick(&self) {
        let due = {
            let mut state = self.state();
            state.now += 1;
            let later = (state.now + 1, 0);
            let rest = state.queue.split_off(&later);
            std::mem::replace(&mut state.queue, rest)
        };
        for (_, parcel) in due {
            self.deliver(parcel);
        }
    }

    fn deliver(&self, parcel: Parcel) {
        let run = {
            let mut state = self.state();
            let (from, to) = (parcel.from, parcel.to);
            if state.down.contains(&to) {
                None
            } else if state.blocked(from, to) {
                if parcel.patient || state.random.random_bool(0.5) {
                    state.held.push(parcel);
                    return;
                }
                None
            } else {
                let now = state.now;
                tracing::trace!(from = from.0, to = to.0, "arrives");
                state.trace.note(&[now, u64::from(from.0), u64::from(to.0)]);
                Some(parcel.run)
            }
        };
        // Lost ones are dropped outside of the lock: dropping one tells whoever waits for it.
        if let Some(run) = run {
            run();
        }
    }

    /// Sends something to run at another host.
    pub(crate) fn send(&self, from: HostId, to: HostId, run: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        let at = state.arrival(from, to);
        state.post(at, Parcel { from, to, patient: false, run: Box::new(run) });
    }

    /// Runs something at a store and brings the answer. None: the connection broke, before it ran, or
    /// after, or it runs later. Never: use a deadline.
    pub(crate) async fn call<R: Send + 'static>(
        &self,
        from: HostId,
        to: HostId,
        run: impl FnOnce() -> R + Send + 'static,
    ) -> Option<R> {
        let (tell, answer) = oneshot::channel();
        let net = self.clone();
        let reply = move || {
            let answer = run();
            let deliver = move || {
                // Whoever asked may have given up.
                let _gave_up = tell.send(answer).is_err();
            };
            if !net.breaks(to) {
                net.send(to, from, deliver);
            }
        };
        if self.breaks(to) {
            self.late(from, to, reply);
            return None;
        }
        self.send(from, to, reply);
        answer.await.ok()
    }

    /// A request whose connection is gone: it has been lost, or the store comes to it in a while.
    fn late(&self, from: HostId, to: HostId, run: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if state.random.random_bool(0.5) {
            let at = state.now + state.random.random_range(1..LATEST_MS);
            state.post(at, Parcel { from, to, patient: true, run: Box::new(run) });
        }
    }

    fn breaks(&self, host: HostId) -> bool {
        let mut state = self.state();
        let Some(often) = state.flaky.get(&host).copied() else { return false };
        state.random.random_bool(often)
    }

    /// How often calls to this store break.
    pub(crate) fn flaky(&self, store: HostId, often: Option<f64>) {
        let mut state = self.state();
        match often {
            Some(often) => state.flaky.insert(store, often),
            None => state.flaky.remove(&store),
        };
    }

    /// Nothing gets from one host to the other until [`Net::heal`].
    pub(crate) fn cut(&self, from: HostId, to: HostId) {
        self.state().cuts.insert((from, to));
    }

    /// The host takes nothing in until [`Net::heal`].
    pub(crate) fn stall(&self, host: HostId) {
        self.state().stalled.insert(host);
    }

    /// Adds up to so many milliseconds to everything from and to the host.
    pub(crate) fn slow(&self, host: HostId, ms: u64) {
        let mut state = self.state();
        if ms == 0 {
            state.slow_ms.remove(&host);
        } else {
            state.slow_ms.insert(host, ms);
        }
    }

    /// Takes a cut or a stall back; what it held arrives.
    pub(crate) fn heal(&self, cuts: &[(HostId, HostId)], stalled: Option<HostId>) {
        let mut state = self.state();
        for cut in cuts {
            state.cuts.remove(cut);
        }
        if let Some(host) = stalled {
            state.stalled.remove(&host);
        }
        let now = state.now;
        for parcel in std::mem::take(&mut state.held) {
            if state.blocked(parcel.from, parcel.to) {
                state.held.push(parcel);
            } else {
                state.post(now, parcel);
            }
        }
    }

    /// Names a host.
    pub(crate) fn name(&self, address: &str, host: HostId) {
        self.state().addresses.insert(address.to_owned(), host);
    }

    /// The host is about to lose its memory. Without a word: its peers are told nothing.
    pub(crate) fn dies(&self, host: HostId, without_a_word: bool) {
        if without_a_word {
            self.state().mute.insert(host);
        }
    }

    /// The host is gone; what comes for it is lost.
    pub(crate) fn is_down(&self, host: HostId) {
        self.state().down.insert(host);
    }

    /// The host is back: peers that still hold connections to its former life learn that they are
    /// broken.
    pub(crate) fn is_up(&self, host: HostId) {
        let (refused, wakers) = {
            let mut state = self.state();
            state.down.remove(&host);
            state.mute.remove(&host);
            let mut refused = Vec::new();
            for opening in std::mem::take(&mut state.unanswered) {
                if opening.to == host {
                    refused.push(opening);
                } else {
                    state.unanswered.push(opening);
                }
            }
            (refused, state.break_pipes_of(host))
        };
        for opening in refused {
            let refuse = move || pipe::refuse(opening.told);
            self.send(host, opening.from, refuse);
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Now, milliseconds since the beginning.
    pub(crate) fn now(&self) -> u64 {
        self.state().now
    }
}
