//! The contract on PostgreSQL, and the executions that need a second hand on the database.

mod fence;
mod secured;
mod server;
mod unknown;

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::{Client, NoTls};

use crate::clock::Clock;
use crate::ports::journal::contract::{SHARDS, contract_tests};
use crate::ports::journal::{Address, Journal, JournalConfig, migrations, open};

/// A journal in a database of its own, and the way to that database.
pub(super) struct Fresh {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) config: JournalConfig,
}

/// A new journal.
pub(super) async fn fresh() -> Fresh {
    let address = Address::from(crate::testing::postgres::database().await.as_str());
    migrations::up(&address).await.expect("migrate");
    let config = JournalConfig::new(address, SHARDS);
    Fresh { journal: another(&config).await, config }
}

/// What another process has of the same journal.
pub(super) async fn another(config: &JournalConfig) -> Arc<dyn Journal> {
    open(config, &Clock::system()).await.expect("open").journal
}

impl Fresh {
    /// A second hand on the database.
    pub(super) async fn hand(&self) -> Client {
        let connected = tokio_postgres::connect(&self.config.address.url, NoTls).await;
        let (client, connection) = connected.expect("connect");
        tokio::spawn(connection);
        client
    }
}

/// Waits until some connection of the lanes is in the state that the condition names, and gives its
/// process id.
pub(super) async fn lane_that(hand: &Client, condition: &str) -> i32 {
    let sql = format!(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
         AND application_name = 'gss-journal' AND ({condition})"
    );
    for _ in 0..1_000 {
        if let Some(row) = hand.query_opt(&sql, &[]).await.expect("activity") {
            return row.get(0);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no lane with {condition}");
}

contract_tests!(fresh);
