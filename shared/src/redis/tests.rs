//! Routing against real clusters: death of a master, moving slots, forgotten scripts, silence.

use std::sync::LazyLock;
use std::time::Duration;

use nix::sys::signal::Signal;
use redis::Value;
use tokio::time::Instant;

mod secured;

use super::*;
use crate::testing::redis::{TestCluster, connect, shared, shared_redis};

static PAIR: LazyLock<Lua> =
    LazyLock::new(|| Lua::new("return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])}"));

const LONG: Duration = Duration::from_secs(20);

fn command(words: &[&str]) -> Request {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    Request::command(words[1], command)
}

async fn patient(redis: &Redis, request: Request) -> Value {
    let deadline = Instant::now() + LONG;
    redis.call(request, deadline, Patience::UntilDeadline).await.expect("answer")
}

fn bulk(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}

/// Three keys, one on each master.
fn keys_of_masters(redis: &Redis) -> Vec<(String, NodeAddress)> {
    let topology = redis.topology();
    let home = |key: &String| topology.master(keys::slot(key)).cloned().expect("master");
    let mut found: Vec<(String, NodeAddress)> = Vec::new();
    for key in (0..100).map(|n| format!("{{k{n}}}a")) {
        if found.iter().all(|(_, other)| *other != home(&key)) {
            found.push((key.clone(), home(&key)));
        }
    }
    assert_eq!(found.len(), 3);
    found
}

