//! Tables of a round whose clients contend for registers, and the judgement: whether what they were
//! told of them has an order. This is what a read without its epoch check cannot have for long.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use gss_tests::cluster::Cluster;
use gss_tests::history::linear;
use gss_tests::registers::{Registers, RunningRegisters};
use tokio::time::Instant;

/// Registers of a table.
const KEYS: usize = 2;
/// Clients of a table.
const CLIENTS: usize = 4;

/// Tables that play until they are judged.
pub(crate) struct Contest(Option<RunningRegisters>);

/// What they showed.
#[derive(Default)]
pub(crate) struct Contested {
    /// Operations by kind.
    pub(crate) operations: BTreeMap<String, usize>,
    /// What is wrong.
    pub(crate) violations: Vec<String>,
}

impl Contest {
    /// Starts that many tables; none is none.
    pub(crate) async fn start(cluster: &Cluster, sessions: usize) -> Result<Self> {
        if sessions == 0 {
            return Ok(Self(None));
        }
        let registers = Registers { sessions, keys: KEYS, clients: CLIENTS };
        Ok(Self(Some(registers.start(cluster).await?)))
    }

    /// Lets them end, judges them, and ends their sessions.
    pub(crate) async fn judge(self, patience: Duration) -> Result<Contested> {
        let Some(running) = self.0 else { return Ok(Contested::default()) };
        let tables = running.tables();
        let operations = running.finish(Instant::now() + patience).await;
        let mut violations = Vec::new();
        let found = linear::check(&operations);
        if !found.is_empty() {
            let kept = linear::keep(&operations, &found)?;
            violations.push(format!("all operations on registers: {}", kept.display()));
        }
        violations.extend(found.iter().map(ToString::to_string));
        for (session, gm) in tables {
            if !operations.iter().any(|one| one.session == session && one.is_told()) {
                violations.push(format!("session {session}: no operation on a register was told"));
            }
            if let Err(error) = gm.api().end(session.0).await {
                violations.push(format!("a session could not be ended: {error}"));
            }
        }
        let counts = linear::count(&operations).into_iter();
        let operations = counts.map(|(kind, count)| (kind.to_owned(), count)).collect();
        Ok(Contested { operations, violations })
    }
}
