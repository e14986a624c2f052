//! The directory in Redis Cluster.
//!
//! Leases are spread over [`HASH_TAGS`](crate::limits::HASH_TAGS) hash tags: one script call per tag
//! and round renews and reads them, those of one master in one pipeline. Member records have a copy
//! under each of five tags; a master's death hides at most two of them, so that nobody vanishes and
//! a view stays complete. Nothing here waits for a server that is known to be silent.

mod gates;
mod leases;
mod text;

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use redis::Value;
use tokio::time::Instant;

use self::gates::Gates;
use self::text::{Found, lease_of, lease_text, members_of, string, strings};
use super::memory::MemberMemory;
use super::{Claim, Directory, Gate, Lease, MemberRecord, Renewal, View};
use crate::ids::{NodeId, ProcessId, Shard};
use crate::limits;
use crate::redis::keys::Tag;
use crate::redis::{CallError, Lua, Patience, Redis, Request};

static ROUND: LazyLock<Lua> = LazyLock::new(|| Lua::new(include_str!("../../redis/lua/round.lua")));
static MEMBERS: LazyLock<Lua> =
    LazyLock::new(|| Lua::new(include_str!("../../redis/lua/members.lua")));
static CLAIM: LazyLock<Lua> = LazyLock::new(|| Lua::new(include_str!("../../redis/lua/claim.lua")));
static RELEASE: LazyLock<Lua> =
    LazyLock::new(|| Lua::new(include_str!("../../redis/lua/release.lua")));

/// A round is as long as the pause between two: what has not answered by then is asked again.
const ROUND_TIME: Duration = Duration::from_millis(250);
/// Claims and releases are worth several tries.
const CHANGE_TIME: Duration = Duration::from_millis(500);

/// The directory of a Redis Cluster, as one process sees it.
#[derive(Debug)]
pub struct RedisDirectory {
    redis: Redis,
    gates: Gates,
    own: Mutex<Own>,
}

#[derive(Debug, Default)]
struct Own {
    memory: MemberMemory,
    registered: bool,
    generation: Option<u64>,
}

/// What the tags that hold member records said.
#[derive(Debug, Default)]
struct MemberAnswers {
    tags: usize,
    own_was_there: bool,
    members: BTreeMap<NodeId, (u64, MemberRecord)>,
    /// None: its tag was silent.
    generation: Option<Option<u64>>,
}

/// Shards of one tag.
#[derive(Debug, Default)]
struct Part<'a> {
    renew: Vec<&'a (Shard, Lease)>,
    watch: Vec<Shard>,
}

