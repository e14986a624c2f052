//! Rates counted in this process: for the embedded server, and while Redis does not answer.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::time::Instant;

use super::window::{Window, slice_ms};
use super::{Admission, Limits};
use crate::limits;

/// Counters in memory, at most [`limits::RATE_KEYS`].
#[derive(Debug)]
pub struct LocalLimits {
    start: Instant,
    windows: Mutex<HashMap<String, Counter>>,
    keys: usize,
}

#[derive(Debug)]
struct Counter {
    window: Window,
    period_ms: u64,
}

impl Default for LocalLimits {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalLimits {
    /// No counters yet.
    pub fn new() -> Self {
        Self::with_room_for(limits::RATE_KEYS)
    }

    fn with_room_for(keys: usize) -> Self {
        Self { start: Instant::now(), windows: Mutex::default(), keys }
    }

    /// Counts one request that Redis admitted, so that its loss does not start the count anew.
    /// Without room for the key it is not counted.
    pub(crate) fn count(&self, key: &str, period_ms: u64) {
        let now = self.now_ms();
        let mut windows = self.windows();
        if let Some(counter) = counter(&mut windows, self.keys, key, period_ms, now) {
            counter.window.count(now, period_ms);
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn windows(&self) -> MutexGuard<'_, HashMap<String, Counter>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key's counter; None: there is no room, although those that are over were thrown out.
fn counter<'a>(
    windows: &'a mut HashMap<String, Counter>,
    room: usize,
    key: &str,
    period_ms: u64,
    now: u64,
) -> Option<&'a mut Counter> {
    if windows.len() >= room && !windows.contains_key(key) {
        windows.retain(|_, counter| !counter.window.is_over(now, counter.period_ms));
        if windows.len() >= room {
            return None;
        }
    }
    let new = || Counter { window: Window::default(), period_ms };
    Some(windows.entry(key.to_owned()).or_insert_with(new))
}

#[async_trait]
impl Limits for LocalLimits {
    async fn admit(&self, key: &str, limit: u32, period_ms: u64) -> Admission {
        let now = self.now_ms();
        let mut windows = self.windows();
        match counter(&mut windows, self.keys, key, period_ms, now) {
            Some(counter) => counter.window.admit(now, limit, period_ms),
            None => Admission::Refused { retry_after_ms: slice_ms(period_ms) },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_new_key_waits_for_room() {
        let limits = LocalLimits::with_room_for(2);
        assert_eq!(limits.admit("a", 5, 1_000).await, Admission::Admitted { left: 4 });
        assert_eq!(limits.admit("b", 5, 1_000).await, Admission::Admitted { left: 4 });
        assert_eq!(limits.admit("c", 5, 1_000).await, Admission::Refused { retry_after_ms: 50 });
        assert_eq!(limits.admit("a", 5, 1_000).await, Admission::Admitted { left: 3 });
        tokio::time::advance(Duration::from_millis(1_050)).await;
        assert_eq!(limits.admit("c", 5, 1_000).await, Admission::Admitted { left: 4 });
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_admitted_counts() {
        let limits = LocalLimits::new();
        limits.count("a", 1_000);
        assert_eq!(limits.admit("a", 2, 1_000).await, Admission::Admitted { left: 0 });
        assert_eq!(limits.admit("a", 2, 1_000).await, Admission::Refused { retry_after_ms: 1_050 });
    }
}
