//! One owned shard: its sessions, turn by turn. Pure: inputs and time come in, [`Effect`]s and
//! answers go out.
//!
//! Invariants: sessions take turns of [`crate::limits::FAIR_TURN`]; a read is shown only after an
//! epoch check that began after it arrived (SAFETY S11); once the epoch is not ours nothing is
//! decided or answered any more but "not the owner".

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use gss_shared::ids::{ConnectionId, Epoch, NodeId, Position, SessionId, Shard as ShardId};
use gss_shared::link::frame::{ReadFrame, Reattached, ToRouter};
use gss_shared::ports::journal::PartRefusal;
use gss_shared::time::Timestamp;
use tokio::time::Instant;

use crate::answer::{Answer, ReplyTo, Unseen};
use crate::chance::Chance;
use crate::epoch_check::Checked;
use crate::limits::PLAYING;
use crate::peer::Peer;
use crate::session_slot::{Common, Slot, Turn};
use crate::work::{Ask, Effect, Fact, Verdict, What, Work};

/// What reaches a shard from links and operators.
#[derive(Debug)]
pub enum Input {
    /// A command or an attach.
    Ask(SessionId, Work),
    /// A read.
    Read(ReplyTo, Box<ReadFrame>),
    /// A fetch.
    Fetch {
        /// Where the answer goes.
        to: ReplyTo,
        /// The request's number.
        request: u64,
        /// Of which session.
        session: SessionId,
        /// After which.
        after: Position,
    },
    /// A connection is gone.
    Detach(SessionId, ConnectionId),
    /// What a router has here.
    Reattach {
        /// Where the answer goes.
        to: ReplyTo,
        /// The router.
        peer: Arc<Peer>,
        /// Its sessions.
        sessions: Vec<Reattached>,
        /// What it had here besides is gone, as far as it is not told in the next of these.
        whole: bool,
    },
    /// Connections that sent something.
    Seen(Vec<(SessionId, ConnectionId)>),
    /// A router wants live messages over the link for this long.
    WantLive(Arc<Peer>, Duration),
    /// A router has no connections here any more.
    Absent(Arc<Peer>),
    /// Does the shard answer?
    Ping,
    /// These were played under the former owner until just now: their next commands come soon.
    Activate(Vec<SessionId>),
    /// The shard is ours under a higher epoch.
    Raised(Epoch),
    /// Hand off to this node.
    Stop(Option<NodeId>),
}

#[derive(Debug)]
struct WaitingRead {
    to: ReplyTo,
    frame: Box<ReadFrame>,
    arrived: Instant,
}

/// The present, as the shell reads it.
#[derive(Debug)]
pub struct Present<'a> {
    /// The journal's time.
    pub now: Timestamp,
    /// The process's time.
    pub at: Instant,
    /// No memory for more sessions.
    pub full: bool,
    /// The journal does not answer: nothing is decided.
    pub stalled: bool,
    /// Dice and ids.
    pub chance: &'a mut Chance,
}

/// How full a shard is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Depth {
    /// Loaded sessions.
    pub resident: usize,
    /// Requests that wait.
    pub waiting: usize,
    /// Decisions that are not durable.
    pub undecided: usize,
}

/// The shard.
#[derive(Debug)]
pub struct Shard {
    common: Common,
    slots: BTreeMap<SessionId, Slot>,
    ready: VecDeque<SessionId>,
    /// What is in `ready`.
    queued: BTreeSet<SessionId>,
    reads: Vec<WaitingRead>,
    checking: Option<Vec<WaitingRead>>,
    /// Some: it goes to this node.
    stopping: Option<Option<NodeId>>,
    drained: bool,
}

impl Shard {
    /// A shard just taken under this epoch. `budget`: time until a request's router gives it up.
    pub fn new(id: ShardId, epoch: Epoch, budget: Duration) -> Self {
        Self {
            common: Common::new(id, epoch, budget),
            slots: BTreeMap::new(),
            ready: VecDeque::new(),
            queued: BTreeSet::new(),
            reads: Vec::new(),
            checking: None,
            stopping: None,
            drained: false,
        }
    }

    /// Whether everything is over here: another node serves it, or will.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Its number.
    pub fn id(&self) -> ShardId {
        self.common.shard
    }

