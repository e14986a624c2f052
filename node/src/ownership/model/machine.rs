//! The real [`Ownership`] as a finite machine: equal but for the clock means the same state.
//!
//! Time moves in two paces: not at all, or so far that every timer lapses; after each input all
//! moments are told relative to one fixed now. States are interned and transitions remembered, so
//! that the checker pays for each only once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use gss_shared::ids::{Epoch, Incarnation, NodeId, Shard, ShardCount};
use gss_shared::ports::directory::{Claim, Lease, MemberRecord, Renewal, View};

use super::super::{Act, Ownership, Phase, Reply, Settings, Verified};

/// Every input comes at this time; a lapse moves it.
const NOW: u64 = 2_000_000;
/// Longer than every timer of the machine.
const LAPSE: u64 = 700_000;
/// A member that stands still is gone after two rounds with a lapse.
const TTL: u64 = 900;

/// A lease in small numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Held {
    pub(super) node: u8,
    /// 0: a reservation.
    pub(super) incarnation: u8,
    pub(super) epoch: u8,
}

/// A member record in small numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Record {
    pub(super) incarnation: u8,
    pub(super) draining: bool,
    pub(super) journal_ok: bool,
}

/// How time passes before a round.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Pace {
    /// No timer lapses.
    Soon,
    /// Every timer lapses.
    Late,
}

/// What a node sees in a round.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Shown {
    pub(super) pace: Pace,
    pub(super) journal_answers: bool,
    pub(super) generation: u8,
    pub(super) own_record_was_gone: bool,
    /// With whether its beat moved.
    pub(super) records: Vec<Option<(Record, bool)>>,
    pub(super) leases: Vec<Option<Held>>,
}

/// What verification found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Found {
    Taken,
    Held(Held),
    NotOurs { epoch: u8, owner: Option<u8> },
    Silent,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Input {
    Round(Shown),
    Acquired(Vec<(u8, Option<u8>)>),
    Verified(Vec<(u8, u8, Found)>),
    OfferAnswered { shard: u8, epoch: u8, to: u8, accepted: bool },
    Drained(u8, u8),
    Offered(u8),
    Released(u8, u8),
    Fenced(u8, u8),
    Raised(u8, u8, u8),
    Drain,
}

/// What an input came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) machine: u32,
    pub(super) acts: Vec<Act>,
    /// The record that a round wrote.
    pub(super) record: Option<Record>,
    /// An offer was accepted.
    pub(super) accepted: bool,
}

/// All machine states met so far.
#[derive(Default)]
pub(super) struct Machines {
    met: Vec<Ownership>,
    index: HashMap<String, u32>,
    known: HashMap<(u32, Input), Arc<Outcome>>,
}

impl Machines {
    /// A process that starts.
    pub(super) fn start(&mut self, node: u8, incarnation: u8, shards: usize) -> u32 {
        let settings = Settings {
            node: name(node),
            incarnation: Incarnation(u64::from(incarnation)),
            link: String::new(),
            admin: String::new(),
            shards: ShardCount(u16::try_from(shards).expect("few")),
            lease_ttl_ms: TTL,
        };
        self.intern(Ownership::new(settings, NOW), NOW)
    }

    /// Distinct states met.
    pub(super) fn len(&self) -> usize {
        self.met.len()
    }

    /// Whether the machine holds the shard under such an epoch.
    pub(super) fn holds(&self, machine: u32, of: usize, such: impl Fn(u8) -> bool) -> bool {
        let held = self.met[machine as usize].held.get(&shard(u8::try_from(of).expect("few")));
        held.is_some_and(|held| such(small(held.epoch.0)))
    }

    fn intern(&mut self, mut machine: Ownership, now: u64) -> u32 {
        timeless(&mut machine, now);
        let key = format!("{machine:?}");
        let next = u32::try_from(self.met.len()).expect("few machine states");
        let id = *self.index.entry(key).or_insert(next);
        if id == next {
            self.met.push(machine);
        }
        id
    }

    pub(super) fn feed(&mut self, machine: u32, input: Input) -> Arc<Outcome> {
        let key = (machine, input);
        if let Some(outcome) = self.known.get(&key) {
            return outcome.clone();
        }
        let mut next = self.met[machine as usize].clone();
        let Applied { acts, record, accepted, now } = apply(&mut next, &key.1);
        let outcome = Arc::new(Outcome { machine: self.intern(next, now), acts, record, accepted });
        self.known.insert(key, outcome.clone());
        outcome
    }
}

/// Tells every moment relative to [`NOW`] and forgets what no later decision reads.
fn timeless(machine: &mut Ownership, now: u64) {
    let past = |t: u64| if t > now { NOW + (t - now) } else { NOW - (now - t).min(LAPSE) };
    let until = |t: u64| if t > now { NOW + (t - now) } else { 0 };
    machine.members.map_times(past, until);
    for held in machine.held.values_mut() {
        held.since = past(held.since);
        held.renewed = NOW;
        held.refused = held.refused.map(past).filter(|at| *at > NOW - LAPSE);
        if let Phase::Offered { at } = &mut held.phase {
            *at = past(*at);
        }
    }
    for void_at in machine.expected.values_mut() {
        *void_at = until(*void_at);
    }
    machine.watched.clear();
    machine.first_round = machine.first_round.map(past);
    machine.quiet_until = until(machine.quiet_until);
    machine.last_renewal = None;
    machine.journal_ok_at = past(machine.journal_ok_at);
    machine.cut_since = machine.cut_since.map(past);
    machine.beat = 0;
}

