//! How leases and member records stand in Redis.
//!
//! A lease is `epoch:node:incarnation`, so that scripts can read it without losing digits.

use redis::Value;

use super::{Lease, MemberRecord};
use crate::ids::{Epoch, Incarnation};

/// What stands where a lease is looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// Nothing.
    None,
    /// A lease.
    Lease(Lease),
    /// Something else: nothing may be concluded from it.
    Unreadable,
}

/// The value of a lease.
pub(super) fn lease_text(lease: &Lease) -> String {
    format!("{}:{}:{}", lease.epoch, lease.node, lease.incarnation)
}

/// Reads a value; empty: none.
pub(super) fn lease_of(text: &str) -> Found {
    if text.is_empty() {
        return Found::None;
    }
    let read = || {
        let (epoch, rest) = text.split_once(':')?;
        let (node, incarnation) = rest.split_once(':')?;
        Some(Lease {
            node: node.parse().ok()?,
            incarnation: Incarnation(u64::from_str_radix(incarnation, 16).ok()?),
            epoch: Epoch(epoch.parse().ok()?),
        })
    };
    read().map_or(Found::Unreadable, Found::Lease)
}

/// A script's list of strings.
pub(super) fn strings(value: Value) -> Option<Vec<String>> {
    redis::from_redis_value(value).ok()
}

/// A script's string.
pub(super) fn string(value: Value) -> Option<String> {
    redis::from_redis_value(value).ok()
}

/// A script's list of members: milliseconds left, record, and so on. Records that this release
/// cannot read are left out.
pub(super) fn members_of(value: Value) -> Option<Vec<(u64, MemberRecord)>> {
    let Value::Array(parts) = value else { return None };
    let mut members = Vec::with_capacity(parts.len() / 2);
    let mut parts = parts.into_iter();
    while let (Some(left), Some(record)) = (parts.next(), parts.next()) {
        let left = redis::from_redis_value(left).ok()?;
        match serde_json::from_str(&string(record)?) {
            Ok(record) => members.push((left, record)),
            Err(error) => tracing::debug!(%error, "a member record cannot be read"),
        }
    }
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::directory::contract::{lease, record};

    #[test]
    fn leases_survive_text() {
        let lease = lease("node-1", 0xab, 17);
        assert_eq!(lease_text(&lease), "17:node-1:00000000000000ab");
        assert_eq!(lease_of("17:node-1:00000000000000ab"), Found::Lease(lease));
        assert_eq!(lease_of(""), Found::None);
        for text in ["17", "17:node-1", "x:node-1:ab", "17:node 1:ab", "17:node-1:xy"] {
            assert_eq!(lease_of(text), Found::Unreadable, "{text}");
        }
    }

    #[test]
    fn unreadable_members_are_left_out() {
        let bulk = |text: String| Value::BulkString(text.into_bytes());
        let known = record("a", 1);
        let json = serde_json::to_string(&known).expect("json");
        let newer = json.replacen('{', "{\"later_field\":1,", 1);
        let value = Value::Array(vec![
            Value::Int(900),
            bulk(newer),
            Value::Int(800),
            bulk("{}".to_owned()),
        ]);
        assert_eq!(members_of(value), Some(vec![(900, known)]));
        assert_eq!(members_of(Value::Nil), None);
    }
}
