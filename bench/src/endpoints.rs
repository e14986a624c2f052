//! `endpoints.json` of a running cluster.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What the bench needs of it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Endpoints {
    pub(crate) routers: Vec<Router>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) postgres: String,
    pub(crate) jwt: Jwt,
}

/// A router.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Router {
    pub(crate) http: String,
    pub(crate) ws: String,
    pub(crate) pid: u32,
}

/// A node.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Node {
    pub(crate) pid: u32,
}

/// How tokens are made.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Jwt {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) kid: String,
    pub(crate) private_key_pem_path: String,
}

impl Endpoints {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("read {}: is the cluster running?", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("parse {}", path.display()))
    }
}
