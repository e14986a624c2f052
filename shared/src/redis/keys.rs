//! Every key and channel in Redis, and which of them share a slot.
//!
//! Keys of leases, members and gates carry one of [`HASH_TAGS`] tags, so that one script call per
//! tag serves all of them; channels and sessions are spread over all slots. The spelling of the
//! tags puts no more than six of them on one of three equal masters.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use redis::cluster_routing::Slot;

use crate::ids::{SessionId, Shard};
use crate::limits::HASH_TAGS;

/// Slots of a cluster.
pub(crate) const SLOTS: u16 = 16_384;

/// The crate hashes a key to a slot, but does not tell its number.
static NUMBERS: LazyLock<HashMap<Slot, u16>> =
    LazyLock::new(|| (0..SLOTS).filter_map(|n| Slot::new(n).map(|slot| (slot, n))).collect());

/// Number of the slot of a key or channel.
pub fn slot(key: impl AsRef<[u8]>) -> u16 {
    NUMBERS.get(&Slot::for_key(key)).copied().expect("every slot has a number")
}

/// Builds keys within a namespace.
#[derive(Clone, Debug)]
pub struct Keys {
    prefix: Arc<str>,
}

const MEMBER_TAGS: [u16; 5] = [0, 1, 3, 6, 12];

/// A hash tag that leases, members and gates share.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tag(u16);

impl Tag {
    /// The tag of a shard's lease.
    pub fn of(shard: Shard) -> Self {
        Self(shard.0 % HASH_TAGS)
    }

    /// All tags.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..HASH_TAGS).map(Self)
    }

    /// The tags that hold a copy of the member records each: five, of which no more than two are on
    /// one of three equal masters.
    pub fn member_tags() -> impl Iterator<Item = Self> {
        MEMBER_TAGS.into_iter().map(Self)
    }

    /// The member tag that also holds the directory's generation.
    pub const GENERATION: Self = Self(MEMBER_TAGS[0]);

    /// Whether it is one of [`member_tags`](Self::member_tags).
    pub fn holds_members(self) -> bool {
        MEMBER_TAGS.contains(&self.0)
    }

    fn text(self) -> String {
        format!("{{t{:x}}}", self.0)
    }

    /// Where all keys of the tag are.
    pub fn slot(self) -> u16 {
        slot(self.text())
    }
}

impl Keys {
    /// Keys that begin with `namespace:`; with nothing when it is empty.
    pub fn new(namespace: &str) -> Self {
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}:") };
        Self { prefix: prefix.into() }
    }

    /// The lease of a shard: text of a `Lease`.
    pub fn lease(&self, shard: Shard) -> String {
        format!("{}gss:lease:{}:{shard}", self.prefix, Tag::of(shard).text())
    }

    /// Hash of all member records, one copy under each of [`Tag::member_tags`].
    pub fn members(&self, tag: Tag) -> String {
        format!("{}gss:members:{}", self.prefix, tag.text())
    }

    /// The directory's generation; under [`Tag::GENERATION`] only.
    pub fn generation(&self) -> String {
        format!("{}gss:generation:{}", self.prefix, Tag::GENERATION.text())
    }

    /// A gate, under a tag that depends on its name.
    pub fn gate(&self, name: &str) -> String {
        let hash = xxhash_rust::xxh3::xxh3_64(name.as_bytes()) % u64::from(HASH_TAGS);
        let tag = Tag(u16::try_from(hash).expect("remainder of a 16-bit number"));
        format!("{}gss:gate:{}:{name}", self.prefix, tag.text())
    }

    /// The live channel of a shard.
    pub fn channel(&self, shard: Shard) -> String {
        format!("{}{shard}}}", self.channel_head())
    }

    /// The shard whose live channel this is.
    pub fn shard_of_channel(&self, channel: &[u8]) -> Option<Shard> {
        let number = channel.strip_prefix(self.channel_head().as_bytes())?.strip_suffix(b"}")?;
        std::str::from_utf8(number).ok()?.parse().ok().map(Shard)
    }

    fn channel_head(&self) -> String {
        format!("{}gss:live:{{", self.prefix)
    }

    /// Counters of one rate limit.
    pub fn rate(&self, key: &str) -> String {
        format!("{}gss:rate:{key}", self.prefix)
    }

    /// Hot keys of a session, in the order of `redis/lua/hot.lua`: epoch that wrote them, meta,
    /// players, connections, combat, state, queue.
    pub fn hot(&self, session: SessionId) -> [String; 7] {
        let prefix = &self.prefix;
        let of = |name: &str| format!("{prefix}session:{{{session}}}:{name}");
        [
            format!("{prefix}gss:hot:{{{session}}}"),
            of("meta"),
            of("players"),
            of("connections"),
            of("combat"),
            of("state"),
            of("queue"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling() {
        let keys = Keys::new("");
        assert_eq!(keys.lease(Shard(27)), "gss:lease:{tb}:27");
        assert_eq!(keys.members(Tag(15)), "gss:members:{tf}");
        assert_eq!(keys.generation(), "gss:generation:{t0}");
        assert_eq!(keys.channel(Shard(5)), "gss:live:{5}");
        assert_eq!(keys.rate("join:1"), "gss:rate:join:1");
        let session: SessionId = "47eaa099-2cb6-416d-86dc-283cf0480ff9".parse().expect("uuid");
        assert_eq!(keys.hot(session)[1], "session:{47eaa099-2cb6-416d-86dc-283cf0480ff9}:meta");
        let keys = Keys::new("test7");
        assert_eq!(keys.channel(Shard(5)), "test7:gss:live:{5}");
        assert_eq!(keys.hot(session)[0], "test7:gss:hot:{47eaa099-2cb6-416d-86dc-283cf0480ff9}");
    }

    #[test]
    fn channels_name_their_shard() {
        let keys = Keys::new("n");
        assert_eq!(
            keys.shard_of_channel(keys.channel(Shard(1_023)).as_bytes()),
            Some(Shard(1_023))
        );
        for other in ["gss:live:{5}", "n:gss:live:{5", "n:gss:live:{x}", "n:gss:live:{70000}"] {
            assert_eq!(keys.shard_of_channel(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn keys_of_a_tag_share_its_slot() {
        let keys = Keys::new("n");
        for shard in [Shard(0), Shard(9), Shard(1_023)] {
            let tag = Tag::of(shard);
            assert_eq!(slot(keys.lease(shard)), tag.slot());
            assert_eq!(slot(keys.members(tag)), tag.slot());
        }
        assert_eq!(slot(keys.generation()), Tag::GENERATION.slot());
        let hot = keys.hot(SessionId::from(uuid::Uuid::nil()));
        assert!(hot.iter().all(|key| slot(key) == slot(&hot[0])));
    }

    #[test]
    fn no_third_of_the_slots_holds_a_majority_of_the_tags() {
        let thirds = [0..=5_460, 5_461..=10_922, 10_923..=16_383];
        let per_third = thirds.map(|third| {
            let within = |tag: &Tag| third.contains(&tag.slot());
            (Tag::all().filter(within).count(), Tag::member_tags().filter(within).count())
        });
        assert_eq!(per_third, [(6, 2), (5, 2), (5, 1)]);
    }

    #[test]
    fn slots_are_those_of_the_server() {
        assert_eq!(slot("123456789"), 0x31c3);
        assert_eq!(slot("a{123456789}b"), 0x31c3);
        assert_eq!(slot("{}x"), slot(b"{}x".as_slice()));
    }
}
