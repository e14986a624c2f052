//! What one process remembers of the members.
//!
//! A member that is absent leaves the view only when the directory has answered for a whole TTL:
//! otherwise its absence says nothing but that it could not refresh its record (SAFETY S12).

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::MemberRecord;
use crate::ids::NodeId;

/// Members as last seen, and for how long the directory has answered.
#[derive(Debug, Default)]
pub(crate) struct MemberMemory {
    known: BTreeMap<NodeId, MemberRecord>,
    answering_since: Option<Instant>,
    silent_since: Option<Instant>,
}

impl MemberMemory {
    /// Takes over what a round found at `now`; `complete` says whether absence in it means
    /// anything. Returns the members to be believed in.
    ///
    /// A silence shorter than a third of the TTL (the interval of refreshes) is overlooked: no
    /// record expires by it.
    pub(crate) fn merge(
        &mut self,
        now: Instant,
        ttl: Duration,
        found: BTreeMap<NodeId, MemberRecord>,
        complete: bool,
    ) -> BTreeMap<NodeId, MemberRecord> {
        if !complete {
            self.silent_since.get_or_insert(now);
            self.known.extend(found);
            return self.known.clone();
        }
        if self.silent_since.take().is_some_and(|since| now - since > ttl / 3) {
            self.answering_since = None;
        }
        let since = *self.answering_since.get_or_insert(now);
        if now - since >= ttl {
            self.known = found;
        } else {
            self.known.extend(found);
        }
        self.known.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::directory::contract::record;

    const TTL: Duration = Duration::from_secs(3);

    fn found(names: &[&str]) -> BTreeMap<NodeId, MemberRecord> {
        names
            .iter()
            .map(|name| record(name, 1))
            .map(|record| (record.node.clone(), record))
            .collect()
    }

    fn names(members: &BTreeMap<NodeId, MemberRecord>) -> Vec<&str> {
        members.keys().map(NodeId::as_str).collect()
    }

    #[test]
    fn absence_counts_after_a_ttl_of_answers() {
        let start = Instant::now();
        let mut memory = MemberMemory::default();
        let mut at = |ms: u64, present: &[&str], complete: bool| {
            let now = start + Duration::from_millis(ms);
            names(&memory.merge(now, TTL, found(present), complete)).join(" ")
        };
        assert_eq!(at(0, &["a", "b"], true), "a b");
        assert_eq!(at(1_000, &["a"], true), "a b", "answering for one second only");
        assert_eq!(at(3_000, &["a"], true), "a");
        assert_eq!(at(3_250, &["a", "c"], true), "a c");
        assert_eq!(at(3_500, &[], false), "a c", "silence proves nothing");
        assert_eq!(at(3_750, &["a"], true), "a", "a short silence is overlooked");
        assert_eq!(at(4_000, &[], false), "a");
        assert_eq!(
            at(9_000, &[], true),
            "a",
            "after a long silence everybody gets a TTL to return"
        );
        assert_eq!(at(11_999, &[], true), "a");
        assert_eq!(at(12_000, &[], true), "");
    }
}
