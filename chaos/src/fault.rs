//! Faults: what is done to the processes of a cluster and to what passes between them, and how it is
//! undone.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gss_tests::cluster::Cluster;
use gss_tests::network::Network;
use gss_tests::standby;
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde::Deserialize;

use crate::arena::Arena;
use crate::full_disk::FullDisk;
use crate::redis_cluster;
use crate::skew;
use crate::squeeze;
use crate::starvation::Starvation;
use crate::storm::Storm;
use crate::target::Target;

/// How long a drained process may take to its exit.
const DRAIN: Duration = Duration::from_secs(40);
/// Share of packets lost.
const LOST: f64 = 0.2;
/// Slots moved at a time.
const SLOTS: u16 = 64;

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// `kill -9`; started again when healed.
    Kill(Target),
    /// SIGSTOP; SIGCONT when healed.
    Pause(Target),
    /// SIGTERM and waited for; started again when healed.
    Drain(Target),
    /// SIGTERM, waited for and started again, one after the other.
    Roll(Target),
    /// SIGTERM, waited for and started again as the other release, one after the other: upgrades
    /// and downgrades.
    Exchange(Target),
    /// PostgreSQL is killed and its standby promoted; when healed, it is the other's standby.
    Promote,
    /// A replica takes over from its master, which lives.
    Failover,
    /// Slots of one Redis master move to another.
    MoveSlots,
    /// Redis forgets everything.
    Forget,
    /// A node or router is alone, but for its players.
    Isolate(Target),
    /// Nothing that the first sends arrives at the second.
    Cut(Target, Target),
    /// Neither hears the other.
    Part(Target, Target),
    /// Others take over from the first, which lost Redis; neither it nor the second, which hears
    /// no other node, is told.
    Unheard(Target, Target),
    /// A fifth of what everybody sends to a node or router is lost.
    Lossy(Target),
    /// A node or router sends and receives a megabit per second.
    Narrow(Target),
    /// A fiftieth of a core is left to it.
    Starve(Target),
    /// The wall clock of a node or router steps, forth or back, and back again when healed.
    Skew(Target),
    /// The kernel kills it for want of memory; started again when healed.
    Squeeze(Target),
    /// The disk of PostgreSQL is full; started again when healed, if it ended.
    FullDisk,
    /// Hundreds connect to every router and say nothing.
    Storm,
}

/// A fault that struck: what it was, whom it met, what ends with it.
#[derive(Debug)]
pub(crate) struct Struck {
    fault: Fault,
    /// Processes that were met.
    pub(crate) processes: Vec<String>,
    starved: Vec<Starvation>,
    /// By how much clocks are off, in milliseconds.
    skewed: Vec<i64>,
    full_disk: Option<FullDisk>,
    _storm: Option<Storm>,
}

impl Fault {
    /// Whether nobody else can bring it about.
    pub(crate) fn needs_root(self) -> bool {
        use Fault::{FullDisk, Squeeze, Starve};
        self.is_of_the_network() || matches!(self, FullDisk | Squeeze(_) | Starve(_))
    }

    /// Whether it needs namespaces.
    fn is_of_the_network(self) -> bool {
        use Fault::{Cut, Isolate, Lossy, Narrow, Part, Unheard};
        matches!(self, Isolate(_) | Cut(..) | Part(..) | Unheard(..) | Lossy(_) | Narrow(_))
    }

    /// Whether it needs another release.
    pub(crate) fn is_of_releases(self) -> bool {
        matches!(self, Self::Exchange(_))
    }

    /// Whether it needs clocks to set.
    pub(crate) fn is_of_clocks(self) -> bool {
        matches!(self, Self::Skew(_))
    }

