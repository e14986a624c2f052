//! What may happen next, and what it does. Each action is one thing that is atomic in the product:
//! a statement of the journal, a script of the directory, a notice to the machine.

use gss_shared::ids::{Epoch, Shard};

use super::super::Act;
use super::Protocol;
use super::machine::{Found, Held, Input, Outcome, Pace, Shown, number, pair};
use super::world::{Broken, Flaw, Job, Order, Stray, World};

/// One step of the world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// A node's round with the directory.
    Round(u8),
    /// A node's job goes one step on.
    Step(u8, Job),
    /// Service sees what ownership told it.
    Obey(u8),
    /// Service answers a read.
    Read(u8, u8),
    /// Service checks its epoch ([`Broken::EarlyCheck`]).
    Check(u8, u8),
    /// Service decides a command and appends its event.
    Append(u8, u8),
    /// … and the connection dies with the append under way.
    Disconnect(u8, u8),
    /// The writer raises the epoch to settle.
    Raise(u8, u8),
    /// The writer reads what became of the append.
    Settle(u8, u8),
    /// A statement without a sender runs.
    Stray(Stray),
    /// A process dies and starts again without memory.
    Crash(u8),
    /// A process pauses, or does not reach the directory, until its next round.
    Away(u8),
    /// A node does not reach the journal.
    Cut(u8),
    /// It does again.
    Mend(u8),
    /// A lease runs out, or is lost.
    Expire(u8),
    /// The directory loses everything.
    Amnesia,
    /// A node is asked to leave.
    Drain(u8),
}

/// The numbers below `count`.
pub(super) fn ids(count: usize) -> std::ops::Range<u8> {
    0..u8::try_from(count).expect("few")
}

/// A number as an index.
pub(super) fn at(index: u8) -> usize {
    usize::from(index)
}

impl Protocol {
    /// What may happen in `world`.
    pub(super) fn enabled(&self, world: &World, out: &mut Vec<Action>) {
        for (id, node) in (0..).zip(&world.nodes) {
            out.push(Action::Round(id));
            let blocked = |job: &&Job| node.cut && matches!(job, Job::Raise(_));
            let jobs = node.jobs.iter().filter(|job| !blocked(job));
            out.extend(jobs.map(|job| Action::Step(id, job.clone())));
            if !node.orders.is_empty() {
                out.push(Action::Obey(id));
            }
            if node.cut {
                out.push(Action::Mend(id));
            }
            self.serving(world, id, out);
        }
        out.extend(world.strays.iter().cloned().map(Action::Stray));
        let may_expire = |shard: &u8| self.may_expire(world, *shard);
        out.extend(ids(self.shards).filter(may_expire).map(Action::Expire));
        if world.faults < self.faults {
            self.faulty(world, out);
        }
    }

    /// The faults that may happen.
    fn faulty(&self, world: &World, out: &mut Vec<Action>) {
        for (id, node) in (0..).zip(&world.nodes) {
            out.push(Action::Crash(id));
            if !node.away {
                out.push(Action::Away(id));
            }
            if !node.cut {
                out.push(Action::Cut(id));
            }
            let others = world.nodes.iter().enumerate().filter(|(other, _)| *other != at(id));
            if !node.draining && others.into_iter().any(|(_, other)| !other.draining) {
                out.push(Action::Drain(id));
            }
        }
        let leased = |shard: &u8| world.shelf.leases[at(*shard)].is_some();
        let renewed = ids(self.shards).filter(leased);
        out.extend(renewed.filter(|s| !self.may_expire(world, *s)).map(Action::Expire));
        out.push(Action::Amnesia);
    }

    /// Whether nobody renews the shard's lease.
    pub(super) fn may_expire(&self, world: &World, shard: u8) -> bool {
        world.shelf.leases[at(shard)].is_some_and(|lease| {
            let node = &world.nodes[at(lease.node)];
            node.away
                || node.incarnation != lease.incarnation
                || !self.machines().holds(node.machine, at(shard), |held| held == lease.epoch)
                    && !node.jobs.iter().any(|job| match job {
                        Job::Acquired(taken) => taken.contains(&(shard, Some(lease.epoch))),
                        _ => false,
                    })
        })
    }

    /// Carries out `action`, and forgets what it made idle.
    pub(super) fn carry_out(&self, world: &mut World, action: Action) {
        self.act(world, action);
        self.conclude(world);
        self.tidy(world);
    }

