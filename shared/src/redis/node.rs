//! One Redis server and our connection to it.
//!
//! A connection that broke, or on which nothing succeeded for a second, is replaced (SAFETY L11).
//! After a failure the server counts as suspect until something succeeds again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::NodeAddress;
use redis::{AsyncConnectionConfig, Pipeline, RedisError, RedisResult, Value};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::CallError;

/// Time for a connection to be made, TLS and greeting included; less than [`UNHEARD`], so that who
/// waits that long learns why there is none.
pub(crate) const CONNECT: Duration = Duration::from_millis(800);
/// Without a success for so long a connection is replaced.
pub(crate) const UNHEARD: Duration = Duration::from_secs(1);
/// After a failed attempt to connect none is made for so long.
const REDIAL: Duration = Duration::from_millis(30);

/// A server of the cluster.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) address: NodeAddress,
    client: redis::Client,
    connection: Mutex<Slot>,
    born: Instant,
    last_success_ms: AtomicU64,
    suspect: AtomicBool,
}

#[derive(Debug, Default)]
struct Slot {
    live: Option<Live>,
    refused: Option<(Instant, RedisError)>,
}

#[derive(Clone, Debug)]
struct Live {
    connection: MultiplexedConnection,
    broken: Arc<AtomicBool>,
}

impl Node {
    pub(crate) fn new(address: NodeAddress, client: redis::Client) -> Self {
        Self {
            address,
            client,
            connection: Mutex::default(),
            born: Instant::now(),
            last_success_ms: AtomicU64::new(0),
            suspect: AtomicBool::new(false),
        }
    }

    /// The last exchange failed and none has succeeded since.
    pub(crate) fn is_suspect(&self) -> bool {
        self.suspect.load(Ordering::Relaxed)
    }

    /// Makes connections to this server.
    pub(crate) fn client(&self) -> &redis::Client {
        &self.client
    }

    /// Sends all commands at once and returns all answers, errors of the server among them.
    ///
    /// # Errors
    /// [`CallError::Silent`]: no connection, or not all answers until `deadline`.
    pub(crate) async fn exchange(
        &self,
        commands: &Pipeline,
        deadline: Instant,
    ) -> Result<Vec<RedisResult<Value>>, CallError> {
        let live = match timeout_at(deadline, self.live()).await {
            Ok(Ok(live)) => live,
            Ok(Err(error)) => return Err(self.failed(Some(error))),
            Err(_) => return Err(self.failed(None)),
        };
        let mut connection = live.connection.clone();
        let answers = commands.query_async::<Vec<RedisResult<Value>>>(&mut connection);
        match timeout_at(deadline, answers).await {
            Ok(Ok(answers)) => {
                self.succeeded();
                Ok(answers)
            }
            Ok(Err(error)) => {
                live.broken.store(true, Ordering::Relaxed);
                Err(self.failed(Some(error)))
            }
            Err(_) => {
                let heard = self.last_success_ms.load(Ordering::Relaxed);
                let unheard = Duration::from_millis(self.age_ms().saturating_sub(heard));
                if unheard >= UNHEARD {
                    live.broken.store(true, Ordering::Relaxed);
                }
                Err(self.failed(None))
            }
        }
    }

    fn succeeded(&self) {
        self.last_success_ms.store(self.age_ms(), Ordering::Relaxed);
        if self.suspect.swap(false, Ordering::Relaxed) {
            tracing::info!(node = %self.address, "redis answers again");
        }
    }

    fn failed(&self, error: Option<RedisError>) -> CallError {
        if !self.suspect.swap(true, Ordering::Relaxed) {
            let reason = error.as_ref().map_or("no answer in time".to_owned(), ToString::to_string);
            tracing::warn!(node = %self.address, reason, "redis does not answer");
        }
        CallError::Silent(error)
    }

    async fn live(&self) -> RedisResult<Live> {
        let mut slot = self.connection.lock().await;
        if let Some(live) = &slot.live {
            if !live.broken.load(Ordering::Relaxed) {
                return Ok(live.clone());
            }
            slot.live = None;
        }
        if let Some((at, error)) = &slot.refused
            && at.elapsed() < REDIAL
        {
            return Err(error.clone());
        }
        let options = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None);
        match self.client.get_multiplexed_async_connection_with_config(&options).await {
            Ok(connection) => {
                let live = Live { connection, broken: Arc::default() };
                slot.live = Some(live.clone());
                slot.refused = None;
                self.last_success_ms.store(self.age_ms(), Ordering::Relaxed);
                Ok(live)
            }
            Err(error) => {
                slot.refused = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
