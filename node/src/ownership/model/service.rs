//! Service and the journal writer of the model: what `shards`, `shard` and `journal_writer` do with
//! a shard, reduced to one session.

use super::Protocol;
use super::machine::Input;
use super::steps::{Action, at, ids};
use super::world::{Append, Broken, Flaw, Job, Order, Pending, Service, Stray, Verdict, World};

/// A node and a shard.
type Place = (u8, u8);

fn service(world: &mut World, (id, shard): Place) -> &mut Service {
    world.nodes[at(id)].services[at(shard)].as_mut().expect("is served")
}

/// Whether the epoch check of reads passes now.
fn passes(world: &World, (id, shard): Place) -> bool {
    let row = &world.rows[at(shard)];
    let under = world.nodes[at(id)].services[at(shard)].map(|service| service.under);
    row.owner == Some(world.process(id)) && Some(row.epoch) == under
}

impl Protocol {
    /// What a node's services may do.
    pub(super) fn serving(&self, world: &World, id: u8, out: &mut Vec<Action>) {
        let node = &world.nodes[at(id)];
        for shard in ids(self.shards) {
            let Some(service) = node.services[at(shard)] else { continue };
            if !service.stopping && !node.cut {
                out.push(Action::Read(id, shard));
                if self.broken == Broken::EarlyCheck {
                    out.push(Action::Check(id, shard));
                }
            }
            match service.pending {
                None if !service.stopping && service.tail < self.events && !node.cut => {
                    out.push(Action::Append(id, shard));
                    if world.faults < self.faults {
                        out.push(Action::Disconnect(id, shard));
                    }
                }
                Some(Pending::Unknown(_)) if !node.cut => out.push(Action::Raise(id, shard)),
                Some(Pending::Raised(..)) if !node.cut => out.push(Action::Settle(id, shard)),
                None | Some(_) => {}
            }
        }
    }

    /// What cannot be told from service that is idle for a while is seen at once; a drop is not.
    pub(super) fn obey_at_once(&self, world: &mut World, id: u8) {
        let waits = |order: Option<&Order>| matches!(order, None | Some(Order::Drop(..)));
        while !waits(world.nodes[at(id)].orders.first()) {
            self.obey(world, id);
        }
    }

    /// Service sees the oldest order.
    pub(super) fn obey(&self, world: &mut World, id: u8) {
        let node = &mut world.nodes[at(id)];
        match node.orders.remove(0) {
            Order::Serve(shard, epoch) => match &mut node.services[at(shard)] {
                Some(service) if service.epoch < epoch => {
                    service.epoch = epoch;
                    service.under = service.under.max(epoch);
                }
                Some(_) => {}
                empty @ None => {
                    let tail = world.rows[at(shard)].tail();
                    let (under, pending, stopping, checked) = (epoch, None, false, false);
                    *empty = Some(Service { epoch, under, tail, pending, stopping, checked });
                }
            },
            Order::Stop(shard, epoch) => match &mut node.services[at(shard)] {
                Some(service) if service.epoch <= epoch => {
                    service.stopping = true;
                    self.end_when_drained(world, (id, shard), epoch);
                }
                _ => {
                    self.feed(world, id, Input::Drained(shard, epoch));
                }
            },
            Order::Drop(shard, epoch) => {
                if node.services[at(shard)].is_some_and(|service| service.epoch <= epoch) {
                    self.abandon(world, (id, shard));
                }
            }
        }
    }

    /// Ends service; its statements run on: it may always have one under way. While service goes on,
    /// an append that is under way is not told from one that is decided later.
    pub(super) fn abandon(&self, world: &mut World, (id, shard): Place) {
        let writer = world.process(id);
        let node = &mut world.nodes[at(id)];
        let Some(service) = node.services[at(shard)].take() else { return };
        match service.pending {
            None if service.tail < self.events => {
                let append = Append { shard, epoch: service.under, after: service.tail, writer };
                world.stray(Stray::Append(append));
            }
            // The writer goes on to settle it, for nobody.
            Some(Pending::Unknown(append)) => {
                world.stray(Stray::Raise(vec![(shard, append.epoch)], append.writer));
            }
            Some(Pending::Raised(..)) | None => {}
        }
        if service.stopping {
            self.feed(world, id, Input::Drained(shard, service.epoch));
        }
    }