    fn act(&self, world: &mut World, action: Action) {
        match action {
            Action::Round(id) => self.round(world, id, Pace::Late),
            Action::Step(id, job) => self.step(world, id, job),
            Action::Obey(id) => {
                self.obey(world, id);
                self.obey_at_once(world, id);
            }
            Action::Read(id, shard) => self.read(world, (id, shard)),
            Action::Check(id, shard) => Self::check(world, (id, shard)),
            Action::Append(id, shard) => self.append(world, (id, shard)),
            Action::Disconnect(id, shard) => {
                world.faults += 1;
                self.disconnect(world, (id, shard));
            }
            Action::Raise(id, shard) => self.raise(world, (id, shard)),
            Action::Settle(id, shard) => self.settle(world, (id, shard)),
            Action::Stray(stray) => self.land(world, &stray),
            Action::Mend(id) => world.nodes[at(id)].cut = false,
            Action::Expire(shard) => {
                world.faults += u8::from(!self.may_expire(world, shard));
                world.shelf.leases[at(shard)] = None;
            }
            fault => {
                world.faults += 1;
                self.strike(world, &fault);
            }
        }
    }

    /// Forgets what can have no effect any more: epochs of a row, and of what a machine holds, only
    /// grow.
    fn tidy(&self, world: &mut World) {
        let (rows, broken) = (&world.rows, self.broken);
        world.strays.retain(|stray| match stray {
            Stray::Append(append) => {
                let row = &rows[at(append.shard)];
                append.after == row.tail()
                    && (append.epoch == row.epoch || broken == Broken::Unfenced)
            }
            Stray::Raise(expected, _) => {
                let open = |(shard, epoch): &(u8, u8)| rows[at(*shard)].epoch == *epoch;
                broken == Broken::BlindRaise || expected.iter().any(open)
            }
        });
        let leases = &world.shelf.leases;
        let current = |(shard, epoch): &(u8, u8)| {
            rows[at(*shard)].epoch <= *epoch || broken == Broken::UncheckedReassertion
        };
        for (id, node) in (0..).zip(&mut world.nodes) {
            let machine = node.machine;
            let holds = |shard: u8, epochs: &dyn Fn(u8) -> bool| {
                self.machines().holds(machine, at(shard), epochs)
            };
            let claims: Vec<_> = node.jobs.iter().flat_map(|job| claims(job, &current)).collect();
            let incarnation = node.incarnation;
            node.jobs.retain(|job| match job {
                Job::Fenced(shard, epoch) => holds(*shard, &|held| held <= *epoch),
                Job::Raised(shard, old, _) => holds(*shard, &|held| held == *old),
                Job::Release { shard, epoch, to: None } => {
                    let ours = Held { node: id, incarnation, epoch: *epoch };
                    leases[at(*shard)] == Some(ours) || claims.contains(&(*shard, *epoch))
                }
                _ => true,
            });
        }
    }

    /// Tells the machine at once what was found of an epoch that it does not hold any more.
    fn conclude(&self, world: &mut World) {
        for id in ids(self.nodes) {
            let machine = world.nodes[at(id)].machine;
            let stale = |(shard, epoch, _): &(u8, u8, u8)| {
                world.rows[at(*shard)].epoch > *epoch
                    && !self.machines().holds(machine, at(*shard), |held| held == *epoch)
            };
            let asked = |job: &Job| match job {
                Job::Verify(asked) if self.broken != Broken::UncheckedReassertion => asked.clone(),
                Job::Reassert(found) if found.iter().all(|(_, found)| found.is_some()) => {
                    found.iter().map(|(asked, _)| *asked).collect()
                }
                _ => Vec::new(),
            };
            let over = |job: &&Job| !asked(job).is_empty() && asked(job).iter().all(stale);
            let Some(job) = world.nodes[at(id)].jobs.iter().find(over).cloned() else { continue };
            let results = asked(&job).into_iter().map(|(shard, epoch, _)| {
                let owner = world.rows[at(shard)].owner.map(|(node, _)| node);
                (shard, epoch, Found::NotOurs { epoch: world.rows[at(shard)].epoch, owner })
            });
            let results = results.collect();
            world.nodes[at(id)].jobs.retain(|other| *other != job);
            self.feed(world, id, Input::Verified(results));
        }
    }

    fn strike(&self, world: &mut World, fault: &Action) {
        match fault {
            Action::Crash(id) => self.crash(world, *id),
            Action::Away(id) => world.nodes[at(*id)].away = true,
            Action::Cut(id) => world.nodes[at(*id)].cut = true,
            Action::Amnesia => {
                world.shelf.generation += 1;
                world.shelf.records.fill(None);
                world.shelf.leases.fill(None);
            }
            Action::Drain(id) => {
                world.nodes[at(*id)].draining = true;
                self.feed(world, *id, Input::Drain);
            }
            other => unreachable!("{other:?} is no fault"),
        }
    }

