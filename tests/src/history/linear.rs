//! Whether registers were linearizable: single members of the document that clients read, wrote and
//! compared and set, each at its own pace.
//!
//! Takes every operation of a run and finds each register for which no order explains what its
//! clients were told. Registers are judged one by one: a history is linearizable if that of each
//! register is (Herlihy and Wing, 1990). A conflict is an answer that the order must explain; an
//! operation that was refused otherwise is left out of it, so that nobody may ever see its value.
//!
//! What nobody knows the outcome of may take effect at any time, or never. Since no value is written
//! twice, who saw what settles it, whatever their number. Was its value never seen, an order with it
//! is one without it, too: it is left out. Was it seen, it took effect, at the latest when who saw it
//! was answered.

mod search;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write as _;
use std::path::PathBuf;

use gss_shared::ids::{PlayerId, SessionId};
use serde_json::Value;
use tokio::time::Instant;

use self::search::{Span, Stuck};
use super::Violation;

/// Operations that a violation lists.
const LISTED: usize = 12;

/// One operation on one register.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The table.
    pub session: SessionId,
    /// The register: a JSON Pointer into the session's document.
    pub key: String,
    /// Who asked.
    pub process: PlayerId,
    /// When.
    pub invoke: Instant,
    /// When it was answered; of unknown outcome: when its client gave up, if it did.
    pub returned: Option<Instant>,
    /// What was asked.
    pub op: Op,
    /// What the client knows of it.
    pub outcome: Outcome,
}

/// What is asked of a register. It holds null before anything is written.
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    /// What it holds.
    Read,
    /// It shall hold this.
    Write(Value),
    /// It shall hold `value` if it holds `previous`.
    Cas {
        /// What is expected.
        previous: Value,
        /// What replaces it.
        value: Value,
    },
}

/// What a client knows of an operation.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// It read this.
    Saw(Value),
    /// It took effect.
    Done,
    /// It had no effect: the register holds this.
    Conflict(Value),
    /// It has no effect, for another reason, by code. A read that told nothing.
    Refused(String),
    /// Nobody said.
    Unknown,
}

impl Operation {
    /// What the register holds after it, if it can take place while it holds `state`. What nobody
    /// knows the outcome of is taken for done: only those come here of which that is known.
    fn after<'a>(&'a self, state: &'a Value) -> Option<&'a Value> {
        match (&self.op, &self.outcome) {
            (Op::Write(value), Outcome::Done | Outcome::Unknown) => Some(value),
            (Op::Cas { previous, value }, Outcome::Done | Outcome::Unknown) => {
                (previous == state).then_some(value)
            }
            (Op::Cas { previous, .. }, Outcome::Conflict(current)) => {
                (current == state && previous != state).then_some(state)
            }
            (Op::Read, Outcome::Saw(value)) => (value == state).then_some(state),
            // An answer to another question.
            (Op::Read | Op::Write(_) | Op::Cas { .. }, _) => None,
        }
    }

    /// What the register held when it took place, as far as it tells.
    fn seen(&self) -> Option<&Value> {
        match (&self.op, &self.outcome) {
            (_, Outcome::Saw(value) | Outcome::Conflict(value)) => Some(value),
            (Op::Cas { previous, .. }, Outcome::Done | Outcome::Unknown) => Some(previous),
            (Op::Read | Op::Write(_), Outcome::Done | Outcome::Unknown)
            | (_, Outcome::Refused(_)) => None,
        }
    }

    /// What it asked the register to hold.
    fn written(&self) -> Option<&Value> {
        match &self.op {
            Op::Read => None,
            Op::Write(value) | Op::Cas { value, .. } => Some(value),
        }
    }

    /// Whether its client knows what became of it.
    pub fn is_told(&self) -> bool {
        matches!(self.outcome, Outcome::Saw(_) | Outcome::Done | Outcome::Conflict(_))
    }

    /// Its kind in a word or two.
    pub fn kind(&self) -> &'static str {
        match (&self.op, &self.outcome) {
            (Op::Read, Outcome::Saw(_)) => "read",
            (Op::Read, _) => "read untold",
            (Op::Write(_), Outcome::Done) => "write",
            (Op::Cas { .. }, Outcome::Done) => "compare-and-set",
            (Op::Write(_) | Op::Cas { .. }, Outcome::Unknown) => "unknown",
            (Op::Write(_) | Op::Cas { .. }, Outcome::Refused(_)) => "refused",
            (Op::Write(_) | Op::Cas { .. }, Outcome::Conflict(_) | Outcome::Saw(_)) => "conflict",
        }
    }

    /// Itself in a line; times are seconds after `start`.
    fn line(&self, start: Instant) -> String {
        let since = |at: Instant| format!("{:.4}", at.duration_since(start).as_secs_f64());
        let asked = match &self.op {
            Op::Read => "reads".to_owned(),
            Op::Write(value) => format!("writes {value}"),
            Op::Cas { previous, value } => format!("sets {value} if {previous}"),
        };
        let said = match &self.outcome {
            Outcome::Saw(value) => value.to_string(),
            Outcome::Done => "done".to_owned(),
            Outcome::Conflict(value) => format!("conflict, {value} is there"),
            Outcome::Refused(code) => format!("refused as {code}"),
            Outcome::Unknown => "nobody knows".to_owned(),
        };
        let (from, to) = (since(self.invoke), self.returned.map(since).unwrap_or_default());
        format!("{} {asked} ({from}–{to} s): {said}", self.process)
    }
}

