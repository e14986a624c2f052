//! Rate limits: in no window of one period are more than the limit admitted.

use async_trait::async_trait;

#[cfg(test)]
pub(crate) mod contract;
pub mod fallback;
pub mod local;
pub mod redis;
mod window;

pub use self::redis::RedisLimits;
pub use fallback::FallbackLimits;
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

    #[tokio::test]
    async fn redis_holds_the_contract() {
        let redis = crate::testing::redis::shared_redis().await;
        let limits = RedisLimits::new(redis, std::time::Duration::from_secs(10));
        assert!(limits.admit("z", 1, 1_000).await.is_some(), "redis answers, not the fallback");
        contract::holds(&FallbackLimits::of(limits)).await;
    }

    #[tokio::test]
    async fn the_local_count_decides_when_redis_is_silent() {
        let mut cluster = crate::testing::redis::TestCluster::start().await;
        let redis = crate::testing::redis::connect(&cluster.config()).await;
        let patience = std::time::Duration::from_millis(500);
        let limits = FallbackLimits::of(RedisLimits::new(redis, patience));
        assert_eq!(limits.admit("k", 3, 60_000).await, Admission::Admitted { left: 2 });
        assert_eq!(limits.admit("k", 3, 60_000).await, Admission::Admitted { left: 1 });
        for at in 0..cluster.nodes().len() {
            cluster.kill(at).await;
        }
        assert_eq!(limits.admit("k", 3, 60_000).await, Admission::Admitted { left: 0 });
        let fourth = limits.admit("k", 3, 60_000).await;
        assert!(matches!(fourth, Admission::Refused { .. }), "what redis admitted counts on");
    }
}
