//! Start-up checks, migrations, and the plans of a journal that grew.

use std::time::Duration;

use tokio_postgres::Client;

use super::super::lane;
use super::{Fresh, another, fresh};
use crate::clock::Clock;
use crate::ids::ShardCount;
use crate::ports::journal::contract::{SHARDS, session};
use crate::ports::journal::migrations::{self, MigrateError, MigrationStatus, State};
use crate::ports::journal::{Address, JournalConfig, OpenError, open};

async fn refusal(config: &JournalConfig) -> OpenError {
    open(config, &Clock::system()).await.err().expect("refused")
}

#[tokio::test]
async fn a_server_is_checked_before_use() {
    let url = crate::testing::postgres::database().await;
    let mut config = JournalConfig::new(Address::from(url.as_str()), SHARDS);
    assert!(matches!(refusal(&config).await, OpenError::NotMigrated(1)));
    migrations::up(&config.address).await.expect("migrate");
    let first = open(&config, &Clock::system()).await.expect("open").cluster;
    let second = open(&config, &Clock::system()).await.expect("open").cluster;
    assert_eq!(first, second);
    config.require_standby = true;
    assert!(matches!(refusal(&config).await, OpenError::NoStandby));
    config.require_standby = false;
    config.shards = ShardCount(9);
    let wrong = refusal(&config).await;
    assert!(matches!(wrong, OpenError::WrongShardCount { configured: 9, stored: 8 }), "{wrong}");
    config.address.url.push_str("_absent");
    assert!(matches!(refusal(&config).await, OpenError::Unavailable(_)));
}

/// A machine that is half dead accepts connections and says nothing; another is gone.
#[tokio::test]
async fn hosts_that_do_not_answer_are_not_in_the_way_of_the_primary() {
    let Fresh { config, .. } = fresh().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let with_other = |other: &str| {
        let url = config.address.url.replacen('@', &format!("@{other},"), 1);
        JournalConfig {
            address: Address::from(url.as_str()),
            append_timeout: Duration::from_millis(500),
            ..config.clone()
        }
    };
    let half_dead = with_other(&silent.local_addr().expect("address").to_string());
    // Each try asks first whom it likes.
    let mut answered = None;
    for _ in 0..64 {
        let Ok(opened) = open(&half_dead, &Clock::system()).await else { continue };
        answered = opened.journal.clock().await.ok();
        if answered.is_some() {
            break;
        }
    }
    assert!(answered.is_some());
    let gone = with_other("127.0.0.1:1");
    open(&gone, &Clock::system()).await.expect("open");
    migrations::verify(&gone.address).await.expect("verified");
}

#[tokio::test]
async fn migrations_repeat_and_go_back() {
    let url = crate::testing::postgres::database().await;
    let address = Address::from(url.as_str());
    let state = async || {
        let status = migrations::status(&address).await.expect("status");
        status.into_iter().map(|MigrationStatus { state, .. }| state).collect::<Vec<_>>()
    };
    assert_eq!(state().await, [State::Pending; 3]);
    let up = || migrations::up(&address);
    let (a, b, c) = tokio::join!(up(), up(), up());
    a.and(b).and(c).expect("several at once");
    up().await.expect("again");
    migrations::verify(&address).await.expect("verified");
    migrations::down(&address, 1).await.expect("down");
    assert_eq!(state().await, [State::Applied, State::Pending, State::Pending]);
    let differs = migrations::verify(&address).await;
    let pending = State::Pending;
    assert!(
        matches!(differs, Err(MigrateError::Differs { version: 2, state }) if state == pending)
    );
    assert!(matches!(migrations::down(&address, 9).await, Err(MigrateError::NoSuchVersion(9))));
    migrations::down(&address, 0).await.expect("down");
    up().await.expect("up");
    let config = JournalConfig::new(address.clone(), SHARDS);
    let hand = Fresh { journal: another(&config).await, config }.hand().await;
    hand.batch_execute("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 3")
        .await
        .expect("tamper");
    assert_eq!(state().await, [State::Applied, State::Applied, State::Changed]);
    let changed = up().await;
    assert!(
        matches!(changed, Err(MigrateError::Differs { version: 3, state: State::Changed })),
        "{changed:?}"
    );
}

/// Left alone, the planner looks actions up among all events of their session, as long
/// as the journal is small, or its statistics are.
#[tokio::test]
async fn plans_use_the_index_of_actions() {
    let fresh = fresh().await;
    let hand = fresh.hand().await;
    check_plan(&hand).await;
    let table = session(3, 1);
    let load = format!(
        "INSERT INTO session_events (id, session_id, event_type, event_data, created_at, shard,
                                     version, epoch, action_id, action_body_hash, audience)
         SELECT gen_random_uuid(), '{table}', 'bulk', '{{}}', now(), 3, v, 1,
                gen_random_uuid(), '\\x07', '\"all\"'
         FROM generate_series(1, 20000) v"
    );
    hand.batch_execute(&load).await.expect("bulk load");
    check_plan(&hand).await;
    hand.batch_execute("ANALYZE session_events").await.expect("analyze");
    check_plan(&hand).await;
}

async fn check_plan(hand: &Client) {
    for setting in lane::SETTINGS.split("-c ").filter(|setting| setting.contains("=o")) {
        hand.batch_execute(&format!("SET {setting}")).await.expect("as the lane");
    }
    hand.batch_execute("SET plan_cache_mode = force_generic_plan").await.expect("as the lane");
    for (append, parameters) in [(lane::APPEND, 16), (lane::APPEND_HEADS, 29)] {
        check_plan_of(hand, append, parameters).await;
    }
}

async fn check_plan_of(hand: &Client, append: &str, parameters: usize) {
    hand.batch_execute(&format!("DEALLOCATE ALL; PREPARE append AS {append}"))
        .await
        .expect("prepare");
    let nulls = vec!["NULL"; parameters].join(", ");
    let plan = hand.query(&format!("EXPLAIN EXECUTE append({nulls})"), &[]).await.expect("plan");
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    for look_up in [
        "Index Only Scan using session_events_action on session_events j ",
        "Index Only Scan Backward using session_events_pkey on session_events j_1 ",
        "Index Scan using shards_pkey on shards ",
    ] {
        assert!(plan.contains(look_up), "{plan}");
    }
    assert!(!plan.contains("Seq Scan"), "{plan}");
}
