//! The directory against real clusters: contract, death of a master, loss of everything.

use std::sync::Arc;

use tokio::time::{Interval, interval};

use super::*;
use crate::ports::directory::contract::{holds, lease, record};
use crate::testing::redis::{TestCluster, connect, shared};

const LONG: Duration = Duration::from_secs(20);

fn ticks() -> Interval {
    let mut ticks = interval(Duration::from_millis(100));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}

#[tokio::test]
async fn redis_holds_the_contract() {
    let config = shared().await;
    let a = RedisDirectory::new(connect(&config).await);
    let b = RedisDirectory::new(connect(&config).await);
    holds(Arc::new(a), Arc::new(b)).await;
}

#[tokio::test]
async fn what_is_no_lease_is_in_nobodys_way() {
    let config = shared().await;
    let redis = connect(&config).await;
    let directory = RedisDirectory::new(redis.clone());
    let key = redis.keys().lease(Shard(3));
    let mut set = redis::cmd("SET");
    set.arg(&key).arg("rubbish");
    let deadline = Instant::now() + LONG;
    redis.call(Request::command(&key, set), deadline, Patience::UntilDeadline).await.expect("set");
    let mine = [(Shard(3), lease("a", 1, 1))];
    let view = directory.round(&record("a", 1), &mine, &[Shard(3)], 5_000).await;
    assert_eq!(view.renewals, BTreeMap::from([(Shard(3), Renewal::Silent)]));
    assert_eq!(view.watched, BTreeMap::new());
    assert_eq!(directory.claim(&mine, 5_000).await[&Shard(3)], Claim::Taken);
}

#[tokio::test]
async fn a_masters_death_takes_no_member_and_no_lease() {
    const TTL: u64 = 15_000;
    let mut cluster = TestCluster::start().await;
    let config = cluster.config();
    let a = RedisDirectory::new(connect(&config).await);
    let b = RedisDirectory::new(connect(&config).await);
    let leases: Vec<_> = (0..64).map(|n| (Shard(n), lease("a", 1, 5))).collect();
    b.round(&record("b", 2), &[], &[], TTL).await;
    let before = a.round(&record("a", 1), &[], &[], TTL).await;
    let claimed = a.claim(&leases, TTL).await;
    assert!(claimed.values().all(|claim| *claim == Claim::Taken));

    let victim = a.redis.topology().master(Tag::GENERATION.slot()).cloned().expect("master");
    let home = |shard: &Shard| a.redis.topology().master(Tag::of(*shard).slot()).cloned();
    let dead: Vec<_> = leases
        .iter()
        .map(|of| of.0)
        .filter(|shard| home(shard).as_ref() == Some(&victim))
        .collect();
    assert!(!dead.is_empty() && dead.len() < leases.len());
    cluster.kill(cluster.at(victim.port())).await;
    let (start, mut ticks, mut silent) = (Instant::now(), ticks(), 0);
    loop {
        ticks.tick().await;
        let view = a.round(&record("a", 1), &leases, &[], TTL).await;
        assert_eq!(view.members.len(), 2, "a member vanished");
        assert_eq!(view.generation, before.generation);
        assert!(view.complete && !view.own_record_was_gone);
        let lost: Vec<_> = view
            .renewals
            .iter()
            .filter(|(_, renewal)| **renewal != Renewal::Renewed)
            .map(|(shard, renewal)| (*shard, renewal.clone()))
            .collect();
        for (shard, renewal) in &lost {
            assert!(dead.contains(shard), "{shard} is on a living master");
            assert_eq!(*renewal, Renewal::Silent);
        }
        silent += usize::from(!lost.is_empty());
        if lost.is_empty() && silent > 0 {
            break;
        }
        assert!(start.elapsed() < LONG, "silent for good: {lost:?}");
        let gone = a.enter("anything", 10).await;
        if let Some(gate) = gone {
            a.leave(gate).await;
        }
    }
    assert!(silent > 5, "the failover was not met");
    let gates: Vec<_> = (0..16).map(|n| format!("gate{n}")).collect();
    for name in &gates {
        let deadline = Instant::now() + LONG;
        let gate = loop {
            if let Some(gate) = a.enter(name, 60_000).await {
                break gate;
            }
            assert!(Instant::now() < deadline, "{name} stays shut");
            ticks.tick().await;
        };
        assert!(b.enter(name, 60_000).await.is_none());
        a.leave(gate).await;
    }
}

#[tokio::test]
async fn an_emptied_directory_is_recognized() {
    let mut cluster = TestCluster::start().await;
    let config = cluster.config();
    let a = RedisDirectory::new(connect(&config).await);
    let b = RedisDirectory::new(connect(&config).await);
    let mine = [(Shard(1), lease("a", 1, 5))];
    let before = a.round(&record("a", 1), &[], &[], 3_000).await;
    b.round(&record("b", 2), &[], &[], 3_000).await;
    a.claim(&mine, 3_000).await;
    for at in 0..cluster.nodes().len() {
        cluster.kill(at).await;
    }
    let silent = a.round(&record("a", 1), &mine, &[Shard(1)], 3_000).await;
    assert!(!silent.complete && !silent.own_record_was_gone);
    assert_eq!(silent.generation, None);
    assert_eq!(silent.renewals, BTreeMap::from([(Shard(1), Renewal::Silent)]));
    assert_eq!(silent.watched, BTreeMap::new());
    assert_eq!(silent.members.keys().map(NodeId::as_str).collect::<Vec<_>>(), ["a"]);
    assert_eq!(a.claim(&mine, 3_000).await[&Shard(1)], Claim::Silent);
    assert!(!a.members().await.complete);

    for at in 0..cluster.nodes().len() {
        cluster.start_server(at).await;
    }
    let (start, mut ticks) = (Instant::now(), ticks());
    let view = loop {
        let view = a.round(&record("a", 1), &mine, &[Shard(1)], 3_000).await;
        assert!(start.elapsed() < LONG, "redis does not come back: {view:?}");
        if view.complete && view.renewals[&Shard(1)] != Renewal::Silent {
            break view;
        }
        ticks.tick().await;
    };
    assert_eq!(view.renewals, BTreeMap::from([(Shard(1), Renewal::Missing)]));
    let fresh = loop {
        let view = a.round(&record("a", 1), &[], &[], 3_000).await;
        assert!(start.elapsed() < LONG, "no generation: {view:?}");
        if view.complete && view.generation.is_some() && view.generation != before.generation {
            break view;
        }
        ticks.tick().await;
    };
    let other = loop {
        let view = b.round(&record("b", 2), &[], &[], 3_000).await;
        assert!(start.elapsed() < LONG, "b does not come back: {view:?}");
        if view.complete {
            break view;
        }
        ticks.tick().await;
    };
    assert!(other.own_record_was_gone);
    assert_eq!(other.generation, fresh.generation);
}
