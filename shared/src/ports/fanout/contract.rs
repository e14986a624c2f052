//! What every fan-out does. One suite, run on each implementation.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::limits;

const PATIENCE: Duration = Duration::from_secs(10);

/// The next payload; panics when none comes.
pub(crate) async fn next(fanout: &dyn Fanout) -> (Shard, Bytes) {
    let next = tokio::time::timeout(PATIENCE, fanout.next()).await;
    next.expect("a payload in time").expect("not shut down")
}

/// Publishes probes until they arrive: subscribing goes on beside.
pub(crate) async fn listening(from: &dyn Fanout, to: &dyn Fanout, shards: &BTreeSet<Shard>) {
    let mut missing = shards.clone();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !missing.is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "deaf on {missing:?}");
        let probes: Vec<_> =
            missing.iter().map(|shard| (*shard, Bytes::from_static(b"probe"))).collect();
        from.publish(&probes).await;
        let heard = async {
            while let Some((shard, _)) = to.next().await {
                missing.remove(&shard);
                if missing.is_empty() {
                    break;
                }
            }
        };
        // Not all need be subscribed yet; then the rest is probed again.
        if tokio::time::timeout(Duration::from_millis(100), heard).await.is_ok() {
            break;
        }
    }
}

/// A publisher and two listeners on the same channels, not used before.
pub(crate) async fn holds(from: Arc<dyn Fanout>, one: Arc<dyn Fanout>, two: Arc<dyn Fanout>) {
    let (x, y, z) = (Shard(3), Shard(700), Shard(1_023));
    one.subscribe(x);
    one.subscribe(x);
    one.subscribe(y);
    two.subscribe(y);
    listening(&*from, &*one, &BTreeSet::from([x, y])).await;
    listening(&*from, &*two, &BTreeSet::from([y])).await;

    let messages: Vec<_> = (0..300)
        .map(|n| ([x, y, z][n % 3], Bytes::from(format!("m{n:03}"))))
        .chain([(y, Bytes::from(vec![0xff; limits::FANOUT_BYTES])), (x, Bytes::from("end"))])
        .chain([(y, Bytes::from("end"))])
        .collect();
    assert_eq!(from.publish(&messages).await, Vec::<usize>::new());
    for (fanout, shards) in [(&one, vec![x, y]), (&two, vec![y])] {
        let mut heard = Vec::new();
        let mut ends = BTreeSet::new();
        while ends.len() < shards.len() {
            let (shard, payload) = next(&**fanout).await;
            assert!(shards.contains(&shard), "heard {shard} unasked");
            if payload == "end" {
                ends.insert(shard);
            }
            heard.push((shard, payload));
        }
        for shard in shards {
            let of = |all: &[(Shard, Bytes)]| firsts(all, shard);
            assert_eq!(of(&heard), of(&messages), "shard {shard}, in order of first arrival");
        }
    }

    one.unsubscribe(y);
    two.resubscribe(y);
    listening(&*from, &*two, &BTreeSet::from([y])).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        assert!(tokio::time::Instant::now() < deadline, "still hears what it unsubscribed");
        from.publish(&[(y, Bytes::from("gone")), (x, Bytes::from("here"))]).await;
        let mut heard_y = false;
        loop {
            match next(&*one).await {
                (shard, payload) if shard == x && payload == "here" => break,
                (shard, payload) => heard_y |= shard == y && payload == "gone",
            }
        }
        if !heard_y {
            break;
        }
    }
}

/// Payloads of a shard without probes and repetitions.
pub(crate) fn firsts(all: &[(Shard, Bytes)], shard: Shard) -> Vec<Bytes> {
    let mut seen = BTreeSet::new();
    all.iter()
        .filter(|(other, payload)| *other == shard && payload != "probe")
        .filter(|(_, payload)| seen.insert(payload.clone()))
        .map(|(_, payload)| payload.clone())
        .collect()
}