struct Applied {
    acts: Vec<Act>,
    record: Option<Record>,
    accepted: bool,
    now: u64,
}

fn apply(machine: &mut Ownership, input: &Input) -> Applied {
    let mut accepted = false;
    let acts = match input {
        Input::Round(shown) => return round(machine, shown),
        Input::Acquired(results) => {
            let results = results.iter().map(|(s, e)| (shard(*s), e.map(epoch))).collect();
            machine.acquired(NOW, results)
        }
        Input::Verified(results) => {
            let results = results.iter().map(|(s, e, found)| (shard(*s), epoch(*e), real(*found)));
            machine.verified(NOW, results.collect())
        }
        Input::OfferAnswered { shard: s, epoch: e, to, accepted } => {
            machine.offer_answered(NOW, (shard(*s), epoch(*e)), &name(*to), *accepted)
        }
        Input::Drained(s, e) => machine.drained(NOW, (shard(*s), epoch(*e)), Vec::new()),
        Input::Offered(s) => match machine.offered(NOW, shard(*s)) {
            Reply::Yes(expect) => {
                accepted = true;
                vec![expect]
            }
            // The peer asks again; here: later.
            Reply::No | Reply::Later => Vec::new(),
        },
        Input::Released(s, e) => machine.released(shard(*s), epoch(*e)),
        Input::Fenced(s, e) => machine.fenced(shard(*s), epoch(*e)),
        Input::Raised(s, old, new) => machine.raised(shard(*s), epoch(*old), epoch(*new)),
        Input::Drain => {
            machine.set_draining(true);
            Vec::new()
        }
    };
    Applied { acts, record: None, accepted, now: NOW }
}

fn round(machine: &mut Ownership, shown: &Shown) -> Applied {
    let now = if shown.pace == Pace::Soon { NOW } else { NOW + LAPSE };
    if shown.journal_answers {
        machine.journal_answered(now);
    }
    let alive: BTreeSet<Shard> = machine.settings.shards.all().collect();
    let plan = machine.plan_round(now, Some(&alive));
    let lease_of = |shard: &Shard| shown.leases[usize::from(shard.0)].map(lease);
    let renewals = plan.renew.iter().map(|(shard, ours)| {
        let renewal = match lease_of(shard) {
            None => Renewal::Missing,
            Some(found) if found == *ours => Renewal::Renewed,
            Some(other) => Renewal::Other(other),
        };
        (*shard, renewal)
    });
    let mut members = BTreeMap::from([(plan.record.node.clone(), plan.record.clone())]);
    for (node, shown_record) in (0..).zip(&shown.records) {
        let Some((record, moved)) = shown_record else { continue };
        members.entry(name(node)).or_insert_with(|| member(node, *record, u64::from(*moved)));
    }
    let view = View {
        generation: Some(u64::from(shown.generation)),
        members,
        complete: true,
        own_record_was_gone: shown.own_record_was_gone,
        renewals: renewals.collect(),
        watched: plan.watch.iter().map(|shard| (*shard, lease_of(shard))).collect(),
    };
    let record = Some(Record {
        incarnation: small(plan.record.incarnation.0),
        draining: plan.record.draining,
        journal_ok: plan.record.journal_ok,
    });
    Applied { acts: machine.on_round(now, &view), record, accepted: false, now }
}

fn real(found: Found) -> Verified {
    match found {
        Found::Taken => Verified::Ours(Claim::Taken),
        Found::Held(held) => Verified::Ours(Claim::Held(lease(held))),
        Found::NotOurs { epoch: e, owner } => Verified::NotOurs(epoch(e), owner.map(name)),
        Found::Silent => Verified::Silent,
    }
}

/// The real lease.
pub(super) fn lease(held: Held) -> Lease {
    Lease {
        node: name(held.node),
        incarnation: Incarnation(u64::from(held.incarnation)),
        epoch: epoch(held.epoch),
    }
}

fn member(node: u8, record: Record, beat: u64) -> MemberRecord {
    MemberRecord {
        node: name(node),
        incarnation: Incarnation(u64::from(record.incarnation)),
        link: String::new(),
        admin: String::new(),
        draining: record.draining,
        journal_ok: record.journal_ok,
        ring_version: crate::ring::RING_VERSION,
        reads_events: 1,
        beat,
    }
}

fn name(node: u8) -> NodeId {
    format!("n{node}").parse().expect("id")
}

/// The node's number.
pub(super) fn number(node: &NodeId) -> u8 {
    node.as_str()[1..].parse().expect("number")
}

fn shard(shard: u8) -> Shard {
    Shard(u16::from(shard))
}

fn epoch(epoch: u8) -> Epoch {
    Epoch(u64::from(epoch))
}

/// A shard and an epoch in small numbers.
pub(super) fn pair((shard, epoch): (Shard, Epoch)) -> (u8, u8) {
    (small(u64::from(shard.0)), small(epoch.0))
}

fn small(number: u64) -> u8 {
    u8::try_from(number).expect("small")
}
