//! The connections for reads and for writes that need no order: snapshots, cursors, activations.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::failure::{TimedOut, is_content};
use super::server::Server;
use crate::ports::journal::{BoxError, JournalError};

/// Plans are made for each query, from the sizes the tables have then.
const SETTINGS: &str = "-c jit=off -c plan_cache_mode=force_custom_plan -c lock_timeout=1000 \
     -c default_transaction_isolation=read\\ committed -c idle_session_timeout=0";

pub(super) struct Reads {
    pool: Pool,
    timeout: Duration,
}

impl Reads {
    /// Connects when asked for the first time.
    pub(super) fn new(server: &Server, size: usize, bound: Duration) -> Result<Self, BoxError> {
        let Server { mut config, tls } = server.clone();
        let own = config.get_options().unwrap_or_default().to_owned();
        let bound_ms = bound.as_millis();
        config.options(format!("{own} {SETTINGS} -c statement_timeout={bound_ms}"));
        let recycle = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, tls, recycle))
            .max_size(size.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(bound))
            .create_timeout(Some(bound))
            .recycle_timeout(Some(bound))
            .build()?;
        Ok(Self { pool, timeout: bound })
    }

    /// Runs one statement of `sql/`, prepared once per connection.
    pub(super) async fn rows(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, JournalError> {
        let client = self.pool.get().await.map_err(|e| JournalError::Unavailable(e.into()))?;
        let query = async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, parameters).await
        };
        match timeout(self.timeout, query).await {
            Ok(outcome) => outcome.map_err(classify),
            Err(_) => {
                // A query is still under way: not a connection for the next one.
                drop(Object::take(client));
                Err(JournalError::Unavailable(TimedOut(self.timeout).into()))
            }
        }
    }
}

fn classify(error: tokio_postgres::Error) -> JournalError {
    match error.as_db_error() {
        Some(answer) if is_content(answer) => JournalError::Corrupt(answer.to_string()),
        _ => JournalError::Unavailable(error.into()),
    }
}
