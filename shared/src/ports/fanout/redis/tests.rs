//! Fan-out against real clusters: contract, death of a master, a slot that moves away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use tokio::time::{Instant, interval};

use super::*;
use crate::ports::fanout::contract::{holds, listening};
use crate::redis::keys;
use crate::testing::redis::{TestCluster, connect, shared};

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn redis_holds_the_contract() {
    let config = shared().await;
    let from = RedisFanout::new(connect(&config).await);
    let one = RedisFanout::new(connect(&config).await);
    let two = RedisFanout::new(connect(&config).await);
    holds(Arc::new(from), Arc::new(one), Arc::new(two)).await;
}

#[tokio::test]
async fn no_redis_fails_every_message_at_once_and_closing_ends() {
    let nodes = vec!["127.0.0.1:1".to_owned()];
    let config = crate::redis::RedisConfig { nodes, ..Default::default() };
    let fanout = RedisFanout::new(Redis::connect(&config).expect("config"));
    fanout.subscribe(Shard(1));
    let messages = [(Shard(1), Bytes::from("x")), (Shard(2), Bytes::from("y"))];
    let start = Instant::now();
    assert_eq!(fanout.publish(&messages).await, [0, 1]);
    assert!(start.elapsed() < Duration::from_secs(1));
    fanout.close();
    assert_eq!(fanout.next().await, None);
}

/// Publishes until every shard is heard from two servers.
async fn heard_twice(from: &RedisFanout, to: &RedisFanout, shards: &BTreeSet<Shard>) {
    for n in 0..60 {
        let mark = Bytes::from(format!("twice{n}"));
        let marks: Vec<_> = shards.iter().map(|shard| (*shard, mark.clone())).collect();
        from.publish(&marks).await;
        let mut counts = BTreeMap::<Shard, usize>::new();
        let listen = async {
            while counts.values().filter(|count| **count == 2).count() < shards.len() {
                let (shard, payload) = to.next().await.expect("open");
                if payload == mark {
                    *counts.entry(shard).or_default() += 1;
                }
            }
        };
        if tokio::time::timeout(Duration::from_millis(300), listen).await.is_ok() {
            return;
        }
    }
    panic!("not all channels are heard twice");
}

/// Messages on all shards: which were sent, refused and heard.
#[derive(Default)]
struct Traffic {
    sent: BTreeSet<(Shard, Bytes)>,
    failed: BTreeSet<(Shard, Bytes)>,
    heard: BTreeSet<(Shard, Bytes)>,
}

impl Traffic {
    /// Publishes one message per shard and takes what has arrived, as a router does.
    async fn round(&mut self, from: &RedisFanout, to: &RedisFanout, shards: &BTreeSet<Shard>) {
        let body = Bytes::from(format!("m{}", self.sent.len()));
        let messages: Vec<_> = shards.iter().map(|shard| (*shard, body.clone())).collect();
        let start = Instant::now();
        let lost = from.publish(&messages).await;
        assert!(start.elapsed() < Duration::from_secs(2), "publishing took {:?}", start.elapsed());
        self.failed.extend(lost.into_iter().map(|place| messages[place].clone()));
        self.sent.extend(messages);
        while let Ok(next) = tokio::time::timeout(Duration::ZERO, to.next()).await {
            self.heard.insert(next.expect("open"));
        }
    }

    /// Waits for what was sent and not refused.
    async fn settle(&mut self, to: &RedisFanout) {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let due = self.sent.difference(&self.failed);
            let missing: Vec<_> = due.filter(|message| !self.heard.contains(message)).collect();
            if missing.is_empty() {
                return;
            }
            match tokio::time::timeout_at(deadline, to.next()).await {
                Ok(next) => self.heard.insert(next.expect("open")),
                Err(_) => panic!("{} of {} lost: {missing:?}", missing.len(), self.sent.len()),
            };
        }
    }
}

#[tokio::test]
async fn a_masters_death_loses_no_message() {
    let mut cluster = TestCluster::start().await;
    let config = cluster.config();
    let from = RedisFanout::new(connect(&config).await);
    let to = RedisFanout::new(connect(&config).await);
    let shards: BTreeSet<Shard> = (0..300).map(Shard).collect();
    for shard in &shards {
        to.subscribe(*shard);
    }
    heard_twice(&from, &to, &shards).await;

    let slot = keys::slot(from.redis.keys().channel(Shard(0)));
    let victim = from.redis.topology().master(slot).cloned().expect("master");
    let mut traffic = Traffic::default();
    let mut ticks = interval(Duration::from_millis(10));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for _ in 0..20 {
        ticks.tick().await;
        traffic.round(&from, &to, &shards).await;
    }
    cluster.kill(cluster.at(victim.port())).await;
    let killed = Instant::now();
    while from.redis.topology().master(slot) == Some(&victim) {
        assert!(killed.elapsed() < LONG, "no failover");
        ticks.tick().await;
        traffic.round(&from, &to, &shards).await;
    }
    for _ in 0..20 {
        ticks.tick().await;
        traffic.round(&from, &to, &shards).await;
    }
    traffic.settle(&to).await;
    let (failed, sent) = (traffic.failed.len(), traffic.sent.len());
    assert!(failed * 20 < sent, "{failed} of {sent} had to go over the links");
    assert_eq!(to.lost(), 0);
}

#[tokio::test]
async fn listening_follows_a_moved_slot() {
    let cluster = TestCluster::start().await;
    let config = cluster.config();
    let from = RedisFanout::new(connect(&config).await);
    let to = RedisFanout::new(connect(&config).await);
    let shards: BTreeSet<Shard> = (0..64).map(Shard).collect();
    for shard in &shards {
        to.subscribe(*shard);
    }
    listening(&from, &to, &shards).await;
    let slot = keys::slot(from.redis.keys().channel(Shard(0)));
    let topology = from.redis.topology();
    let old = topology.master(slot).expect("master").clone();
    let new =
        (*topology.masters().into_iter().find(|other| **other != old).expect("other")).clone();
    let id = cluster.ask(new.port(), "CLUSTER MYID").await.expect("id");
    let id: String = redis::from_redis_value(id).expect("text");
    for master in [new.port(), old.port()] {
        let order = format!("CLUSTER SETSLOT {slot} NODE {id}");
        assert_eq!(cluster.ask(master, &order).await.expect("answer"), Value::Okay);
    }
    let deadline = Instant::now() + LONG;
    while from.redis.topology().master(slot) != Some(&new) {
        assert!(Instant::now() < deadline, "the move was not learned");
        from.publish(&[(Shard(0), Bytes::from("probe"))]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    listening(&from, &to, &shards).await;
}
