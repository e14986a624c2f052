//! Looking at leases without being a member: for operators' tools.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use tokio::time::Instant;

use super::text::{Found, lease_of, strings};
use super::{CHANGE_TIME, Lease, RedisDirectory, heard};
use crate::ids::Shard;
use crate::redis::keys::Tag;
use crate::redis::{Lua, Patience, Request};

static LEASES: LazyLock<Lua> =
    LazyLock::new(|| Lua::new(include_str!("../../../redis/lua/leases.lua")));

impl RedisDirectory {
    /// The leases of these shards with the milliseconds they live unless renewed; None: no lease.
    /// Shards without an answer, or with one that this release cannot read, are absent.
    pub async fn leases(&self, shards: &[Shard]) -> BTreeMap<Shard, Option<(Lease, u64)>> {
        let mut parts: BTreeMap<Tag, Vec<Shard>> = BTreeMap::new();
        for shard in shards {
            parts.entry(Tag::of(*shard)).or_default().push(*shard);
        }
        let request = |(tag, shards): (&Tag, &Vec<Shard>)| {
            let keys = shards.iter().map(|shard| self.redis.keys().lease(*shard)).collect();
            Request::script(&LEASES, tag.slot(), keys, Vec::new())
        };
        let requests: Vec<Request> = parts.iter().map(request).collect();
        let deadline = Instant::now() + CHANGE_TIME;
        let results = self.redis.call_each(&requests, deadline, Patience::UntilDeadline).await;
        let mut leases = BTreeMap::new();
        for (shards, result) in parts.values().zip(results) {
            let found = heard("leases", result).and_then(strings).unwrap_or_default();
            for (shard, pair) in shards.iter().zip(found.chunks_exact(2)) {
                match (lease_of(&pair[0]), pair[1].parse::<u64>()) {
                    (Found::Lease(lease), Ok(left)) => leases.insert(*shard, Some((lease, left))),
                    (Found::None, _) => leases.insert(*shard, None),
                    (Found::Lease(_) | Found::Unreadable, _) => None,
                };
            }
        }
        leases
    }
}
