//! Tells routers of commits: one publish per session and commit, all of one statement in one call.
//!
//! Takes only [`Committed`] values. What cannot be published goes back to its shard, which uses the
//! links. Nothing here is waited for by the writer.

use std::sync::Arc;

use bytes::Bytes;
use gss_shared::ids::Shard;
use gss_shared::limits::FANOUT_BYTES;
use gss_shared::message::Message;
use gss_shared::ports::fanout::{Envelope, Fanout};
use gss_shared::ports::journal::Committed;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::journal_batch::ShardSender;
use crate::journal_writer::Published;
use crate::limits::FANOUT_BATCHES;
use crate::metrics::Metrics;
use crate::work::Fact;

/// How the writer reaches the fan-out. Cheap to clone.
#[derive(Clone)]
pub struct FanOutHandle {
    batches: mpsc::Sender<Published>,
    metrics: Metrics,
}

impl FanOutHandle {
    /// Publishes what one statement committed. When the fan-out is behind, it goes over links.
    pub fn publish(&self, published: Published) {
        if published.is_empty() {
            return;
        }
        if let Err(error) = self.batches.try_send(published) {
            let (mpsc::error::TrySendError::Full(back) | mpsc::error::TrySendError::Closed(back)) =
                error;
            self.metrics.not_published.inc_by(u64::try_from(back.len()).unwrap_or(u64::MAX));
            back.into_iter().for_each(over_links);
        }
    }
}

/// The fan-out and its handle. Run the future on a tracked task.
pub fn fan_out(
    port: Arc<dyn Fanout>,
    metrics: Metrics,
    stop: CancellationToken,
) -> (FanOutHandle, impl Future<Output = ()> + Send) {
    let (batches, mut inbox) = mpsc::channel::<Published>(FANOUT_BATCHES);
    let counted = metrics.clone();
    let run = async move {
        while let Some(Some(batch)) = stop.run_until_cancelled(inbox.recv()).await {
            publish(port.as_ref(), batch, &counted).await;
        }
    };
    (FanOutHandle { batches, metrics }, run)
}

async fn publish(port: &dyn Fanout, batch: Published, metrics: &Metrics) {
    let mut payloads: Vec<(Shard, Bytes)> = Vec::with_capacity(batch.len());
    let mut sources = Vec::with_capacity(batch.len());
    for (committed, shard_task) in batch {
        payloads.push((committed.part().shard, encode(&committed)));
        sources.push((committed, shard_task));
    }
    let mut failed = port.publish(&payloads).await;
    if failed.is_empty() {
        return;
    }
    metrics.not_published.inc_by(u64::try_from(failed.len()).unwrap_or(u64::MAX));
    failed.sort_unstable();
    for (index, source) in sources.into_iter().enumerate() {
        if failed.binary_search(&index).is_ok() {
            over_links(source);
        }
    }
}

fn over_links((committed, shard_task): (Arc<Committed>, ShardSender)) {
    // A shard that is gone or overfull has routers that learn of the version by beat.
    if shard_task.facts.try_send(Fact::NotPublished(committed)).is_err() {
        tracing::debug!("messages are left to the beat");
    }
}

fn encode(committed: &Committed) -> Bytes {
    let session = committed.part().session;
    let envelope = Envelope { session, messages: committed.messages().to_vec(), truncated: false };
    let bytes = envelope.encode();
    if bytes.len() <= FANOUT_BYTES {
        return bytes;
    }
    let bare = |message: Message| Message { variants: Vec::new(), ..message };
    let messages = envelope.messages.into_iter().map(bare).collect();
    Envelope { session, messages, truncated: true }.encode()
}
