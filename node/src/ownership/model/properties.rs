//! What must hold in every state of the model, and what must be reachable for that to mean anything.

use stateright::Property;

use super::Protocol;
use super::steps::{Action, at, ids};
use super::world::{Flaw, Job, Node, Pending, Service, World};

pub(super) const ONE_WRITER: &str = "an epoch has one writer";
pub(super) const FENCED: &str = "nothing commits under a superseded epoch";
pub(super) const GROWING: &str = "epochs only grow";
pub(super) const DURABLE: &str = "what is acknowledged is in the journal";
pub(super) const FRESH: &str = "a read is answered with all that was acknowledged before it";
pub(super) const SETTLED: &str = "what was given up cannot commit any more";
pub(super) const REASSERTED: &str = "a lost lease comes back only under an epoch checked since";
pub(super) const OWNED: &str = "who serves under the journal's epoch is its owner";
pub(super) const RECOVERS: &str = "left alone, every shard comes to be served";

pub(super) fn all() -> Vec<Property<Protocol>> {
    let mut all = always();
    all.extend(sometimes());
    all
}

fn always() -> Vec<Property<Protocol>> {
    vec![
        Property::always(ONE_WRITER, |_, world: &World| one_writer(world)),
        Property::always(FENCED, |_, world: &World| world.flaw != Some(Flaw::Superseded)),
        Property::always(GROWING, |_, world: &World| world.flaw != Some(Flaw::NotGrown)),
        Property::always(DURABLE, |_, world: &World| {
            world.rows.iter().all(|row| row.acknowledged <= row.tail())
        }),
        Property::always(FRESH, |_, world: &World| world.flaw != Some(Flaw::StaleAnswer)),
        Property::always(SETTLED, |_, world: &World| world.flaw != Some(Flaw::Unsettled)),
        Property::always(REASSERTED, |_, world: &World| world.flaw != Some(Flaw::Reasserted)),
        Property::always(OWNED, |_, world: &World| {
            world.services().all(|(process, shard, service)| {
                let row = &world.rows[shard];
                service.under < row.epoch
                    || service.under == row.epoch && row.owner == Some(process)
            })
        }),
        Property::always(RECOVERS, Protocol::recovers),
    ]
}

fn sometimes() -> Vec<Property<Protocol>> {
    vec![
        Property::sometimes("a shard is taken over from the dead", |_, world: &World| {
            world.services().any(|(process, shard, service)| {
                let dead = |(id, node): (u8, &Node)| id != process.0 && node.incarnation > 1;
                let written = world.rows[shard].events.iter().any(|event| event.1.1 == 1);
                service.under > 1 && written && (0..).zip(&world.nodes).any(dead)
            })
        }),
        Property::sometimes("a shard is taken over from the living", |_, world: &World| {
            world.services().any(|(process, shard, service)| {
                let older = |s: &Service| s.under < service.under;
                world.services().any(|(p, s, old)| p != process && s == shard && older(old))
            })
        }),
        Property::sometimes("a shard is handed over", |_, world: &World| {
            job(world, |job| matches!(job, Job::Tell { .. }))
        }),
        Property::sometimes("service is fenced", |_, world: &World| {
            job(world, |job| matches!(job, Job::Fenced(..)))
        }),
        Property::sometimes("a lost statement commits after all", |_, world: &World| {
            pending(world, |pending| match pending {
                Pending::Unknown(append) => world.rows[at(append.shard)].has(append),
                Pending::Raised(..) => false,
            })
        }),
        Property::sometimes("a raise settles an unknown outcome", |_, world: &World| {
            pending(world, |p| matches!(p, Pending::Raised(append, new) if new > append.epoch))
        }),
        Property::sometimes("a lease comes back in an emptied directory", |_, world: &World| {
            let back = world.shelf.leases.iter().flatten().any(|held| held.incarnation > 0);
            world.shelf.generation > 1 && back
        }),
    ]
}

fn job(world: &World, is: impl Fn(&Job) -> bool) -> bool {
    world.nodes.iter().any(|node| node.jobs.iter().any(&is))
}

fn pending(world: &World, is: impl Fn(Pending) -> bool) -> bool {
    world.services().any(|(_, _, service)| service.pending.is_some_and(&is))
}

fn one_writer(world: &World) -> bool {
    let one = world.rows.iter().all(|row| {
        let other = |a: &(u8, _)| row.events.iter().any(|b| a.0 == b.0 && *a != *b);
        !row.events.iter().any(other)
    });
    let twice = world.services().any(|(process, shard, service)| {
        let rival = |(p, s, other): (_, usize, &Service)| {
            p != process && s == shard && other.under == service.under
        };
        world.services().any(rival)
    });
    one && !twice
}

/// Whether each shard is served by one node, by right, with its lease.
fn served(world: &World) -> bool {
    (0..).zip(&world.rows).zip(&world.shelf.leases).all(|((shard, row), lease)| {
        let mut by = world.services().filter(|(_, s, _)| *s == shard);
        let rightly = by.next().is_some_and(|(process, _, service)| {
            service.under == row.epoch
                && row.owner == Some(process)
                && lease.is_some_and(|held| {
                    (held.node, held.incarnation, held.epoch) == (process.0, process.1, row.epoch)
                })
        });
        rightly && by.next().is_none()
    })
}

/// Turns in which everybody does what it can do, after which every shard has to be served.
const TURNS: usize = 12;

impl Protocol {
    /// No more faults, everybody goes on in turn, clients read: every shard finds its owner.
    pub(super) fn recovers(&self, world: &World) -> bool {
        let mut world = world.clone();
        for _ in 0..TURNS {
            if served(&world) {
                return true;
            }
            for id in ids(self.nodes) {
                self.turn(&mut world, id);
            }
        }
        served(&world)
    }

    fn turn(&self, world: &mut World, id: u8) {
        world.nodes[at(id)].cut = false;
        for _ in 0..ACTIONS {
            let mut enabled = Vec::new();
            self.enabled(world, &mut enabled);
            let due = |action: &Action| is_due(action, id);
            let Some(action) = enabled.into_iter().find(due) else { break };
            self.carry_out(world, action);
        }
        for shard in ids(self.shards) {
            if world.nodes[at(id)].services[at(shard)].is_some_and(|s| !s.stopping) {
                self.read(world, (id, shard));
            }
        }
        for shard in ids(self.shards) {
            if self.may_expire(world, shard) {
                world.shelf.leases[at(shard)] = None;
            }
        }
        self.carry_out(world, Action::Round(id));
    }
}

/// Most actions of a node in one turn: more than ever are due.
const ACTIONS: usize = 64;

/// What this node, or nobody, does in its turn without a fault.
fn is_due(action: &Action, me: u8) -> bool {
    match action {
        Action::Step(id, _)
        | Action::Obey(id)
        | Action::Append(id, _)
        | Action::Raise(id, _)
        | Action::Settle(id, _) => *id == me,
        Action::Stray(_) => true,
        _ => false,
    }
}
