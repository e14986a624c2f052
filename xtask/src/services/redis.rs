//! A private Redis Cluster: 3 masters and a replica of each.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::ports::Ports;
use crate::processes::{Processes, Stop};
use crate::services::START_LIMIT;
use crate::{cargo, wait};

/// Masters first, then their replicas.
const NODES: usize = 6;
/// Milliseconds until a silent master is failed over; the default of 15 s would stop takeovers.
const NODE_TIMEOUT_MS: u32 = 1_500;

/// What becomes the cluster.
#[derive(Debug)]
pub(crate) struct Redis {
    program: PathBuf,
    dir: PathBuf,
    nodes: Vec<SocketAddrV4>,
}

/// Whether there is a server to run.
pub(crate) fn installed() -> bool {
    cargo::find_program(&["redis-server"]).is_some()
        && cargo::find_program(&["redis-cli"]).is_some()
}

impl Redis {
    /// Nothing happens yet.
    pub(crate) fn plan(dir: &Path, host: Ipv4Addr, ports: &mut Ports) -> Result<Self> {
        let program = cargo::find_program(&["redis-server"]).context("Redis is not installed")?;
        let mut node = || Ok(SocketAddrV4::new(host, ports.take_for_redis()?));
        let nodes = (0..NODES).map(|_| node()).collect::<Result<_>>()?;
        Ok(Self { program, dir: dir.join("redis"), nodes })
    }

    /// `host:port` of every node, masters first.
    pub(crate) fn nodes(&self) -> Vec<String> {
        self.nodes.iter().map(SocketAddrV4::to_string).collect()
    }

    /// Starts the nodes, joins them and waits until all six agree and every replica is linked.
    pub(crate) fn start(&self, processes: &Processes) -> Result<()> {
        for (index, node) in self.nodes.iter().enumerate() {
            self.start_node(processes, &name(index), *node)?;
        }
        self.wait_for_all("Redis answers", processes, "PING", |answer| answer.contains("PONG"))?;
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]);
        create.args(self.nodes());
        create.args(["--cluster-replicas", "1", "--cluster-yes"]);
        let output = create.output().context("run redis-cli")?;
        if !output.status.success() {
            bail!("redis-cli --cluster create: {}", String::from_utf8_lossy(&output.stdout));
        }
        self.wait_for_all("Redis Cluster is whole", processes, "CLUSTER INFO", |answer| {
            answer.contains("cluster_state:ok")
                && answer.contains(&format!("cluster_known_nodes:{NODES}\r"))
        })?;
        self.wait_for_all("replicas are linked", processes, "INFO replication", |answer| {
            answer.contains("connected_slaves:1") || answer.contains("master_link_status:up")
        })
    }

    fn start_node(&self, processes: &Processes, name: &str, node: SocketAddrV4) -> Result<()> {
        let dir = self.dir.join(node.port().to_string());
        std::fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
        let timeout = NODE_TIMEOUT_MS.to_string();
        let (host, port) = (node.ip().to_string(), node.port().to_string());
        let folder = dir.display().to_string();
        let options = [
            ["--port", &port],
            ["--bind", &host],
            ["--protected-mode", "no"],
            ["--dir", &folder],
            ["--cluster-enabled", "yes"],
            ["--cluster-config-file", "nodes.conf"],
            ["--cluster-node-timeout", &timeout],
            ["--cluster-replica-validity-factor", "0"],
            ["--cluster-require-full-coverage", "no"],
            ["--cluster-allow-pubsubshard-when-down", "yes"],
            ["--repl-diskless-sync", "yes"],
            ["--repl-diskless-sync-delay", "0"],
            ["--appendonly", "no"],
            ["--save", ""],
            ["--set-proc-title", "no"],
        ];
        let mut node = processes.describe(name, &self.program);
        node.args = options.as_flattened().iter().map(|word| (*word).to_owned()).collect();
        node.dir = dir;
        node.stop = Stop::Kill;
        processes.start(node).map(drop)
    }

    fn wait_for_all(
        &self,
        what: &str,
        processes: &Processes,
        command: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<()> {
        for (index, node) in self.nodes.iter().enumerate() {
            wait::until(what, START_LIMIT, || {
                processes.check(&name(index))?;
                Ok(ask(*node, command).is_ok_and(|answer| fits(&answer)))
            })?;
        }
        Ok(())
    }
}

fn name(index: usize) -> String {
    format!("redis-{}", index + 1)
}

/// One inline command on a connection of its own; the answer as text.
fn ask(node: SocketAddrV4, command: &str) -> Result<String> {
    let mut connection = TcpStream::connect(node)?;
    connection.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(connection, "{command}\r\nQUIT\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
