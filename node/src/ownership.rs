//! Which shards this node serves: the ring proposes, the lease decides, the epoch fences.
//!
//! A pure state machine. It takes what was seen (directory rounds, results, answers of peers) with
//! `now` in milliseconds of the process, and returns [`Act`]s that the task must carry out. It
//! knows neither Redis nor PostgreSQL. Invariant: a shard is served only between an epoch that was
//! raised to this node and the first sign that it is another's (SAFETY S11–S13, L1–L9).

mod act;
pub mod members;

use std::collections::{BTreeMap, BTreeSet};

use gss_shared::ids::{Epoch, Incarnation, NodeId, SessionId, Shard, ShardCount};
use gss_shared::ports::directory::{Claim, Lease, MemberRecord, Renewal, View};

use crate::ring::{RING_VERSION, placement};
pub use act::{Act, DropCause, Reply, RoundPlan, Verified};
use members::Members;

/// How often the directory is asked, milliseconds (SAFETY L3).
pub const POLL_MS: u64 = 250;
/// Membership must have stood still for this long before a starting node takes shards.
const SETTLE_MS: u64 = 1_500;
/// … but it does not wait longer than this.
const SETTLE_MAX_MS: u64 = 5_000;
/// A shard moves for balance at most once in this time (SAFETY L7).
const BALANCE_MS: u64 = 30_000;
/// Handoffs under way at a time, for balance and for a drain: enough for every successor to have
/// its next ones at hand, few enough that an offer gets its turn well before it becomes void.
const OFFERS_AT_ONCE: usize = 8;
/// An offer without an answer is void after this long.
const OFFER_MS: u64 = 1_000;
/// Shards of peers that are expected at a time. Their sessions stand still from the yes until they
/// are served here: further offers wait, while their owner goes on.
const EXPECT_AT_ONCE: usize = 2;
/// A shard we said yes to is expected for this long.
const EXPECT_MS: u64 = 2_000;
/// Renewals without an answer after which a shard's task counts as dead: two lease times.
const UNANSWERED_MAX: u32 = 6;
/// A node that does not reach the journal leaves when another says for this long that it does: all
/// of them notice the journal's end and its return within a second of each other.
const CUT_MS: u64 = 1_500;
/// A refused offer is repeated after this long.
const REFUSED_MS: u64 = 1_000;

/// Who this node is and how its leases last.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This node.
    pub node: NodeId,
    /// This start of it.
    pub incarnation: Incarnation,
    /// Where links connect.
    pub link: String,
    /// Where operators connect.
    pub admin: String,
    /// Shards of the cluster.
    pub shards: ShardCount,
    /// Time to live of leases and member records.
    pub lease_ttl_ms: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Phase {
    Serving,
    Offered { at: u64 },
    Stopping { successor: Option<NodeId> },
}

#[derive(Clone, Debug)]
struct Held {
    epoch: Epoch,
    since: u64,
    renewed: u64,
    /// Renewals in a row before which the shard's task did not answer.
    unanswered: u32,
    /// Last refused or expired offer.
    refused: Option<u64>,
    phase: Phase,
}

/// The state machine.
#[derive(Clone, Debug)]
pub struct Ownership {
    settings: Settings,
    members: Members,
    held: BTreeMap<Shard, Held>,
    acquiring: BTreeSet<Shard>,
    verifying: BTreeSet<Shard>,
    /// We said yes to a peer; void at.
    expected: BTreeMap<Shard, u64>,
    watched: BTreeMap<Shard, Option<Lease>>,
    table: BTreeMap<Shard, NodeId>,
    table_of: Vec<NodeId>,
    generation: Option<u64>,
    first_round: Option<u64>,
    quiet_until: u64,
    last_renewal: Option<u64>,
    journal_ok_at: u64,
    /// Since when others reach the journal and this node does not.
    cut_since: Option<u64>,
    draining: bool,
    beat: u64,
}

impl Ownership {
    /// Owns nothing yet.
    pub fn new(settings: Settings, now: u64) -> Self {
        let members = Members::new(settings.node.clone(), settings.lease_ttl_ms, POLL_MS);
        Self {
            settings,
            members,
            held: BTreeMap::new(),
            acquiring: BTreeSet::new(),
            verifying: BTreeSet::new(),
            expected: BTreeMap::new(),
            watched: BTreeMap::new(),
            table: BTreeMap::new(),
            table_of: Vec::new(),
            generation: None,
            first_round: None,
            quiet_until: 0,
            last_renewal: None,
            journal_ok_at: now,
            cut_since: None,
            draining: false,
            beat: 0,
        }
    }

