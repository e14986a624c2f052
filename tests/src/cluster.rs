//! A cluster of real processes, started by `cargo xtask cluster` and attacked by tests.
//!
//! Processes are named as in `endpoints.json` (`node-1`, `router-2`, `redis-…`, `postgres`,
//! `rabbitmq`). Everything that was started ends by its pid when the value is dropped.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gss_shared::ids::{SessionId, ShardCount};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tempfile::TempDir;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;

/// How long a cluster may take until it is ready: packages may have to be installed first.
const READY: Duration = Duration::from_secs(300);

/// `endpoints.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Endpoints {
    /// Routers.
    pub routers: Vec<Process>,
    /// Nodes.
    pub nodes: Vec<Process>,
    /// URL of the journal.
    pub postgres: String,
    /// URL of the broker.
    pub amqp: String,
    /// Seeds of the Redis Cluster.
    pub redis: Vec<String>,
    /// Command that starts a process again with its old identity.
    pub restart: BTreeMap<String, Vec<String>>,
    /// How tokens are made.
    pub jwt: Jwt,
    /// CA of the routers' certificates; None with `--plaintext`.
    pub tls_ca: Option<PathBuf>,
    /// Pids at the start, of all processes, servers included.
    pub pids: BTreeMap<String, u32>,
    /// A folder on the journal's own disk; None: it has none.
    pub journal_disk: Option<PathBuf>,
    /// This machine's address in the cluster's network, at which the services listen; None without
    /// namespaces.
    pub host_address: Option<Ipv4Addr>,
    /// Folder with a file for each node and router that sets its clock; None: they share the
    /// machine's.
    pub clocks: Option<PathBuf>,
}

/// A router or node.
#[derive(Clone, Debug, Deserialize)]
pub struct Process {
    /// Its name.
    pub id: String,
    /// Base URL of REST, of routers.
    #[serde(default)]
    pub http: String,
    /// Base URL of WebSockets, of routers.
    #[serde(default)]
    pub ws: String,
    /// `host:port` or URL of its admin server.
    pub admin: String,
    /// Its pid at the start.
    pub pid: u32,
    /// Its network namespace.
    pub netns: Option<String>,
    /// Its address in there.
    pub address: Option<Ipv4Addr>,
}

/// How tokens are made.
#[derive(Clone, Debug, Deserialize)]
pub struct Jwt {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// `kid`.
    pub kid: String,
    /// Ed25519 key.
    pub private_key_pem_path: PathBuf,
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Builder {
    nodes: usize,
    routers: usize,
    plaintext: bool,
    namespaces: bool,
    clocks: bool,
    older: Option<PathBuf>,
    standby: bool,
    journal_disk: Option<u32>,
    set: Vec<String>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            nodes: 3,
            routers: 2,
            plaintext: true,
            namespaces: false,
            clocks: false,
            older: None,
            standby: false,
            journal_disk: None,
            set: Vec::new(),
        }
    }
}

impl Builder {
    /// That many nodes.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// That many routers.
    #[must_use]
    pub fn routers(mut self, routers: usize) -> Self {
        self.routers = routers;
        self
    }

    /// TLS, as it is outside of loopback.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.plaintext = false;
        self
    }

    /// Every node and router in a network namespace of its own, where this process may make some:
    /// [`Cluster::has_namespaces`] tells.
    #[must_use]
    pub fn namespaces(mut self) -> Self {
        self.namespaces = may_make_namespaces();
        self
    }

    /// Every node and router with a wall clock of its own.
    #[must_use]
    pub fn clocks(mut self) -> Self {
        self.clocks = true;
        self
    }

    /// Every second node and router from this folder, with the binaries of an older release.
    #[must_use]
    pub fn older(mut self, binaries: &Path) -> Self {
        self.older = Some(binaries.to_owned());
        self
    }

    /// A synchronous standby for the journal's server: see [`crate::standby`].
    #[must_use]
    pub fn standby(mut self) -> Self {
        self.standby = true;
        self
    }

    /// A disk of so many MiB for the journal alone, where this process may make one.
    #[must_use]
    pub fn journal_disk(mut self, mib: u32) -> Self {
        self.journal_disk = may("--mount").then_some(mib);
        self
    }

    /// A key of every process's configuration, `section.key=value`.
    #[must_use]
    pub fn set(mut self, pair: &str) -> Self {
        self.set.push(pair.to_owned());
        self
    }

    /// Starts it and waits until every process is ready.
    ///
    /// # Errors
    /// When it is not ready in time; the error names the log folder.
    pub async fn start(self) -> Result<Cluster> {
        gss_shared::tls::install();
        let dir = tempfile::Builder::new().prefix("gss-it-").tempdir()?;
        let log = std::fs::File::create(dir.path().join("xtask.log"))?;
        let mut command = Command::new(binary("xtask")?);
        command
            .arg("cluster")
            .args(["--nodes", &self.nodes.to_string(), "--routers", &self.routers.to_string()])
            .args(["--limits", "open", "--no-build", "--dir"])
            .arg(dir.path().join("cluster"))
            .current_dir(workspace())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if self.plaintext {
            command.arg("--plaintext");
        }
        if self.namespaces {
            command.arg("--namespaces");
        }
        if self.clocks {
            command.arg("--clocks");
        }
        if let Some(older) = &self.older {
            command.arg("--older").arg(std::path::absolute(older)?);
        }
        if self.standby {
            command.arg("--standby");
        }
        if let Some(mib) = self.journal_disk {
            command.args(["--journal-disk", &mib.to_string()]);
        }
        for pair in &self.set {
            command.args(["--set", pair]);
        }
        let supervisor = command.spawn().context("start xtask cluster")?;
        let mut cluster = Cluster {
            endpoints: None,
            supervisor,
            restarted: BTreeMap::new(),
            stopped: Vec::new(),
            dir: Some(dir),
            passed: false,
        };
        cluster.await_ready().await?;
        Ok(cluster)
    }
}

