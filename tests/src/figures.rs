//! Figures that tests print: percentiles and how often which length came.

use std::fmt;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::length::Length;

/// Upper bounds of the printed classes, in milliseconds.
const CLASSES: [u64; 12] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_000, 3_000, 4_000, 8_000];

/// Durations, sorted.
#[derive(Clone, Debug, Default)]
pub struct Figures(Vec<Duration>);

impl Figures {
    /// Of these.
    pub fn of(durations: impl IntoIterator<Item = Duration>) -> Self {
        let mut sorted: Vec<Duration> = durations.into_iter().collect();
        sorted.sort_unstable();
        Self(sorted)
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The duration that this percentage does not exceed; zero of none.
    pub fn percentile(&self, percent: usize) -> Duration {
        let at = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or_default()
    }

    /// How often which length came, empty classes left out.
    pub fn histogram(&self) -> String {
        let mut text = String::new();
        let mut below = 0;
        for class in CLASSES {
            let up_to = self.0.partition_point(|length| *length <= Duration::from_millis(class));
            if up_to > below {
                text.push_str(&format!("≤ {class} ms: {}, ", up_to - below));
            }
            below = up_to;
        }
        text.push_str(&format!("more: {}", self.0.len() - below));
        text
    }

    /// Checks a claim on its 99th percentile with tenfold room, in long runs only: short ones run
    /// on machines that are too noisy for any.
    ///
    /// # Errors
    /// When it is exceeded, or nothing was measured.
    pub fn claim(&self, what: &str, p99: Duration) -> Result<()> {
        ensure!(self.count() > 0, "{what}: nothing was measured");
        let found = self.percentile(99);
        let bound = Length::of_this_run().pick(Duration::MAX, p99 * 10);
        ensure!(found <= bound, "{what}: p99 {found:?}, claimed are {p99:?}");
        Ok(())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |percent| self.percentile(percent).as_secs_f64() * 1_000.0;
        let (p50, p99, max) = (ms(50), ms(99), ms(100));
        write!(f, "p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms of {}", self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_classes() {
        let figures = Figures::of((1..=200).rev().map(Duration::from_millis));
        assert_eq!(figures.to_string(), "p50 100.0 ms, p99 198.0 ms, max 200.0 ms of 200");
        let classes = "≤ 5 ms: 5, ≤ 10 ms: 5, ≤ 25 ms: 15, ≤ 50 ms: 25, ≤ 100 ms: 50, \
                       ≤ 250 ms: 100, more: 0";
        assert_eq!(figures.histogram(), classes);
        assert_eq!(Figures::of([Duration::from_secs(9)]).histogram(), "more: 1");
        assert_eq!(Figures::default().percentile(99), Duration::ZERO);
        assert!(Figures::default().claim("nothing", Duration::MAX / 10).is_err());
    }
}