    /// What this node says of itself.
    pub fn record(&self, now: u64) -> MemberRecord {
        MemberRecord {
            node: self.settings.node.clone(),
            incarnation: self.settings.incarnation,
            link: self.settings.link.clone(),
            admin: self.settings.admin.clone(),
            draining: self.draining,
            journal_ok: self.journal_ok(now),
            ring_version: RING_VERSION,
            reads_events: 1,
            beat: self.beat,
        }
    }

    fn journal_ok(&self, now: u64) -> bool {
        now.saturating_sub(self.journal_ok_at) < 2 * self.settings.lease_ttl_ms
    }

    fn lease(&self, epoch: Epoch) -> Lease {
        let Settings { node, incarnation, .. } = &self.settings;
        Lease { node: node.clone(), incarnation: *incarnation, epoch }
    }

    /// Whether the next round renews leases, so that the task asks which shards are alive.
    pub fn renewal_due(&self, now: u64) -> bool {
        let period = self.settings.lease_ttl_ms / 3;
        self.last_renewal.is_none_or(|last| now.saturating_sub(last) + POLL_MS / 2 >= period)
    }

    /// The next round. `alive`: shards whose task answered since the last renewal; None: not asked.
    pub fn plan_round(&mut self, now: u64, alive: Option<&BTreeSet<Shard>>) -> RoundPlan {
        self.beat += 1;
        let renew = match alive {
            Some(alive) => {
                self.last_renewal = Some(now);
                for (shard, held) in &mut self.held {
                    held.unanswered = if alive.contains(shard) { 0 } else { held.unanswered + 1 };
                }
                let ours = self.held.iter().filter(|(shard, _)| alive.contains(shard));
                ours.map(|(shard, held)| (*shard, self.lease(held.epoch))).collect()
            }
            None => Vec::new(),
        };
        let record = self.record(now);
        self.refresh_table(now, &record);
        let watch = self.wanted().filter(|shard| !self.held.contains_key(shard)).collect();
        RoundPlan { record, renew, watch }
    }

    fn refresh_table(&mut self, now: u64, record: &MemberRecord) {
        let mut ring = self.members.ring(now, record);
        ring.sort();
        if ring != self.table_of {
            self.table = placement(self.settings.shards, &ring);
            self.table_of = ring;
        }
    }