#[tokio::test]
async fn many_requests_come_back_in_their_order() {
    let redis = shared_redis().await;
    let keys: Vec<_> = (0..500).map(|n| redis.keys().rate(&format!("order{n}"))).collect();
    let deadline = Instant::now() + LONG;
    let sets = keys.iter().enumerate().map(|(n, key)| command(&["SET", key, &n.to_string()]));
    let sets: Vec<_> = sets.collect();
    let set = redis.call_each(&sets, deadline, Patience::UntilDeadline).await;
    assert!(set.iter().all(|answer| matches!(answer, Ok(Value::Okay))));
    let mut gets: Vec<_> = keys.iter().map(|key| command(&["GET", key])).collect();
    gets[7] = command(&["HGET", &keys[7], "field"]);
    let got = redis.call_each(&gets, deadline, Patience::UntilDeadline).await;
    for (n, answer) in got.into_iter().enumerate() {
        match answer {
            Ok(value) => assert_eq!((n, value), (n, bulk(&n.to_string()))),
            Err(CallError::Refused(error)) => assert_eq!((n, error.code()), (7, Some("WRONGTYPE"))),
            Err(error) => panic!("{n}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_forgotten_script_is_sent_again() {
    let redis = shared_redis().await;
    let key = redis.keys().rate("script");
    let pair = || {
        let names = vec![key.clone(), key.clone()];
        Request::script(&PAIR, keys::slot(&key), names, Vec::new())
    };
    patient(&redis, command(&["SET", &key, "v"])).await;
    for _ in 0..2 {
        let master = redis.topology().master(keys::slot(&key)).cloned().expect("master");
        let node = redis.node(&master).expect("node");
        let mut flush = redis::Pipeline::new();
        flush.cmd("SCRIPT").arg("FLUSH");
        node.exchange(&flush, Instant::now() + LONG).await.expect("flushed");
        let both = Value::Array(vec![bulk("v"), bulk("v")]);
        assert_eq!(patient(&redis, pair()).await, both);
    }
}

#[tokio::test]
async fn nobody_there_is_silence_in_time() {
    let nodes = vec!["127.0.0.1:1".to_owned()];
    let redis = Redis::connect(&RedisConfig { nodes, ..RedisConfig::default() }).expect("config");
    let start = Instant::now();
    for patience in [Patience::Once, Patience::UntilDeadline] {
        let deadline = Instant::now() + Duration::from_millis(200);
        let answer = redis.call(command(&["GET", "a"]), deadline, patience).await;
        assert!(matches!(answer, Err(CallError::Silent(_))), "{answer:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(!redis.ready(Duration::from_millis(50)).await);
    let bad = RedisConfig { nodes: vec!["nonsense".to_owned()], ..RedisConfig::default() };
    assert!(matches!(Redis::connect(&bad), Err(RedisConfigError::BadNode(_))));
    assert!(matches!(Redis::connect(&RedisConfig::default()), Err(RedisConfigError::NoNodes)));
}

#[tokio::test]
async fn one_seed_finds_the_others() {
    let mut config = shared().await;
    config.nodes.truncate(1);
    let redis = connect(&config).await;
    assert_eq!(redis.topology().masters().len(), 3);
}

#[tokio::test]
async fn death_of_a_master_is_felt_on_its_slots_only() {
    let mut cluster = TestCluster::start().await;
    let redis = connect(&cluster.config()).await;
    let keys = keys_of_masters(&redis);
    let victim = keys[0].1.clone();
    cluster.kill(cluster.at(victim.port())).await;
    let start = Instant::now();
    let mut rounds = 0;
    loop {
        let requests: Vec<_> = keys.iter().map(|(key, _)| command(&["SET", key, "1"])).collect();
        let deadline = Instant::now() + Duration::from_secs(2);
        let answers = redis.call_each(&requests, deadline, Patience::Once).await;
        assert!(answers[1].is_ok() && answers[2].is_ok(), "round {rounds}: {answers:?}");
        rounds += 1;
        if answers[0].is_ok() {
            break;
        }
        assert!(start.elapsed() < LONG, "the dead master's slots did not come back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(rounds > 20, "the failover was not met");
    assert_ne!(redis.topology().master(keys::slot(&keys[0].0)), Some(&victim));

    cluster.start_server(cluster.at(victim.port())).await;
    let deadline = Instant::now() + LONG;
    while !redis.topology().nodes().contains(&victim) {
        assert!(Instant::now() < deadline, "the returned server was not found");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(redis.ready(LONG).await);
}

#[tokio::test]
async fn a_silent_master_holds_nobody_up() {
    let cluster = TestCluster::start().await;
    let redis = connect(&cluster.config()).await;
    let keys = keys_of_masters(&redis);
    let victim = cluster.at(keys[0].1.port());
    cluster.signal(victim, Signal::SIGSTOP);
    let start = Instant::now();
    let requests: Vec<_> = keys.iter().map(|(key, _)| command(&["SET", key, "1"])).collect();
    let deadline = start + Duration::from_millis(200);
    let answers = redis.call_each(&requests, deadline, Patience::Once).await;
    assert!(matches!(answers[..], [Err(CallError::Silent(_)), Ok(_), Ok(_)]), "{answers:?}");
    let start = Instant::now();
    let deadline = start + Duration::from_secs(10);
    let again = redis.call(command(&["GET", &keys[0].0]), deadline, Patience::Once).await;
    assert!(matches!(again, Err(CallError::Silent(_))));
    assert!(start.elapsed() < Duration::from_secs(5), "who was silent is not waited for");
    let value = patient(&redis, command(&["SET", &keys[0].0, "2"])).await;
    assert_eq!(value, Value::Okay, "the replica took over");
    cluster.signal(victim, Signal::SIGCONT);
    assert_eq!(patient(&redis, command(&["GET", &keys[0].0])).await, bulk("2"));
}

#[tokio::test]
async fn requests_follow_a_moving_slot() {
    let cluster = TestCluster::start().await;
    let redis = connect(&cluster.config()).await;
    let keys = keys_of_masters(&redis);
    let (from, to) = (keys[0].1.port(), keys[1].1.port());
    let (moved, stays) = (keys[0].0.clone(), keys[0].0.replace('a', "b"));
    let slot = keys::slot(&moved);
    assert_eq!(keys::slot(&stays), slot);
    for key in [&moved, &stays] {
        patient(&redis, command(&["SET", key, key])).await;
    }
    let id = |port: u16| {
        let cluster = &cluster;
        async move { redis::from_redis_value(cluster.ask(port, "CLUSTER MYID").await.expect("id")) }
    };
    let ids: [String; 2] = [id(from).await.expect("text"), id(to).await.expect("text")];
    let order = |port: u16, what: String| {
        let cluster = &cluster;
        async move { assert_eq!(cluster.ask(port, &what).await.expect("answer"), Value::Okay) }
    };
    order(to, format!("CLUSTER SETSLOT {slot} IMPORTING {}", ids[0])).await;
    order(from, format!("CLUSTER SETSLOT {slot} MIGRATING {}", ids[1])).await;
    order(from, format!("MIGRATE 127.0.0.1 {to} {moved} 0 5000")).await;

    for key in [&moved, &stays] {
        assert_eq!(patient(&redis, command(&["GET", key])).await, bulk(key), "half moved");
    }
    let both = || Request::script(&PAIR, slot, vec![moved.clone(), stays.clone()], Vec::new());
    let deadline = Instant::now() + Duration::from_millis(200);
    let torn = redis.call(both(), deadline, Patience::Once).await;
    assert!(matches!(torn, Err(CallError::Silent(_))), "{torn:?}");
    let waiting = tokio::spawn({
        let (redis, both) = (redis.clone(), both());
        async move { patient(&redis, both).await }
    });
    order(from, format!("MIGRATE 127.0.0.1 {to} {stays} 0 5000")).await;
    assert_eq!(waiting.await.expect("task"), Value::Array(vec![bulk(&moved), bulk(&stays)]));
    for port in [to, from, keys[2].1.port()] {
        order(port, format!("CLUSTER SETSLOT {slot} NODE {}", ids[1])).await;
    }
    for key in [&moved, &stays] {
        let deadline = Instant::now() + LONG;
        let value = redis.call(command(&["GET", key]), deadline, Patience::Once).await;
        assert_eq!(value.expect("follows"), bulk(key));
    }
    let deadline = Instant::now() + LONG;
    while redis.topology().master(slot) != Some(&keys[1].1) {
        assert!(Instant::now() < deadline, "the move was not learned");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
