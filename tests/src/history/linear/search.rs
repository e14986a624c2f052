//! The search for an order, just in time (G. Lowe, "Testing for linearizability", Concurrency and
//! Computation: Practice and Experience 29(4), 2017).
//!
//! Goes through the history once and keeps every way in which the register can have come to where it
//! is: which of the operations under way have taken effect, and what it holds. An operation takes
//! effect only when an answer requires it, its own or another's, since any order can be put off until
//! then. Ways that agree are one, so that the work grows with the length of the history and, by
//! powers of two, with the operations under way at a time, of which a client has one.
//!
//! Values are written once each, so that what follows a write whose value was seen is one who saw it:
//! before another write all who saw it have to come. Such a write is therefore tried only where one
//! of them is under way. Otherwise those that are under way for long, because nobody knew their
//! outcome, would count into the powers.
//!
//! The tester of the crate `stateright` keeps no account of where it has been, tries every operation
//! that could be next, and copies the rest of the history at each step. Four clients, one register,
//! not optimized:
//!
//! | history | operations | stateright | here |
//! | --- | --- | --- | --- |
//! | right | 400 | 2.5 s | |
//! | a stale read in the end | 40 | 2.0 s | 0.8 ms |
//! | a stale read in the end | 60 | 461 s | 0.6 ms |
//!
//! It judges small histories beside this search in the tests.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;
use tokio::time::Instant;

use super::Operation;

/// An operation that took effect between its invocation and this time.
pub(super) struct Span<'a> {
    pub(super) operation: &'a Operation,
    pub(super) until: Instant,
}

/// An operation that no order explains.
pub(super) struct Stuck<'a> {
    pub(super) at: usize,
    pub(super) until: Instant,
    /// What the register can have held when it should have taken effect.
    pub(super) held: Vec<&'a Value>,
}

/// Operations under way that have taken effect, and what the register holds.
type Way<'a> = (BTreeSet<usize>, &'a Value);

/// Finds the first operation that cannot be placed; None: there is an order.
pub(super) fn place<'a>(spans: &[Span<'a>]) -> Option<Stuck<'a>> {
    // At one instant an invocation comes first: then neither is known to precede the other.
    let invoked = spans.iter().enumerate().map(|(at, span)| (span.operation.invoke, false, at));
    let answered = spans.iter().enumerate().map(|(at, span)| (span.until, true, at));
    let mut events: Vec<(Instant, bool, usize)> = invoked.chain(answered).collect();
    events.sort_unstable();
    let seers = seers(spans);
    let mut open = BTreeSet::new();
    let mut ways: HashSet<Way<'a>> = HashSet::from([(BTreeSet::new(), &Value::Null)]);
    for (until, is_answer, at) in events {
        if !is_answer {
            open.insert(at);
            continue;
        }
        ways = match answer(ways, &open, (spans, &seers), at) {
            Ok(ways) => ways,
            Err(held) => return Some(Stuck { at, until, held }),
        };
        open.remove(&at);
    }
    None
}

/// Who saw what each wrote.
fn seers(spans: &[Span<'_>]) -> Vec<Vec<usize>> {
    let mut seers: HashMap<&Value, Vec<usize>> = HashMap::new();
    for (at, span) in spans.iter().enumerate() {
        if let Some(value) = span.operation.seen() {
            seers.entry(value).or_default().push(at);
        }
    }
    let of = |span: &Span<'_>| seers.get(span.operation.written()?).cloned();
    spans.iter().map(|span| of(span).unwrap_or_default()).collect()
}

/// The ways in which this operation has taken effect by now; if there is none, what the register
/// can hold.
fn answer<'a>(
    ways: HashSet<Way<'a>>,
    open: &BTreeSet<usize>,
    (spans, seers): (&[Span<'a>], &[Vec<usize>]),
    at: usize,
) -> Result<HashSet<Way<'a>>, Vec<&'a Value>> {
    let mut placed = HashSet::new();
    let mut pending: Vec<Way<'a>> = ways.iter().cloned().collect();
    let mut met = ways;
    while let Some((mut effective, state)) = pending.pop() {
        if effective.remove(&at) {
            placed.insert((effective, state));
            continue;
        }
        for next in open.difference(&effective) {
            let seers = &seers[*next];
            let useful = |seer: &usize| open.contains(seer) && !effective.contains(seer);
            if *next != at && !seers.is_empty() && !seers.iter().any(useful) {
                continue;
            }
            let Some(state) = spans[*next].operation.after(state) else { continue };
            let mut effective = effective.clone();
            effective.insert(*next);
            let way = (effective, state);
            if met.insert(way.clone()) {
                pending.push(way);
            }
        }
    }
    if placed.is_empty() {
        let mut held: Vec<&Value> = met.iter().map(|(_, state)| *state).collect();
        held.sort_by_cached_key(|value| value.to_string());
        held.dedup();
        return Err(held);
    }
    Ok(placed)
}