    /// Its epoch now.
    pub fn epoch(&self) -> Epoch {
        self.common.epoch
    }

    /// A session, if it has a slot.
    pub fn slot(&self, session: SessionId) -> Option<&Slot> {
        self.slots.get(&session)
    }

    /// Sessions that are played ([`crate::limits::PLAYING_MS`]), at most [`PLAYING`].
    pub fn playing(&self, now: Instant) -> Vec<SessionId> {
        let playing = self.slots.iter().filter(|(_, slot)| slot.is_played(now));
        playing.map(|(id, _)| *id).take(PLAYING).collect()
    }

    /// How full it is.
    pub fn depth(&self) -> Depth {
        let mut depth = Depth::default();
        for slot in self.slots.values() {
            let (waiting, undecided) = slot.depth();
            depth.resident += usize::from(slot.is_live());
            depth.waiting += waiting;
            depth.undecided += undecided;
        }
        depth
    }

    /// Lets something happen to one session. None: it panicked, and only that session feels it.
    pub(crate) fn with<R>(
        &mut self,
        id: SessionId,
        present: &mut Present<'_>,
        out: &mut Vec<Effect>,
        act: impl FnOnce(&mut Slot, &mut Turn<'_>) -> R,
    ) -> Option<R> {
        let slot = self.slots.entry(id).or_insert_with(|| Slot::new(id, present.at));
        let Present { now, at, full, stalled, ref mut chance } = *present;
        let common = &mut self.common;
        let mut turn = Turn { now, at, full, stalled, chance, common, out };
        let result = catch_unwind(AssertUnwindSafe(|| act(slot, &mut turn))).ok();
        if result.is_none() {
            slot.panicked(&mut turn);
        }
        if let Some(successor) = &self.stopping {
            let (epoch, owner) = (self.common.epoch, successor.clone());
            slot.stop(&Unseen::NotOwner { epoch, owner });
        }
        if slot.is_ready() && self.queued.insert(id) {
            self.ready.push_back(id);
        }
        result
    }

    /// Decides for the next session whose turn it is. False: nobody waits.
    pub fn step(&mut self, present: &mut Present<'_>, out: &mut Vec<Effect>) -> bool {
        let Some(id) = self.ready.pop_front() else { return false };
        self.queued.remove(&id);
        if self.slots.contains_key(&id) {
            self.with(id, present, out, Slot::step);
            self.check_drained(out);
        }
        true
    }

    /// Whether a session waits for its turn.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Something came from a link or an operator.
    pub fn input(&mut self, input: Input, present: &mut Present<'_>, out: &mut Vec<Effect>) {
        match input {
            Input::Ask(session, work) => {
                if let Some(why) = self.not_owner() {
                    return work.refuse_unseen(&why);
                }
                self.with(session, present, out, |slot, turn| slot.push(work, turn));
            }
            Input::Read(to, frame) => self.read(to, frame, present.at, out),
            Input::Fetch { to, request, session, after } => {
                match (self.not_owner(), self.slots.get(&session)) {
                    (Some(why), _) => {
                        Answer::unseen_fetch(to, request, &why).send();
                    }
                    (None, Some(_)) => {
                        self.with(session, present, out, |slot, turn| {
                            slot.fetch(to, request, after, turn);
                        });
                    }
                    (None, None) => out.push(Effect::Fetch { to, request, session, after }),
                }
            }
            Input::Detach(session, connection) => {
                self.clients_changed(session, present, out, |slot, at| {
                    slot.detach(connection, at);
                });
            }
            Input::Reattach { to, peer, sessions, whole } => {
                self.reattach((to, &peer), &sessions, whole, present, out);
            }
            Input::Seen(connections) => {
                for (session, connection) in connections {
                    if self.slots.contains_key(&session) {
                        self.with(session, present, out, |slot, turn| {
                            slot.clients().seen(connection, turn.at);
                            slot.tell_presence(turn);
                        });
                        out.push(Effect::Seen(session));
                    }
                }
            }
            Input::WantLive(peer, time) => {
                let until = present.at + time;
                self.common.want_live.retain(|(known, _)| !Arc::ptr_eq(known, &peer));
                self.common.want_live.push((peer, until));
            }
            Input::Absent(peer) => {
                for id in self.slots.keys().copied().collect::<Vec<_>>() {
                    self.clients_changed(id, present, out, |slot, at| {
                        slot.clients().router_gone(&peer, at);
                    });
                }
            }
            Input::Ping => {}
            Input::Activate(sessions) if self.stopping.is_none() => {
                for id in sessions {
                    self.with(id, present, out, Slot::activate);
                }
            }
            Input::Activate(_) => {}
            Input::Raised(epoch) => self.raise(epoch, out),
            Input::Stop(successor) => {
                self.stopping = Some(successor);
                for id in self.slots.keys().copied().collect::<Vec<_>>() {
                    self.with(id, present, out, |_, _| ());
                }
                self.refuse_reads();
            }
        }
        self.check_drained(out);
    }

    /// The writer's verdict on submissions.
    pub fn verdict(&mut self, verdict: Verdict, present: &mut Present<'_>, out: &mut Vec<Effect>) {
        self.raise(verdict.epoch, out);
        let fenced = matches!(verdict.outcome, Err(PartRefusal::Fenced));
        if fenced && verdict.under == self.common.epoch {
            out.push(Effect::Fenced);
        }
        let session = verdict.session;
        self.with(session, present, out, |slot, turn| slot.verdict(verdict, turn));
        self.check_drained(out);
    }

    /// Something came back from beside.
    pub fn fact(&mut self, fact: Fact, present: &mut Present<'_>, out: &mut Vec<Effect>) {
        match fact {
            Fact::Loaded(session, outcome) => {
                self.with(session, present, out, |slot, turn| slot.loaded(outcome, turn));
            }
            Fact::History(session, version, outcome) => {
                self.with(session, present, out, |slot, turn| {
                    slot.history(version, outcome, turn);
                });
            }
            Fact::Characters(session, question, known) => {
                self.with(session, present, out, |slot, _| slot.characters(question, known));
            }
            Fact::Found(session, actions, outcome) => {
                self.with(session, present, out, |slot, turn| slot.found(&actions, outcome, turn));
            }
            Fact::Missed(to, admitted, missed) => {
                let session = admitted.frame.session;
                self.with(session, present, out, |slot, turn| {
                    slot.resume(to, admitted, missed, turn);
                });
            }
            Fact::Saved(session, position, stored) => {
                self.with(session, present, out, |slot, turn| slot.saved(position, stored, turn));
            }
            Fact::NotPublished(committed) => {
                if let Some(slot) = self.slots.get(&committed.part().session) {
                    slot.not_published(&committed);
                }
            }
        }
        self.check_drained(out);
    }

    /// Once a second.
    pub fn tick(&mut self, present: &mut Present<'_>, out: &mut Vec<Effect>) {
        self.common.want_live.retain(|(_, until)| *until > present.at);
        self.check(out);
        for id in self.slots.keys().copied().collect::<Vec<_>>() {
            if self.with(id, present, out, Slot::tick) == Some(true) {
                self.slots.remove(&id);
            } else if self.stopping.is_none() {
                self.with(id, present, out, Slot::act_in_time);
            }
        }
        self.check_drained(out);
    }

    /// The shard is another's: everything unanswered is told so.
    pub fn abandon(&mut self, owner: Option<NodeId>) {
        let why = Unseen::NotOwner { epoch: self.common.epoch, owner: owner.clone() };
        self.stopping = Some(owner);
        for slot in self.slots.values_mut() {
            slot.abandon(&why);
        }
        self.refuse_reads();
    }

    fn not_owner(&self) -> Option<Unseen> {
        let owner = self.stopping.as_ref()?.clone();
        Some(Unseen::NotOwner { epoch: self.common.epoch, owner })
    }

    fn raise(&mut self, epoch: Epoch, out: &mut Vec<Effect>) {
        if epoch > self.common.epoch {
            self.common.epoch = epoch;
            self.check(out);
        }
    }

    fn check_drained(&mut self, out: &mut Vec<Effect>) {
        if self.stopping.is_some() && !self.drained && self.slots.values().all(Slot::is_settled) {
            self.drained = true;
            out.push(Effect::Drained);
        }
    }

    fn clients_changed(
        &mut self,
        session: SessionId,
        present: &mut Present<'_>,
        out: &mut Vec<Effect>,
        change: impl FnOnce(&mut Slot, Instant),
    ) {
        if self.slots.contains_key(&session) {
            self.with(session, present, out, |slot, turn| {
                change(slot, turn.at);
                slot.tell_presence(turn);
                turn.out.push(Effect::Hot(session));
            });
        }
    }

    fn reattach(
        &mut self,
        (to, peer): (ReplyTo, &Arc<Peer>),
        sessions: &[Reattached],
        whole: bool,
        present: &mut Present<'_>,
        out: &mut Vec<Effect>,
    ) {
        if self.not_owner().is_some() {
            let heads = ToRouter::Heads { shard: self.common.shard, heads: Vec::new() };
            Answer::from_journal(to, heads).send();
            return;
        }
        let named: BTreeMap<_, _> = sessions.iter().map(|told| (told.session, told)).collect();
        let not_named = |id: &SessionId| whole && !named.contains_key(id);
        for id in self.slots.keys().copied().filter(not_named).collect::<Vec<_>>() {
            // Presence is told by the next tick: they may be named in the next of these.
            self.with(id, present, out, |slot, turn| {
                slot.clients().reattach(peer, &[], true, turn.at);
                turn.out.push(Effect::Hot(id));
            });
        }
        for (id, told) in &named {
            let connections: Vec<_> = told
                .connections
                .iter()
                .map(|(id, viewer, token)| (*id, viewer.player, *token))
                .collect();
            self.with(*id, present, out, |slot, turn| {
                slot.clients().reattach(peer, &connections, whole, turn.at);
                slot.tell_presence(turn);
            });
        }
        out.push(Effect::Heads { to, sessions: named.into_keys().collect() });
    }

    fn read(&mut self, to: ReplyTo, frame: Box<ReadFrame>, at: Instant, out: &mut Vec<Effect>) {
        if let Some(why) = self.not_owner() {
            Answer::unseen_read(to, &frame, &why).send();
            return;
        }
        out.push(Effect::Shown(frame.session));
        self.reads.push(WaitingRead { to, frame, arrived: at });
        self.check(out);
    }

    /// One check at a time; reads that come meanwhile wait for the next, which begins after them.
    fn check(&mut self, out: &mut Vec<Effect>) {
        if self.checking.is_none() && !self.reads.is_empty() {
            self.checking = Some(std::mem::take(&mut self.reads));
            out.push(Effect::Check);
        }
    }

    /// After [`Effect::Check`].
    pub fn checked(
        &mut self,
        Checked { row, within_lease }: Checked,
        present: &mut Present<'_>,
        out: &mut Vec<Effect>,
    ) {
        let reads = self.checking.take().unwrap_or_default();
        let stale = match row {
            Some((epoch, true)) if epoch == self.common.epoch => Ok(false),
            // Raised by the writer to settle an unknown outcome, which it tells soon, or by ownership
            // that took the shard again after another had it: then the memory here is old.
            Some((epoch, true)) if epoch > self.common.epoch => {
                self.reads.splice(0..0, reads);
                return;
            }
            Some(_) => {
                out.push(Effect::Fenced);
                Err(Unseen::NotOwner { epoch: self.common.epoch, owner: None })
            }
            None if within_lease => Ok(true),
            None => Err(Unseen::Unavailable),
        };
        for WaitingRead { to, frame, arrived } in reads {
            match &stale {
                Err(why) => {
                    Answer::unseen_read(to, &frame, why).send();
                }
                Ok(stale) => {
                    let session = frame.session;
                    let ask = Ask::new(What::Read { frame, stale: *stale }, arrived);
                    self.with(session, present, out, |slot, turn| {
                        if *stale {
                            slot.show_stale(to, ask, turn);
                        } else {
                            slot.push(Work { to, ask }, turn);
                        }
                    });
                }
            }
        }
        self.check(out);
    }

    fn refuse_reads(&mut self) {
        let Some(why) = self.not_owner() else { return };
        let checking = self.checking.take().unwrap_or_default();
        for read in checking.into_iter().chain(std::mem::take(&mut self.reads)) {
            Answer::unseen_read(read.to, &read.frame, &why).send();
        }
    }
}
