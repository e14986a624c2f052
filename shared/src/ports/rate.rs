//! Rate limits: in no window of one period are more than the limit admitted.

use async_trait::async_trait;

#[cfg(test)]
pub(crate) mod contract;
pub mod local;
mod window;

pub use local::LocalLimits;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn local_holds_the_contract() {
        contract::holds(&LocalLimits::new()).await;
    }
}
