//! What the adapters of the ports and the links have to be told, from the configuration and the
//! secret files it names.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Config, ConfigError};
use crate::ids::{Incarnation, ProcessId, ShardCount};
use crate::link::transport::Identity;
use crate::ports::hub::Hub;
use crate::ports::hub::local::LocalHub;
use crate::ports::hub::rabbitmq::{CALLS, EXCHANGE, RabbitHub};
use crate::ports::journal::{Address, JournalConfig};
use crate::redis::{RedisConfig, RedisTls};

impl Config {
    /// Number of shards of the cluster.
    pub fn shards(&self) -> ShardCount {
        ShardCount(self.cluster.shards)
    }

    /// Who this process is on its links.
    pub fn link_identity(&self, process: &ProcessId, incarnation: Incarnation) -> Identity {
        Identity {
            cluster: self.cluster.id.clone(),
            shards: self.shards(),
            process: process.clone(),
            incarnation,
        }
    }

    /// The journal's.
    ///
    /// # Errors
    /// [`ConfigError::File`] when the password cannot be read.
    pub fn journal_config(&self) -> Result<JournalConfig, ConfigError> {
        let section = &self.journal;
        let password = section.password_file.as_deref();
        let password =
            password.map(|path| password_of("journal.password_file", path)).transpose()?;
        let (url, tls_ca) = (section.url.expose().to_owned(), section.tls_ca.clone());
        let address = Address { url, password, tls_ca };
        Ok(JournalConfig {
            append_timeout: Duration::from_millis(section.append_timeout_ms),
            pool: usize::try_from(section.pool).unwrap_or(usize::MAX),
            require_standby: section.require_standby,
            ..JournalConfig::new(address, self.shards())
        })
    }

    /// Redis'; None: there is none.
    ///
    /// # Errors
    /// [`ConfigError::File`] when the password cannot be read.
    pub fn redis_config(&self) -> Result<Option<RedisConfig>, ConfigError> {
        let section = &self.redis;
        if section.nodes.is_empty() {
            return Ok(None);
        }
        let password = section.password_file.as_deref();
        let password = password.map(|path| password_of("redis.password_file", path)).transpose()?;
        let tls = section
            .tls
            .then(|| RedisTls { ca_file: section.tls_ca.clone(), ..RedisTls::default() });
        Ok(Some(RedisConfig {
            nodes: section.nodes.clone(),
            username: section.username.clone(),
            password: password.map(Into::into),
            tls,
            namespace: section.namespace.clone(),
        }))
    }

    /// The hub, connecting in the background. Call it inside the runtime.
    ///
    /// # Errors
    /// [`ConfigError::Rule`] when the URL does not parse.
    pub fn hub(&self) -> Result<Arc<dyn Hub>, ConfigError> {
        let Some(url) = &self.hub.url else {
            return Ok(Arc::new(LocalHub::default()));
        };
        let hub = RabbitHub::start(url.expose(), EXCHANGE, CALLS);
        let hub = hub.map_err(|error| ConfigError::Rule {
            key: "hub.url",
            value: "[hidden]".to_owned(),
            rule: error.to_string(),
        })?;
        Ok(Arc::new(hub))
    }
}

fn password_of(key: &'static str, path: &Path) -> Result<String, ConfigError> {
    let wrong = |reason: String| ConfigError::File { key, path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let password = text.trim_end_matches(['\n', '\r']);
    if password.is_empty() { Err(wrong("is empty".to_owned())) } else { Ok(password.to_owned()) }
}