/// How many operations there are of each kind.
pub fn count(operations: &[Operation]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for operation in operations {
        *counts.entry(operation.kind()).or_default() += 1;
    }
    counts
}

/// All operations, a line each, register by register.
pub fn lines(operations: &[Operation]) -> String {
    let Some(start) = operations.iter().map(|one| one.invoke).min() else { return String::new() };
    let mut sorted: Vec<&Operation> = operations.iter().collect();
    sorted.sort_by_key(|one| (one.session, &one.key, one.invoke));
    let line = |one: &&Operation| format!("{} {} {}\n", one.session, one.key, one.line(start));
    sorted.iter().map(line).collect()
}

/// Writes the whole history to a file and returns its path.
///
/// # Errors
/// When it cannot be written.
pub fn keep(operations: &[Operation], violations: &[Violation]) -> anyhow::Result<PathBuf> {
    let mut file = tempfile::Builder::new().prefix("gss-violations-").tempfile()?;
    write!(file, "{violations:#?}\n{}", lines(operations))?;
    Ok(file.keep()?.1)
}

/// The first operation of each register that no order explains.
///
/// # Panics
/// When a value was written to a register twice, or null, or an answer has no time: nothing can be
/// said of such a history.
pub fn check(operations: &[Operation]) -> Vec<Violation> {
    let Some(start) = operations.iter().map(|one| one.invoke).min() else { return Vec::new() };
    let mut registers: BTreeMap<(SessionId, &str), Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        let register = (operation.session, operation.key.as_str());
        registers.entry(register).or_default().push(operation);
    }
    registers.values().filter_map(|operations| judge(operations, start)).collect()
}

fn judge(operations: &[&Operation], start: Instant) -> Option<Violation> {
    let mut written = HashSet::from([&Value::Null]);
    for value in operations.iter().filter_map(|operation| operation.written()) {
        assert!(written.insert(value), "{value} is written twice, or null");
    }
    let spans = settle(operations);
    let stuck = search::place(&spans)?;
    let operation = spans[stuck.at].operation;
    Some(Violation {
        session: operation.session,
        version: None,
        player: Some(operation.process),
        what: explain(operation, &stuck, operations, start),
    })
}

/// What an order has to hold, each with the time by which it had taken effect.
fn settle<'a>(operations: &[&'a Operation]) -> Vec<Span<'a>> {
    let mut spans = Vec::new();
    let mut open = Vec::new();
    for operation in operations {
        match &operation.outcome {
            Outcome::Saw(_) | Outcome::Done | Outcome::Conflict(_) => {
                let until = operation.returned.expect("an answer came at some time");
                spans.push(Span { operation, until });
            }
            Outcome::Unknown if operation.op != Op::Read => open.push(*operation),
            Outcome::Unknown | Outcome::Refused(_) => {}
        }
    }
    let mut seen: HashMap<&Value, Instant> =
        spans.iter().filter_map(|span| Some((span.operation.seen()?, span.until))).collect();
    // One that took effect has itself seen what it expected: until nothing more is found.
    loop {
        let took_effect =
            |(at, operation): (usize, &&Operation)| Some((at, *seen.get(operation.written()?)?));
        let Some((at, until)) = open.iter().enumerate().find_map(took_effect) else {
            return spans;
        };
        let operation = open.swap_remove(at);
        let until = until.max(operation.invoke);
        spans.push(Span { operation, until });
        if let Some(value) = operation.seen() {
            seen.entry(value).or_insert(until);
        }
    }
}

fn explain(operation: &Operation, stuck: &Stuck<'_>, all: &[&Operation], start: Instant) -> String {
    let held: Vec<String> = stuck.held.iter().map(|value| value.to_string()).collect();
    let origin = operation.seen().map(|value| {
        let writer = all.iter().find(|one| one.written() == Some(value));
        match writer {
            Some(writer) => format!("{value} is of: {}", writer.line(start)),
            None if value.is_null() => "null is what was there at first".to_owned(),
            None => format!("nobody wrote {value}"),
        }
    });
    let mut near: Vec<&&Operation> = all.iter().filter(|one| one.invoke <= stuck.until).collect();
    near.sort_by_key(|one| std::cmp::Reverse(one.returned.unwrap_or(one.invoke)));
    near.truncate(LISTED);
    near.sort_by_key(|one| one.invoke);
    let near: Vec<String> = near.iter().map(|one| format!("  {}", one.line(start))).collect();
    format!(
        "{} is not linearizable: {}, where it can hold {}; {}; about then:\n{}",
        operation.key,
        operation.line(start),
        held.join(" or "),
        origin.unwrap_or_else(|| "it saw nothing".to_owned()),
        near.join("\n")
    )
}