    fn crash(&self, world: &mut World, id: u8) {
        for shard in ids(self.shards) {
            self.abandon(world, (id, shard));
        }
        let me = world.process(id);
        let node = &mut world.nodes[at(id)];
        let jobs = std::mem::take(&mut node.jobs);
        *node = self.start(id, me.1 + 1);
        for job in jobs {
            if let Job::Raise(expected) = job {
                world.stray(Stray::Raise(expected, me));
            }
        }
    }

    fn land(&self, world: &mut World, stray: &Stray) {
        world.strays.retain(|other| other != stray);
        match stray {
            Stray::Append(append) => {
                world.append(*append, self.broken);
            }
            Stray::Raise(expected, by) => {
                for (shard, epoch) in expected {
                    world.raise(*shard, *epoch, *by, self.broken);
                }
            }
        }
    }

    /// A node's round with the directory, so much later.
    pub(super) fn round(&self, world: &mut World, id: u8, pace: Pace) {
        world.nodes[at(id)].away = false;
        let (node, shelf) = (&world.nodes[at(id)], &world.shelf);
        let known = shelf.records[at(id)].is_some_and(|r| r.incarnation == node.incarnation);
        let records = shelf.records.iter().zip(&world.nodes);
        let shown = Shown {
            pace,
            journal_answers: !node.cut,
            generation: shelf.generation,
            own_record_was_gone: node.registered && !known,
            records: records.map(|(record, node)| record.map(|r| (r, !node.away))).collect(),
            leases: shelf.leases.clone(),
        };
        world.nodes[at(id)].registered = true;
        self.feed(world, id, Input::Round(shown));
    }

    /// Gives the machine an input and notes what it wants done. Whether it accepted an offer.
    pub(super) fn feed(&self, world: &mut World, id: u8, input: Input) -> bool {
        let outcome = self.machines().feed(world.nodes[at(id)].machine, input);
        let Outcome { machine, acts, record, accepted } = outcome.as_ref();
        world.nodes[at(id)].machine = *machine;
        if record.is_some() {
            world.shelf.records[at(id)] = *record;
        }
        for act in acts {
            note(world, id, act);
        }
        self.obey_at_once(world, id);
        *accepted
    }

    fn step(&self, world: &mut World, id: u8, job: Job) {
        let me = world.process(id);
        let node = &mut world.nodes[at(id)];
        node.jobs.retain(|other| *other != job);
        let ours = |epoch| Held { node: id, incarnation: me.1, epoch };
        match job {
            Job::Enter(shards) => self.enter(world, id, shards),
            Job::Raise(expected) => {
                let raised = expected
                    .into_iter()
                    .map(|(shard, epoch)| (shard, world.raise(shard, epoch, me, self.broken)));
                let raised: Vec<_> = raised.collect();
                let lost = raised.iter().all(|(_, epoch)| epoch.is_none());
                let next = if lost { Job::Acquired(raised) } else { Job::Claim(raised) };
                world.nodes[at(id)].add(next);
            }
            Job::Claim(mut raised) => {
                for (shard, epoch) in &mut raised {
                    *epoch = epoch.filter(|e| world.shelf.claim(*shard, ours(*e)).is_none());
                }
                world.nodes[at(id)].add(Job::Acquired(raised));
            }
            Job::Verify(_) if self.broken == Broken::LostVerification => {}
            Job::Verify(shards) => self.verify(world, id, shards),
            Job::Reassert(found) => {
                let results = found.into_iter().map(|(asked, found)| {
                    (
                        asked.0,
                        asked.1,
                        found.unwrap_or_else(|| reassert(world, ours(asked.1), asked)),
                    )
                });
                let results = results.collect();
                self.feed(world, id, Input::Verified(results));
            }
            Job::Offer { to, shard, epoch } => {
                let accepted = self.feed(world, to, Input::Offered(shard));
                self.feed(world, id, Input::OfferAnswered { shard, epoch, to, accepted });
            }
            Job::Release { shard, epoch, to } => {
                world.shelf.release(shard, ours(epoch), to);
                if let Some(to) = to {
                    world.nodes[at(id)].add(Job::Tell { to, shard, epoch });
                }
            }
            notice => self.tell(world, id, notice),
        }
    }

    fn tell(&self, world: &mut World, id: u8, notice: Job) {
        let (to, input) = match notice {
            Job::Acquired(results) => (id, Input::Acquired(results)),
            Job::Tell { to, shard, epoch } => (to, Input::Released(shard, epoch)),
            Job::Fenced(shard, epoch) => (id, Input::Fenced(shard, epoch)),
            Job::Raised(shard, old, new) => (id, Input::Raised(shard, old, new)),
            other => unreachable!("{other:?} is no notice"),
        };
        self.feed(world, to, input);
    }

