//! What each process of the cluster is told.

use std::net::SocketAddrV4;
use std::path::PathBuf;

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::cluster::{LimitSet, Options};
use crate::namespaces::{Namespaces, Place};
use crate::ports::Ports;
use crate::services::Services;

/// Issuer of the cluster's tokens.
pub(super) const ISSUER: &str = "gss-local";
/// Audience of the cluster's tokens.
pub(super) const AUDIENCE: &str = "game-session";
/// The database, beside the one that the superuser's URL names.
const DATABASE: &str = "session_db";

/// A node or router to be.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) id: String,
    pub(super) place: Place,
    pub(super) admin: SocketAddrV4,
    /// For links, or for players.
    listen: SocketAddrV4,
}

/// All that is decided before the first process starts.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) dir: PathBuf,
    pub(super) services: Services,
    pub(super) database: String,
    pub(super) nodes: Vec<Process>,
    pub(super) routers: Vec<Process>,
    pub(super) network: Option<Namespaces>,
    pub(super) tls: bool,
    pub(super) limits: LimitSet,
    pub(super) shards: u16,
    pub(super) clocks: bool,
    set: Vec<String>,
}

impl Plan {
    /// Takes the ports.
    pub(super) fn new(
        options: &Options,
        dir: PathBuf,
        services: Services,
        ports: &mut Ports,
        network: Option<Namespaces>,
    ) -> Result<Self> {
        let place = |number| network.map_or_else(Place::loopback, |all| all.place(number));
        let mut places = (1..=u8::MAX).map(place);
        let mut process = |id: String| {
            let place = places.next().context("a place for every process")?;
            let mut socket = || anyhow::Ok(SocketAddrV4::new(place.address, ports.take()?));
            let (listen, admin) = (socket()?, socket()?);
            anyhow::Ok(Process { id, place, admin, listen })
        };
        let mut all = |kind: &str, count: u16| {
            (1..=count).map(|number| process(format!("{kind}-{number}"))).collect::<Result<_>>()
        };
        let (nodes, routers) = (all("node", options.nodes)?, all("router", options.routers)?);
        let url = services.postgres.rsplit_once('/').context("a database in the URL")?;
        let database = format!("{}/{}", url.0, url.1.replacen("postgres", DATABASE, 1));
        let (tls, limits, set) = (!options.plaintext, options.limits, options.set.clone());
        let (shards, clocks) = (options.shards, options.clocks);
        Ok(Self {
            dir,
            services,
            database,
            nodes,
            routers,
            network,
            tls,
            limits,
            shards,
            clocks,
            set,
        })
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
    pub(super) fn http(&self, router: &Process) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, router.listen)
    }

    /// Writes every configuration file.
    pub(super) fn write(&self) -> Result<()> {
        std::fs::create_dir_all(self.dir.join("config"))?;
        for node in &self.nodes {
            let own = section([
                ("id", node.id.clone().into()),
                ("link_listen", node.listen.to_string().into()),
                ("admin_listen", node.admin.to_string().into()),
            ]);
            self.write_one(&node.id, "node", own)?;
        }
        for router in &self.routers {
            let mut own = section([
                ("id", router.id.clone().into()),
                ("listen", router.listen.to_string().into()),
                ("public_url", self.http(router).into()),
                ("admin_listen", router.admin.to_string().into()),
            ]);
            if self.tls {
                own.insert("tls_cert".to_owned(), self.key("tls.pem"));
                own.insert("tls_key".to_owned(), self.key("tls.key"));
            } else if self.network.is_some() {
                own.insert("plaintext".to_owned(), true.into());
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
        all.insert("link".to_owned(), Value::Table(self.link(kind)));
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

    /// Off loopback links need certificates.
    fn link(&self, kind: &str) -> Table {
        if self.network.is_none() {
            return section([("shared_key_file", self.key("link.key"))]);
        }
        section([
            ("cert", self.key(&format!("link-{kind}.pem"))),
            ("key", self.key(&format!("link-{kind}.key"))),
            ("ca", self.key("link-ca.pem")),
        ])
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
