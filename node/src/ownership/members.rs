//! Who is alive, as far as one process can tell.
//!
//! A member is alive while its record's `beat` moves. It leaves this view only after a full TTL in
//! which the directory answered and the beat stood still (SAFETY S12), so that an emptied or silent
//! directory removes nobody. A member that returned counts after a delay that doubles with every
//! flap (SAFETY L7).

use std::collections::BTreeMap;

use gss_shared::ids::{Incarnation, NodeId};
use gss_shared::ports::directory::{MemberRecord, View};

/// Delay before a returned member counts, milliseconds; doubles per flap.
const RETURN_MS: u64 = 10_000;
/// Flaps after which the delay stops doubling.
const FLAPS_MAX: u32 = 5;
/// A departure is forgotten after this long.
const FORGET_MS: u64 = 600_000;

#[derive(Clone, Debug)]
struct Known {
    record: MemberRecord,
    /// Time with answers in which the beat stood still, milliseconds.
    still_ms: u64,
    counts_from: u64,
}

#[derive(Clone, Copy, Debug)]
struct Departed {
    flaps: u32,
    at: u64,
}

/// Members as one process sees them.
#[derive(Clone, Debug)]
pub struct Members {
    me: NodeId,
    ttl_ms: u64,
    poll_ms: u64,
    known: BTreeMap<NodeId, Known>,
    departed: BTreeMap<NodeId, Departed>,
    last_answer: Option<u64>,
    last_change: u64,
}

impl Members {
    /// Nobody yet. `poll_ms`: how often views come.
    pub fn new(me: NodeId, ttl_ms: u64, poll_ms: u64) -> Self {
        Self {
            me,
            ttl_ms,
            poll_ms,
            known: BTreeMap::new(),
            departed: BTreeMap::new(),
            last_answer: None,
            last_change: 0,
        }
    }

    /// Takes in one view at `now` (milliseconds of the process).
    pub fn observe(&mut self, now: u64, view: &View) {
        for (node, record) in &view.members {
            self.see(now, node, record);
        }
        if view.complete {
            let since = self.last_answer.map_or(0, |last| now.saturating_sub(last));
            let answered = since.min(2 * self.poll_ms);
            self.last_answer = Some(now);
            self.age(now, answered);
        } else {
            self.last_answer = None;
        }
        self.departed.retain(|_, departed| now.saturating_sub(departed.at) < FORGET_MS);
    }

    fn see(&mut self, now: u64, node: &NodeId, record: &MemberRecord) {
        let restarted = self
            .known
            .get(node)
            .is_some_and(|known| known.record.incarnation != record.incarnation);
        if restarted {
            self.depart(now, node);
        }
        match self.known.get_mut(node) {
            Some(known) => {
                if known.record.beat != record.beat {
                    known.still_ms = 0;
                }
                if known.record.draining != record.draining
                    || known.record.journal_ok != record.journal_ok
                {
                    self.last_change = now;
                }
                known.record = record.clone();
            }
            None => {
                let counts_from = self.departed.get(node).map_or(now, |departed| {
                    now + (RETURN_MS << (departed.flaps.clamp(1, FLAPS_MAX) - 1))
                });
                let known = Known { record: record.clone(), still_ms: 0, counts_from };
                self.known.insert(node.clone(), known);
                self.last_change = now;
            }
        }
    }

    fn age(&mut self, now: u64, answered: u64) {
        let mut gone = Vec::new();
        for (node, known) in &mut self.known {
            known.still_ms += answered;
            if known.still_ms > self.ttl_ms && *node != self.me {
                gone.push(node.clone());
            }
        }
        for node in gone {
            self.depart(now, &node);
        }
    }

    fn depart(&mut self, now: u64, node: &NodeId) {
        self.known.remove(node);
        let flaps = self.departed.get(node).map_or(0, |departed| departed.flaps) + 1;
        if *node != self.me {
            self.departed.insert(node.clone(), Departed { flaps, at: now });
        }
        self.last_change = now;
    }

    /// When a member last came, went, or changed its mind.
    pub fn last_change(&self) -> u64 {
        self.last_change
    }

    /// The record of a live member.
    pub fn get(&self, node: &NodeId) -> Option<&MemberRecord> {
        self.known.get(node).map(|known| &known.record)
    }

    /// Whether this start of the node is alive.
    pub fn is_alive(&self, node: &NodeId, incarnation: Incarnation) -> bool {
        self.get(node).is_some_and(|record| record.incarnation == incarnation)
    }

    /// Whether a member other than this one reaches the journal.
    pub fn other_journal_ok(&self) -> bool {
        self.known.iter().any(|(node, known)| *node != self.me && known.record.journal_ok)
    }

    /// The nodes that the ring is made of; `me` as given, since the own record lags. Members that do
    /// not count yet are better than nobody: the last of a rolling restart has to go somewhere.
    pub fn ring(&self, now: u64, me: &MemberRecord) -> Vec<NodeId> {
        let others = |counting: bool| {
            let members = self.known.iter().filter(|(node, _)| **node != self.me);
            let members = members.filter(move |(_, known)| known.counts_from <= now || !counting);
            members.map(|(_, known)| &known.record)
        };
        let staying = |record: &&MemberRecord| !record.draining;
        let mut candidates: Vec<_> = others(true).chain([me]).filter(staying).collect();
        if candidates.is_empty() {
            candidates = others(false).filter(staying).collect();
        }
        let any_ok = candidates.iter().any(|record| record.journal_ok);
        let fit = candidates.into_iter().filter(|record| record.journal_ok || !any_ok);
        fit.map(|record| record.node.clone()).collect()
    }
}

