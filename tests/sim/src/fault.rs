//! What goes wrong, drawn from the seed: when, what, for how long.

use rand::Rng as _;
use rand::rngs::StdRng;

/// One thing that goes wrong.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Fault {
    /// A node or router loses its memory; its peers see their connections end.
    Kill(Process),
    /// Its machine vanishes: peers are told nothing.
    Vanish(Process),
    /// A node hands off and leaves, then comes back.
    Drain(usize),
    /// A process is stopped and finds its clocks ahead.
    Stop(Process),
    /// A machine is suspended and has not noticed.
    Suspend(Process),
    /// Two hosts cannot reach each other, or one cannot reach the other.
    Cut(End, End, OneWay),
    /// A store takes nothing in.
    Stall(Store),
    /// Calls to a store break, before they run or after, so often.
    Flaky(Store, f64),
    /// So many fan-out messages get lost.
    LosePublishes(f64),
    /// So many hub messages are refused.
    Nack(f64),
    /// Redis comes back empty.
    Amnesia,
    /// So many leases get lost when they are renewed.
    LoseLeases(f64),
    /// A process's wall clock jumps, milliseconds.
    Jump(Process, i64),
    /// Everything from and to a host takes up to so much longer, milliseconds.
    Slow(End, u64),
}

/// A process of the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Process {
    Node(usize),
    Router(usize),
}

/// A store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Store {
    Database,
    Redis,
    Broker,
}

/// One end of a way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Process(Process),
    Store(Store),
    /// The players of a place.
    Place(usize),
}

/// Whether only the way from the first to the second is cut.
pub(crate) type OneWay = bool;

/// How big the cluster is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) nodes: usize,
    pub(crate) routers: usize,
    pub(crate) places: usize,
}

/// A fault with its time: from, to, milliseconds.
pub(crate) type Timed = (u64, u64, Fault);

/// Everything that goes wrong between two times; all of it is over at the second.
pub(crate) fn plan(random: &mut StdRng, size: Size, from: u64, to: u64) -> Vec<Timed> {
    let mut plan = Vec::new();
    let mut at = from;
    // An owner changes in every run: each node is struck once, whichever has the tables.
    let first = random.random_range(0..size.nodes);
    for turn in 0..size.nodes {
        let victim = (first + turn) % size.nodes;
        let certain = match random.random_range(0..4) {
            0 => Fault::Kill(Process::Node(victim)),
            1 => Fault::Vanish(Process::Node(victim)),
            2 => Fault::Drain(victim),
            _ => Fault::Stop(Process::Node(victim)),
        };
        let begins = from + 500 + u64::try_from(turn).unwrap_or(0) * 6_000;
        plan.push((begins, begins + random.random_range(4_500..8_000), certain));
    }
    while at < to {
        let longest = if random.random_bool(0.3) { 9_000 } else { 2_500 };
        let lasts = random.random_range(100..longest);
        if at + lasts < to {
            plan.push((at, at + lasts, fault(random, size)));
        }
        at += random.random_range(200..3_500);
    }
    plan.sort_by_key(|(from, ..)| *from);
    plan
}

fn process(random: &mut StdRng, size: Size) -> Process {
    if random.random_bool(0.7) {
        Process::Node(random.random_range(0..size.nodes))
    } else {
        Process::Router(random.random_range(0..size.routers))
    }
}

fn store(random: &mut StdRng) -> Store {
    match random.random_range(0..5) {
        0..=1 => Store::Database,
        2..=3 => Store::Redis,
        _ => Store::Broker,
    }
}

fn end(random: &mut StdRng, size: Size) -> End {
    match random.random_range(0..10) {
        0..=5 => End::Process(process(random, size)),
        6..=8 => End::Store(store(random)),
        _ => End::Place(random.random_range(0..size.places)),
    }
}

fn fault(random: &mut StdRng, size: Size) -> Fault {
    match random.random_range(0..27) {
        0..=1 => Fault::Kill(process(random, size)),
        2 => Fault::Vanish(process(random, size)),
        3 => Fault::Drain(random.random_range(0..size.nodes)),
        4..=5 => Fault::Stop(process(random, size)),
        6 => Fault::Suspend(process(random, size)),
        7..=13 => {
            let from = End::Process(process(random, size));
            let mut to = end(random, size);
            while to == from {
                to = end(random, size);
            }
            Fault::Cut(from, to, random.random_bool(0.4))
        }
        14..=15 => Fault::Stall(store(random)),
        16..=18 => Fault::Flaky(store(random), random.random_range(0.02..0.5)),
        19..=20 => Fault::LosePublishes(random.random_range(0.05..1.0)),
        21 => Fault::Nack(random.random_range(0.05..0.9)),
        22 => Fault::Amnesia,
        23..=24 => Fault::LoseLeases(random.random_range(0.05..0.9)),
        25 => Fault::Jump(process(random, size), random.random_range(-300_000..300_000)),
        _ => Fault::Slow(end(random, size), random.random_range(20..400)),
    }
}
