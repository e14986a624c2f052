//! The runtime that a process runs on.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Polls of tasks before sockets are looked at. By tokio's default of 61, a worker whose tasks
/// decide for a millisecond each (a step of a fight does) reads neither the journal's answers nor
/// commands for as long as it takes to poll that many.
const POLLS: u32 = 8;

/// One worker per core, or as many as `TOKIO_WORKER_THREADS` says.
///
/// # Errors
/// When the system gives no `epoll`.
pub fn build() -> io::Result<Runtime> {
    Builder::new_multi_thread().event_interval(POLLS).enable_all().build()
}
