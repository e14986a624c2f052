//! What the model's nodes share and hold: journal, directory, statements under way, service.
//!
//! The journal follows SAFETY S1 and S13: an append is taken under the shard's epoch and after its
//! last version; an epoch is raised by compare-and-set.

use super::machine::{Found, Held, Record, lease};

/// One start of one node.
pub(super) type Process = (u8, u8);

/// A rule that a planted bug breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Broken {
    /// None.
    Nothing,
    /// An append does not compare the epoch.
    Unfenced,
    /// A raise does not compare the epoch.
    BlindRaise,
    /// A shard that nobody leases is served without raising its epoch.
    UnraisedAcquisition,
    /// A missing lease is written again without asking the journal.
    UncheckedReassertion,
    /// A verification ends without a word.
    LostVerification,
    /// An unknown outcome is read without raising the epoch first.
    UnraisedSettlement,
    /// A read is answered without an epoch check.
    UncheckedRead,
    /// A read is answered on a check that began before it arrived.
    EarlyCheck,
}

/// What went wrong in a step; states alone do not show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Flaw {
    /// An append committed under a superseded epoch.
    Superseded,
    /// A read was answered without something that had been acknowledged before it arrived.
    StaleAnswer,
    /// A lease was written again under an epoch that was superseded when its loss was seen.
    Reasserted,
    /// An append was taken for lost that can still commit.
    Unsettled,
    /// An epoch did not grow.
    NotGrown,
}

/// A shard in the journal.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Row {
    pub(super) epoch: u8,
    pub(super) owner: Option<Process>,
    /// Epoch and writer of each event.
    pub(super) events: Vec<(u8, Process)>,
    /// Version up to which clients were told.
    pub(super) acknowledged: u8,
}

/// An append of one event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Append {
    pub(super) shard: u8,
    pub(super) epoch: u8,
    /// The version before its event.
    pub(super) after: u8,
    pub(super) writer: Process,
}

/// What the journal said to an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Committed,
    Fenced,
    Diverged,
}

impl Row {
    pub(super) fn tail(&self) -> u8 {
        u8::try_from(self.events.len()).expect("short")
    }

    /// Whether this append's event is there.
    pub(super) fn has(&self, append: Append) -> bool {
        self.events.get(usize::from(append.after)) == Some(&(append.epoch, append.writer))
    }

    pub(super) fn accepts(&self, append: Append, broken: Broken) -> Verdict {
        match () {
            () if append.epoch != self.epoch && broken != Broken::Unfenced => Verdict::Fenced,
            () if append.after != self.tail() => Verdict::Diverged,
            () => Verdict::Committed,
        }
    }

    fn raise(&mut self, expected: u8, owner: Process, broken: Broken) -> Option<u8> {
        if self.epoch != expected && broken != Broken::BlindRaise {
            return None;
        }
        self.epoch = expected + 1;
        self.owner = Some(owner);
        Some(self.epoch)
    }
}

/// The directory: everything in it may vanish.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Shelf {
    pub(super) generation: u8,
    pub(super) records: Vec<Option<Record>>,
    pub(super) leases: Vec<Option<Held>>,
}

impl Shelf {
    /// Who is in the way, or nobody.
    pub(super) fn claim(&mut self, shard: u8, ours: Held) -> Option<Held> {
        let slot = &mut self.leases[usize::from(shard)];
        match slot {
            Some(found) if !lease(*found).yields_to(&lease(ours)) => Some(*found),
            _ => {
                *slot = Some(ours);
                None
            }
        }
    }

    pub(super) fn release(&mut self, shard: u8, ours: Held, to: Option<u8>) {
        let slot = &mut self.leases[usize::from(shard)];
        if *slot == Some(ours) {
            *slot = to.map(|node| Held { node, incarnation: 0, epoch: ours.epoch });
        }
    }
}