    /// Whether PostgreSQL does not run afterwards.
    pub(crate) fn ends_postgres(self) -> bool {
        use Fault::{Drain, FullDisk, Kill, Roll};
        let (Kill(it) | Drain(it) | Roll(it)) = self else { return self == FullDisk };
        it == Target::Postgres
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::Pause(_) => "pause",
            Self::Drain(_) => "drain",
            Self::Roll(_) => "roll",
            Self::Exchange(_) => "exchange the release of",
            Self::Promote => "promote the standby of",
            Self::Failover => "fail over to",
            Self::MoveSlots => "move slots of",
            Self::Forget => "empty",
            Self::Isolate(_) => "isolate",
            Self::Cut(..) => "cut",
            Self::Part(..) => "part",
            Self::Unheard(..) => "take over unheard from",
            Self::Lossy(_) => "lose a fifth of the packets to",
            Self::Narrow(_) => "leave 1 Mbit/s to",
            Self::Squeeze(_) => "leave no memory to",
            Self::FullDisk => "fill the disk of",
            Self::Starve(_) => "leave a fiftieth of a core to",
            Self::Skew(_) => "set the clock of",
            Self::Storm => "storm",
        }
    }

    fn target(self) -> Target {
        match self {
            Self::Kill(target)
            | Self::Pause(target)
            | Self::Drain(target)
            | Self::Roll(target)
            | Self::Exchange(target)
            | Self::Isolate(target)
            | Self::Cut(target, _)
            | Self::Part(target, _)
            | Self::Unheard(target, _)
            | Self::Lossy(target)
            | Self::Narrow(target)
            | Self::Starve(target)
            | Self::Skew(target)
            | Self::Squeeze(target) => target,
            Self::Promote | Self::FullDisk => Target::Postgres,
            Self::Failover => Target::RedisReplica,
            Self::MoveSlots => Target::RedisMaster,
            Self::Forget => Target::RedisMasters,
            Self::Storm => Target::Routers,
        }
    }

    /// Strikes.
    pub(crate) async fn strike(self, arena: &mut Arena, random: &mut StdRng) -> Result<Struck> {
        let mut processes = self.target().pick(&arena.cluster, random).await?;
        let (mut starved, mut skewed, mut full_disk, mut storm) = (vec![], vec![], None, None);
        match self {
            Self::Kill(_) | Self::Pause(_) | Self::Drain(_) | Self::Roll(_) | Self::Exchange(_) => {
                self.signal(&mut arena.cluster, &processes).await?;
            }
            Self::Promote => processes = vec![standby::promote(&mut arena.cluster).await?],
            Self::Failover => {
                let replica = processes.first().context("a replica")?;
                redis_cluster::fail_over(&arena.cluster, replica).await?;
            }
            Self::MoveSlots => {
                processes.push(move_slots(&arena.cluster, &processes, random).await?)
            }
            Self::Forget => redis_cluster::forget(&arena.cluster, &processes).await?,
            Self::Isolate(_) | Self::Lossy(_) | Self::Narrow(_) => {
                self.spoil(arena.network()?, &processes)?;
            }
            Self::Cut(_, to) | Self::Part(_, to) => {
                let others = to.pick(&arena.cluster, random).await?;
                let others: Vec<_> =
                    others.into_iter().filter(|id| !processes.contains(id)).collect();
                self.divide(arena.network()?, &processes, &others)?;
                processes.extend(others);
            }
            Self::Unheard(_, by) => {
                let routers = by.pick(&arena.cluster, random).await?;
                take_over_unheard(arena, &processes, &routers)?;
                processes.extend(routers);
            }
            Self::Starve(_) => {
                for id in &processes {
                    starved.push(Starvation::begin(arena.cluster.pid(id)?)?);
                }
            }
            Self::Skew(_) => skewed = skew::begin(&arena.cluster, &processes, random).await?,
            Self::Squeeze(_) => {
                for id in &processes {
                    squeeze::squeeze(&arena.cluster, id).await?;
                }
            }
            Self::FullDisk => full_disk = Some(FullDisk::begin(&arena.cluster, random)?),
            Self::Storm => storm = Some(Storm::begin(&arena.cluster).await),
        }
        Ok(Struck { fault: self, processes, starved, skewed, full_disk, _storm: storm })
    }

    async fn signal(self, cluster: &mut Cluster, processes: &[String]) -> Result<()> {
        for id in processes {
            match self {
                Self::Kill(_) => cluster.kill(id).await?,
                Self::Pause(_) => cluster.stop(id)?,
                Self::Drain(_) => cluster.terminate(id, DRAIN).await?,
                Self::Exchange(_) => exchange(cluster, id).await?,
                _ => {
                    cluster.terminate(id, DRAIN).await?;
                    cluster.restart(id)?;
                    cluster.await_process_ready(id).await?;
                }
            }
        }
        Ok(())
    }

    fn spoil(self, network: &mut Network, processes: &[String]) -> Result<()> {
        for id in processes {
            match self {
                Self::Isolate(_) => network.isolate(id)?,
                Self::Narrow(_) => network.limit(id, 1)?,
                _ => network.lose_from_all(id, LOST)?,
            }
        }
        Ok(())
    }

    fn divide(self, network: &mut Network, these: &[String], those: &[String]) -> Result<()> {
        for (from, to) in these.iter().flat_map(|from| those.iter().map(move |to| (from, to))) {
            network.cut(from, to)?;
            if matches!(self, Self::Part(..)) {
                network.cut(to, from)?;
            }
        }
        Ok(())
    }
}

