//! How to reach Redis.

use std::path::PathBuf;

use redis::cluster::NodeAddress;

use crate::config::Secret;

/// How to reach Redis.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RedisConfig {
    /// Some nodes of the cluster, `host:port`; the others are found through them.
    pub nodes: Vec<String>,
    /// ACL user; without it the default user.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Present: connections are TLS.
    pub tls: Option<RedisTls>,
    /// Prefix of every key and channel, so that several clusters may share one Redis. Empty: none.
    pub namespace: String,
}

/// TLS towards Redis. Without `ca_file` the system's roots are trusted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RedisTls {
    /// PEM file of the authorities to trust.
    pub ca_file: Option<PathBuf>,
    /// PEM files of our certificate chain and its key, for servers that ask for one.
    pub identity: Option<(PathBuf, PathBuf)>,
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
    #[error("read {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What the files hold is refused.
    #[error("redis client options")]
    Client(#[source] redis::RedisError),
}

/// The address of a configured node.
pub(super) fn address(node: &str) -> Result<NodeAddress, RedisConfigError> {
    NodeAddress::try_from(node).map_err(|_| RedisConfigError::BadNode(node.to_owned()))
}