/// Work of a node that takes several steps; each step may come as late as it likes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Job {
    /// Epochs have to be read. The gate is left out: it is no part of safety.
    Enter(Vec<u8>),
    /// The raise is under way: shards with the epochs expected.
    Raise(Vec<(u8, u8)>),
    /// The claims are under way: shards with the epochs raised to.
    Claim(Vec<(u8, Option<u8>)>),
    /// The machine has to be told.
    Acquired(Vec<(u8, Option<u8>)>),
    /// Epochs have to be checked: shard, epoch, the journal's epoch when it was asked for.
    Verify(Vec<(u8, u8, u8)>),
    /// Those that are ours have to be claimed; `Some`: not ours.
    Reassert(Vec<((u8, u8, u8), Option<Found>)>),
    /// A peer has to be asked, and the machine told what it said.
    Offer { to: u8, shard: u8, epoch: u8 },
    /// The lease has to be released.
    Release { shard: u8, epoch: u8, to: Option<u8> },
    /// The successor has to be told.
    Tell { to: u8, shard: u8, epoch: u8 },
    /// The machine has to be told.
    Fenced(u8, u8),
    /// The machine has to be told: shard, old, new.
    Raised(u8, u8, u8),
}

/// What ownership told service and service has not seen yet, in order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Order {
    Serve(u8, u8),
    Stop(u8, u8),
    Drop(u8, u8),
}

/// Where a command stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Pending {
    /// Its outcome is unknown: the epoch has to be raised.
    Unknown(Append),
    /// Raised to; the tail has to be read.
    Raised(Append, u8),
}

/// A served shard: its task and its memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Service {
    /// The epoch that the registry knows.
    pub(super) epoch: u8,
    /// The epoch that the shard's task works under.
    pub(super) under: u8,
    /// Version that the state in memory stands at.
    pub(super) tail: u8,
    pub(super) pending: Option<Pending>,
    pub(super) stopping: bool,
    /// An earlier check went well ([`Broken::EarlyCheck`]).
    pub(super) checked: bool,
}

/// One node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Node {
    pub(super) incarnation: u8,
    /// A state of [`super::machine::Machines`].
    pub(super) machine: u32,
    /// This start wrote its member record once.
    pub(super) registered: bool,
    /// Dead, paused or cut off from the directory until its next round: its record stands still,
    /// its leases run out.
    pub(super) away: bool,
    /// Cut off from the journal.
    pub(super) cut: bool,
    pub(super) draining: bool,
    /// A set.
    pub(super) jobs: Vec<Job>,
    pub(super) orders: Vec<Order>,
    pub(super) services: Vec<Option<Service>>,
}

impl Node {
    pub(super) fn add(&mut self, job: Job) {
        if let Err(place) = self.jobs.binary_search(&job) {
            self.jobs.insert(place, job);
        }
    }
}

/// A statement whose sender does not listen any more; it may run at any time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Stray {
    Append(Append),
    Raise(Vec<(u8, u8)>, Process),
}

/// Everything.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct World {
    pub(super) rows: Vec<Row>,
    pub(super) shelf: Shelf,
    pub(super) nodes: Vec<Node>,
    /// A set.
    pub(super) strays: Vec<Stray>,
    /// Faults that happened.
    pub(super) faults: u8,
    pub(super) flaw: Option<Flaw>,
}

impl World {
    pub(super) fn process(&self, id: u8) -> Process {
        (id, self.nodes[usize::from(id)].incarnation)
    }

    pub(super) fn stray(&mut self, stray: Stray) {
        if let Err(place) = self.strays.binary_search(&stray) {
            self.strays.insert(place, stray);
        }
    }

    /// An append runs.
    pub(super) fn append(&mut self, append: Append, broken: Broken) -> Verdict {
        let row = &mut self.rows[usize::from(append.shard)];
        let verdict = row.accepts(append, broken);
        if verdict == Verdict::Committed {
            row.events.push((append.epoch, append.writer));
            if append.epoch < row.epoch {
                self.flaw = Some(Flaw::Superseded);
            }
        }
        verdict
    }

    /// A raise runs.
    pub(super) fn raise(
        &mut self,
        shard: u8,
        expected: u8,
        by: Process,
        broken: Broken,
    ) -> Option<u8> {
        let row = &mut self.rows[usize::from(shard)];
        let before = row.epoch;
        let raised = row.raise(expected, by, broken);
        if raised.is_some_and(|epoch| epoch <= before) {
            self.flaw = Some(Flaw::NotGrown);
        }
        raised
    }

    /// Each service with its process and shard.
    pub(super) fn services(&self) -> impl Iterator<Item = (Process, usize, &Service)> {
        (0..).zip(&self.nodes).flat_map(|(id, node)| {
            let served = node.services.iter().enumerate();
            served.filter_map(move |(shard, s)| Some(((id, node.incarnation), shard, s.as_ref()?)))
        })
    }
}
