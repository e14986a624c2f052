//! Waits between tries to connect: exponential, with full jitter, so that the clients of a router
//! that died do not come back all at once.

use std::time::Duration;

use rand::Rng;

/// Bound of the first wait.
const FIRST: Duration = Duration::from_millis(100);
/// Bound of all waits: the spread over which clients come back.
const LONGEST: Duration = Duration::from_secs(5);

/// Counts tries since the last success.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// A connection was opened.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }

    /// How long to wait before the next try.
    pub(crate) fn next(&mut self, random: &mut impl Rng) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.tries.min(16)).min(LONGEST);
        self.tries += 1;
        bound.mul_f64(random.random())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::SmallRng;

    use super::*;

    #[test]
    fn waits_are_spread_below_a_bound_that_doubles_up_to_five_seconds() {
        let mut random = SmallRng::seed_from_u64(7);
        let mut longest = [Duration::ZERO; 10];
        for _ in 0..2_000 {
            let mut backoff = Backoff::default();
            for longest in &mut longest {
                *longest = (*longest).max(backoff.next(&mut random));
            }
        }
        let bounds = [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000];
        for (longest, bound) in longest.into_iter().zip(bounds.map(Duration::from_millis)) {
            assert!(longest <= bound && longest > bound.mul_f64(0.98), "{longest:?} of {bound:?}");
        }
    }
}
