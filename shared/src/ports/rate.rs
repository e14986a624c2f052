//! Rate limits: in no window of one period are more than the limit admitted.

use async_trait::async_trait;

/// Verdict on one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// Within the limit.
    Admitted {
        /// How many more now.
        left: u32,
    },
    /// Over the limit; nothing was counted.
    Refused {
        /// When the next one fits, milliseconds.
        retry_after_ms: u64,
    },
}

/// Counters by key.
#[async_trait]
pub trait Limits: Send + Sync + 'static {
    /// Counts one request of `key` against `limit` per `period_ms`.
    async fn admit(&self, key: &str, limit: u32, period_ms: u64) -> Admission;
}