    fn wanted(&self) -> impl Iterator<Item = Shard> + '_ {
        let mine = self.table.iter().filter(|(_, node)| **node == self.settings.node);
        mine.map(|(shard, _)| *shard)
    }

    /// Takes in the directory's answer to the round.
    pub fn on_round(&mut self, now: u64, view: &View) -> Vec<Act> {
        let mut acts = Vec::new();
        self.members.observe(now, view);
        self.notice_amnesia(now, view, &mut acts);
        self.on_renewals(now, &view.renewals, &mut acts);
        self.drop_dead(&mut acts);
        self.watched = view.watched.clone();
        let cut = !self.journal_ok(now) && self.members.other_journal_ok();
        self.cut_since = cut.then(|| self.cut_since.unwrap_or(now));
        if self.cut_since.is_some_and(|since| now.saturating_sub(since) >= CUT_MS) {
            self.drop_all(DropCause::JournalCut, &mut acts);
        }
        let record = self.record(now);
        self.refresh_table(now, &record);
        self.expire(now, &mut acts);
        self.acquire_free(now, &mut acts);
        self.hand_off(now, &mut acts);
        acts
    }

    /// A directory that lost its content looks like a young cluster; nobody may believe it before
    /// members and leases had time to come back (SAFETY S12).
    fn notice_amnesia(&mut self, now: u64, view: &View, acts: &mut Vec<Act>) {
        let Some(generation) = view.generation else { return };
        let emptied = self.generation.is_some_and(|known| known != generation);
        let forgotten = self.first_round.is_some() && view.own_record_was_gone;
        self.generation = Some(generation);
        if view.complete && self.first_round.is_none() {
            self.first_round = Some(now);
        }
        if emptied || forgotten {
            self.quiet_until = now + 2 * self.settings.lease_ttl_ms;
            let serving: Vec<_> = self.serving().map(|(shard, held)| (shard, held.epoch)).collect();
            self.verify(serving, acts);
        }
    }

    fn serving(&self) -> impl Iterator<Item = (Shard, &Held)> {
        let serving =
            self.held.iter().filter(|(_, held)| !matches!(held.phase, Phase::Stopping { .. }));
        serving.map(|(shard, held)| (*shard, held))
    }

    fn verify(&mut self, shards: Vec<(Shard, Epoch)>, acts: &mut Vec<Act>) {
        let fresh: Vec<_> =
            shards.into_iter().filter(|(shard, _)| self.verifying.insert(*shard)).collect();
        if !fresh.is_empty() {
            acts.push(Act::Verify(fresh));
        }
    }

    fn on_renewals(&mut self, now: u64, renewals: &BTreeMap<Shard, Renewal>, acts: &mut Vec<Act>) {
        let mut doubtful = Vec::new();
        for (shard, renewal) in renewals {
            let Some(held) = self.held.get_mut(shard) else { continue };
            match renewal {
                Renewal::Renewed => held.renewed = now,
                Renewal::Silent => {}
                Renewal::Missing => doubtful.push((*shard, held.epoch)),
                Renewal::Other(lease) if lease.epoch < held.epoch => {
                    doubtful.push((*shard, held.epoch));
                }
                Renewal::Other(lease) => {
                    let owner = Some(lease.node.clone());
                    self.drop_shard(*shard, owner, DropCause::LeaseLost, acts);
                }
            }
        }
        doubtful.retain(|(shard, _)| {
            self.held.get(shard).is_some_and(|held| !matches!(held.phase, Phase::Stopping { .. }))
        });
        self.verify(doubtful, acts);
    }

    /// A shard whose task never answers is nobody's: it is let go, and taken again.
    fn drop_dead(&mut self, acts: &mut Vec<Act>) {
        let dead = self.held.iter().filter(|(_, held)| held.unanswered >= UNANSWERED_MAX);
        for shard in dead.map(|(shard, _)| *shard).collect::<Vec<_>>() {
            self.drop_shard(shard, None, DropCause::Dead, acts);
        }
    }

    /// What the journal said of doubtful leases.
    pub fn verified(&mut self, now: u64, results: Vec<(Shard, Epoch, Verified)>) -> Vec<Act> {
        let mut acts = Vec::new();
        for (shard, epoch, verified) in results {
            self.verifying.remove(&shard);
            let Some(held) = self.held.get_mut(&shard).filter(|held| held.epoch == epoch) else {
                continue;
            };
            match verified {
                Verified::Ours(Claim::Taken) => held.renewed = now,
                Verified::Ours(Claim::Silent) | Verified::Silent => {}
                Verified::Ours(Claim::Held(lease)) => {
                    let owner = Some(lease.node);
                    self.drop_shard(shard, owner, DropCause::LeaseLost, &mut acts);
                }
                Verified::NotOurs(found, owner) => {
                    let lost = found < epoch;
                    let cause = if lost { DropCause::CommitsLost } else { DropCause::Fenced };
                    self.drop_shard(shard, owner, cause, &mut acts);
                    if lost && self.acquiring.insert(shard) {
                        acts.push(Act::Acquire { shards: vec![(shard, epoch)], gate: true });
                    }
                }
            }
        }
        acts
    }

    fn drop_shard(
        &mut self,
        shard: Shard,
        owner: Option<NodeId>,
        cause: DropCause,
        acts: &mut Vec<Act>,
    ) {
        if let Some(held) = self.held.remove(&shard) {
            acts.push(Act::Drop { shard, epoch: held.epoch, owner, cause });
        }
    }

    fn drop_all(&mut self, cause: DropCause, acts: &mut Vec<Act>) {
        for shard in self.held.keys().copied().collect::<Vec<_>>() {
            self.drop_shard(shard, None, cause, acts);
        }
    }

    /// Offers and expectations that came to nothing.
    fn expire(&mut self, now: u64, acts: &mut Vec<Act>) {
        for held in self.held.values_mut() {
            if let Phase::Offered { at } = held.phase
                && now.saturating_sub(at) > OFFER_MS
            {
                held.phase = Phase::Serving;
                held.refused = Some(now);
            }
        }
        self.expected.retain(|shard, void_at| {
            let void = now >= *void_at;
            if void {
                acts.push(Act::ExpectNoMore(*shard));
            }
            !void
        });
    }

    /// Whether this node may take shards that nobody serves.
    fn may_acquire(&self, now: u64) -> bool {
        let Some(first) = self.first_round else { return false };
        let still = now.saturating_sub(self.members.last_change().max(first)) >= SETTLE_MS;
        let settled = !self.held.is_empty() || still || now - first >= SETTLE_MAX_MS;
        settled && now >= self.quiet_until && !self.draining && self.journal_ok(now)
    }

    fn acquire_free(&mut self, now: u64, acts: &mut Vec<Act>) {
        if !self.may_acquire(now) {
            return;
        }
        let mut free = Vec::new();
        for shard in self.wanted().collect::<Vec<_>>() {
            let Some(lease) = self.watched.get(&shard) else { continue };
            if self.held.contains_key(&shard) || self.acquiring.contains(&shard) {
                continue;
            }
            match lease {
                None => free.push((shard, Epoch::default())),
                // Reserved for us by its former owner, or left by our predecessor.
                Some(lease) if lease.node == self.settings.node => free.push((shard, lease.epoch)),
                Some(_) => {}
            }
        }
        if !free.is_empty() {
            self.acquiring.extend(free.iter().map(|(shard, _)| *shard));
            acts.push(Act::Acquire { shards: free, gate: true });
        }
    }

    /// What became of an acquisition: the epoch of each shard that is now ours.
    pub fn acquired(&mut self, now: u64, results: Vec<(Shard, Option<Epoch>)>) -> Vec<Act> {
        let mut acts = Vec::new();
        for (shard, epoch) in results {
            self.acquiring.remove(&shard);
            if let Some(epoch) = epoch {
                self.expected.remove(&shard);
                let held = Held {
                    epoch,
                    since: now,
                    renewed: now,
                    unanswered: 0,
                    refused: None,
                    phase: Phase::Serving,
                };
                self.held.insert(shard, held);
                self.journal_ok_at = now;
                acts.push(Act::Serve(shard, epoch));
            }
        }
        acts
    }

    fn hand_off(&mut self, now: u64, acts: &mut Vec<Act>) {
        let offered = |held: &&Held| !matches!(held.phase, Phase::Serving);
        let under_way = self.held.values().filter(offered).count();
        let room = OFFERS_AT_ONCE.saturating_sub(under_way);
        let mut moves = Vec::new();
        for (shard, held) in &self.held {
            if moves.len() == room {
                break;
            }
            if held.phase != Phase::Serving || !self.may_move(now, held) {
                continue;
            }
            let to = self.table.get(shard).filter(|node| **node != self.settings.node);
            match to.and_then(|node| self.members.get(node)) {
                Some(record) => moves.push((*shard, held.epoch, Some(record.clone()))),
                None if self.draining && self.table_of.is_empty() => {
                    moves.push((*shard, held.epoch, None));
                }
                None => {}
            }
        }
        for (shard, epoch, to) in moves {
            let Some(held) = self.held.get_mut(&shard) else { continue };
            if let Some(to) = to {
                held.phase = Phase::Offered { at: now };
                acts.push(Act::Offer { to, shard, epoch });
            } else {
                held.phase = Phase::Stopping { successor: None };
                acts.push(Act::Stop { shard, epoch, successor: None });
            }
        }
    }

    fn may_move(&self, now: u64, held: &Held) -> bool {
        let patient = held.refused.is_none_or(|at| now.saturating_sub(at) >= REFUSED_MS);
        let rested = self.draining || now.saturating_sub(held.since) >= BALANCE_MS;
        patient && rested && now >= self.quiet_until
    }

    /// A peer answered an offer.
    pub fn offer_answered(
        &mut self,
        now: u64,
        (shard, epoch): (Shard, Epoch),
        to: &NodeId,
        accepted: bool,
    ) -> Vec<Act> {
        let Some(held) = self.held.get_mut(&shard).filter(|held| held.epoch == epoch) else {
            return Vec::new();
        };
        if !matches!(held.phase, Phase::Offered { .. }) {
            return Vec::new();
        }
        if !accepted {
            held.phase = Phase::Serving;
            held.refused = Some(now);
            return Vec::new();
        }
        let successor = Some(to.clone());
        held.phase = Phase::Stopping { successor: successor.clone() };
        vec![Act::Stop { shard, epoch, successor }]
    }

    /// Service ended in order: nothing of the shard is in flight. `playing`: its sessions that were
    /// played until just now.
    pub fn drained(
        &mut self,
        now: u64,
        (shard, epoch): (Shard, Epoch),
        playing: Vec<SessionId>,
    ) -> Vec<Act> {
        // An unknown outcome on the way may have raised the epoch meanwhile.
        let Some(held) = self.held.get(&shard).filter(|held| held.epoch >= epoch) else {
            return Vec::new();
        };
        let Phase::Stopping { successor } = held.phase.clone() else { return Vec::new() };
        let epoch = held.epoch;
        self.held.remove(&shard);
        let successor = successor.and_then(|node| self.members.get(&node).cloned());
        let lease = self.lease(epoch);
        let mut acts = vec![Act::Release { shard, lease, successor, playing }];
        self.hand_off(now, &mut acts);
        acts
    }

    /// A peer asks whether we take a shard over.
    pub fn offered(&mut self, now: u64, shard: Shard) -> Reply {
        let fit = !self.draining && self.journal_ok(now) && self.first_round.is_some();
        if !fit || self.held.contains_key(&shard) || now < self.quiet_until {
            return Reply::No;
        }
        if self.expected.len() >= EXPECT_AT_ONCE && !self.expected.contains_key(&shard) {
            return Reply::Later;
        }
        self.expected.insert(shard, now + EXPECT_MS);
        Reply::Yes(Act::Expect(shard))
    }

    /// A peer released its lease on this shard to us.
    pub fn released(&mut self, shard: Shard, epoch: Epoch) -> Vec<Act> {
        if self.draining || self.held.contains_key(&shard) || !self.acquiring.insert(shard) {
            return Vec::new();
        }
        vec![Act::Acquire { shards: vec![(shard, epoch)], gate: false }]
    }

    /// The journal refused our epoch: service has ended already.
    pub fn fenced(&mut self, shard: Shard, epoch: Epoch) -> Vec<Act> {
        let mut acts = Vec::new();
        if self.held.get(&shard).is_some_and(|held| held.epoch <= epoch) {
            self.drop_shard(shard, None, DropCause::Fenced, &mut acts);
        }
        acts
    }

    /// The writer raised our epoch to settle an unknown outcome; the lease follows.
    pub fn raised(&mut self, shard: Shard, old: Epoch, new: Epoch) -> Vec<Act> {
        let mut acts = Vec::new();
        if let Some(held) = self.held.get_mut(&shard).filter(|held| held.epoch == old) {
            held.epoch = new;
            self.verifying.remove(&shard);
            if !matches!(held.phase, Phase::Stopping { .. }) {
                // Service knows it by the verdicts; routers and the registry are told.
                acts.push(Act::Serve(shard, new));
                self.verify(vec![(shard, new)], &mut acts);
            }
        }
        acts
    }

    /// A commit or epoch check went well.
    pub fn journal_answered(&mut self, now: u64) {
        self.journal_ok_at = now;
    }

    /// Leaves the ring, or comes back.
    pub fn set_draining(&mut self, draining: bool) {
        self.draining = draining;
    }

    /// Whether a drain is complete.
    pub fn is_drained(&self) -> bool {
        self.draining && self.held.is_empty() && self.acquiring.is_empty()
    }

    /// Milliseconds since the shard's lease was renewed, if it is held.
    pub fn lease_age_ms(&self, now: u64, shard: Shard) -> Option<u64> {
        self.held.get(&shard).map(|held| now.saturating_sub(held.renewed))
    }

    /// What is served, with epochs.
    pub fn served(&self) -> BTreeMap<Shard, Epoch> {
        self.serving().map(|(shard, held)| (shard, held.epoch)).collect()
    }

    /// Who is likely to have a shard that this node does not serve.
    pub fn owner_of(&self, shard: Shard) -> (Epoch, Option<NodeId>) {
        match self.watched.get(&shard) {
            Some(Some(lease)) => (lease.epoch, Some(lease.node.clone())),
            _ => (Epoch::default(), self.table.get(&shard).cloned()),
        }
    }

    /// The members, for links between nodes.
    pub fn members(&self) -> &Members {
        &self.members
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
