//! Our own access to a Redis Cluster: topology, routing by slot, deadlines, redirections, scripts.
//!
//! Built on the crate's connection to a single server; docs/adr/0002-own-redis-routing.md says why.
//! Nothing kept in Redis is trusted over the journal, and nothing here waits longer than it is told.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub mod keys;

/// How to reach Redis.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// Some nodes of the cluster, `host:port`; the others are found through them.
    pub nodes: Vec<String>,
    /// ACL user; without it the default user.
    #[serde(default)]
    pub username: Option<String>,
    /// Its password.
    #[serde(default)]
    pub password: Option<String>,
    /// Present: connections are TLS.
    #[serde(default)]
    pub tls: Option<RedisTls>,
    /// Prefix of every key and channel, so that several clusters may share one Redis. Empty: none.
    #[serde(default)]
    pub namespace: String,
}

/// TLS towards Redis. Without `ca_file` the system's roots are trusted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedisTls {
    /// PEM file of the authorities to trust.
    pub ca_file: Option<PathBuf>,
    /// PEM file of our certificate chain, for servers that ask for one.
    pub cert_file: Option<PathBuf>,
    /// PEM file of its key.
    pub key_file: Option<PathBuf>,
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("nodes", &self.nodes)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("tls", &self.tls)
            .field("namespace", &self.namespace)
            .finish()
    }
}

/// The configuration of Redis cannot work.
#[derive(Debug, thiserror::Error)]
pub enum RedisConfigError {
    /// No node is named.
    #[error("no redis node is configured")]
    NoNodes,
    /// Not `host:port`.
    #[error("a redis node is host:port, not {0:?}")]
    BadNode(String),
    /// A TLS file cannot be read.
    #[error("read {path}")]
    TlsFile {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The key needs its certificate and the certificate its key.
    #[error("cert_file and key_file go together")]
    HalfIdentity,
    /// The TLS material or address was refused.
    #[error("redis client options")]
    Client(#[source] redis::RedisError),
}