    fn enter(&self, world: &mut World, id: u8, shards: Vec<u8>) {
        let epochs = shards.into_iter().map(|shard| (shard, world.rows[at(shard)].epoch));
        let node = &mut world.nodes[at(id)];
        if node.cut {
            let nothing = epochs.map(|(shard, _)| (shard, None)).collect();
            self.feed(world, id, Input::Acquired(nothing));
        } else if self.broken == Broken::UnraisedAcquisition {
            node.add(Job::Claim(epochs.map(|(shard, epoch)| (shard, Some(epoch))).collect()));
        } else {
            node.add(Job::Raise(epochs.collect()));
        }
    }

    fn verify(&self, world: &mut World, id: u8, shards: Vec<(u8, u8, u8)>) {
        let me = world.process(id);
        let cut = world.nodes[at(id)].cut;
        let look = |asked: (u8, u8, u8)| {
            let row = &world.rows[at(asked.0)];
            let ours = row.epoch == asked.1 && row.owner == Some(me);
            let found = match ours || self.broken == Broken::UncheckedReassertion {
                _ if cut => Some(Found::Silent),
                true => None,
                false => {
                    let owner = row.owner.map(|(node, _)| node);
                    Some(Found::NotOurs { epoch: row.epoch, owner })
                }
            };
            (asked, found)
        };
        let found = shards.into_iter().map(look).collect();
        world.nodes[at(id)].add(Job::Reassert(found));
    }
}

/// The leases that a job may write. `current`: what verification may find to be ours.
fn claims(job: &Job, current: &dyn Fn(&(u8, u8)) -> bool) -> Vec<(u8, u8)> {
    match job {
        Job::Claim(raised) => {
            raised.iter().filter_map(|(shard, epoch)| Some((*shard, (*epoch)?))).collect()
        }
        Job::Verify(asked) => {
            asked.iter().map(|asked| (asked.0, asked.1)).filter(current).collect()
        }
        Job::Reassert(found) => {
            let ours = found.iter().filter(|(_, found)| found.is_none());
            ours.map(|(asked, _)| (asked.0, asked.1)).collect()
        }
        _ => Vec::new(),
    }
}

/// Claims a lease that was missing. `asked`: shard, epoch, the journal's epoch when it was missed.
fn reassert(world: &mut World, ours: Held, asked: (u8, u8, u8)) -> Found {
    let in_the_way = world.shelf.claim(asked.0, ours);
    if in_the_way.is_none() && asked.1 < asked.2 {
        world.flaw = Some(Flaw::Reasserted);
    }
    in_the_way.map_or(Found::Taken, Found::Held)
}

/// Turns an act into a job or an order.
fn note(world: &mut World, id: u8, act: &Act) {
    let World { nodes, rows, .. } = world;
    let node = &mut nodes[at(id)];
    let small = |shard: &Shard, epoch: &Epoch| pair((*shard, *epoch));
    match act {
        Act::Acquire { shards, .. } => {
            node.add(Job::Enter(shards.iter().map(|wanted| pair(*wanted).0).collect()));
        }
        Act::Verify(shards) => {
            let asked = shards.iter().map(|asked| pair(*asked));
            let asked = asked.map(|(shard, epoch)| (shard, epoch, rows[at(shard)].epoch));
            node.add(Job::Verify(asked.collect()));
        }
        Act::Serve(shard, epoch) => {
            let (shard, epoch) = small(shard, epoch);
            node.orders.push(Order::Serve(shard, epoch));
        }
        Act::Stop { shard, epoch, .. } => {
            let (shard, epoch) = small(shard, epoch);
            node.orders.push(Order::Stop(shard, epoch));
        }
        Act::Drop { shard, epoch, .. } => {
            let (shard, epoch) = small(shard, epoch);
            node.orders.push(Order::Drop(shard, epoch));
            node.add(Job::Release { shard, epoch, to: None });
        }
        Act::Offer { to, shard, epoch } => {
            let (shard, epoch) = small(shard, epoch);
            node.add(Job::Offer { to: number(&to.node), shard, epoch });
        }
        Act::Release { shard, lease, successor, playing: _ } => {
            let (shard, epoch) = small(shard, &lease.epoch);
            let to = successor.as_ref().map(|record| number(&record.node));
            node.add(Job::Release { shard, epoch, to });
        }
        // They only hold commands back.
        Act::Expect(_) | Act::ExpectNoMore(_) => {}
    }
}
