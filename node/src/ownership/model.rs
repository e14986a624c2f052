//! An exhaustive model of ownership: the real machine, an abstract journal and directory.
//!
//! Nodes run the real [`super::Ownership`]. What its task, the journal writer and service do with its
//! acts is modelled in steps that are atomic in the product, each as late as it likes: what is under
//! way while its node pauses lands later. In one execution up to `faults` faults happen, anywhere:
//! a process crashes, pauses or loses the directory, is cut off from the journal or asked to leave; a
//! lease is lost; the directory forgets everything; a connection dies with an append under way.
//! Checked are invariants 1 and 2 as far as ownership holds them: one writer per epoch, nothing
//! committed under a superseded epoch, no stale answer, nothing given up that can commit, epochs that
//! only grow; and that from every state, left alone, each shard finds its owner again. Each planted
//! bug ([`world::Broken`]) has to be found, and what proves nothing unless it happens (takeover,
//! handoff, a raise that settles, …) has to be reachable.
//!
//! Explored without violation, two threads on a machine with other load; unless whole, breadth first
//! down to the depth given:
//!
//! | nodes | shards | events | faults | states | depth | seconds |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | 2 | 1 | 1 | 1 | 331,684 | whole (58) | 6 optimized, 30 to 56 not |
//! | 2 | 1 | 2 | 1 | 839,225 | whole (59) | 22 optimized |
//! | 2 | 1 | 1 | 2 | 7,089,141 | 26 | 102 optimized |
//! | 2 | 2 | 1 | 1 | 2,587,762 | 24 | 105 optimized |
//! | 3 | 1 | 1 | 1 | 5,437,706 | 29 | 246 optimized |
//! | 3 | 2 | 1 | 1 | 5,389,894 | 20 | 105 optimized |
//!
//! What makes it finite. A round lets every timer lapse: no rule may rest on one that has not. Equal
//! but for the clock is equal, and what can have no effect any more is forgotten: epochs only grow.
//! The gate is left out, since it is no part of safety. An offer and its answer are one step, a
//! decision and its append too unless service ends or the connection dies between; a verification of
//! what is not held any more ends at once. Nodes are not symmetric, as the ring knows them by name.
//! Not modelled: a journal that loses commits (SAFETY S3), shards whose task is stuck, a directory
//! that answers in part, and what clients see of events that nobody acknowledged.

mod machine;
mod properties;
mod service;
mod steps;
mod world;

use std::sync::{Mutex, MutexGuard};

use stateright::{Checker, HasDiscoveries, Model, Property};

use self::machine::{Machines, Pace};
use self::steps::{Action, ids};
use self::world::{Broken, Node, Row, Shelf, World};

/// Bounds of a model.
struct Protocol {
    nodes: usize,
    shards: usize,
    /// Events per shard.
    events: u8,
    /// Faults in one execution.
    faults: u8,
    broken: Broken,
    machines: Mutex<Machines>,
}

impl Protocol {
    fn new(nodes: usize, shards: usize, faults: u8) -> Self {
        let (machines, broken) = (Mutex::default(), Broken::Nothing);
        Self { nodes, shards, events: 1, faults, broken, machines }
    }

    fn machines(&self) -> MutexGuard<'_, Machines> {
        self.machines.lock().expect("not poisoned")
    }

    /// A process that starts.
    fn start(&self, id: u8, incarnation: u8) -> Node {
        Node {
            incarnation,
            machine: self.machines().start(id, incarnation, self.shards),
            registered: false,
            away: true,
            cut: false,
            draining: false,
            jobs: Vec::new(),
            orders: Vec::new(),
            services: vec![None; self.shards],
        }
    }

    /// Nodes that know each other and serve nothing yet.
    fn beginning(&self) -> World {
        let mut world = World {
            rows: vec![Row::default(); self.shards],
            shelf: Shelf {
                generation: 1,
                records: vec![None; self.nodes],
                leases: vec![None; self.shards],
            },
            nodes: ids(self.nodes).map(|id| self.start(id, 1)).collect(),
            strays: Vec::new(),
            faults: 0,
            flaw: None,
        };
        for id in ids(self.nodes).chain(ids(self.nodes)) {
            self.round(&mut world, id, Pace::Soon);
        }
        world
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![self.beginning()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.flaw.is_none() {
            self.enabled(world, actions);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        self.carry_out(&mut next, action);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

#[cfg(test)]
mod tests;