    fn end_when_drained(&self, world: &mut World, place: Place, epoch: u8) {
        let Service { stopping, pending, .. } = service(world, place);
        if *stopping && pending.is_none() {
            world.nodes[at(place.0)].services[at(place.1)] = None;
            self.feed(world, place.0, Input::Drained(place.1, epoch));
        }
    }

    /// Service found that its epoch is another's.
    fn fenced(&self, world: &mut World, place: Place) {
        let under = service(world, place).under;
        self.abandon(world, place);
        world.nodes[at(place.0)].add(Job::Fenced(place.1, under));
    }

    fn decide(world: &mut World, (id, shard): Place) -> Append {
        let writer = world.process(id);
        let service = service(world, (id, shard));
        Append { shard, epoch: service.under, after: service.tail, writer }
    }

    pub(super) fn check(world: &mut World, place: Place) {
        let passes = passes(world, place);
        service(world, place).checked |= passes;
    }

    /// A read arrives, is checked, and answered from memory. A check that comes later finds no
    /// less; an answer that comes later knows no less.
    pub(super) fn read(&self, world: &mut World, place: Place) {
        let passes = passes(world, place);
        let Service { under, tail, checked, .. } = *service(world, place);
        let row = &world.rows[at(place.1)];
        let answered = match self.broken {
            Broken::UncheckedRead => true,
            Broken::EarlyCheck => passes || checked,
            _ => passes,
        };
        // Raised by the writer, or by ownership that took the shard again: it waits.
        let waits = row.owner == Some(world.process(place.0)) && row.epoch > under;
        if answered && tail < row.acknowledged {
            world.flaw = Some(Flaw::StaleAnswer);
        } else if !answered && !waits {
            self.fenced(world, place);
        }
    }

    pub(super) fn append(&self, world: &mut World, place: Place) {
        let append = Self::decide(world, place);
        match world.append(append, self.broken) {
            Verdict::Committed => self.committed(world, place, append),
            Verdict::Fenced => self.fenced(world, place),
            Verdict::Diverged => self.reload(world, place),
        }
    }

    fn committed(&self, world: &mut World, place: Place, append: Append) {
        let row = &mut world.rows[at(place.1)];
        row.acknowledged = row.acknowledged.max(append.after + 1);
        let service = service(world, place);
        service.tail = append.after + 1;
        service.pending = None;
        let epoch = service.epoch;
        self.end_when_drained(world, place, epoch);
    }

    fn reload(&self, world: &mut World, place: Place) {
        let tail = world.rows[at(place.1)].tail();
        let service = service(world, place);
        service.tail = tail;
        service.pending = None;
        let epoch = service.epoch;
        self.end_when_drained(world, place, epoch);
    }

    pub(super) fn disconnect(&self, world: &mut World, place: Place) {
        let append = Self::decide(world, place);
        world.stray(Stray::Append(append));
        let unraised = self.broken == Broken::UnraisedSettlement;
        let next =
            if unraised { Pending::Raised(append, append.epoch) } else { Pending::Unknown(append) };
        service(world, place).pending = Some(next);
    }

    /// The writer raises the epoch of an append with unknown outcome; ownership is told.
    pub(super) fn raise(&self, world: &mut World, place: Place) {
        let Some(Pending::Unknown(append)) = service(world, place).pending else { return };
        let raised = world.raise(place.1, append.epoch, append.writer, self.broken);
        // Who has raised it meanwhile, be it ownership of this node, has ended this service.
        let new = raised.unwrap_or(append.epoch);
        service(world, place).pending = Some(Pending::Raised(append, new));
        if new > append.epoch {
            world.nodes[at(place.0)].add(Job::Raised(place.1, append.epoch, new));
        }
    }

    /// The writer reads what became of the append, and service hears it.
    pub(super) fn settle(&self, world: &mut World, place: Place) {
        let Some(Pending::Raised(append, new)) = service(world, place).pending else { return };
        let there = world.rows[at(place.1)].has(append);
        if !there && world.rows[at(place.1)].epoch == append.epoch {
            world.flaw = Some(Flaw::Unsettled);
        }
        let service = service(world, place);
        service.under = service.under.max(new);
        let raised = service.under > append.epoch || self.broken == Broken::UnraisedSettlement;
        match (there, raised) {
            (true, _) => self.committed(world, place, append),
            (false, true) => self.reload(world, place),
            (false, false) => self.fenced(world, place),
        }
    }
}
