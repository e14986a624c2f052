//! Faults: what is done to the processes of a cluster, and how it is undone.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gss_tests::cluster::Cluster;
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use serde::Deserialize;

use crate::redis_cluster;

/// How long a drained process may take to its exit.
const DRAIN: Duration = Duration::from_secs(40);
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
    /// A replica takes over from its master, which lives.
    Failover,
    /// Slots of one Redis master move to another.
    MoveSlots,
    /// Redis forgets everything.
    Forget,
}

/// To whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// Any node.
    Node,
    /// All nodes.
    Nodes,
    /// Any router.
    Router,
    /// All routers.
    Routers,
    /// A Redis master.
    RedisMaster,
    /// All Redis masters.
    RedisMasters,
    /// A Redis replica.
    RedisReplica,
    /// All of Redis.
    Redis,
    /// The journal's server.
    Postgres,
    /// The broker.
    Rabbitmq,
}

/// A fault that struck: what it was, whom it met, how it ends.
#[derive(Clone, Debug)]
pub(crate) struct Struck {
    fault: Fault,
    /// Processes that were met.
    pub(crate) processes: Vec<String>,
}

impl Fault {
    fn verb(self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::Pause(_) => "pause",
            Self::Drain(_) => "drain",
            Self::Roll(_) => "roll",
            Self::Failover => "fail over",
            Self::MoveSlots => "move slots of",
            Self::Forget => "empty",
        }
    }

    fn target(self) -> Target {
        match self {
            Self::Kill(target) | Self::Pause(target) | Self::Drain(target) | Self::Roll(target) => {
                target
            }
            Self::Failover => Target::RedisReplica,
            Self::MoveSlots => Target::RedisMaster,
            Self::Forget => Target::RedisMasters,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match self.target() {
            Target::Node => "a node",
            Target::Nodes => "all nodes",
            Target::Router => "a router",
            Target::Routers => "all routers",
            Target::RedisMaster => "a Redis master",
            Target::RedisMasters => "all Redis masters",
            Target::RedisReplica => "a Redis replica",
            Target::Redis => "all of Redis",
            Target::Postgres => "PostgreSQL",
            Target::Rabbitmq => "RabbitMQ",
        };
        write!(f, "{} {target}", self.verb())
    }
}

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.processes.len() > 3 {
            write!(f, "{}", self.fault)
        } else {
            write!(f, "{} {}", self.fault.verb(), self.processes.join(" "))
        }
    }
}

impl Target {
    async fn pick(self, cluster: &Cluster, random: &mut StdRng) -> Result<Vec<String>> {
        let endpoints = cluster.endpoints();
        let ids = |processes: &[gss_tests::cluster::Process]| {
            processes.iter().map(|process| process.id.clone()).collect::<Vec<_>>()
        };
        let (mut all, one) = match self {
            Self::Node => (ids(&endpoints.nodes), true),
            Self::Nodes => (ids(&endpoints.nodes), false),
            Self::Router => (ids(&endpoints.routers), true),
            Self::Routers => (ids(&endpoints.routers), false),
            Self::RedisMaster => (redis_cluster::with_role(cluster, "master").await?, true),
            Self::RedisMasters => (redis_cluster::with_role(cluster, "master").await?, false),
            Self::RedisReplica => (redis_cluster::with_role(cluster, "slave").await?, true),
            Self::Redis => (redis_cluster::processes(cluster), false),
            Self::Postgres => (vec!["postgres".to_owned()], false),
            Self::Rabbitmq => (vec!["rabbitmq".to_owned()], false),
        };
        ensure!(!all.is_empty(), "no {self:?} to strike");
        if one {
            return Ok(all.choose(random).cloned().into_iter().collect());
        }
        all.shuffle(random);
        Ok(all)
    }
}

/// Whether a process has a `/readyz`.
fn is_ours(id: &str) -> bool {
    id.starts_with("node-") || id.starts_with("router-")
}

impl Fault {
    /// Strikes.
    pub(crate) async fn strike(self, cluster: &mut Cluster, random: &mut StdRng) -> Result<Struck> {
        let mut processes = self.target().pick(cluster, random).await?;
        match self {
            Self::Kill(_) => {
                for id in &processes {
                    cluster.kill(id).await?;
                }
            }
            Self::Pause(_) => {
                for id in &processes {
                    cluster.stop(id)?;
                }
            }
            Self::Drain(_) => {
                for id in &processes {
                    cluster.terminate(id, DRAIN).await?;
                }
            }
            Self::Roll(_) => {
                for id in &processes {
                    cluster.terminate(id, DRAIN).await?;
                    cluster.restart(id)?;
                    cluster.await_process_ready(id).await?;
                }
            }
            Self::Failover => {
                let replica = processes.first().context("a replica")?;
                redis_cluster::fail_over(cluster, replica).await?;
            }
            Self::MoveSlots => {
                let from = processes.first().context("a master")?.clone();
                let masters = redis_cluster::with_role(cluster, "master").await?;
                let others: Vec<_> = masters.into_iter().filter(|id| *id != from).collect();
                let to = others.choose(random).context("another master")?.clone();
                let first = random.random_range(0..16_384 - SLOTS);
                redis_cluster::move_slots(cluster, &from, &to, first..first + SLOTS).await?;
                processes.push(to);
            }
            Self::Forget => redis_cluster::forget(cluster, &processes).await?,
        }
        Ok(Struck { fault: self, processes })
    }
}

impl Struck {
    /// Undoes it and waits until the processes serve again.
    pub(crate) async fn heal(&self, cluster: &mut Cluster) -> Result<()> {
        match self.fault {
            Fault::Kill(_) | Fault::Drain(_) => {
                for id in &self.processes {
                    cluster.restart(id)?;
                }
            }
            Fault::Pause(_) => {
                for id in &self.processes {
                    cluster.cont(id)?;
                }
            }
            Fault::Roll(_) | Fault::Failover | Fault::MoveSlots | Fault::Forget => {}
        }
        for id in self.processes.iter().filter(|id| is_ours(id)) {
            cluster.await_process_ready(id).await?;
        }
        if self.processes.iter().any(|id| id.starts_with("redis-")) {
            redis_cluster::await_whole(cluster).await?;
        }
        Ok(())
    }

    /// Nodes that do not serve while it lasts.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &String> {
        self.processes.iter().filter(|id| id.starts_with("node-"))
    }
}
