//! What every directory does. One suite, run on each implementation.

use std::sync::Arc;
use std::time::Duration;

use super::*;

/// A member's record.
pub(crate) fn record(node: &str, incarnation: u64) -> MemberRecord {
    MemberRecord {
        node: node.parse().expect("name"),
        incarnation: Incarnation(incarnation),
        link: format!("{node}:7000"),
        admin: format!("{node}:9000"),
        draining: false,
        journal_ok: true,
        ring_version: 1,
        beat: 1,
        reads_events: 1,
    }
}

/// A lease.
pub(crate) fn lease(node: &str, incarnation: u64, epoch: u64) -> Lease {
    Lease {
        node: node.parse().expect("name"),
        incarnation: Incarnation(incarnation),
        epoch: Epoch(epoch),
    }
}

fn names(view: &View) -> Vec<&str> {
    view.members.keys().map(NodeId::as_str).collect()
}

const TTL: u64 = 600;

/// Two processes on one directory, not used before. Time runs, or is paused.
pub(crate) async fn holds(a: Arc<dyn Directory>, b: Arc<dyn Directory>) {
    members_see_each_other(&*a, &*b).await;
    leases_go_by_epoch(&*a, &*b).await;
    leases_are_renewed_by_value(&*a, &*b).await;
    a_release_may_name_a_successor(&*a, &*b).await;
    gates_admit_one(&*a, &*b).await;
    what_is_not_refreshed_expires(&*a, &*b).await;
}

async fn members_see_each_other(a: &dyn Directory, b: &dyn Directory) {
    let view = a.round(&record("a", 1), &[], &[], TTL).await;
    assert_eq!(names(&view), ["a"]);
    assert!(view.complete);
    assert!(!view.own_record_was_gone, "a first registration misses nothing");
    let generation = view.generation.expect("generation");

    let mut record_b = record("b", 2);
    record_b.draining = true;
    let view = b.round(&record_b, &[], &[], TTL).await;
    assert_eq!(names(&view), ["a", "b"]);
    assert_eq!(view.generation, Some(generation));

    let view = a.members().await;
    assert_eq!(view.members.get(&record_b.node), Some(&record_b));
    assert!(view.complete);
    record_b.draining = false;
    record_b.beat = 2;
    b.round(&record_b, &[], &[], TTL).await;
    assert_eq!(a.members().await.members.get(&record_b.node), Some(&record_b));
}

async fn leases_go_by_epoch(a: &dyn Directory, b: &dyn Directory) {
    let (low, high) = (lease("a", 1, 5), lease("b", 2, 6));
    let shards = [Shard(1), Shard(2), Shard(17)];
    let claim = |lease: &Lease| shards.map(|shard| (shard, lease.clone()));
    let all = |claim: Claim| BTreeMap::from(shards.map(|shard| (shard, claim.clone())));

    assert_eq!(a.claim(&claim(&low), TTL).await, all(Claim::Taken));
    assert_eq!(a.claim(&claim(&low), TTL).await, all(Claim::Taken), "claiming again is no harm");
    assert_eq!(b.claim(&claim(&lease("b", 2, 5)), TTL).await, all(Claim::Held(low.clone())));
    assert_eq!(b.claim(&claim(&high), TTL).await, all(Claim::Taken));
    assert_eq!(a.claim(&claim(&low), TTL).await, all(Claim::Held(high.clone())));

    let view = a.round(&record("a", 1), &[], &[Shard(1), Shard(3)], TTL).await;
    let found = BTreeMap::from([(Shard(1), Some(high.clone())), (Shard(3), None)]);
    assert_eq!(view.watched, found);
    a.release(&claim(&low), None).await;
    b.release(&claim(&high)[..2], None).await;
    let view = a.round(&record("a", 1), &[], &shards, TTL).await;
    let found = [(Shard(1), None), (Shard(2), None), (Shard(17), Some(high.clone()))];
    assert_eq!(view.watched, BTreeMap::from(found));
    b.release(&claim(&high), None).await;
}