impl RedisDirectory {
    /// The directory in this Redis.
    pub fn new(redis: Redis) -> Self {
        Self { gates: Gates::new(redis.clone()), redis, own: Mutex::default() }
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn round_request(&self, tag: Tag, part: &Part<'_>, me: &MemberRecord, ttl_ms: u64) -> Request {
        let keys = self.redis.keys();
        let mut names = Vec::new();
        let mut arguments = vec![text(ttl_ms), text(part.renew.len())];
        arguments.extend(part.renew.iter().map(|(_, lease)| lease_text(lease).into_bytes()));
        if tag.holds_members() {
            names.push(keys.members(tag));
            let record = serde_json::to_vec(me).expect("a record is plain data");
            arguments.extend([text(&me.node), text(me.incarnation), record]);
            if tag == Tag::GENERATION {
                names.push(keys.generation());
                // Never 0, which would read like none; only kept where there is none yet.
                arguments.push(text(rand::random_range(1..=u64::MAX)));
            } else {
                arguments.push(Vec::new());
            }
        } else {
            arguments.extend([const { Vec::new() }; 4]);
        }
        names.extend(part.renew.iter().map(|(shard, _)| keys.lease(*shard)));
        names.extend(part.watch.iter().map(|shard| keys.lease(*shard)));
        Request::script(&ROUND, tag.slot(), names, arguments)
    }

    /// The members to believe in, and how sure that is.
    fn conclude(&self, ttl_ms: u64, answers: MemberAnswers) -> View {
        let now = Instant::now();
        let complete = 2 * answers.tags > Tag::member_tags().count();
        let found = answers.members.into_iter().map(|(node, (_, record))| (node, record)).collect();
        let mut own = self.own();
        if let Some(generation) = answers.generation {
            own.generation = generation;
        }
        View {
            generation: own.generation.filter(|_| complete || answers.generation.is_some()),
            members: own.memory.merge(now, Duration::from_millis(ttl_ms), found, complete),
            complete,
            ..View::default()
        }
    }
}

/// Puts what one tag answered into the view; false: it is no answer to [`ROUND`].
fn read_round(
    value: Value,
    tag: Tag,
    part: &Part<'_>,
    view: &mut View,
    answers: &mut MemberAnswers,
) -> Option<()> {
    let Value::Array(parts) = value else { return None };
    let [states, read, was_there, members, generation] = <[Value; 5]>::try_from(parts).ok()?;
    let (states, read) = (strings(states)?, strings(read)?);
    if states.len() != part.renew.len() || read.len() != part.watch.len() {
        return None;
    }
    if tag.holds_members() {
        answers.own_was_there |= was_there == Value::Int(1);
        answers.add(tag, members, generation)?;
    }
    for ((shard, _), state) in part.renew.iter().zip(states) {
        let renewal = match state.as_str() {
            "=" => Renewal::Renewed,
            other => match lease_of(other) {
                Found::Lease(lease) => Renewal::Other(lease),
                Found::None => Renewal::Missing,
                Found::Unreadable => Renewal::Silent,
            },
        };
        view.renewals.insert(*shard, renewal);
    }
    for (shard, found) in part.watch.iter().zip(read) {
        match lease_of(&found) {
            Found::Lease(lease) => view.watched.insert(*shard, Some(lease)),
            Found::None => view.watched.insert(*shard, None),
            Found::Unreadable => None,
        };
    }
    Some(())
}

impl MemberAnswers {
    fn add(&mut self, tag: Tag, members: Value, generation: Value) -> Option<()> {
        for (left, record) in members_of(members)? {
            let newer = self.members.get(&record.node).is_none_or(|(other, _)| *other < left);
            if newer {
                self.members.insert(record.node.clone(), (left, record));
            }
        }
        if tag == Tag::GENERATION {
            self.generation = Some(string(generation)?.parse().ok());
        }
        self.tags += 1;
        Some(())
    }
}

#[async_trait]
impl Directory for RedisDirectory {
    async fn round(
        &self,
        me: &MemberRecord,
        renew: &[(Shard, Lease)],
        watch: &[Shard],
        lease_ttl_ms: u64,
    ) -> View {
        let mut parts: BTreeMap<Tag, Part<'_>> =
            Tag::member_tags().map(|tag| (tag, Part::default())).collect();
        for lease in renew {
            parts.entry(Tag::of(lease.0)).or_default().renew.push(lease);
        }
        for shard in watch {
            parts.entry(Tag::of(*shard)).or_default().watch.push(*shard);
        }
        let requests: Vec<_> = parts
            .iter()
            .map(|(tag, part)| self.round_request(*tag, part, me, lease_ttl_ms))
            .collect();
        let deadline = Instant::now() + ROUND_TIME;
        let results = self.redis.call_each(&requests, deadline, Patience::Once).await;

        let mut told = View::default();
        let mut answers = MemberAnswers::default();
        for ((tag, part), result) in parts.iter().zip(results) {
            let read = heard("round", result)
                .and_then(|value| read_round(value, *tag, part, &mut told, &mut answers));
            if read.is_none() {
                let silent = part.renew.iter().map(|(shard, _)| (*shard, Renewal::Silent));
                told.renewals.extend(silent);
            }
        }
        let own_was_there = answers.own_was_there;
        let view = self.conclude(lease_ttl_ms, answers);
        let mut own = self.own();
        let own_record_was_gone = own.registered && view.complete && !own_was_there;
        own.registered |= view.complete;
        View { renewals: told.renewals, watched: told.watched, own_record_was_gone, ..view }
    }

    async fn members(&self) -> View {
        let keys = self.redis.keys();
        let request = |tag: Tag| {
            let mut names = vec![keys.members(tag)];
            names.extend((tag == Tag::GENERATION).then(|| keys.generation()));
            Request::script(&MEMBERS, tag.slot(), names, Vec::new())
        };
        let requests: Vec<_> = Tag::member_tags().map(request).collect();
        let deadline = Instant::now() + ROUND_TIME;
        let results = self.redis.call_each(&requests, deadline, Patience::Once).await;
        let mut answers = MemberAnswers::default();
        for (tag, result) in Tag::member_tags().zip(results) {
            let parts = match heard("members", result) {
                Some(Value::Array(parts)) => parts,
                _ => continue,
            };
            if let Ok([members, generation]) = <[Value; 2]>::try_from(parts) {
                answers.add(tag, members, generation);
            }
        }
        self.conclude(limits::MEMBER_TTL_MS, answers)
    }

