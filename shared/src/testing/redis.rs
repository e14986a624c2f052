//! A Redis Cluster of three masters and three replicas on loopback.
//!
//! Each server hangs on a shell that ends it when the test process is gone, however it went.
//! Tests that harm no server share one cluster, each in a namespace of its own; `GSS_TEST_REDIS`
//! (`host:port,…`) names one that is running already.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use redis::{RedisResult, Value};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::redis::{Redis, RedisConfig};

const NODES: u16 = 6;
const START: Duration = Duration::from_secs(30);
/// The server waits so long before it calls another dead; some 2.5 s to a new master with it.
const NODE_TIMEOUT_MS: u16 = 1_000;

/// Runs `server` with the remaining arguments until standard input ends.
const GUARD: &str =
    r#""$@" >>out 2>&1 </dev/null & echo $!; cat >/dev/null; kill -9 $! 2>/dev/null"#;

/// A cluster of our own. Dropping it ends the servers.
#[derive(Debug)]
pub struct TestCluster {
    ports: Vec<u16>,
    servers: Vec<Option<Server>>,
    folder: TempDir,
}

/// One server process. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    guard: Child,
    pid: Pid,
}

impl Server {
    /// `redis-server` with these options, in this folder.
    pub async fn start(folder: &Path, options: &[String]) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", GUARD, "guard", "redis-server"]).args(options);
        command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut guard = command.spawn().expect("sh");
        let mut line = String::new();
        let output = guard.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).await.expect("pid");
        let pid = Pid::from_raw(line.trim().parse().expect("pid"));
        Self { guard, pid }
    }
}

/// A configuration for a cluster that tests share, with a namespace nobody else has.
pub async fn shared() -> RedisConfig {
    static NODES: tokio::sync::OnceCell<Vec<String>> = tokio::sync::OnceCell::const_new();
    let nodes = NODES.get_or_init(|| async {
        #[expect(clippy::disallowed_methods, reason = "tests have no configuration")]
        if let Ok(nodes) = std::env::var("GSS_TEST_REDIS") {
            return nodes.split(',').map(str::to_owned).collect();
        }
        // Kept for the life of the process; the guards end it then. Its own runtime, since that of
        // a test would take the guards' pipes with it.
        let (sender, receiver) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("runtime").block_on(async move {
                let cluster = TestCluster::start().await;
                sender.send(cluster.nodes()).expect("somebody waits");
                std::future::pending::<()>().await;
            });
        });
        receiver.await.expect("shared cluster")
    });
    config(nodes.await.clone())
}

/// A connection to the shared cluster, ready.
pub async fn shared_redis() -> Redis {
    connect(&shared().await).await
}

/// A connection, ready.
pub async fn connect(config: &RedisConfig) -> Redis {
    let redis = Redis::connect(config).expect("configuration");
    assert!(redis.ready(START).await, "redis is not ready");
    redis
}

fn config(nodes: Vec<String>) -> RedisConfig {
    let namespace = format!("test{:08x}", rand::random::<u32>());
    RedisConfig { nodes, namespace, ..RedisConfig::default() }
}

impl TestCluster {
    /// Starts a cluster and waits until all replicas follow.
    pub async fn start() -> Self {
        let deadline = Instant::now() + START;
        loop {
            let base = rand::random_range(1_100..2_200) * 10;
            if let Some(cluster) = Self::start_at(base, deadline).await {
                return cluster;
            }
            assert!(Instant::now() < deadline, "no redis cluster starts");
        }
    }

    async fn start_at(base: u16, deadline: Instant) -> Option<Self> {
        let ports: Vec<u16> = (base..base + NODES).collect();
        for port in ports.iter().flat_map(|port| [*port, port + 10_000]) {
            std::net::TcpListener::bind(("127.0.0.1", port)).ok()?;
        }
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut cluster = Self { ports, servers: Vec::new(), folder };
        for at in 0..cluster.ports.len() {
            cluster.servers.push(None);
            cluster.start_server(at).await;
        }
        for port in cluster.ports.clone() {
            cluster.until(deadline, port, "PING", |answer| answer.contains("PONG")).await?;
        }
        let output = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(cluster.nodes())
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .stdin(Stdio::null())
            .output()
            .await
            .expect("redis-cli");
        if !output.status.success() {
            return None;
        }
        for port in cluster.ports.clone() {
            let whole = |answer: &str| {
                answer.contains("cluster_state:ok") && answer.contains("cluster_known_nodes:6")
            };
            cluster.until(deadline, port, "CLUSTER INFO", whole).await?;
            let linked = |answer: &str| {
                answer.contains("connected_slaves:1") || answer.contains("master_link_status:up")
            };
            cluster.until(deadline, port, "INFO replication", linked).await?;
        }
        Some(cluster)
    }

    /// Starts a server (again), with what its folder holds.
    pub async fn start_server(&mut self, at: usize) {
        let port = self.ports[at].to_string();
        let folder = self.folder.path().join(&port);
        std::fs::create_dir_all(&folder).expect("folder");
        self.servers[at] = Some(Server::start(&folder, &options(&port)).await);
    }

    /// A configuration for this cluster, with a namespace nobody else has.
    pub fn config(&self) -> RedisConfig {
        config(self.nodes())
    }

    /// Addresses of all servers.
    pub fn nodes(&self) -> Vec<String> {
        self.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect()
    }

    /// Which server has this port.
    pub fn at(&self, port: u16) -> usize {
        self.ports.iter().position(|other| *other == port).expect("a port of the cluster")
    }

    /// Sends a signal to a server.
    pub fn signal(&self, at: usize, signal: Signal) {
        let server = self.servers[at].as_ref().expect("a running server");
        kill(server.pid, signal).expect("signal");
    }

    /// `kill -9`; returns when the server is gone.
    pub async fn kill(&mut self, at: usize) {
        let mut server = self.servers[at].take().expect("a running server");
        kill(server.pid, Signal::SIGKILL).expect("signal");
        drop(server.guard.stdin.take());
        server.guard.wait().await.expect("guard");
    }

    /// Runs one command, written as at the shell, on one server.
    pub async fn ask(&self, port: u16, command: &str) -> RedisResult<Value> {
        let client = redis::Client::open(("127.0.0.1", port))?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut words = command.split(' ');
        let mut request = redis::cmd(words.next().unwrap_or_default());
        for word in words {
            request.arg(word);
        }
        request.query_async(&mut connection).await
    }

    /// Repeats a command until its answer as text is as wanted. None: too late.
    pub async fn until(
        &self,
        deadline: Instant,
        port: u16,
        command: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<()> {
        loop {
            let answer = self.ask(port, command).await;
            let text = answer.ok().and_then(|value| redis::from_redis_value::<String>(value).ok());
            if text.is_some_and(|text| wanted(&text)) {
                return Some(());
            }
            if Instant::now() >= deadline {
                return None;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already: nothing to do.
        if let Err(error) = kill(self.pid, Signal::SIGKILL) {
            tracing::debug!(%error, pid = %self.pid, "a test server was gone");
        }
    }
}

fn options(port: &str) -> Vec<String> {
    let timeout = NODE_TIMEOUT_MS.to_string();
    let options = [
        ["--port", port],
        ["--bind", "127.0.0.1"],
        ["--protected-mode", "no"],
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
    ];
    options.as_flattened().iter().map(|option| (*option).to_owned()).collect()
}
