//! Waiting until every process says `/readyz` and every shard is served.

use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::configuration::{Plan, Process};
use crate::processes::Processes;
use crate::wait;

/// On a machine that is busy with a build.
const LIMIT: Duration = Duration::from_secs(60);

/// Returns when all are ready; fails when one ended or the time is up.
pub(super) fn wait(processes: &Processes, plan: &Plan) -> Result<()> {
    for Process { id, admin, .. } in plan.nodes.iter().chain(&plan.routers) {
        let mut last = String::new();
        let ready = wait::until(&format!("{id} is ready"), LIMIT, || {
            processes.check(id)?;
            last = get(*admin, "/readyz").unwrap_or_else(|error| format!("{error:#}"));
            Ok(last.starts_with("HTTP/1.1 200"))
        });
        ready.with_context(|| last.clone())?;
    }
    wait::until(&format!("{} shards are served", plan.shards), LIMIT, || {
        let served = plan.nodes.iter().map(|node| shards_served(node.admin).unwrap_or(0));
        Ok(served.sum::<u32>() == u32::from(plan.shards))
    })
}

/// Shards in service at a node, by its metrics.
fn shards_served(admin: SocketAddrV4) -> Result<u32> {
    let metrics = get(admin, "/metrics")?;
    let line = metrics.lines().find(|line| line.starts_with("gss_node_shards{"));
    let value = line.and_then(|line| line.rsplit_once(' ')).context("gss_node_shards")?.1;
    value.parse().context("gss_node_shards")
}

/// The answer to a request.
fn get(admin: SocketAddrV4, path: &str) -> Result<String> {
    let mut connection = TcpStream::connect(admin)?;
    connection.set_read_timeout(Some(Duration::from_secs(2)))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
