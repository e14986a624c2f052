//! How many messages a connection sent within the last minute: a sliding window, so that in no
//! window of one minute more than the limit are admitted (PROTOCOL section 7).

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The window.
const PERIOD: Duration = Duration::from_secs(60);
/// Moments kept apart; beyond, neighbors are counted at the later moment, which only ever admits
/// less. Bounds the memory of a connection with a high limit.
const MOMENTS: u32 = 4_096;

/// Admissions of one connection.
#[derive(Debug)]
pub(crate) struct Window {
    limit: u32,
    admitted: u32,
    moments: VecDeque<(Instant, u32)>,
}

impl Window {
    /// At most `limit` messages per minute.
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, admitted: 0, moments: VecDeque::new() }
    }

    /// Changes the limit; what was admitted still counts.
    pub(crate) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// Admits a message, or says when the next one fits.
    ///
    /// # Errors
    /// The time until a message fits.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        while let Some((at, count)) = self.moments.front().copied() {
            if now.saturating_duration_since(at) < PERIOD {
                break;
            }
            self.admitted -= count;
            self.moments.pop_front();
        }
        if self.admitted >= self.limit {
            return Err(self.retry_after(now));
        }
        self.admitted += 1;
        let grain = if self.limit > MOMENTS { PERIOD / MOMENTS } else { Duration::ZERO };
        match self.moments.back_mut() {
            Some((at, count)) if now.saturating_duration_since(*at) < grain => {
                *at = now;
                *count += 1;
            }
            Some(_) | None => self.moments.push_back((now, 1)),
        }
        Ok(())
    }

    fn retry_after(&self, now: Instant) -> Duration {
        let oldest = self.moments.front().map_or(now, |(at, _)| *at);
        (oldest + PERIOD).saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_in_every_window() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut window = Window::new(3);
        for after in [0, 10, 20] {
            assert_eq!(window.admit(start + second * after), Ok(()));
        }
        assert_eq!(window.admit(start + second * 30), Err(second * 30));
        assert_eq!(window.admit(start + second * 60), Ok(()), "the first has left the window");
        assert_eq!(window.admit(start + second * 61), Err(second * 9));
        window.set_limit(4);
        assert_eq!(window.admit(start + second * 61), Ok(()));
    }

    #[test]
    fn a_high_limit_takes_bounded_memory_and_never_admits_more() {
        let start = Instant::now();
        let mut window = Window::new(60_000);
        let mut admitted = 0;
        for ms in 0..59_000_u32 {
            for _ in 0..2 {
                admitted +=
                    u32::from(window.admit(start + Duration::from_millis(ms.into())).is_ok());
            }
        }
        assert_eq!(admitted, 60_000);
        assert!(window.moments.len() <= 4_200, "{}", window.moments.len());
    }
}
