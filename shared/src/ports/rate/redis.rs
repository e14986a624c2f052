//! Rates counted in Redis: one count for all processes.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Value;
use tokio::time::Instant;

use super::Admission;
use super::window::slice_ms;
use crate::redis::keys;
use crate::redis::{CallError, Lua, Patience, Redis, Request};

static ADMIT: LazyLock<Lua> = LazyLock::new(|| Lua::new(include_str!("../../redis/lua/admit.lua")));

/// Counters in a Redis Cluster.
#[derive(Clone, Debug)]
pub struct RedisLimits {
    redis: Redis,
    patience: Duration,
}

impl RedisLimits {
    /// Counters in this Redis, which is given so long for an answer.
    pub fn new(redis: Redis, patience: Duration) -> Self {
        Self { redis, patience }
    }

    /// Counts one request of `key`. None: Redis does not answer; it may have counted.
    pub(crate) async fn admit(&self, key: &str, limit: u32, period_ms: u64) -> Option<Admission> {
        let key = self.redis.keys().rate(key);
        let arguments = [u64::from(limit), period_ms, slice_ms(period_ms)];
        let arguments = arguments.map(|number| number.to_string().into_bytes()).into();
        let request = Request::script(&ADMIT, keys::slot(&key), vec![key], arguments);
        let deadline = Instant::now() + self.patience;
        match self.redis.call(request, deadline, Patience::Once).await {
            Ok(answer) => admission(answer),
            Err(CallError::Silent(_)) => None,
            Err(CallError::Refused(error)) => {
                tracing::warn!(%error, "redis refuses to count a rate");
                None
            }
        }
    }
}

fn admission(answer: Value) -> Option<Admission> {
    let (admitted, number): (bool, u64) = redis::from_redis_value(answer).ok()?;
    Some(if admitted {
        Admission::Admitted { left: u32::try_from(number).ok()? }
    } else {
        Admission::Refused { retry_after_ms: number }
    })
}
