//! `endpoints.json` as `cargo xtask cluster` writes it: the part that this tool reads.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// How to reach a cluster.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Endpoints {
    /// URL of the journal.
    pub(crate) postgres: String,
    /// Nodes of Redis Cluster.
    #[serde(default)]
    pub(crate) redis: Vec<String>,
    /// Issuer of its tokens.
    pub(crate) jwt: Jwt,
}

/// Who signs tokens, and how.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Jwt {
    /// `iss`.
    pub(crate) issuer: String,
    /// `aud`.
    pub(crate) audience: String,
    /// Name of the key.
    pub(crate) kid: String,
    /// Where the key is.
    pub(crate) private_key_pem_path: PathBuf,
}

impl Endpoints {
    /// Reads the file.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("read {}", file.display()))
    }
}
