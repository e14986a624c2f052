//! Whether the process has room for more sessions (`node.max_memory_bytes`).
//!
//! Above 85 % of its memory a node creates no sessions and loads none for reads alone; sessions that
//! commands wait for are always loaded. What it reads is made by the kernel in memory: no thread is
//! needed to wait for it.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_millis(1_000);
/// Bytes of a page as `/proc/self/statm` counts them.
const PAGE: u64 = 4_096;

/// Resident bytes of this process; None where the system does not say.
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE)
}

/// What this process may use: its control group's limit, else the machine's memory.
fn available() -> Option<u64> {
    if let Ok(limit) = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        && let Ok(limit) = limit.trim().parse()
    {
        return Some(limit);
    }
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024)
}

/// Whether it is full, and the task that keeps it: it looks each second.
pub fn watch_memory(
    configured: Option<u64>,
    stop: CancellationToken,
) -> (watch::Receiver<bool>, impl Future<Output = ()> + Send) {
    let (full, seen) = watch::channel(false);
    let run = async move {
        let limit = match configured {
            Some(bytes) => Some(bytes),
            None => available(),
        };
        let Some(limit) = limit else {
            tracing::warn!("memory cannot be measured: sessions are always admitted");
            return;
        };
        loop {
            let now = resident().is_some_and(|bytes| bytes > limit / 100 * 85);
            if full.send_replace(now) != now {
                tracing::warn!(full = now, limit, "memory");
            }
            tokio::time::sleep(PERIOD).await;
        }
    };
    (seen, async move {
        stop.run_until_cancelled(run).await;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_over_its_limit_is_full() {
        let stop = CancellationToken::new();
        let (mut full, task) = watch_memory(Some(1_000), stop.clone());
        let task = tokio::spawn(task);
        full.wait_for(|full| *full).await.expect("full");
        stop.cancel();
        task.await.expect("ended");
        let bytes = resident().expect("linux");
        assert!(bytes > 1_000 && bytes < available().expect("linux"));
    }
}
