//! Which journal a process uses, and the checks before it may.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::postgres::PostgresJournal;
use super::sqlite::SqliteJournal;
use super::{BoxError, Journal};
use crate::clock::Clock;
use crate::ids::ShardCount;

/// URL of a database, and its password when that is not in the URL. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// `postgres://user@host:port/database` or `sqlite:path`.
    pub url: String,
    /// Used instead of the URL's.
    pub password: Option<String>,
    /// File with authorities for PostgreSQL's certificate, besides the system's.
    pub tls_ca: Option<PathBuf>,
}

impl Address {
    /// Whether the URL is PostgreSQL's.
    pub fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres://") || self.url.starts_with("postgresql://")
    }

    /// Whether the URL is SQLite's.
    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }
}

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        Self { url: url.to_owned(), password: None, tls_ca: None }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// What an adapter has to be told.
#[derive(Clone, Debug)]
pub struct JournalConfig {
    /// Where it is.
    pub address: Address,
    /// The cluster's shards: made at the first start, checked at every other.
    pub shards: ShardCount,
    /// After which the outcome of an append counts as unknown; also the bound of every other call.
    pub append_timeout: Duration,
    /// Connections for reads (PostgreSQL); the writer has its own.
    pub pool: usize,
    /// Whether to refuse a primary without a synchronous standby.
    pub require_standby: bool,
}

impl JournalConfig {
    /// The defaults for this database.
    pub fn new(address: Address, shards: ShardCount) -> Self {
        let append_timeout = Duration::from_secs(5);
        Self { address, shards, append_timeout, pool: 4, require_standby: false }
    }
}

/// A journal that passed the checks, and the name of the cluster it belongs to.
#[derive(Clone)]
pub struct Opened {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// The cluster's id: the same for every process on this database.
    pub cluster: Uuid,
}

/// Why a process may not start on this database.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names no database of a known kind.
    #[error("journal.url is no postgres:// or sqlite: URL")]
    BadUrl(#[source] Option<BoxError>),
    /// No answer, or none that could be read: try again.
    #[error("journal is unavailable")]
    Unavailable(#[source] BoxError),
    /// Tables are missing: `gssctl migrate up` makes them.
    #[error("the database lacks migration {0}")]
    NotMigrated(i64),
    /// The server may lose what it confirmed.
    #[error("{setting} of the database server is {found}, it must be {wanted}")]
    Unsafe {
        /// The server's setting.
        setting: &'static str,
        /// Its value.
        found: String,
        /// The value it has to have.
        wanted: &'static str,
    },
    /// The server is a standby: its reads are late and it takes no writes.
    #[error("the database server is a standby, not the primary")]
    Standby,
    /// `require_standby` is set and no synchronous standby is connected.
    #[error("the database server has no synchronous standby")]
    NoStandby,
    /// The cluster was made with another number of shards.
    #[error("the cluster has {stored} shards, not {configured}")]
    WrongShardCount {
        /// As configured for this process.
        configured: u16,
        /// As the cluster was made.
        stored: i64,
    },
}

/// Connects, checks that the server keeps what it confirms, and joins the cluster. The SQLite
/// adapter tells time by `clock`, PostgreSQL by its own.
pub async fn open(config: &JournalConfig, clock: &Clock) -> Result<Opened, OpenError> {
    if config.address.is_postgres() {
        let (journal, cluster) = PostgresJournal::open(config).await?;
        Ok(Opened { journal: Arc::new(journal), cluster })
    } else if config.address.is_sqlite() {
        let (journal, cluster) = SqliteJournal::open(config, clock.clone()).await?;
        Ok(Opened { journal: Arc::new(journal), cluster })
    } else {
        Err(OpenError::BadUrl(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_never_shown() {
        let mut address = Address::from("postgres://a:secret@h/d");
        address.password = Some("x".into());
        assert_eq!(format!("{address:?}"), "[hidden]");
        let config = JournalConfig::new(address, ShardCount(4));
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[tokio::test]
    async fn another_kind_of_database_is_refused() {
        let config = JournalConfig::new(Address::from("mysql://h/d"), ShardCount(4));
        let refused = open(&config, &Clock::system()).await.err();
        assert!(matches!(refused, Some(OpenError::BadUrl(None))));
    }
}
