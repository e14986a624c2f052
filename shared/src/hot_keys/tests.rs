//! The writer against a real Redis Cluster.

use std::time::Duration;

use redis::Value;
use uuid::Uuid;

use super::*;
use crate::testing::redis::shared_redis;

async fn ask(redis: &Redis, command: &[&str]) -> Value {
    let mut request = redis::cmd(command[0]);
    request.arg(&command[1..]);
    let request = Request::command(command[1], request);
    let deadline = Instant::now() + Duration::from_secs(5);
    redis.call(request, deadline, Patience::UntilDeadline).await.expect("answer")
}

async fn texts(redis: &Redis, command: &[&str]) -> Vec<String> {
    redis::from_redis_value(ask(redis, command).await).expect("strings")
}

async fn hash(redis: &Redis, key: &str) -> BTreeMap<String, String> {
    redis::from_redis_value(ask(redis, &["HGETALL", key]).await).expect("hash")
}

async fn ttl_seconds(redis: &Redis, key: &str) -> i64 {
    redis::from_redis_value(ask(redis, &["TTL", key]).await).expect("ttl")
}

/// Waits until the state key holds this version.
async fn written(redis: &Redis, key: &str, version: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while ask(redis, &["HGET", key, "version"]).await
        != Value::BulkString(version.as_bytes().to_vec())
    {
        assert!(Instant::now() < deadline, "version {version} was not written");
        sleep(Duration::from_millis(20)).await;
    }
}

fn state(version: u64) -> HotState {
    let uuid = |n| Uuid::from_u128(n);
    let players: Vec<_> = (0..1_000).map(|n| PlayerId(uuid(n))).collect();
    let connections = (0..5_000).map(|n| (ConnectionId(uuid(n)), players[0]));
    HotState {
        meta: BTreeMap::from([("status".to_owned(), "active".to_owned())]),
        connections: connections.collect(),
        players,
        combat: BTreeMap::from([("round".to_owned(), "3".to_owned())]),
        state: (Version(version), Timestamp(1_000), "{\"hp\":5}".into()),
        queue: vec![ActionId(uuid(2)), ActionId(uuid(1))],
    }
}

#[tokio::test]
async fn all_keys_are_written_with_their_lives() {
    let redis = shared_redis().await;
    let hot = HotKeys::new(redis.clone());
    let session = SessionId(Uuid::new_v4());
    let [_, meta, players, connections, combat, document, queue] = redis.keys().hot(session);
    hot.write(session, Epoch(3), state(7));
    written(&redis, &document, "7").await;
    let expected = [("version", "7"), ("timestamp", "1970-01-01T00:00:01.000Z")];
    let expected = expected.into_iter().chain([("data", "{\"hp\":5}")]);
    let expected = expected.map(|(field, value)| (field.to_owned(), value.to_owned())).collect();
    assert_eq!(hash(&redis, &document).await, expected);
    assert_eq!(hash(&redis, &meta).await, state(7).meta);
    assert_eq!(hash(&redis, &combat).await, state(7).combat);
    assert_eq!(texts(&redis, &["SMEMBERS", &players]).await.len(), 1_000);
    assert_eq!(hash(&redis, &connections).await.len(), 5_000);
    let actions = [Uuid::from_u128(2).to_string(), Uuid::from_u128(1).to_string()];
    assert_eq!(texts(&redis, &["LRANGE", &queue, "0", "-1"]).await, actions);
    for (key, seconds) in
        [(&meta, 86_400), (&players, 3_600), (&connections, 300), (&combat, 3_600)]
    {
        let ttl = ttl_seconds(&redis, key).await;
        assert!((seconds - 30..=seconds).contains(&ttl), "{key} lives {ttl} s");
    }

    let fewer = HotState { players: vec![], queue: vec![], combat: BTreeMap::new(), ..state(8) };
    hot.write(session, Epoch(3), fewer);
    written(&redis, &document, "8").await;
    for key in [&players, &queue, &combat] {
        assert_eq!(ask(&redis, &["EXISTS", key]).await, Value::Int(0), "{key}");
    }
    assert_eq!(hot.lost(), 0);
}

#[tokio::test]
async fn an_old_owner_writes_nothing() {
    let redis = shared_redis().await;
    let (old, new) = (HotKeys::new(redis.clone()), HotKeys::new(redis.clone()));
    let session = SessionId(Uuid::new_v4());
    let document = &redis.keys().hot(session)[5];
    new.write(session, Epoch(4), state(10));
    written(&redis, document, "10").await;
    let other = SessionId(Uuid::new_v4());
    old.write(session, Epoch(3), state(99));
    old.write(other, Epoch(3), state(1));
    written(&redis, &redis.keys().hot(other)[5], "1").await;
    // The same writer wrote the other session in the same go or a later one.
    old.end(session, Epoch(3));
    old.write(other, Epoch(3), state(2));
    written(&redis, &redis.keys().hot(other)[5], "2").await;
    written(&redis, document, "10").await;
    assert!(ttl_seconds(&redis, document).await > 60);
}

#[tokio::test]
async fn touches_prolong_and_the_end_is_near() {
    let redis = shared_redis().await;
    let hot = HotKeys::new(redis.clone());
    let session = SessionId(Uuid::new_v4());
    let [_, meta, _, connections, combat, document, _] = redis.keys().hot(session);
    hot.write(session, Epoch(1), state(1));
    written(&redis, &document, "1").await;
    for key in [&meta, &document, &connections, &combat] {
        ask(&redis, &["EXPIRE", key, "100"]).await;
    }
    hot.touch(session, Epoch(1), Touch::Access);
    hot.touch(session, Epoch(1), Touch::Heartbeat);
    let deadline = Instant::now() + Duration::from_secs(10);
    while ttl_seconds(&redis, &meta).await <= 100 {
        assert!(Instant::now() < deadline, "not touched");
        sleep(Duration::from_millis(20)).await;
    }
    assert!(ttl_seconds(&redis, &document).await > 86_000);
    assert!(ttl_seconds(&redis, &connections).await > 200);
    assert!(ttl_seconds(&redis, &combat).await <= 100, "combat lives by its updates");

    hot.end(session, Epoch(1));
    while ttl_seconds(&redis, &meta).await > 60 {
        assert!(Instant::now() < deadline + Duration::from_secs(10), "not ended");
        sleep(Duration::from_millis(20)).await;
    }
    let other = SessionId(Uuid::new_v4());
    hot.touch(session, Epoch(1), Touch::Access);
    hot.write(session, Epoch(2), state(2));
    hot.write(other, Epoch(1), state(1));
    written(&redis, &redis.keys().hot(other)[5], "1").await;
    sleep(Duration::from_millis(1_200)).await;
    written(&redis, &document, "1").await;
    assert!((1..=60).contains(&ttl_seconds(&redis, &document).await));
}
