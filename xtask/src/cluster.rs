//! `cargo xtask cluster`: nodes and routers as real processes on this machine, with real services.
//!
//! Everything lives in one directory: configuration, keys, logs, data, `endpoints.json`.

mod clocks;
mod configuration;
mod endpoints;
mod ready;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cargo::{self, Profile};
use crate::install;
use crate::interrupt;
use crate::namespaces::Namespaces;
use crate::ports::Ports;
use crate::processes::Processes;
use crate::services::{self, JournalServer};
use crate::wait;
use configuration::{Plan, Process};

/// Processes that fit into one block of ports beside the services.
const MOST: u16 = 40;

/// As a new cluster has by default.
pub(crate) const SHARDS: u16 = 1_024;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Nodes.
    #[arg(long, default_value_t = 3)]
    pub(crate) nodes: u16,
    /// Routers.
    #[arg(long, default_value_t = 2)]
    pub(crate) routers: u16,
    /// Shards of the session-id space.
    #[arg(long, default_value_t = SHARDS)]
    pub(crate) shards: u16,
    /// Build and run the release profile.
    #[arg(long)]
    pub(crate) release: bool,
    /// Use the binaries beside this one as they are.
    #[arg(long, conflicts_with = "release")]
    pub(crate) no_build: bool,
    /// Without TLS for players: for load tests.
    #[arg(long)]
    pub(crate) plaintext: bool,
    /// Rate limits: all clients on loopback share one address.
    #[arg(long, value_enum, default_value_t = LimitSet::Default)]
    pub(crate) limits: LimitSet,
    /// Where everything goes; emptied first. Default: `cluster` in the target folder.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// First of 100 free ports on loopback. Default: found.
    #[arg(long)]
    pub(crate) base_port: Option<u16>,
    /// When ready, print endpoints.json as one line on standard output; all else goes to stderr.
    #[arg(long)]
    pub(crate) json_ready: bool,
    /// Each node and router in a network namespace of its own, so that what passes between any two
    /// processes can be cut. Needs root.
    #[arg(long)]
    pub(crate) namespaces: bool,
    /// Each node and router with a wall clock of its own, which a file in `clocks` sets.
    #[arg(long)]
    pub(crate) clocks: bool,
    /// Folder with the binaries of an older release, of which half of the nodes and of the routers
    /// are; each process can be exchanged for its other release.
    #[arg(long)]
    pub(crate) older: Option<PathBuf>,
    /// A synchronous standby for the journal's server. Of the two, the one that ends comes back as
    /// the other's standby only.
    #[arg(long)]
    pub(crate) standby: bool,
    /// A disk of so many MiB for the journal's data alone, so that it can be filled. Needs root.
    #[arg(long, value_name = "MIB", conflicts_with = "standby")]
    pub(crate) journal_disk: Option<u32>,
    /// A key for every process, `section.key=value`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// Which limits the cluster runs with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LimitSet {
    /// Those of production.
    Default,
    /// Too high to be met.
    Open,
}

/// A running cluster; dropping it stops everything.
#[derive(Debug)]
pub(crate) struct Cluster {
    processes: Processes,
    plan: Plan,
    _ports: Ports,
}