#[cfg(test)]
impl Members {
    /// Maps every moment, so that members who differ only in how long ago they saw something are
    /// equal; beats start over. `past` and `until`: what a moment behind or ahead comes to.
    pub(super) fn map_times(&mut self, past: impl Fn(u64) -> u64, until: impl Fn(u64) -> u64) {
        for known in self.known.values_mut() {
            known.counts_from = until(known.counts_from);
            known.record.beat = 0;
        }
        for departed in self.departed.values_mut() {
            departed.at = past(departed.at);
        }
        self.last_answer = self.last_answer.map(&past);
        self.last_change = past(self.last_change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn record(node: &str, beat: u64) -> MemberRecord {
        MemberRecord {
            node: node.parse().expect("id"),
            incarnation: Incarnation(1),
            link: String::new(),
            admin: String::new(),
            draining: false,
            journal_ok: true,
            ring_version: 1,
            reads_events: 1,
            beat,
        }
    }

    fn view(records: &[MemberRecord], complete: bool) -> View {
        let members = records.iter().map(|record| (record.node.clone(), record.clone()));
        View { members: members.collect(), complete, ..View::default() }
    }

    fn ring(members: &Members, now: u64) -> Vec<String> {
        members.ring(now, &record("a", 0)).into_iter().map(String::from).collect()
    }

    fn members() -> Members {
        Members::new("a".parse().expect("id"), 3_000, 250)
    }

    #[test]
    fn a_member_whose_beat_stands_still_leaves_after_a_ttl_of_answers() {
        let mut members = members();
        for step in 0..=13_u64 {
            members.observe(step * 250, &view(&[record("b", 7)], true));
            let expected = if step <= 12 { vec!["b", "a"] } else { vec!["a"] };
            assert_eq!(ring(&members, step * 250), expected, "after {} ms", step * 250);
        }
    }

    #[test]
    fn an_absent_record_counts_like_a_still_one() {
        let mut members = members();
        members.observe(0, &view(&[record("b", 7)], true));
        for step in 1..=12_u64 {
            members.observe(step * 250, &view(&[], true));
        }
        assert_eq!(ring(&members, 3_000), ["b", "a"]);
        members.observe(3_250, &view(&[], true));
        assert_eq!(ring(&members, 3_250), ["a"]);
    }

    #[test]
    fn a_silent_directory_removes_nobody() {
        let mut members = members();
        members.observe(0, &view(&[record("b", 7)], true));
        for step in 1..=100_u64 {
            members.observe(step * 250, &view(&[], false));
        }
        members.observe(60_000, &view(&[], true));
        assert_eq!(ring(&members, 60_000), ["b", "a"]);
    }

    #[test]
    fn a_returned_member_counts_after_ten_seconds_then_twenty() {
        let mut members = members();
        members.observe(0, &view(&[record("b", 7)], true));
        let again = MemberRecord { incarnation: Incarnation(2), ..record("b", 1) };
        members.observe(250, &view(std::slice::from_ref(&again), true));
        assert_eq!(ring(&members, 10_249), ["a"]);
        assert_eq!(ring(&members, 10_250), ["b", "a"]);
        let third = MemberRecord { incarnation: Incarnation(3), ..again };
        members.observe(10_500, &view(&[third], true));
        assert_eq!(ring(&members, 30_499), ["a"]);
        assert_eq!(ring(&members, 30_500), ["b", "a"]);
    }

    #[test]
    fn who_drains_last_gives_to_a_member_that_does_not_count_yet() {
        let mut members = members();
        members.observe(0, &view(&[record("b", 7), record("c", 7)], true));
        let again = MemberRecord { incarnation: Incarnation(2), ..record("b", 1) };
        let leaving = MemberRecord { draining: true, ..record("c", 8) };
        members.observe(250, &view(&[again, leaving], true));
        let me = MemberRecord { draining: true, ..record("a", 0) };
        assert_eq!(members.ring(250, &me), ["b".parse().expect("id")]);
        assert_eq!(ring(&members, 250), ["a"], "who stays keeps what it has");
    }

    #[test]
    fn draining_members_and_those_without_journal_are_not_on_the_ring() {
        let mut members = members();
        let draining = MemberRecord { draining: true, ..record("b", 1) };
        let cut = MemberRecord { journal_ok: false, ..record("c", 1) };
        members.observe(0, &view(&[draining, cut], true));
        assert_eq!(ring(&members, 0), ["a"]);
        let me = MemberRecord { journal_ok: false, ..record("a", 0) };
        let all_cut: Vec<String> = members.ring(0, &me).into_iter().map(String::from).collect();
        assert_eq!(all_cut, ["c", "a"], "nobody reaches the journal: nobody leaves");
    }
}
