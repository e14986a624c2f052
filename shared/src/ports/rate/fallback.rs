//! Rates counted in Redis, and in this process while Redis does not answer.
//!
//! What Redis admits is counted here as well, so that a process admits no more than the limit
//! itself when Redis goes away in the middle of a period.

use std::time::Duration;

use async_trait::async_trait;

use super::{Admission, Limits, LocalLimits, RedisLimits};
use crate::redis::Redis;

/// Redis has so long to answer before the local count decides.
const PATIENCE: Duration = Duration::from_millis(50);

/// Redis, else local.
#[derive(Debug)]
pub struct FallbackLimits {
    redis: RedisLimits,
    local: LocalLimits,
}

impl FallbackLimits {
    /// Counters in this Redis, and local ones beside.
    pub fn new(redis: Redis) -> Self {
        Self::of(RedisLimits::new(redis, PATIENCE))
    }

    pub(crate) fn of(redis: RedisLimits) -> Self {
        Self { redis, local: LocalLimits::new() }
    }
}

#[async_trait]
impl Limits for FallbackLimits {
    async fn admit(&self, key: &str, limit: u32, period_ms: u64) -> Admission {
        match self.redis.admit(key, limit, period_ms).await {
            Some(admission) => {
                if matches!(admission, Admission::Admitted { .. }) {
                    self.local.count(key, period_ms);
                }
                admission
            }
            None => self.local.admit(key, limit, period_ms).await,
        }
    }
}
