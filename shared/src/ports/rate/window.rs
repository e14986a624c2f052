//! Admissions of one key within one period, counted in slices of a twentieth of it.
//!
//! A slice counts until the whole of it is older than the period, so that in no window of one
//! period more than the limit is admitted; in return a request may wait up to a slice longer than
//! it strictly would have to. The same reckoning is in `redis/lua/admit.lua`.

use std::collections::VecDeque;

use super::Admission;

/// Slices of a period: what one key costs in memory, and how exact `retry_after_ms` is.
pub(crate) const SLICES: u64 = 20;

/// Milliseconds of one slice.
pub(crate) fn slice_ms(period_ms: u64) -> u64 {
    period_ms.div_ceil(SLICES).max(1)
}

/// Counts by slice, ascending.
#[derive(Debug, Default)]
pub(crate) struct Window {
    slices: VecDeque<(u64, u32)>,
}

impl Window {
    /// Counts one request at `now_ms` if it fits.
    pub(crate) fn admit(&mut self, now_ms: u64, limit: u32, period_ms: u64) -> Admission {
        let used = self.used(now_ms, period_ms);
        if used >= limit {
            return Admission::Refused { retry_after_ms: self.retry_after(now_ms, period_ms) };
        }
        self.count(now_ms, period_ms);
        Admission::Admitted { left: limit - used - 1 }
    }

    /// Counts one request that somebody else admitted.
    pub(crate) fn count(&mut self, now_ms: u64, period_ms: u64) {
        let slice = now_ms / slice_ms(period_ms);
        match self.slices.back_mut() {
            Some((last, count)) if *last >= slice => *count = count.saturating_add(1),
            _ => self.slices.push_back((slice, 1)),
        }
    }

    /// Nothing in it counts any more.
    pub(crate) fn is_over(&mut self, now_ms: u64, period_ms: u64) -> bool {
        self.used(now_ms, period_ms) == 0
    }

    fn used(&mut self, now_ms: u64, period_ms: u64) -> u32 {
        let width = slice_ms(period_ms);
        while self
            .slices
            .front()
            .is_some_and(|(slice, _)| (slice + 1) * width + period_ms <= now_ms)
        {
            self.slices.pop_front();
        }
        self.slices.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    fn retry_after(&self, now_ms: u64, period_ms: u64) -> u64 {
        let over = |(slice, _): &(u64, u32)| (slice + 1) * slice_ms(period_ms) + period_ms;
        self.slices.front().map_or(period_ms, over).saturating_sub(now_ms).max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_window_of_one_period_admits_more(
            limit in 1u32..6,
            period in 1u64..300,
            steps in proptest::collection::vec(0u64..60, 1..200),
        ) {
            let mut window = Window::default();
            let (mut now, mut admitted) = (0, Vec::new());
            for step in steps {
                now += step;
                if let Admission::Admitted { .. } = window.admit(now, limit, period) {
                    admitted.push(now);
                }
                let within = admitted.iter().filter(|at| **at + period > now).count();
                prop_assert!(within <= limit as usize);
                prop_assert!(window.slices.len() <= SLICES as usize + 2);
            }
        }

        #[test]
        fn what_retry_after_says_is_admitted(limit in 1u32..6, period in 1u64..100_000) {
            let mut window = Window::default();
            for n in 0..limit {
                let left = limit - n - 1;
                prop_assert_eq!(window.admit(7, limit, period), Admission::Admitted { left });
            }
            let Admission::Refused { retry_after_ms } = window.admit(7, limit, period) else {
                return Err(TestCaseError::fail("admitted over the limit"));
            };
            prop_assert!(retry_after_ms >= period && retry_after_ms <= period + slice_ms(period));
            let later = 7 + retry_after_ms;
            prop_assert_ne!(
                window.admit(later - 1, limit, period),
                Admission::Admitted { left: limit - 1 }
            );
            prop_assert_eq!(
                window.admit(later, limit, period),
                Admission::Admitted { left: limit - 1 }
            );
        }
    }
}
