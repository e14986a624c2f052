//! What each process of the cluster is told.

use std::path::PathBuf;

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::cluster::{LimitSet, Options};
use crate::ports::Ports;
use crate::services::Services;

/// Issuer of the cluster's tokens.
pub(super) const ISSUER: &str = "gss-local";
/// Audience of the cluster's tokens.
pub(super) const AUDIENCE: &str = "game-session";
/// The database, beside the one that the superuser's URL names.
const DATABASE: &str = "session_db";

/// A node to be.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) admin: u16,
    link: u16,
}

/// A router to be.
#[derive(Clone, Debug)]
pub(super) struct Router {
    pub(super) id: String,
    pub(super) admin: u16,
    listen: u16,
}

/// All that is decided before the first process starts.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) dir: PathBuf,
    pub(super) services: Services,
    pub(super) database: String,
    pub(super) nodes: Vec<Node>,
    pub(super) routers: Vec<Router>,
    pub(super) tls: bool,
    pub(super) limits: LimitSet,
    pub(super) shards: u16,
    set: Vec<String>,
}

impl Plan {
    /// Takes the ports.
    pub(super) fn new(
        options: &Options,
        dir: PathBuf,
        services: Services,
        ports: &mut Ports,
    ) -> Result<Self> {
        let mut nodes = Vec::new();
        for number in 1..=options.nodes {
            let id = format!("node-{number}");
            nodes.push(Node { id, link: ports.take()?, admin: ports.take()? });
        }
        let mut routers = Vec::new();
        for number in 1..=options.routers {
            let id = format!("router-{number}");
            routers.push(Router { id, listen: ports.take()?, admin: ports.take()? });
        }
        let (server, _) = services.postgres.rsplit_once('/').context("a database in the URL")?;
        let database = format!("{server}/{DATABASE}");
        let (tls, limits, set) = (!options.plaintext, options.limits, options.set.clone());
        let shards = options.shards;
        Ok(Self { dir, services, database, nodes, routers, tls, limits, shards, set })
    }

    /// Folder of all keys and certificates.
    pub(super) fn keys(&self) -> PathBuf {
        self.dir.join("keys")
    }

    /// Configuration of one process.
    pub(super) fn config_file(&self, id: &str) -> PathBuf {
        self.dir.join("config").join(format!("{id}.toml"))
    }

    /// URL of a router for REST.
    pub(super) fn http(&self, id: &str) -> String {
        let port = self.routers.iter().find(|router| router.id == id).map_or(0, |it| it.listen);
        format!("{}://127.0.0.1:{port}", if self.tls { "https" } else { "http" })
    }

    /// Writes every configuration file.
    pub(super) fn write(&self) -> Result<()> {
        std::fs::create_dir_all(self.dir.join("config"))?;
        for node in &self.nodes {
            let own = section([
                ("id", node.id.clone().into()),
                ("link_listen", address(node.link)),
                ("admin_listen", address(node.admin)),
            ]);
            self.write_one(&node.id, "node", own)?;
        }
        for router in &self.routers {
            let mut own = section([
                ("id", router.id.clone().into()),
                ("listen", address(router.listen)),
                ("public_url", self.http(&router.id).into()),
                ("admin_listen", address(router.admin)),
            ]);
            if self.tls {
                own.insert("tls_cert".to_owned(), self.key("tls.pem"));
                own.insert("tls_key".to_owned(), self.key("tls.key"));
            }
            self.write_one(&router.id, "router", own)?;
        }
        Ok(())
    }

    fn key(&self, name: &str) -> Value {
        self.keys().join(name).display().to_string().into()
    }

    fn write_one(&self, id: &str, kind: &str, own: Table) -> Result<()> {
        let mut all = self.shared();
        all.insert(kind.to_owned(), Value::Table(own));
        for pair in &self.set {
            let fits = pair.split_once('=').and_then(|(key, value)| {
                let (section, key) = key.split_once('.')?;
                Some((section, key, value))
            });
            let (section, key, value) = fits.with_context(|| format!("--set {pair}"))?;
            let value = value.parse::<Value>().unwrap_or_else(|_| value.into());
            let table = all.entry(section).or_insert_with(|| Value::Table(Table::new()));
            let table = table.as_table_mut().with_context(|| format!("--set {pair}"))?;
            table.insert(key.to_owned(), value);
        }
        let file = self.config_file(id);
        std::fs::write(&file, toml::to_string(&all)?)
            .with_context(|| format!("write {}", file.display()))
    }

    fn shared(&self) -> Table {
        let redis: Vec<Value> =
            self.services.redis.iter().map(|node| node.clone().into()).collect();
        let cluster = section([("id", "local".into()), ("shards", i64::from(self.shards).into())]);
        let mut sections = section([
            ("cluster", cluster.into()),
            ("journal", section([("url", self.database.clone().into())]).into()),
            ("redis", section([("nodes", redis.into())]).into()),
            ("hub", section([("url", self.services.amqp.clone().into())]).into()),
            ("link", section([("shared_key_file", self.key("link.key"))]).into()),
            ("log", section([("format", "json".into()), ("filter", "info".into())]).into()),
        ]);
        let auth = section([
            ("issuer", ISSUER.into()),
            ("audience", AUDIENCE.into()),
            ("jwks", self.key("jwks.json")),
            ("session_token_key_file", self.key("session_token.key")),
        ]);
        sections.insert("auth".to_owned(), Value::Table(auth));
        if self.limits == LimitSet::Open {
            sections.insert("limits".to_owned(), Value::Table(open_limits()));
        }
        sections
    }
}

/// Limits that one address does not meet.
fn open_limits() -> Table {
    section([
        ("connection_attempts_per_minute", 10_000_000.into()),
        ("messages_per_minute", 60_000.into()),
        ("combat_actions_per_minute", 60_000.into()),
        ("session_creations_per_hour", 10_000_000.into()),
        ("state_saves_per_minute", 60_000.into()),
        ("joins_per_minute", 60_000.into()),
    ])
}

fn section<const N: usize>(pairs: [(&str, Value); N]) -> Table {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn address(port: u16) -> Value {
    format!("127.0.0.1:{port}").into()
}
