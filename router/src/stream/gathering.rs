//! How long frames wait for company before they are handed to their connections: not at all while
//! the worker is idle, up to 10 ms when it is busy. The system call per flush is the cost.

use std::time::Duration;

use tokio::time::Instant;

/// Frames a second of one worker up to which nothing waits.
const IDLE_RATE: u64 = 10_000;
/// Frames a second of one worker from which frames wait for [`LONGEST`].
const BUSY_RATE: u64 = 40_000;
/// The longest wait.
const LONGEST: Duration = Duration::from_millis(10);
/// Over which the rate is measured.
const WINDOW: Duration = Duration::from_millis(100);

/// Measures and decides.
#[derive(Debug)]
pub(crate) struct Gathering {
    since: Instant,
    frames: u64,
    wait: Duration,
}

impl Gathering {
    /// Starts idle.
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, frames: 0, wait: Duration::ZERO }
    }

    /// So many frames were made.
    pub(crate) fn count(&mut self, frames: u64, now: Instant) {
        self.frames += frames;
        let passed = now.saturating_duration_since(self.since);
        if passed < WINDOW {
            return;
        }
        let per_second = u128::from(self.frames) * 1_000_000 / passed.as_micros().max(1);
        let rate = u64::try_from(per_second).unwrap_or(u64::MAX).clamp(IDLE_RATE, BUSY_RATE);
        let share = (rate - IDLE_RATE) * 1_000 / (BUSY_RATE - IDLE_RATE);
        self.wait = LONGEST * u32::try_from(share).unwrap_or(1_000) / 1_000;
        self.since = now;
        self.frames = 0;
    }

    /// How long a session's first frame may wait now.
    pub(crate) fn wait(&self) -> Duration {
        self.wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_at(per_second: u64) -> Duration {
        let start = Instant::now();
        let mut gathering = Gathering::new(start);
        gathering.count(per_second / 20, start + Duration::from_millis(20));
        assert_eq!(gathering.wait(), Duration::ZERO, "not measured yet");
        gathering.count(per_second / 20, start + WINDOW);
        gathering.wait()
    }

    #[test]
    fn the_wait_grows_with_the_rate() {
        assert_eq!(wait_at(0), Duration::ZERO);
        assert_eq!(wait_at(10_000), Duration::ZERO);
        assert_eq!(wait_at(25_000), Duration::from_millis(5));
        assert_eq!(wait_at(40_000), Duration::from_millis(10));
        assert_eq!(wait_at(4_000_000), Duration::from_millis(10));
    }

    #[test]
    fn quiet_returns_to_none() {
        let start = Instant::now();
        let mut gathering = Gathering::new(start);
        gathering.count(10_000, start + WINDOW);
        assert_eq!(gathering.wait(), LONGEST);
        gathering.count(1, start + WINDOW * 3);
        assert_eq!(gathering.wait(), Duration::ZERO);
    }
}
