//! What is checked of a server before a process uses it.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::failure::TimedOut;
use super::server::Server;
use crate::ids::ShardCount;
use crate::ports::journal::migrations::{self, MigrateError};
use crate::ports::journal::{Address, JournalConfig, OpenError};

const JOIN_CLUSTER: &str = include_str!("../sql/postgres/join_cluster.sql");
const CLUSTER: &str = include_str!("../sql/postgres/cluster.sql");
const READ_ONLY: &str = "SELECT current_setting('transaction_read_only')::bool";
const STANDBYS: &str = include_str!("../sql/postgres/standbys.sql");

/// How long one host may take to accept the connection of the migrations.
const MIGRATION_CONNECTS: Duration = Duration::from_secs(30);

/// What the connections have in common.
pub(super) fn server(config: &JournalConfig) -> Result<Server, OpenError> {
    let mut server = Server::of(&config.address).map_err(|error| OpenError::BadUrl(Some(error)))?;
    server.config.application_name("gss-journal");
    server.accepted_within(config.append_timeout);
    Ok(server)
}

/// Asks the server for the database by way of its maintenance database.
pub(in crate::ports::journal) async fn create_database(
    address: &Address,
) -> Result<(), MigrateError> {
    let bad_url = |error| MigrateError::BadUrl(Some(error));
    let mut server = Server::of(address).map_err(bad_url)?;
    let name = server.config.get_dbname().ok_or_else(|| bad_url("no database is named".into()))?;
    let name = name.to_owned();
    server.config.dbname("postgres");
    let create = async {
        let (client, connection) = server.connect().await?;
        let connection = tokio::spawn(connection);
        let found = client.query("SELECT FROM pg_database WHERE datname = $1", &[&name]).await?;
        if found.is_empty() {
            let quoted = name.replace('"', "\"\"");
            client.batch_execute(&format!("CREATE DATABASE \"{quoted}\"")).await?;
        }
        connection.abort();
        Ok(())
    };
    create.await.map_err(|error: tokio_postgres::Error| MigrateError::Unavailable(error.into()))
}

/// One connection of the migrations: to the first of the hosts that takes writes.
pub(in crate::ports::journal) async fn migration_connection(
    address: &Address,
) -> Result<sqlx::PgConnection, MigrateError> {
    let urls = each_host(&address.url);
    let mut refused = MigrateError::BadUrl(None);
    for url in &urls {
        refused = match timeout(MIGRATION_CONNECTS, migration_connection_to(url, address)).await {
            Ok(Ok(mut connection)) => {
                match sqlx::query_scalar(READ_ONLY).fetch_one(&mut connection).await {
                    Ok(false) => return Ok(connection),
                    Ok(true) => MigrateError::Unavailable("the server takes no writes".into()),
                    Err(error) => MigrateError::Unavailable(error.into()),
                }
            }
            Ok(Err(error)) => error,
            Err(_) => MigrateError::Unavailable(TimedOut(MIGRATION_CONNECTS).into()),
        };
    }
    Err(refused)
}

/// The URL with each of its hosts alone: sqlx knows of one.
fn each_host(url: &str) -> Vec<String> {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?']).map_or(url.len(), |at| start + at);
    let hosts = url[start..end].rfind('@').map_or(start, |at| start + at + 1);
    let (before, after) = (&url[..hosts], &url[end..]);
    url[hosts..end].split(',').map(|host| format!("{before}{host}{after}")).collect()
}

async fn migration_connection_to(
    url: &str,
    address: &Address,
) -> Result<sqlx::PgConnection, MigrateError> {
    let mut options = PgConnectOptions::from_str(url)
        .map_err(|error| MigrateError::BadUrl(Some(error.into())))?;
    if let Some(password) = &address.password {
        options = options.password(password);
    }
    let server = Server::of(address).map_err(|error| MigrateError::BadUrl(Some(error)))?;
    let protected = server.is_protected();
    options = options.ssl_mode(if protected { PgSslMode::VerifyFull } else { PgSslMode::Disable });
    if let Some(ca) = address.tls_ca.as_ref().filter(|_| protected) {
        options = options.ssl_root_cert(ca);
    }
    options.connect().await.map_err(|error| MigrateError::Unavailable(error.into()))
}

/// Checks the server and joins the cluster; gives the cluster's id.
pub(super) async fn check(server: &Server, config: &JournalConfig) -> Result<Uuid, OpenError> {
    let bound = config.append_timeout.max(Duration::from_secs(1));
    let checks = async {
        let (client, driver) = connect(server).await?;
        let outcome = check_on(&client, config).await;
        drop(client);
        driver.abort();
        outcome
    };
    match timeout(bound, checks).await {
        Ok(outcome) => outcome,
        Err(_) => Err(OpenError::Unavailable(TimedOut(bound).into())),
    }
}

async fn connect(server: &Server) -> Result<(Client, JoinHandle<()>), OpenError> {
    let (client, connection) = server.connect().await.map_err(unavailable)?;
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection of the start-up checks ended");
        }
    });
    Ok((client, driver))
}

async fn check_on(client: &Client, config: &JournalConfig) -> Result<Uuid, OpenError> {
    for setting in ["fsync", "full_page_writes"] {
        let sql = format!("SELECT current_setting('{setting}')");
        let found: String = client.query_one(&sql, &[]).await.map_err(unavailable)?.get(0);
        if found != "on" {
            return Err(OpenError::Unsafe { setting, found, wanted: "on" });
        }
    }
    let standby = client.query_one("SELECT pg_is_in_recovery()", &[]).await.map_err(unavailable)?;
    if standby.get(0) {
        return Err(OpenError::Standby);
    }
    if config.require_standby {
        let standbys = client.query_one(STANDBYS, &[]).await.map_err(unavailable)?;
        if standbys.get::<_, i64>(0) == 0 {
            return Err(OpenError::NoStandby);
        }
    }
    check_migrations(client).await?;
    join_cluster(client, config.shards).await
}

async fn check_migrations(client: &Client) -> Result<(), OpenError> {
    let applied = client.query("SELECT version FROM _sqlx_migrations WHERE success", &[]).await;
    let applied = match applied {
        Ok(rows) => rows.iter().map(|row| row.get(0)).collect(),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Vec::new(),
        Err(error) => return Err(unavailable(error)),
    };
    migrations::first_missing(&applied).map_or(Ok(()), |one| Err(OpenError::NotMigrated(one)))
}

async fn join_cluster(client: &Client, shards: ShardCount) -> Result<Uuid, OpenError> {
    client.query(JOIN_CLUSTER, &[&i32::from(shards.0)]).await.map_err(unavailable)?;
    let cluster = client.query_one(CLUSTER, &[]).await.map_err(unavailable)?;
    let stored: i32 = cluster.get(1);
    if stored != i32::from(shards.0) {
        return Err(OpenError::WrongShardCount { configured: shards.0, stored: stored.into() });
    }
    Ok(cluster.get(0))
}

fn unavailable(error: tokio_postgres::Error) -> OpenError {
    OpenError::Unavailable(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_by_its_hosts() {
        assert_eq!(each_host("postgres://u:p@a:1/d?x=1"), ["postgres://u:p@a:1/d?x=1"]);
        let two = ["postgres://u@a:1/d?x=1,2", "postgres://u@b/d?x=1,2"];
        assert_eq!(each_host("postgres://u@a:1,b/d?x=1,2"), two);
        assert_eq!(each_host("postgres://a,b"), ["postgres://a", "postgres://b"]);
        assert_eq!(each_host("postgres:///d?host=/run"), ["postgres:///d?host=/run"]);
    }
}
