//! What both adapters say of parts before and after the database was asked.

use std::collections::BTreeSet;

use super::{Appended, Committed, Part, PartRefusal};

/// Refuses what a statement could not judge: an action twice in one part, and what the caller
/// promised not to send, a session twice in one append or versions with a gap.
pub(super) fn refuse_malformed(parts: &[Part]) -> Vec<Option<PartRefusal>> {
    let mut sessions = BTreeSet::new();
    parts
        .iter()
        .map(|part| {
            let first = sessions.insert((part.shard, part.session));
            debug_assert!(first, "session {} twice in one append", part.session);
            let consecutive = is_consecutive(part);
            debug_assert!(consecutive, "versions of {} have a gap", part.session);
            let mut actions = BTreeSet::new();
            let mut named = part.events.iter().filter_map(|event| event.action.as_ref());
            if !first || !consecutive {
                Some(PartRefusal::Diverged)
            } else if !named.all(|(action, _)| actions.insert(*action)) {
                Some(PartRefusal::Duplicate)
            } else {
                None
            }
        })
        .collect()
}

fn is_consecutive(part: &Part) -> bool {
    let mut expected = part.after;
    !part.events.is_empty()
        && part.events.iter().all(|event| {
            expected = expected.next();
            event.version == expected
        })
}

/// Verdicts of parts: the database confirmed those that are not refused.
pub(super) fn judge(parts: Vec<Part>, refused: &[Option<PartRefusal>]) -> Vec<Appended> {
    let verdict = |(part, refused): (Part, &Option<PartRefusal>)| match refused {
        None => Appended::Committed(Committed::confirm(part)),
        Some(refusal) => Appended::Refused(part, *refusal),
    };
    parts.into_iter().zip(refused).map(verdict).collect()
}
