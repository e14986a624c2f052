//! Whether the journal answers, for readiness. One miss does not make a node unready.

use std::sync::Arc;
use std::time::Duration;

use gss_shared::ports::journal::Journal;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_millis(1_000);
const PATIENCE: Duration = Duration::from_millis(1_000);
const MISSES: u32 = 3;

/// The verdict, and the task that keeps it: it asks each second.
pub fn probe(
    journal: Arc<dyn Journal>,
    stop: CancellationToken,
) -> (watch::Receiver<bool>, impl Future<Output = ()> + Send) {
    let (verdict, seen) = watch::channel(false);
    let run = async move {
        let mut misses = 0;
        loop {
            match tokio::time::timeout(PATIENCE, journal.clock()).await {
                Ok(Ok(_)) => {
                    misses = 0;
                    verdict.send_replace(true);
                }
                Ok(Err(_)) | Err(_) => {
                    misses += 1;
                    if misses == MISSES {
                        tracing::warn!("journal does not answer");
                        verdict.send_replace(false);
                    }
                }
            }
            tokio::time::sleep(PERIOD).await;
        }
    };
    (seen, async move {
        stop.run_until_cancelled(run).await;
    })
}
