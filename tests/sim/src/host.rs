//! One machine of the simulation: a runtime of its own whose time stands still unless it is stepped.
//!
//! Crashing drops the runtime with everything in it, as a kill does; a paused host is not stepped.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::net::HostId;

/// A machine.
pub(crate) struct Host {
    pub(crate) id: HostId,
    pub(crate) name: String,
    runtime: Option<Runtime>,
    /// Paused since, milliseconds.
    paused: Option<u64>,
}

impl Host {
    pub(crate) fn new(id: HostId, name: &str) -> Self {
        Self { id, name: name.to_owned(), runtime: None, paused: None }
    }

    /// Starts it: an empty machine.
    pub(crate) fn boot(&mut self) {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .max_blocking_threads(1)
            .build();
        self.runtime = Some(runtime.expect("a runtime without I/O"));
        self.paused = None;
    }

    /// Loses everything it holds.
    pub(crate) fn crash(&mut self) {
        self.paused = None;
        drop(self.runtime.take());
    }

    pub(crate) fn is_up(&self) -> bool {
        self.runtime.is_some()
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Stops its time.
    pub(crate) fn pause(&mut self, now: u64) {
        self.paused = Some(now);
    }

    /// Its time goes on; a machine that was suspended has not noticed, a process that was stopped
    /// finds its clocks ahead.
    pub(crate) fn wake(&mut self, now: u64, suspended: bool) {
        if let (Some(since), Some(runtime), false) = (self.paused, &self.runtime, suspended) {
            runtime.block_on(tokio::time::advance(Duration::from_millis(now - since)));
        }
        self.paused = None;
    }

    /// Runs what is due in its next millisecond.
    pub(crate) fn step(&self) {
        if let (Some(runtime), None) = (&self.runtime, self.paused) {
            let span = tracing::info_span!("host", name = self.name);
            let _here = span.enter();
            runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
        }
    }

    /// Does something within it.
    pub(crate) fn within<R>(&self, act: impl FnOnce() -> R) -> R {
        let runtime = self.runtime.as_ref().expect("the host is up");
        let span = tracing::info_span!("host", name = self.name);
        let _here = span.enter();
        let _context = runtime.enter();
        act()
    }
}
