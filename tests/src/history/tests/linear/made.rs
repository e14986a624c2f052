//! Histories of one register that are linearizable by the way they are made: each operation takes
//! effect at one point of time, and is told what it is told from there.

use std::time::Duration;

use gss_shared::ids::PlayerId;
use rand::Rng as _;
use rand::rngs::SmallRng;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::super::table::SESSION;
use crate::history::linear::{Op, Operation, Outcome};

/// What to make.
pub(super) struct Made {
    pub(super) clients: usize,
    /// In all.
    pub(super) operations: usize,
    /// How many of ten writes or so nobody knows the outcome of, as a probability.
    pub(super) unknown: f64,
}

/// An operation before it is known what it is told; times are milliseconds.
struct Plan {
    process: PlayerId,
    invoke: u64,
    /// None: it never takes effect.
    effect: Option<u64>,
    returned: Option<u64>,
    number: u64,
}

impl Made {
    pub(super) fn make(&self, random: &mut SmallRng) -> Vec<Operation> {
        let mut clocks = vec![0; self.clients];
        let mut plans = Vec::new();
        for number in 0..self.operations {
            let client = number % self.clients;
            let invoke = clocks[client] + random.random_range(0..8);
            let effect = invoke + random.random_range(0..8);
            let returned = effect + random.random_range(0..8);
            clocks[client] = returned + 1;
            let unknown = random.random_bool(self.unknown);
            let late = effect + random.random_range(0..60);
            plans.push(Plan {
                process: PlayerId(Uuid::from_u128(client as u128 + 1)),
                invoke,
                effect: if unknown {
                    random.random_bool(0.6).then_some(late)
                } else {
                    Some(effect)
                },
                returned: (!unknown).then_some(returned),
                number: number as u64 + 1,
            });
        }
        plans.sort_by_key(|plan| plan.effect.unwrap_or(u64::MAX));
        let start = Instant::now();
        let mut held = vec![Value::Null];
        plans.into_iter().map(|plan| perform(plan, &mut held, start, random)).collect()
    }
}

/// `held`: everything the register ever held.
fn perform(plan: Plan, held: &mut Vec<Value>, start: Instant, random: &mut SmallRng) -> Operation {
    let present = held.last().cloned().unwrap_or_default();
    let value = json!(plan.number);
    let op = match random.random_range(0..4) {
        0 if plan.returned.is_some() => Op::Read,
        0 | 1 => Op::Write(value.clone()),
        2 => Op::Cas { previous: present.clone(), value: value.clone() },
        _ => {
            let previous = held[random.random_range(0..held.len())].clone();
            Op::Cas { previous, value: value.clone() }
        }
    };
    let outcome = match &op {
        Op::Read => Outcome::Saw(present),
        Op::Cas { previous, .. } if *previous != present => Outcome::Conflict(present),
        Op::Write(_) | Op::Cas { .. } => {
            held.extend(plan.effect.map(|_| value));
            Outcome::Done
        }
    };
    let at = |ms| start + Duration::from_millis(ms);
    Operation {
        session: SESSION,
        key: "/shared/r".to_owned(),
        process: plan.process,
        invoke: at(plan.invoke),
        returned: plan.returned.map(at),
        op,
        outcome: if plan.returned.is_some() { outcome } else { Outcome::Unknown },
    }
}
