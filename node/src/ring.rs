//! Who should own each shard: consistent hashing over the live, non-draining nodes with bounded
//! load.
//!
//! Every process that sees the same members computes the same table: the ring is fed pre-hashed
//! 64-bit points and shards are placed in ascending order (SAFETY L7). The table is a proposal;
//! leases say who serves and epochs who writes.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, Hasher};

use gss_shared::ids::{NodeId, Shard, ShardCount};
use hashring::HashRing;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Version of this placement, told in member records. The lowest among members rules.
pub const RING_VERSION: u16 = 1;

/// Points of one node on the ring.
const POINTS: u64 = 128;

/// Keeps shards' points apart from nodes'.
const SHARD_SEED: u64 = 0x0053_4841_5244;

/// One point of a node, hashed already.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Point {
    hash: u64,
    node: usize,
}

impl Hash for Point {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Passes a 64-bit hash through, so that the order does not depend on the standard library.
#[derive(Clone, Copy, Default, Debug)]
struct Prehashed(u64);

impl Hasher for Prehashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl BuildHasher for Prehashed {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

/// Most shards that one of `nodes` nodes carries: `ceil(1.1 × shards / nodes)`.
pub fn load_bound(shards: ShardCount, nodes: usize) -> usize {
    let (shards, nodes) = (usize::from(shards.0), nodes.max(1));
    (shards * 11).div_ceil(nodes * 10)
}

/// The node of every shard, or nothing when there is no node.
pub fn placement(shards: ShardCount, nodes: &[NodeId]) -> BTreeMap<Shard, NodeId> {
    let mut nodes = nodes.to_vec();
    nodes.sort();
    nodes.dedup();
    let mut ring = HashRing::with_hasher(Prehashed(0));
    ring.batch_add(nodes.iter().enumerate().flat_map(|(node, id)| points(node, id)).collect());
    let all = ring.len().saturating_sub(1);
    let order = ring.get_with_replicas(&Point { hash: 0, node: 0 }, all).unwrap_or_default();
    let place_of: BTreeMap<Point, usize> = order.iter().copied().zip(0..).collect();
    let bound = load_bound(shards, nodes.len());
    let mut load = vec![0_usize; nodes.len()];
    let mut table = BTreeMap::new();
    for shard in shards.all() {
        let key = xxh3_64_with_seed(&shard.0.to_be_bytes(), SHARD_SEED);
        let Some(start) = ring.get(&Point { hash: key, node: 0 }).and_then(|p| place_of.get(p))
        else {
            break;
        };
        let walk = order.iter().cycle().skip(*start).take(order.len());
        if let Some(point) = walk.into_iter().find(|point| load[point.node] < bound) {
            load[point.node] += 1;
            table.insert(shard, nodes[point.node].clone());
        }
    }
    table
}

fn points(node: usize, id: &NodeId) -> impl Iterator<Item = Point> {
    let seed = xxh3_64(id.as_str().as_bytes());
    (0..POINTS).map(move |replica| {
        let hash = xxh3_64_with_seed(&replica.to_be_bytes(), seed);
        Point { hash, node }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: usize) -> Vec<NodeId> {
        (0..count).map(|i| format!("node-{i}").parse().expect("id")).collect()
    }

    fn loads(table: &BTreeMap<Shard, NodeId>) -> BTreeMap<&NodeId, usize> {
        let mut loads = BTreeMap::new();
        for node in table.values() {
            *loads.entry(node).or_insert(0) += 1;
        }
        loads
    }

    #[test]
    fn nobody_owns_nothing() {
        assert!(placement(ShardCount(16), &[]).is_empty());
    }

    #[test]
    fn every_shard_has_a_node_and_no_node_too_many() {
        for count in [1, 2, 3, 10, 50] {
            let table = placement(ShardCount::DEFAULT, &nodes(count));
            assert_eq!(table.len(), 1024, "{count} nodes");
            let bound = load_bound(ShardCount::DEFAULT, count);
            assert!(loads(&table).values().all(|&load| load <= bound), "{count} nodes");
        }
    }

    #[test]
    fn the_table_does_not_depend_on_the_order_of_members() {
        let mut reversed = nodes(5);
        reversed.reverse();
        assert_eq!(placement(ShardCount(256), &nodes(5)), placement(ShardCount(256), &reversed));
    }

    /// A change here moves shards when two releases meet: raise [`RING_VERSION`].
    #[test]
    fn the_table_is_the_same_in_every_release() {
        let table = placement(ShardCount(8), &nodes(3));
        let owners: Vec<&str> = table.values().map(|node| node.as_str()).collect();
        assert_eq!(owners, GOLDEN);
    }

    const GOLDEN: [&str; 8] =
        ["node-0", "node-1", "node-2", "node-2", "node-0", "node-0", "node-2", "node-1"];

    #[test]
    fn a_join_moves_about_its_share() {
        let (before, after) = (placement(ShardCount::DEFAULT, &nodes(10)), nodes(11));
        let after = placement(ShardCount::DEFAULT, &after);
        let moved = before.iter().filter(|(shard, node)| after.get(shard) != Some(node)).count();
        assert!((60..=260).contains(&moved), "{moved} of 1024 moved, ideal 93");
    }
}
