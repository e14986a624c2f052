//! Opening the file, and joining the cluster in it.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, Row as _, SqliteConnection};
use uuid::Uuid;

use super::append::BEGIN;
use crate::ids::ShardCount;
use crate::ports::journal::{OpenError, migrations};
use crate::time::Timestamp;

/// How long a statement waits for another process's write.
const BUSY: Duration = Duration::from_secs(10);

/// Every connection's options: a write-ahead log, and a commit waits for the disk.
pub(in crate::ports::journal) fn options(url: &str) -> Result<SqliteConnectOptions, sqlx::Error> {
    if url.contains(":memory:") || url.contains("mode=memory") {
        let text = "a database in memory is another one for each connection";
        return Err(sqlx::Error::Configuration(text.into()));
    }
    Ok(SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY))
}

pub(super) async fn check_migrations(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    const TABLE: &str = "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
    let tables: i64 =
        sqlx::query_scalar(TABLE).fetch_one(&mut *connection).await.map_err(unavailable)?;
    let applied: Vec<i64> = if tables == 0 {
        Vec::new()
    } else {
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success")
            .fetch_all(connection)
            .await
            .map_err(unavailable)?
    };
    migrations::first_missing(&applied).map_or(Ok(()), |one| Err(OpenError::NotMigrated(one)))
}

/// Makes the cluster at the first start; gives its id.
pub(super) async fn join_cluster(
    connection: &mut SqliteConnection,
    shards: ShardCount,
    now: Timestamp,
) -> Result<Uuid, OpenError> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(unavailable)?;
    sqlx::query(include_str!("../sql/sqlite/make_cluster.sql"))
        .bind(Uuid::new_v4().to_string())
        .bind(shards.0)
        .bind(now.0)
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
    sqlx::query(include_str!("../sql/sqlite/make_shards.sql"))
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
    let cluster = sqlx::query(include_str!("../sql/sqlite/cluster.sql"))
        .fetch_one(&mut *transaction)
        .await
        .map_err(unavailable)?;
    transaction.commit().await.map_err(unavailable)?;
    let stored: i64 = cluster.try_get(1).map_err(unavailable)?;
    if stored != i64::from(shards.0) {
        return Err(OpenError::WrongShardCount { configured: shards.0, stored });
    }
    let id: &str = cluster.try_get(0).map_err(unavailable)?;
    id.parse().map_err(|error: uuid::Error| OpenError::Unavailable(error.into()))
}

pub(super) fn unavailable(error: sqlx::Error) -> OpenError {
    OpenError::Unavailable(error.into())
}
