//! Where the commands that look at a cluster find its journal and its Redis.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use gss_shared::clock::Clock;
use gss_shared::config::Secret;
use gss_shared::config::{Config, ConfigError};
use gss_shared::ids::ShardCount;
use gss_shared::ports::journal::{self, Opened};

use crate::endpoints::Endpoints;

/// Journal of the dev server.
pub(crate) fn journal_file(data: &Path) -> PathBuf {
    data.join("gss.sqlite")
}

#[derive(Args)]
pub(crate) struct Source {
    /// Configuration file of a node or router.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// endpoints.json of a running cluster.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    endpoints: Option<PathBuf>,
    /// Journal: postgres://user@host:port/database or sqlite:path. Default: that of the dev server.
    #[arg(long)]
    url: Option<String>,
    /// Nodes of Redis Cluster, host:port, separated by commas.
    #[arg(long, value_delimiter = ',')]
    redis: Vec<String>,
    /// Data directory of the dev server.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// Number of shards, when there is no configuration file that says it.
    #[arg(long)]
    shards: Option<u16>,
}

impl Source {
    /// A configuration that names journal and Redis.
    pub(crate) fn config(&self) -> Result<Config, anyhow::Error> {
        let mut config = match &self.config {
            Some(file) => Config::load(Some(file), &[])?,
            None => Config::default(),
        };
        if let Some(file) = &self.endpoints {
            let endpoints = Endpoints::read(file)?;
            config.journal.url = Secret::from(endpoints.postgres.as_str());
            config.redis.nodes = endpoints.redis;
        } else if self.config.is_none() {
            let file = journal_file(&self.data);
            config.journal.url = Secret::from(format!("sqlite:{}", file.display()).as_str());
        }
        if let Some(url) = &self.url {
            config.journal.url = Secret::from(url.as_str());
        }
        if !self.redis.is_empty() {
            config.redis.nodes.clone_from(&self.redis);
        }
        config.cluster.shards = self.shards.unwrap_or(config.cluster.shards);
        Ok(config)
    }
}

/// The journal, to read.
pub(crate) async fn open(config: &Config) -> Result<Opened> {
    let opening = config.journal_config()?;
    journal::open(&opening, &Clock::system()).await.context("open the journal")
}

/// The cluster's shards.
pub(crate) fn shards(config: &Config) -> Result<ShardCount, ConfigError> {
    config.check()?;
    Ok(ShardCount(config.cluster.shards))
}
