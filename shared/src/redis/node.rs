//! One Redis server and our connection to it.
//!
//! A connection that broke, or on which nothing succeeded for a second, is replaced (SAFETY L11).
//! After a failure the server counts as suspect until something succeeds again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::NodeAddress;
use redis::{AsyncConnectionConfig, Pipeline, RedisResult, Value};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::CallError;

/// Time for a connection to be made, greeting included.
pub(super) const CONNECT: Duration = Duration::from_millis(300);
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
    redial_at: Option<Instant>,
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
            Ok(Err(error)) => {
                self.suspect.store(true, Ordering::Relaxed);
                return Err(error);
            }
            Err(_) => return Err(CallError::Silent(None)),
        };
        let mut connection = live.connection.clone();
        let answers = commands.query_async::<Vec<RedisResult<Value>>>(&mut connection);
        match timeout_at(deadline, answers).await {
            Ok(Ok(answers)) => {
                self.last_success_ms.store(self.age_ms(), Ordering::Relaxed);
                self.suspect.store(false, Ordering::Relaxed);
                Ok(answers)
            }
            Ok(Err(error)) => {
                live.broken.store(true, Ordering::Relaxed);
                self.suspect.store(true, Ordering::Relaxed);
                Err(CallError::Silent(Some(error)))
            }
            Err(_) => {
                self.suspect.store(true, Ordering::Relaxed);
                let unheard = self.age_ms() - self.last_success_ms.load(Ordering::Relaxed);
                if u128::from(unheard) >= UNHEARD.as_millis() {
                    live.broken.store(true, Ordering::Relaxed);
                }
                Err(CallError::Silent(None))
            }
        }
    }

    async fn live(&self) -> Result<Live, CallError> {
        let mut slot = self.connection.lock().await;
        if let Some(live) = &slot.live {
            if !live.broken.load(Ordering::Relaxed) {
                return Ok(live.clone());
            }
            slot.live = None;
        }
        if slot.redial_at.is_some_and(|at| at > Instant::now()) {
            return Err(CallError::Silent(None));
        }
        let options = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None);
        match self.client.get_multiplexed_async_connection_with_config(&options).await {
            Ok(connection) => {
                let live = Live { connection, broken: Arc::default() };
                slot.live = Some(live.clone());
                slot.redial_at = None;
                self.last_success_ms.store(self.age_ms(), Ordering::Relaxed);
                Ok(live)
            }
            Err(error) => {
                slot.redial_at = Some(Instant::now() + REDIAL);
                Err(CallError::Silent(Some(error)))
            }
        }
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