    async fn claim(&self, claims: &[(Shard, Lease)], lease_ttl_ms: u64) -> BTreeMap<Shard, Claim> {
        let parts = by_tag(claims);
        let request = |(tag, part): (&Tag, &Vec<&(Shard, Lease)>)| {
            let names = part.iter().map(|(shard, _)| self.redis.keys().lease(*shard)).collect();
            let values = part.iter().map(|(_, lease)| lease_text(lease).into_bytes());
            let arguments = std::iter::once(text(lease_ttl_ms)).chain(values).collect();
            Request::script(&CLAIM, tag.slot(), names, arguments)
        };
        let requests: Vec<_> = parts.iter().map(request).collect();
        let deadline = Instant::now() + CHANGE_TIME;
        let results = self.redis.call_each(&requests, deadline, Patience::UntilDeadline).await;
        let mut answer = BTreeMap::new();
        for (part, result) in parts.values().zip(results) {
            let found = heard("claim", result).and_then(strings);
            let found = found.filter(|found| found.len() == part.len());
            for (place, (shard, _)) in part.iter().enumerate() {
                let claim = match found.as_ref().map(|found| lease_of(&found[place])) {
                    Some(Found::None) => Claim::Taken,
                    Some(Found::Lease(lease)) => Claim::Held(lease),
                    Some(Found::Unreadable) | None => Claim::Silent,
                };
                answer.insert(*shard, claim);
            }
        }
        answer
    }

    async fn release(&self, leases: &[(Shard, Lease)], successor: Option<&NodeId>) {
        let parts = by_tag(leases);
        let request = |(tag, part): (Tag, Vec<&(Shard, Lease)>)| {
            let names = part.iter().map(|(shard, _)| self.redis.keys().lease(*shard)).collect();
            let mut arguments = vec![text(limits::RESERVATION_MS)];
            for (_, lease) in part {
                let reserve = |to: &NodeId| Lease::reserved_for(to.clone(), lease.epoch);
                let reservation = successor.map(reserve).map(|lease| lease_text(&lease));
                arguments.push(lease_text(lease).into_bytes());
                arguments.push(reservation.unwrap_or_default().into_bytes());
            }
            Request::script(&RELEASE, tag.slot(), names, arguments)
        };
        let requests: Vec<_> = parts.into_iter().map(request).collect();
        let deadline = Instant::now() + CHANGE_TIME;
        for result in self.redis.call_each(&requests, deadline, Patience::UntilDeadline).await {
            // Without an answer the lease expires by itself.
            heard("release", result);
        }
    }

    async fn leave_ring(&self, me: &ProcessId) {
        let request = |tag: Tag| {
            let key = self.redis.keys().members(tag);
            let mut command = redis::cmd("HDEL");
            command.arg(&key).arg(me.as_str());
            Request::command(&key, command)
        };
        let requests: Vec<_> = Tag::member_tags().map(request).collect();
        let deadline = Instant::now() + CHANGE_TIME;
        for result in self.redis.call_each(&requests, deadline, Patience::UntilDeadline).await {
            // Without an answer the record expires by itself.
            heard("leave_ring", result);
        }
        self.own().registered = false;
    }

    async fn enter(&self, name: &str, ttl_ms: u64) -> Option<Gate> {
        self.gates.enter(name, ttl_ms).await
    }

    async fn leave(&self, gate: Gate) {
        self.gates.leave(gate).await;
    }
}

fn by_tag(leases: &[(Shard, Lease)]) -> BTreeMap<Tag, Vec<&(Shard, Lease)>> {
    let mut parts: BTreeMap<Tag, Vec<_>> = BTreeMap::new();
    for lease in leases {
        parts.entry(Tag::of(lease.0)).or_default().push(lease);
    }
    parts
}

fn text(value: impl std::fmt::Display) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// The answer, if there is one. Silence is told by the result of the call; a refusal is logged.
fn heard(what: &str, result: Result<Value, CallError>) -> Option<Value> {
    match result {
        Ok(value) => Some(value),
        Err(CallError::Silent(_)) => None,
        Err(CallError::Refused(error)) => {
            tracing::warn!(%error, what, "redis refuses a directory call");
            None
        }
    }
}

#[cfg(test)]
mod tests;
