//! What every rate limiter does. One suite, run on each implementation.

use std::time::Duration;

use tokio::time::Instant;

use super::*;

/// A limiter whose keys were not used before. Time runs, or is paused.
pub(crate) async fn holds(limits: &dyn Limits) {
    counts_down_and_refuses(limits).await;
    admits_again_after_a_period(limits).await;
}

async fn counts_down_and_refuses(limits: &dyn Limits) {
    for left in [2, 1, 0] {
        assert_eq!(limits.admit("a", 3, 60_000).await, Admission::Admitted { left });
    }
    let Admission::Refused { retry_after_ms } = limits.admit("a", 3, 60_000).await else {
        panic!("the fourth of three was admitted");
    };
    assert!((50_000..=63_000).contains(&retry_after_ms), "{retry_after_ms}");
    assert_eq!(limits.admit("b", 3, 60_000).await, Admission::Admitted { left: 2 });
    let zero = limits.admit("c", 0, 60_000).await;
    assert!(matches!(zero, Admission::Refused { .. }));
}

async fn admits_again_after_a_period(limits: &dyn Limits) {
    let period = Duration::from_millis(400);
    let mut admitted = Vec::new();
    let start = Instant::now();
    while start.elapsed() < 3 * period {
        let before = Instant::now();
        match limits.admit("d", 4, 400).await {
            Admission::Admitted { .. } => admitted.push((before, Instant::now())),
            Admission::Refused { retry_after_ms } => assert!(retry_after_ms <= 420),
        }
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    assert!(admitted.len() >= 8, "{} admitted in three periods", admitted.len());
    for (five, first) in admitted.iter().skip(4).zip(&admitted) {
        let apart = five.1 - first.0;
        assert!(apart >= period, "five admitted within {apart:?}");
    }
}