/// Whether this process may make network namespaces.
pub fn may_make_namespaces() -> bool {
    may("--net")
}

/// A running cluster.
pub struct Cluster {
    endpoints: Option<Endpoints>,
    supervisor: Child,
    restarted: BTreeMap<String, Child>,
    /// Processes under SIGSTOP: they could not obey a SIGTERM.
    stopped: Vec<u32>,
    dir: Option<TempDir>,
    passed: bool,
}

impl Cluster {
    /// Three nodes and two routers, plain on loopback, open limits.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where everything listens.
    ///
    /// # Panics
    /// Never after [`Builder::start`].
    pub fn endpoints(&self) -> &Endpoints {
        self.endpoints.as_ref().expect("started")
    }

    /// Whether its processes are in network namespaces.
    pub fn has_namespaces(&self) -> bool {
        self.endpoints().host_address.is_some()
    }

    /// The folder with configuration and logs.
    ///
    /// # Panics
    /// Never before the drop.
    pub fn dir(&self) -> &Path {
        self.dir.as_ref().expect("not dropped").path()
    }

    /// The test that used it passed: its logs are of no use any more.
    pub fn passed(mut self) {
        self.passed = true;
    }

    async fn await_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY;
        let path = self.dir().join("cluster/endpoints.json");
        loop {
            if let Ok(text) = std::fs::read_to_string(&path)
                && let Ok(endpoints) = serde_json::from_str(&text)
            {
                self.endpoints = Some(endpoints);
                return Ok(());
            }
            if let Some(status) = self.supervisor.try_wait()? {
                let log = std::fs::read_to_string(self.dir().join("xtask.log"))?;
                bail!("the cluster ended with {status}:\n{log}");
            }
            ensure!(Instant::now() < deadline, "no endpoints after {READY:?}, see {path:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The present pid of a process.
    ///
    /// # Errors
    /// When there is no process of this name.
    pub fn pid(&self, id: &str) -> Result<u32> {
        if let Some(child) = self.restarted.get(id) {
            return Ok(child.id());
        }
        self.endpoints().pids.get(id).copied().with_context(|| format!("no process {id:?}"))
    }

    /// `kill -9`, waiting until it is gone.
    ///
    /// # Errors
    /// When there is no such process.
    pub async fn kill(&mut self, id: &str) -> Result<()> {
        let pid = self.pid(id)?;
        kill(to_pid(pid)?, Signal::SIGKILL)?;
        if let Some(mut child) = self.restarted.remove(id) {
            child.wait()?;
        }
        wait_until(Duration::from_secs(10), || !is_running(pid)).await
    }

    /// SIGSTOP.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn stop(&mut self, id: &str) -> Result<()> {
        let pid = self.pid(id)?;
        self.stopped.push(pid);
        Ok(kill(to_pid(pid)?, Signal::SIGSTOP)?)
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn cont(&mut self, id: &str) -> Result<()> {
        let pid = self.pid(id)?;
        self.stopped.retain(|stopped| *stopped != pid);
        Ok(kill(to_pid(pid)?, Signal::SIGCONT)?)
    }

    /// SIGTERM: a router or node drains and ends.
    ///
    /// # Errors
    /// When it does not end within `patience`.
    pub async fn terminate(&mut self, id: &str, patience: Duration) -> Result<()> {
        let pid = self.pid(id)?;
        kill(to_pid(pid)?, Signal::SIGTERM)?;
        if let Some(mut child) = self.restarted.remove(id) {
            let deadline = Instant::now() + patience;
            while child.try_wait()?.is_none() {
                ensure!(Instant::now() < deadline, "{id} did not end within {patience:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            return Ok(());
        }
        wait_until(patience, || !is_running(pid)).await.with_context(|| format!("{id} drains"))
    }

    /// Starts a process again with its old identity; does not wait until it is ready.
    ///
    /// # Errors
    /// When `endpoints.json` has no command for it.
    pub fn restart(&mut self, id: &str) -> Result<()> {
        self.start_again(id, &[])
    }

    /// Starts a process that ended again with its old identity, of the other release; does not wait
    /// until it is ready.
    ///
    /// # Errors
    /// As [`Cluster::restart`].
    pub fn exchange(&mut self, id: &str) -> Result<()> {
        self.start_again(id, &["--exchange"])
    }

    fn start_again(&mut self, id: &str, options: &[&str]) -> Result<()> {
        let command =
            self.endpoints().restart.get(id).with_context(|| format!("restart {id:?}"))?;
        let (program, arguments) = command.split_first().context("a command")?;
        let path = self.dir().join(format!("{id}.restarted.log"));
        let log = std::fs::File::options().create(true).append(true).open(path)?;
        let child = Command::new(program)
            .args(arguments)
            .args(options)
            .current_dir(workspace())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {program}"))?;
        if let Some(mut ended) = self.restarted.insert(id.to_owned(), child) {
            ended.try_wait()?;
        }
        Ok(())
    }

    /// Waits until `/readyz` of a router or node says yes.
    ///
    /// # Errors
    /// When it does not within a minute.
    pub async fn await_process_ready(&self, id: &str) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.is_process_ready(id).await? {
            ensure!(Instant::now() < deadline, "{id} is not ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// What `/readyz` of a router or node says; one that does not answer is not ready.
    ///
    /// # Errors
    /// When it is neither.
    pub async fn is_process_ready(&self, id: &str) -> Result<bool> {
        let endpoints = self.endpoints();
        let mut all = endpoints.routers.iter().chain(&endpoints.nodes);
        let process = all.find(|process| process.id == id).context("a router or node")?;
        let url = format!("{}/readyz", with_scheme(&process.admin));
        Ok(reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()))
    }

    /// A connection to the journal's database, for reading; one that recovers is waited for.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn postgres(&self) -> Result<tokio_postgres::Client> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let url = &self.endpoints().postgres;
            match tokio_postgres::connect(url, tokio_postgres::NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    return Ok(client);
                }
                Err(error)
                    if error.code() == Some(&SqlState::CANNOT_CONNECT_NOW)
                        && Instant::now() < deadline =>
                {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The node that owns each shard, by the journal.
    ///
    /// # Errors
    /// When the journal does not answer.
    pub async fn owners(&self) -> Result<BTreeMap<u16, String>> {
        let rows = self
            .postgres()
            .await?
            .query("SELECT shard, owner FROM shards WHERE owner IS NOT NULL", &[])
            .await?;
        let owner = |row: &tokio_postgres::Row| {
            (u16::try_from(row.get::<_, i32>(0)).unwrap_or_default(), row.get(1))
        };
        Ok(rows.iter().map(owner).collect())
    }

    /// The node that owns most of these sessions by the journal, and how many. One that came back a
    /// moment ago has none.
    ///
    /// # Errors
    /// When the journal does not answer, or nobody owns one of them.
    pub async fn busiest(&self, sessions: &[SessionId]) -> Result<(String, usize)> {
        let owners = self.owners().await?;
        let mut owned: BTreeMap<&String, usize> = BTreeMap::new();
        for session in sessions {
            let shard = ShardCount::DEFAULT.shard_of(*session);
            *owned.entry(owners.get(&shard.0).context("an owner")?).or_default() += 1;
        }
        let most = owned.into_iter().max_by_key(|(_, sessions)| *sessions);
        let (node, sessions) = most.context("a session")?;
        Ok((node.clone(), sessions))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for pid in std::mem::take(&mut self.stopped) {
            if let Ok(pid) = to_pid(pid) {
                // It may be gone already.
                let _gone = kill(pid, Signal::SIGCONT);
            }
        }
        for child in self.restarted.values_mut() {
            // It may be gone already.
            let _gone = child.kill();
            let _status = child.wait();
        }
        if let Ok(pid) = to_pid(self.supervisor.id()) {
            let _gone = kill(pid, Signal::SIGTERM);
        }
        let _status = self.supervisor.wait();
        if !self.passed
            && let Some(dir) = self.dir.take()
        {
            let kept = dir.keep();
            #[expect(clippy::print_stderr, reason = "a failed test says where its logs are")]
            {
                eprintln!("logs of the cluster are kept in {}", kept.display());
            }
        }
    }
}

/// Whether this process may make namespaces of a kind.
fn may(kind: &str) -> bool {
    let probe = Command::new("unshare").args([kind, "true"]).stderr(Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
}

fn to_pid(pid: u32) -> Result<Pid> {
    Ok(Pid::from_raw(i32::try_from(pid)?))
}

/// Whether a process runs; a zombie does not.
pub fn is_running(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| stat.rsplit_once(')').map(|(_, rest)| rest.trim_start().starts_with('Z')))
        .is_some_and(|zombie| !zombie)
}

/// Waits for a condition, looking every 20 ms.
///
/// # Errors
/// When it does not come true in time.
pub async fn wait_until(patience: Duration, mut condition: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + patience;
    while !condition() {
        ensure!(Instant::now() < deadline, "not within {patience:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn with_scheme(admin: &str) -> String {
    if admin.starts_with("http") { admin.to_owned() } else { format!("http://{admin}") }
}

fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A binary of the workspace: beside this one, or, of a test, in the folder above.
fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folders = own.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.exists());
    found.with_context(|| format!("{name} is not built: run `cargo xtask test`"))
}