async fn leases_are_renewed_by_value(a: &dyn Directory, b: &dyn Directory) {
    let (mine, other) = (lease("a", 1, 7), lease("b", 2, 8));
    a.claim(&[(Shard(4), mine.clone())], TTL).await;
    b.claim(&[(Shard(5), other.clone())], TTL).await;
    let renew = [Shard(4), Shard(5), Shard(6)].map(|shard| (shard, mine.clone()));
    let expected = BTreeMap::from([
        (Shard(4), Renewal::Renewed),
        (Shard(5), Renewal::Other(other.clone())),
        (Shard(6), Renewal::Missing),
    ]);
    for _ in 0..8 {
        let view = a.round(&record("a", 1), &renew, &[], TTL).await;
        let mut renewals = view.renewals;
        if renewals.get(&Shard(5)) == Some(&Renewal::Missing) {
            // b does not renew: its lease may be over by now.
            renewals.insert(Shard(5), Renewal::Other(other.clone()));
        }
        assert_eq!(renewals, expected);
        tokio::time::sleep(Duration::from_millis(TTL / 4)).await;
    }
    a.release(&[(Shard(4), mine)], None).await;
    b.release(&[(Shard(5), other)], None).await;
}

async fn a_release_may_name_a_successor(a: &dyn Directory, b: &dyn Directory) {
    let (old, new) = (lease("a", 1, 9), lease("b", 2, 10));
    let successor = new.node.clone();
    let reserved = Lease::reserved_for(successor.clone(), Epoch(9));
    assert!(reserved.is_reservation() && !old.is_reservation());
    a.claim(&[(Shard(8), old.clone())], TTL).await;
    a.release(&[(Shard(8), old.clone())], Some(&successor)).await;

    let view = a.round(&record("a", 1), &[(Shard(8), old)], &[Shard(8)], TTL).await;
    assert_eq!(view.watched[&Shard(8)], Some(reserved.clone()));
    assert_eq!(view.renewals[&Shard(8)], Renewal::Other(reserved.clone()));
    let greedy = a.claim(&[(Shard(8), lease("a", 1, 11))], TTL).await;
    assert_eq!(greedy[&Shard(8)], Claim::Held(reserved));
    assert_eq!(b.claim(&[(Shard(8), new.clone())], TTL).await[&Shard(8)], Claim::Taken);
    b.release(&[(Shard(8), new.clone())], Some(&"a".parse().expect("name"))).await;
    tokio::time::sleep(Duration::from_millis(crate::limits::RESERVATION_MS + 50)).await;
    let late = b.claim(&[(Shard(8), lease("b", 2, 11))], TTL).await;
    assert_eq!(late[&Shard(8)], Claim::Taken, "a reservation lasts a second");
}

async fn gates_admit_one(a: &dyn Directory, b: &dyn Directory) {
    let gate = a.enter("drain", 60_000).await.expect("gate");
    assert_eq!(gate.name, "drain");
    assert!(b.enter("drain", 60_000).await.is_none());
    let other = b.enter("retention", 60_000).await.expect("another gate");
    a.leave(gate).await;
    let stale = b.enter("drain", 50).await.expect("free again");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let again = a.enter("drain", 60_000).await.expect("free after its time");
    b.leave(stale).await;
    assert!(b.enter("drain", 60_000).await.is_none(), "who was late frees nobody else's gate");
    a.leave(again).await;
    b.leave(other).await;
}

async fn what_is_not_refreshed_expires(a: &dyn Directory, b: &dyn Directory) {
    let mine = lease("b", 2, 20);
    b.claim(&[(Shard(9), mine.clone())], TTL).await;
    b.round(&record("b", 2), &[(Shard(9), mine.clone())], &[], TTL).await;
    let mut view = a.round(&record("a", 1), &[], &[Shard(9)], TTL).await;
    assert_eq!(names(&view), ["a", "b"]);
    assert_eq!(view.watched[&Shard(9)], Some(mine.clone()));
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(TTL / 4)).await;
        view = a.round(&record("a", 1), &[], &[Shard(9)], TTL).await;
    }
    assert_eq!(names(&view), ["a"]);
    assert_eq!(view.watched[&Shard(9)], None);

    let view = b.round(&record("b", 2), &[(Shard(9), mine)], &[], TTL).await;
    assert!(view.own_record_was_gone);
    assert_eq!(view.renewals[&Shard(9)], Renewal::Missing);
    assert_eq!(names(&view), ["a", "b"]);
    let view = b.round(&record("b", 2), &[], &[], TTL).await;
    assert!(!view.own_record_was_gone);
    b.leave_ring(&"b".parse().expect("name")).await;
    let view = a.round(&record("a", 1), &[], &[], TTL).await;
    assert_eq!(names(&view), ["a"]);
}
