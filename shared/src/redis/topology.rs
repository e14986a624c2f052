//! Which server holds which slots, as the cluster says.

use std::collections::BTreeSet;

use redis::Value;
use redis::cluster::NodeAddress;

/// Slots by server, ascending.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Topology {
    ranges: Vec<Range>,
}

/// Consecutive slots and who holds them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Range {
    first: u16,
    last: u16,
    pub(crate) master: NodeAddress,
    pub(crate) replicas: Vec<NodeAddress>,
}

/// What one server said.
#[derive(Debug)]
pub(crate) struct Answer {
    /// It sees a majority of the masters.
    pub(crate) state_ok: bool,
    /// The highest epoch of the cluster it has heard of.
    pub(crate) epoch: u64,
    pub(crate) topology: Topology,
}

impl Topology {
    /// Who holds a slot.
    pub(crate) fn range(&self, slot: u16) -> Option<&Range> {
        let after = self.ranges.partition_point(|range| range.first <= slot);
        self.ranges[..after].last().filter(|range| slot <= range.last)
    }

    /// The master of a slot.
    pub(crate) fn master(&self, slot: u16) -> Option<&NodeAddress> {
        self.range(slot).map(|range| &range.master)
    }

    /// All masters.
    pub(crate) fn masters(&self) -> BTreeSet<&NodeAddress> {
        self.ranges.iter().map(|range| &range.master).collect()
    }

    /// All servers.
    pub(crate) fn nodes(&self) -> BTreeSet<&NodeAddress> {
        let replicas = self.ranges.iter().flat_map(|range| &range.replicas);
        self.ranges.iter().map(|range| &range.master).chain(replicas).collect()
    }

    /// Every slot has a master.
    pub(crate) fn is_whole(&self) -> bool {
        let covered: u32 =
            self.ranges.iter().map(|range| u32::from(range.last - range.first) + 1).sum();
        covered == u32::from(super::keys::SLOTS)
    }

    /// Reads an answer to `CLUSTER SLOTS` of the server at `asked`.
    pub(crate) fn parse(slots: Value, asked: &NodeAddress) -> Option<Self> {
        let Value::Array(ranges) = slots else { return None };
        let mut ranges: Vec<Range> =
            ranges.into_iter().map(|range| parse_range(range, asked)).collect::<Option<_>>()?;
        ranges.sort_by_key(|range| range.first);
        Some(Self { ranges })
    }
}

fn parse_range(range: Value, asked: &NodeAddress) -> Option<Range> {
    let Value::Array(parts) = range else { return None };
    let mut parts = parts.into_iter();
    let (first, last) = (number(parts.next()?)?, number(parts.next()?)?);
    let mut nodes = parts.map(|node| parse_node(node, asked));
    let master = nodes.next()??;
    let replicas = nodes.collect::<Option<_>>()?;
    (first <= last).then_some(Range { first, last, master, replicas })
}

fn parse_node(node: Value, asked: &NodeAddress) -> Option<NodeAddress> {
    let Value::Array(parts) = node else { return None };
    let mut parts = parts.into_iter();
    let host = match parts.next()? {
        Value::Nil => String::new(),
        host => redis::from_redis_value(host).ok()?,
    };
    let port = number(parts.next()?)?;
    let known = !host.is_empty() && host != "?";
    Some(if known { NodeAddress::new(host, port) } else { NodeAddress::new(asked.host(), port) })
}

fn number(value: Value) -> Option<u16> {
    let Value::Int(number) = value else { return None };
    u16::try_from(number).ok()
}

/// Reads answers to `CLUSTER INFO` and `CLUSTER SLOTS`.
pub(crate) fn parse_answer(info: Value, slots: Value, asked: &NodeAddress) -> Option<Answer> {
    let info: String = redis::from_redis_value(info).ok()?;
    let field = |name: &str| {
        info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
    };
    Some(Answer {
        state_ok: field("cluster_state")? == "ok",
        epoch: field("cluster_current_epoch")?.parse().ok()?,
        topology: Topology::parse(slots, asked)?,
    })
}