fn take_over_unheard(arena: &mut Arena, owners: &[String], routers: &[String]) -> Result<()> {
    let redis = redis_cluster::processes(&arena.cluster);
    let nodes = arena.cluster.endpoints().nodes.iter().map(|node| node.id.clone());
    let others: Vec<String> = nodes.filter(|node| !owners.contains(node)).collect();
    let network = arena.network()?;
    Fault::Part(Target::Node, Target::Redis).divide(network, owners, &redis)?;
    Fault::Cut(Target::Node, Target::Router).divide(network, &others, routers)
}

/// Upgrades or downgrades, and makes sure that another program runs.
async fn exchange(cluster: &mut Cluster, id: &str) -> Result<()> {
    let program = |cluster: &Cluster| {
        let link = format!("/proc/{}/exe", cluster.pid(id)?);
        std::fs::read_link(&link).with_context(|| format!("read {link}"))
    };
    let before = program(cluster)?;
    cluster.terminate(id, DRAIN).await?;
    cluster.exchange(id)?;
    cluster.await_process_ready(id).await?;
    let after = program(cluster)?;
    ensure!(before != after, "{id} is {} as before", after.display());
    Ok(())
}

async fn move_slots(
    cluster: &Cluster,
    processes: &[String],
    random: &mut StdRng,
) -> Result<String> {
    let from = processes.first().context("a master")?;
    let masters = redis_cluster::with_role(cluster, "master").await?;
    let others: Vec<_> = masters.into_iter().filter(|id| id != from).collect();
    let to = others.choose(random).context("another master")?.clone();
    let first = random.random_range(0..16_384 - SLOTS);
    redis_cluster::move_slots(cluster, from, &to, first..first + SLOTS).await?;
    Ok(to)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut(from, to) => write!(f, "cut from {from} to {to}"),
            Self::Part(one, other) => write!(f, "part {one} and {other}"),
            Self::Unheard(from, by) => write!(f, "take over from {from}, unheard by {by}"),
            _ => write!(f, "{} {}", self.verb(), self.target()),
        }
    }
}

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.processes.len() > 3 {
            write!(f, "{} ({} …)", self.fault, self.processes[0])
        } else {
            write!(f, "{} {}", self.fault.verb(), self.processes.join(" "))?;
            let by: Vec<String> =
                self.skewed.iter().map(|ms| format!("{:+.1} s", *ms as f64 / 1_000.0)).collect();
            if by.is_empty() { Ok(()) } else { write!(f, " by {}", by.join(" ")) }
        }
    }
}

/// Whether a process has a `/readyz`.
fn is_ours(id: &str) -> bool {
    id.starts_with("node-") || id.starts_with("router-")
}

impl Struck {
    /// Undoes it and waits until the processes serve again.
    pub(crate) async fn heal(self, arena: &mut Arena) -> Result<()> {
        match self.fault {
            Fault::Kill(_) | Fault::Drain(_) | Fault::Squeeze(_) => {
                for id in &self.processes {
                    arena.cluster.restart(id)?;
                }
            }
            Fault::Promote => {
                for id in &self.processes {
                    standby::rejoin(&mut arena.cluster, id).await?;
                }
            }
            Fault::Pause(_) => {
                for id in &self.processes {
                    arena.cluster.cont(id)?;
                }
            }
            Fault::Starve(_) => {
                for starved in &self.starved {
                    starved.end()?;
                }
            }
            Fault::Skew(_) => skew::end(&arena.cluster, &self.processes).await?,
            Fault::FullDisk => {
                if let Some(full_disk) = self.full_disk {
                    full_disk.end(&mut arena.cluster).await?;
                }
            }
            _ if self.fault.is_of_the_network() => arena.network()?.heal()?,
            _ => {}
        }
        for id in self.processes.iter().filter(|id| is_ours(id)) {
            arena.cluster.await_process_ready(id).await?;
        }
        if self.processes.iter().any(|id| id.starts_with("redis-")) {
            redis_cluster::await_whole(&arena.cluster).await?;
        }
        Ok(())
    }

    /// Nodes that do not serve while it lasts.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &String> {
        self.processes.iter().filter(|id| id.starts_with("node-"))
    }
}
