//! Waiting until every process says `/readyz`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::configuration::Plan;
use crate::processes::Processes;
use crate::wait;

/// On a machine that is busy with a build.
const LIMIT: Duration = Duration::from_secs(60);

/// Returns when all are ready; fails when one ended or the time is up.
pub(super) fn wait(processes: &Processes, plan: &Plan) -> Result<()> {
    let nodes = plan.nodes.iter().map(|node| (&node.id, node.admin));
    let routers = plan.routers.iter().map(|router| (&router.id, router.admin));
    for (id, admin) in nodes.chain(routers) {
        let mut last = String::new();
        let ready = wait::until(&format!("{id} is ready"), LIMIT, || {
            processes.check(id)?;
            last = status(admin).unwrap_or_else(|error| format!("{error:#}"));
            Ok(last.starts_with("HTTP/1.1 200"))
        });
        ready.with_context(|| last.clone())?;
    }
    Ok(())
}

/// The answer to `GET /readyz`.
fn status(admin: u16) -> Result<String> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, admin))?;
    connection.set_read_timeout(Some(Duration::from_secs(2)))?;
    let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    connection.write_all(request.as_bytes())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