/// The topology to believe in: of those in a majority and of the highest epoch what most say, and
/// where that is a tie, what we believe already.
pub(crate) fn choose(answers: Vec<Answer>, current: &Topology) -> Option<Topology> {
    let newest = answers.iter().map(|answer| (answer.state_ok, answer.epoch)).max()?;
    let mut votes: Vec<(usize, bool, Topology)> = Vec::new();
    for answer in answers.into_iter().filter(|answer| (answer.state_ok, answer.epoch) == newest) {
        match votes.iter_mut().find(|(_, _, topology)| *topology == answer.topology) {
            Some((count, _, _)) => *count += 1,
            None => votes.push((1, answer.topology == *current, answer.topology)),
        }
    }
    votes.into_iter().max_by_key(|(count, is_current, _)| (*count, *is_current)).map(|vote| vote.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(port: u16) -> NodeAddress {
        NodeAddress::new("10.0.0.1", port)
    }

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn entry(host: Value, port: i64) -> Value {
        Value::Array(vec![host, Value::Int(port), text("id"), Value::Array(vec![])])
    }

    fn slots(ranges: &[(i64, i64, &[i64])]) -> Value {
        let range = |(first, last, ports): &(i64, i64, &[i64])| {
            let nodes = ports.iter().map(|port| entry(text("10.0.0.1"), *port));
            let ends = [Value::Int(*first), Value::Int(*last)];
            Value::Array(ends.into_iter().chain(nodes).collect())
        };
        Value::Array(ranges.iter().map(range).collect())
    }

    fn topology(ranges: &[(i64, i64, &[i64])]) -> Topology {
        Topology::parse(slots(ranges), &node(1)).expect("slots")
    }

    #[test]
    fn slots_find_their_master() {
        let topology = topology(&[(8_000, 16_383, &[2]), (0, 99, &[1, 3]), (101, 7_999, &[1, 3])]);
        assert_eq!(topology.master(0), Some(&node(1)));
        assert_eq!(topology.master(99), Some(&node(1)));
        assert_eq!(topology.master(100), None);
        assert_eq!(topology.master(16_383), Some(&node(2)));
        assert_eq!(topology.range(5).map(|range| &range.replicas), Some(&vec![node(3)]));
        assert_eq!(topology.masters().len(), 2);
        assert_eq!(topology.nodes().len(), 3);
        assert!(!topology.is_whole());
    }

    #[test]
    fn a_server_that_does_not_know_its_host_is_where_we_asked() {
        let asked = NodeAddress::new("redis-0.example", 7_000);
        for host in [Value::Nil, text(""), text("?")] {
            let range = Value::Array(vec![Value::Int(0), Value::Int(9), entry(host, 7_001)]);
            let topology = Topology::parse(Value::Array(vec![range]), &asked).expect("slots");
            assert_eq!(topology.master(3), Some(&NodeAddress::new("redis-0.example", 7_001)));
        }
    }

    #[test]
    fn nonsense_is_no_topology() {
        let bad = [
            Value::Nil,
            Value::Array(vec![Value::Int(1)]),
            slots(&[(5, 4, &[1])]),
            slots(&[(0, 4, &[])]),
            slots(&[(0, 70_000, &[1])]),
        ];
        for value in bad {
            assert_eq!(Topology::parse(value.clone(), &node(1)), None, "{value:?}");
        }
    }

    #[test]
    fn the_newest_majority_is_believed() {
        let (old, new) = (topology(&[(0, 16_383, &[1, 2])]), topology(&[(0, 16_383, &[2])]));
        assert!(old.is_whole());
        let answer = |state_ok, epoch, topology: &Topology| {
            let topology = topology.clone();
            Answer { state_ok, epoch, topology }
        };
        let chosen = |answers| choose(answers, &old);
        assert_eq!(chosen(vec![]), None);
        assert_eq!(chosen(vec![answer(true, 7, &old), answer(true, 8, &new)]), Some(new.clone()));
        assert_eq!(chosen(vec![answer(true, 7, &new), answer(false, 9, &old)]), Some(new.clone()));
        assert_eq!(chosen(vec![answer(true, 8, &new), answer(true, 8, &old)]), Some(old.clone()));
        let most = vec![answer(true, 8, &new), answer(true, 8, &old), answer(true, 8, &new)];
        assert_eq!(chosen(most), Some(new));
    }

    #[test]
    fn answers_are_read() {
        let info = text("cluster_enabled:1\r\ncluster_state:ok\r\ncluster_current_epoch:6\r\n");
        let answer = parse_answer(info, slots(&[(0, 16_383, &[1])]), &node(1)).expect("answer");
        assert!(answer.state_ok);
        assert_eq!(answer.epoch, 6);
        assert!(parse_answer(text(""), slots(&[]), &node(1)).is_none());
    }
}
