//! CPU seconds of processes, from `/proc`.

use std::collections::BTreeMap;

use crate::endpoints::Endpoints;

/// Clock ticks per second of `/proc/PID/stat`: 100 on every Linux this runs on.
const TICKS: f64 = 100.0;

/// CPU seconds by kind of process.
pub(crate) type Usage = BTreeMap<&'static str, f64>;

/// What every kind has used until now.
pub(crate) fn usage(endpoints: &Endpoints) -> Usage {
    let mut usage = Usage::new();
    let routers: Vec<u32> = endpoints.routers.iter().map(|router| router.pid).collect();
    let nodes: Vec<u32> = endpoints.nodes.iter().map(|node| node.pid).collect();
    for (pid, name, seconds) in processes() {
        let kind = if routers.contains(&pid) {
            "router"
        } else if nodes.contains(&pid) {
            "node"
        } else if name.starts_with("postgres") {
            "postgres"
        } else if name.starts_with("redis-server") {
            "redis"
        } else if name.starts_with("beam") {
            "rabbitmq"
        } else if pid == std::process::id() {
            "clients"
        } else {
            continue;
        };
        *usage.entry(kind).or_default() += seconds;
    }
    usage
}

/// What was used between two readings.
pub(crate) fn difference(before: &Usage, after: &Usage) -> Usage {
    let seconds = |kind: &&'static str| before.get(kind).copied().unwrap_or_default();
    after.iter().map(|(kind, used)| (*kind, used - seconds(kind))).collect()
}

fn processes() -> Vec<(u32, String, f64)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(process).collect()
}

fn process(pid: u32) -> Option<(u32, String, f64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some((pid, name, ticks / TICKS))
}
