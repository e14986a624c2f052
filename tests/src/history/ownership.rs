//! Who wrote: one writer per shard and epoch, epochs that only grow.

use std::collections::BTreeMap;

use gss_shared::ids::{Epoch, Incarnation, SessionId, Shard, Version};

/// A shard's row as it was seen, in the order of looking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// The shard.
    pub shard: Shard,
    /// Its epoch then.
    pub epoch: Epoch,
    /// Who held it, as which process.
    pub owner: (String, Incarnation),
}

/// A row of the journal, in the order of row numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// The shard.
    pub shard: Shard,
    /// The session.
    pub session: SessionId,
    /// The event.
    pub version: Version,
    /// The epoch it was written under.
    pub epoch: Epoch,
}

/// Everything known of who could write and what was written.
#[derive(Clone, Default, Debug)]
pub struct Ownership {
    /// What was seen of the shards.
    pub owners: Vec<Owner>,
    /// All rows.
    pub rows: Vec<Row>,
}

/// No epoch of a shard has two writers, no epoch falls, and along the rows of a shard, whatever
/// session they are of, none is of an earlier epoch than the one before.
pub fn check_ownership(known: &Ownership) -> Vec<String> {
    let mut violations = Vec::new();
    let mut writers: BTreeMap<(Shard, Epoch), &(String, Incarnation)> = BTreeMap::new();
    let mut last: BTreeMap<Shard, Epoch> = BTreeMap::new();
    for seen in &known.owners {
        let Owner { shard, epoch, owner } = seen;
        let first = writers.entry((*shard, *epoch)).or_insert(owner);
        if *first != owner {
            violations.push(format!("shard {shard}, epoch {epoch}: {first:?} and {owner:?} write"));
        }
        if let Some(before) = last.insert(*shard, *epoch).filter(|before| before > epoch) {
            violations.push(format!("shard {shard}: epoch {epoch} after {before}"));
        }
    }
    let mut written: BTreeMap<Shard, Epoch> = BTreeMap::new();
    for row in &known.rows {
        let Row { shard, session, version, epoch } = row;
        if let Some(before) = written.insert(*shard, *epoch).filter(|before| before > epoch) {
            violations.push(format!(
                "shard {shard}, session {session}, version {version}: written in epoch {epoch} \
                 after a row of {before}"
            ));
        }
        if last.get(shard).is_some_and(|last| last < epoch) {
            violations.push(format!(
                "shard {shard}, session {session}, version {version}: written in epoch {epoch}, \
                 which nobody was given"
            ));
        }
    }
    violations
}