/// Runs until interrupted.
pub(crate) fn run(options: &Options) -> Result<()> {
    let cluster = Cluster::start(options)?;
    if options.json_ready {
        println!("{}", endpoints::one_line(&cluster.endpoints_file())?);
    } else {
        cluster.print();
    }
    loop {
        for process in cluster.processes.ended()? {
            eprintln!("ended: {process}");
        }
        if interrupt::requested() {
            eprintln!("stopping");
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Cluster {
    /// Builds, starts services, migrates, starts nodes and routers, waits until all are ready.
    pub(crate) fn start(options: &Options) -> Result<Self> {
        let start = wait::now();
        if options.nodes == 0 || options.nodes + options.routers > MOST {
            bail!("1 node at least, and at most {MOST} processes");
        }
        let binaries = binaries(options)?;
        if options.clocks {
            install::clocks(clocks::library().is_some())?;
        }
        let dir = directory(options.dir.as_deref())?;
        let mut ports = Ports::reserve(options.base_port)?;
        let processes = Processes::new(&dir)?;
        let network = network(options, &processes, ports.base())?;
        let host = network.map_or(Ipv4Addr::LOCALHOST, Namespaces::host);
        let journal = JournalServer { standby: options.standby, disk_mib: options.journal_disk };
        if journal.disk_mib.is_some() && !install::is_root() {
            bail!("--journal-disk needs root");
        }
        let services = services::start(&processes, &mut ports, &dir, host, journal)?;
        let plan = Plan::new(options, dir, services, &mut ports, network)?;
        prepare(&plan, &binaries)?;
        let older = options.older.as_deref();
        for (kind, all) in [("gss-node", &plan.nodes), ("gss-router", &plan.routers)] {
            for (number, planned) in all.iter().enumerate() {
                let releases = Releases::of(kind, &binaries, older, number)?;
                start_process(&processes, &plan, releases, planned)?;
            }
        }
        ready::wait(&processes, &plan)?;
        let cluster = Self { processes, plan, _ports: ports };
        endpoints::write(&cluster.endpoints_file(), &cluster.plan, &cluster.processes)?;
        eprintln!("cluster is ready after {:.1} s", start.elapsed().as_secs_f32());
        Ok(cluster)
    }

    /// Where others read how to reach it.
    pub(crate) fn endpoints_file(&self) -> PathBuf {
        self.plan.dir.join("endpoints.json")
    }

    fn print(&self) {
        println!("\n{:<10} {:<34} admin", "process", "players");
        for router in &self.plan.routers {
            let Process { id, admin, .. } = router;
            println!("{id:<10} {:<34} http://{admin}", self.plan.http(router));
        }
        for Process { id, admin, .. } in &self.plan.nodes {
            println!("{id:<10} {:<34} http://{admin}", "");
        }
        println!("\npostgres   {}", self.plan.database);
        println!("rabbitmq   {}", self.plan.services.amqp);
        println!("redis      {}", self.plan.services.redis.join(" "));
        println!("endpoints  {}", self.endpoints_file().display());
        println!("a token    gssctl token --user UUID --endpoints FILE");
        println!("\nCtrl-C stops everything.");
    }
}

/// A place for each process, when asked for.
fn network(options: &Options, processes: &Processes, block: u16) -> Result<Option<Namespaces>> {
    if !options.namespaces {
        return Ok(None);
    }
    if !install::is_root() {
        bail!("--namespaces needs root");
    }
    install::network()?;
    processes.keep_network(block)?;
    let network = Namespaces::of_block(block);
    network.make(u8::try_from(options.nodes + options.routers)?)?;
    Ok(Some(network))
}

fn binaries(options: &Options) -> Result<PathBuf> {
    if options.no_build {
        let own = std::env::current_exe()?;
        return Ok(own.parent().context("a folder")?.to_owned());
    }
    cargo::build(Profile::of(options.release), &["gss-node", "gss-router", "gssctl"])
}

/// What a cluster puts into its directory.
const CONTENTS: [&str; 10] = [
    "processes",
    "logs",
    "config",
    "keys",
    "clocks",
    "postgres",
    "postgres-2",
    "redis",
    "rabbitmq",
    "endpoints.json",
];

/// The directory, without what a cluster before left in it. Other files stay.
fn directory(asked: Option<&Path>) -> Result<PathBuf> {
    let dir = match asked {
        Some(dir) => dir.to_owned(),
        None => cargo::target_dir()?.join("cluster"),
    };
    std::fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
    let dir = dir.canonicalize().with_context(|| format!("find {}", dir.display()))?;
    for name in CONTENTS {
        let path = dir.join(name);
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { remove_file(&path) };
        removed.with_context(|| format!("remove {}", path.display()))?;
    }
    Ok(dir)
}

fn remove_file(path: &Path) -> std::io::Result<()> {
    if path.exists() { std::fs::remove_file(path) } else { Ok(()) }
}

/// Keys, schema and configuration files.
fn prepare(plan: &Plan, binaries: &Path) -> Result<()> {
    let gssctl = binaries.join("gssctl");
    let mut keys = Command::new(&gssctl);
    keys.arg("keys").arg("--dir").arg(plan.keys());
    if plan.tls {
        keys.arg("--tls");
    }
    if plan.network.is_some() {
        keys.arg("--links");
        for router in &plan.routers {
            keys.args(["--name", &router.place.address.to_string()]);
        }
    }
    cargo::must("gssctl keys", keys.stdout(std::process::Stdio::null()))?;
    let mut migrate = Command::new(&gssctl);
    migrate.args(["migrate", "up", "--create", "--url", &plan.database]);
    cargo::must("gssctl migrate up", migrate.stdout(std::process::Stdio::null()))?;
    plan.write()
}

/// A process's binary, and the same of the other release.
struct Releases {
    program: PathBuf,
    other: Option<PathBuf>,
}

impl Releases {
    /// Every second process is of the older release, when there is one.
    fn of(kind: &str, newer: &Path, older: Option<&Path>, number: usize) -> Result<Self> {
        let newer = newer.join(kind);
        let Some(older) = older else { return Ok(Self { program: newer, other: None }) };
        let older = older.join(kind);
        let older = older.canonicalize().with_context(|| format!("find {}", older.display()))?;
        Ok(if number.is_multiple_of(2) {
            Self { program: newer, other: Some(older) }
        } else {
            Self { program: older, other: Some(newer) }
        })
    }
}

fn start_process(
    processes: &Processes,
    plan: &Plan,
    Releases { program, other }: Releases,
    planned: &Process,
) -> Result<()> {
    let mut process = processes.describe(&planned.id, program);
    process.other = other;
    process.through = planned.place.entrance();
    // They share this machine: each gets its part of the cores, as pods do.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = cores / (plan.nodes.len() + plan.routers.len());
    process.env.insert("TOKIO_WORKER_THREADS".to_owned(), workers.max(1).to_string());
    if plan.clocks {
        process.env.extend(clocks::environment(&plan.dir, &planned.id)?);
    }
    let config = plan.config_file(&planned.id);
    process.args = vec!["--config".to_owned(), config.display().to_string()];
    processes.start(process).map(drop)
}
