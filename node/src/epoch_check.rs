//! Epoch checks of reads: one query for all that wait (SAFETY S11).
//!
//! Invariant: a check that was asked for is answered by a query that began afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gss_shared::ids::{Epoch, Incarnation, NodeId, Shard};
use gss_shared::ports::journal::Journal;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::limits::CHECKS;
use crate::ownership_task::OwnershipHandle;

/// A journal that takes longer does not answer: reads come from memory then.
const PATIENCE: Duration = Duration::from_millis(1_000);

/// A shard that wants its epoch checked.
#[derive(Debug)]
pub struct Check {
    /// The shard.
    pub shard: Shard,
    /// Gets the answer.
    pub reply: oneshot::Sender<Checked>,
}

/// What a check found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checked {
    /// The epoch in the journal and whether the row names this start of this node; None: no
    /// answer.
    pub row: Option<(Epoch, bool)>,
    /// Without an answer: whether the lease still holds.
    pub within_lease: bool,
}

/// The checker and where checks go. Run the future on a tracked task.
pub fn checker(
    journal: Arc<dyn Journal>,
    me: (NodeId, Incarnation),
    ownership: OwnershipHandle,
    stop: CancellationToken,
) -> (mpsc::Sender<Check>, impl Future<Output = ()> + Send) {
    let (sender, mut inbox) = mpsc::channel::<Check>(CHECKS);
    let run = async move {
        let mut waiting = Vec::new();
        loop {
            let received = stop.run_until_cancelled(inbox.recv_many(&mut waiting, CHECKS)).await;
            if matches!(received, None | Some(0)) {
                return;
            }
            let shards: Vec<Shard> = waiting.iter().map(|check| check.shard).collect();
            let rows = rows(journal.as_ref(), &shards, &me).await;
            if rows.is_some() {
                ownership.journal_ok();
            }
            for check in waiting.drain(..) {
                let row = rows.as_ref().and_then(|rows| rows.get(&check.shard)).copied();
                let within_lease = ownership.within_lease(check.shard);
                // Without a receiver the shard is gone, and its reads with it.
                if check.reply.send(Checked { row, within_lease }).is_err() {
                    tracing::debug!(shard = %check.shard, "shard is gone");
                }
            }
        }
    };
    (sender, run)
}

async fn rows(
    journal: &dyn Journal,
    shards: &[Shard],
    me: &(NodeId, Incarnation),
) -> Option<BTreeMap<Shard, (Epoch, bool)>> {
    match tokio::time::timeout(PATIENCE, journal.shards(shards)).await {
        Ok(Ok(rows)) => Some(
            rows.into_iter()
                .map(|row| (row.shard, (row.epoch, row.owner.as_ref() == Some(me))))
                .collect(),
        ),
        Ok(Err(error)) => {
            tracing::warn!(%error, "epochs cannot be checked");
            None
        }
        Err(_) => {
            tracing::warn!("epochs cannot be checked in time");
            None
        }
    }
}
