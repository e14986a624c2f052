//! Tasks without which a process is not whole.
//!
//! What a panic in one of them leaves behind would keep its leases and sockets and serve nobody; a
//! process that ended is replaced within seconds. So a panic here ends the process, as a crash would.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts a task on `tasks`. If it panics, `stop` is cancelled: it must end the whole process.
pub fn spawn(
    tasks: &TaskTracker,
    stop: &CancellationToken,
    name: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let stop = stop.clone();
    tasks.spawn(async move {
        if AssertUnwindSafe(task).catch_unwind().await.is_err() {
            tracing::error!(task = name, "task panicked, the process ends");
            stop.cancel();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_panic_ends_the_process() {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.close();
        spawn(&tasks, &stop, "calm", async {});
        tasks.wait().await;
        assert!(!stop.is_cancelled());
        spawn(&tasks, &stop, "broken", async { panic!("planted") });
        tasks.wait().await;
        assert!(stop.is_cancelled());
    }
}
