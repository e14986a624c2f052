//! The contract on SQLite, and what two processes on one file do to each other.

use std::sync::Arc;

use tempfile::TempDir;

use crate::clock::Clock;
use crate::ids::{Epoch, Incarnation, Shard, ShardCount};
use crate::ports::journal::contract::{
    SHARDS, append, contract_tests, node, own, part, session, versions,
};
use crate::ports::journal::migrations::{self, MigrateError, State};
use crate::ports::journal::{Address, Journal, JournalConfig, OpenError, PartRefusal, open};

struct Fresh {
    journal: Arc<dyn Journal>,
    config: JournalConfig,
    _folder: TempDir,
}

fn empty() -> (TempDir, JournalConfig) {
    let folder = tempfile::tempdir().expect("folder");
    let url = format!("sqlite:{}/data/journal.db", folder.path().display());
    (folder, JournalConfig::new(Address::from(url.as_str()), SHARDS))
}

async fn another(config: &JournalConfig) -> Arc<dyn Journal> {
    open(config, &Clock::system()).await.expect("open").journal
}

async fn fresh() -> Fresh {
    let (folder, config) = empty();
    migrations::up(&config.address).await.expect("migrate");
    Fresh { journal: another(&config).await, config, _folder: folder }
}

contract_tests!(fresh);

#[tokio::test]
async fn a_file_is_checked_before_use() {
    let (_folder, mut config) = empty();
    let refusal =
        async |config: &JournalConfig| open(config, &Clock::system()).await.err().expect("refused");
    assert!(matches!(refusal(&config).await, OpenError::Unavailable(_)));
    migrations::status(&config.address).await.expect("makes the file");
    assert!(matches!(refusal(&config).await, OpenError::NotMigrated(1)));
    migrations::up(&config.address).await.expect("migrate");
    let first = open(&config, &Clock::system()).await.expect("open").cluster;
    let second = open(&config, &Clock::system()).await.expect("open").cluster;
    assert_eq!(first, second);
    config.shards = ShardCount(9);
    let wrong = refusal(&config).await;
    assert!(matches!(wrong, OpenError::WrongShardCount { configured: 9, stored: 8 }), "{wrong}");
    config.address.url = "sqlite::memory:".to_owned();
    assert!(matches!(refusal(&config).await, OpenError::BadUrl(Some(_))));
}

#[tokio::test]
async fn migrations_repeat_and_go_back() {
    let (_folder, config) = empty();
    let address = &config.address;
    let up = || migrations::up(address);
    let (a, b, c) = tokio::join!(up(), up(), up());
    a.and(b).and(c).expect("several at once");
    up().await.expect("again");
    migrations::verify(address).await.expect("verified");
    migrations::down(address, 2).await.expect("down");
    let status = migrations::status(address).await.expect("status");
    let states: Vec<_> = status.iter().map(|one| (one.version, one.name, one.state)).collect();
    assert_eq!(
        states,
        [
            (1, "cluster", State::Applied),
            (2, "sessions", State::Applied),
            (3, "service", State::Pending)
        ]
    );
    let differs = migrations::verify(address).await;
    let expected = MigrateError::Differs { version: 3, state: State::Pending };
    assert_eq!(differs.expect_err("differs").to_string(), expected.to_string());
    migrations::down(address, 0).await.expect("down");
    up().await.expect("up");
}

#[tokio::test]
async fn another_process_is_fenced_too() {
    let fresh = fresh().await;
    let other = another(&fresh.config).await;
    own(&*fresh.journal, &[3]).await;
    let table = session(3, 1);
    assert_eq!(append(&*fresh.journal, vec![part(3, 1, table, 0, 1)]).await, [None]);
    let wanted = [(Shard(3), Epoch(1))];
    other.raise(&wanted, (&node("b"), Incarnation(2))).await.expect("raise");
    let late = append(&*fresh.journal, vec![part(3, 1, table, 1, 1)]).await;
    assert_eq!(late, [Some(PartRefusal::Fenced)]);
    assert_eq!(append(&*other, vec![part(3, 2, table, 1, 1)]).await, [None]);
    assert_eq!(versions(&*fresh.journal, table).await, [1, 2]);
}
