//! Whom a fault strikes.

use std::fmt;

use anyhow::{Result, ensure};
use gss_tests::cluster::{Cluster, Process};
use gss_tests::standby;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use serde::Deserialize;

use crate::redis_cluster;

/// A process of the cluster, or all of a kind.
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
    /// The journal's server; of two, the one that writes.
    Postgres,
    /// The broker.
    Rabbitmq,
}

impl Target {
    /// Those it is now, in random order.
    pub(crate) async fn pick(self, cluster: &Cluster, random: &mut StdRng) -> Result<Vec<String>> {
        let endpoints = cluster.endpoints();
        let ids = |processes: &[Process]| {
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
            Self::Postgres => (vec![standby::primary(cluster).await?], false),
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

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "a node",
            Self::Nodes => "all nodes",
            Self::Router => "a router",
            Self::Routers => "all routers",
            Self::RedisMaster => "a Redis master",
            Self::RedisMasters => "all Redis masters",
            Self::RedisReplica => "a Redis replica",
            Self::Redis => "all of Redis",
            Self::Postgres => "PostgreSQL",
            Self::Rabbitmq => "RabbitMQ",
        })
    }
}
