//! Every key: its name, documentation, type and default. The only place they stand.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::keys::{Key, Section};
use super::value::{Cidr, LogFormat, Secret, Setting};
use crate::ids::{ProcessId, ShardCount};
use crate::limits;

macro_rules! sections {
    ($(
        $(#[doc = $about:literal])*
        $section:ident: $type:ident {
            $( $(#[doc = $doc:literal])* $key:ident: $kind:ty = $default:expr, )*
        }
    )*) => {
        $(
            $(#[doc = $about])*
            #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
            #[serde(default, deny_unknown_fields)]
            pub struct $type {
                $( $(#[doc = $doc])* pub $key: $kind, )*
            }

            impl Default for $type {
                fn default() -> Self {
                    Self { $( $key: $default, )* }
                }
            }
        )*

        /// The configuration of all processes of a cluster.
        #[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Config {
            $( $(#[doc = $about])* pub $section: $type, )*
        }

        /// What [`Config`] consists of.
        pub(super) const SECTIONS: &[Section] = &[
            $( Section {
                name: stringify!($section),
                about: &[$($about),*],
                keys: &[
                    $( Key {
                        name: stringify!($key),
                        about: &[$($doc),*],
                        read: <$kind as Setting>::read,
                    }, )*
                ],
            }, )*
        ];
    };
}

fn process_id(text: &str) -> ProcessId {
    text.parse().expect("a name that keeps the rule")
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

sections! {
    /// What all processes of one cluster share.
    cluster: ClusterSection {
        /// Name of the cluster, 1-64 of A-Z a-z 0-9 . _ -. Processes of another one are refused.
        id: ProcessId = process_id("gss"),
        /// Number of shards, 1-16384. Chosen once: it is stored in the database, and a process that
        /// disagrees does not start.
        shards: u16 = ShardCount::DEFAULT.0,
    }

    /// A node: owns sessions. Only nodes read this.
    node: NodeSection {
        /// Name of this node, 1-64 of A-Z a-z 0-9 . _ -. Stays the same over restarts.
        id: ProcessId = process_id("node-1"),
        /// Address and port for links from routers and other nodes. Off loopback only with
        /// link.cert.
        link_listen: SocketAddr = loopback(7801),
        /// host:port under which routers and nodes reach link_listen. Default: link_listen.
        link_advertise: Option<String> = None,
        /// Address and port for health, metrics and operators.
        admin_listen: SocketAddr = loopback(7802),
        /// host:port under which operators reach admin_listen. Default: admin_listen.
        admin_advertise: Option<String> = None,
        /// Bytes of resident memory of this process; above 85 % it admits no new sessions.
        /// Default: the control group's limit, else the machine's memory.
        max_memory_bytes: Option<u64> = None,
        /// Seconds that a drain may take before the process exits all the same. Below the grace
        /// period of whoever stops it.
        drain_seconds: u64 = 25,
    }

    /// A router: holds the players' connections. Only routers read this.
    router: RouterSection {
        /// Name of this router, 1-64 of A-Z a-z 0-9 . _ -.
        id: ProcessId = process_id("router-1"),
        /// Address and port for players: WebSocket and REST.
        listen: SocketAddr = loopback(8080),
        /// URL under which players reach the service, http or https, without a path.
        public_url: String = "http://127.0.0.1:8080".to_owned(),
        /// Address and port for health, metrics and operators.
        admin_listen: SocketAddr = loopback(8081),
        /// File with the certificate chain, PEM. Read again when it changes. With tls_key.
        tls_cert: Option<PathBuf> = None,
        /// File with the private key, PEM. With tls_cert.
        tls_key: Option<PathBuf> = None,
        /// Whether to listen without TLS off loopback, behind something that terminates it.
        plaintext: bool = false,
        /// Proxies whose X-Forwarded-For is believed: address ranges.
        trusted_proxies: Vec<Cidr> = Vec::new(),
        /// Seconds over which clients are asked to reconnect when the router drains.
        drain_seconds: u64 = 20,
    }

    /// The journal: PostgreSQL, or SQLite when everything runs in one process.
    journal: JournalSection {
        /// postgres://user@host:port/database or sqlite:path. Of several hosts, host:port,host:port,
        /// the one that takes writes is used. Off loopback PostgreSQL is spoken to by TLS, unless
        /// the URL ends with ?sslmode=disable.
        url: Secret = Secret::from("sqlite:data/journal.db"),
        /// File with the password, instead of in the URL.
        password_file: Option<PathBuf> = None,
        /// File with authorities for PostgreSQL's certificate, besides the system's.
        tls_ca: Option<PathBuf> = None,
        /// Milliseconds after which the outcome of an append counts as unknown. Below
        /// limits.command_budget_ms.
        append_timeout_ms: u64 = 5_000,
        /// Whether to refuse a primary without a synchronous standby.
        require_standby: bool = false,
        /// Connections for reads and lists, 1-50; the writer has its own.
        pool: u32 = 4,
    }

    /// Redis Cluster: members, leases, fan-out, rate limits.
    redis: RedisSection {
        /// Some nodes of the cluster, host:port; the others are found. Empty: everything runs in
        /// one process.
        nodes: Vec<String> = Vec::new(),
        /// User name. Default: the server's default user.
        username: Option<String> = None,
        /// File with the password.
        password_file: Option<PathBuf> = None,
        /// Whether to use TLS.
        tls: bool = false,
        /// File with the certificate authorities of the servers, PEM. Default: the system's.
        tls_ca: Option<PathBuf> = None,
        /// File with this process's certificate chain, PEM, for servers that ask for one. With
        /// tls_key.
        tls_cert: Option<PathBuf> = None,
        /// File with its private key, PEM.
        tls_key: Option<PathBuf> = None,
        /// Put before every key and channel, to share a Redis; at most 32 of A-Z a-z 0-9 . _ -.
        namespace: String = String::new(),
    }

    /// RabbitMQ: the road to the other services.
    hub: HubSection {
        /// amqp://user:password@host:port/vhost, or amqps. Default: no broker; messages stay in
        /// this process.
        url: Option<Secret> = None,
        /// Services that answer calls over the broker: character. Without it, characters need their
        /// numbers in the message, and whose they are is left to the game master.
        services: Vec<String> = Vec::new(),
    }

    /// Who may come in: JSON Web Tokens of the Auth Service, and session tokens of our own.
    auth: AuthSection {
        /// Required iss of a token.
        issuer: String = "gss".to_owned(),
        /// Required aud of a token.
        audience: String = "game-session".to_owned(),
        /// Keys of the Auth Service (EdDSA, ES256, RS256): an https URL, or a file, read again when
        /// it changes.
        jwks: Option<String> = None,
        /// File with a secret of at least 32 bytes: tokens with HS256 are accepted too.
        hs256_secret_file: Option<PathBuf> = None,
        /// Whether creating a session needs sessions:create in the token's scope.
        require_create_scope: bool = false,
        /// File with at least 32 random bytes, the same for all routers: signs session tokens.
        session_token_key_file: Option<PathBuf> = None,
        /// Seconds by which clocks of issuer and router may differ, 0-300.
        leeway_seconds: u64 = 30,
    }

    /// Links between routers and nodes: mutual TLS, or a shared key on loopback.
    link: LinkSection {
        /// File with at least 32 random bytes, the same for all processes. Only on loopback.
        shared_key_file: Option<PathBuf> = None,
        /// File with this process's certificate chain, PEM. A router's names router.role.gss, a
        /// node's node.role.gss (DNS names of the certificate). With key and ca.
        cert: Option<PathBuf> = None,
        /// File with its private key, PEM.
        key: Option<PathBuf> = None,
        /// File with the certificate authority of the links, PEM. Nobody else's should be in it.
        ca: Option<PathBuf> = None,
    }

    /// Leases: who serves a shard.
    lease: LeaseSection {
        /// Milliseconds that a lease lives without renewal: how long actions wait when an owner is
        /// killed. More than 3 × round_ms.
        ttl_ms: u64 = 3_000,
        /// Milliseconds between a node's rounds: renewals, members, leases of others.
        round_ms: u64 = 250,
    }

    /// Limits that an operator may change. Over one: 429 or rate_limited, with retry_after_ms.
    limits: LimitsSection {
        /// Connection attempts per minute and address. Resumptions with a valid token do not count.
        connection_attempts_per_minute: u32 = 10,
        /// Messages per minute and connection, unless the session's settings say otherwise.
        messages_per_minute: u32 = 100,
        /// Combat actions per minute and player, unless the session's settings say otherwise.
        combat_actions_per_minute: u32 = 20,
        /// Sessions created per hour and user.
        session_creations_per_hour: u32 = 10,
        /// State saves by REST per minute and session, unless its settings say otherwise.
        state_saves_per_minute: u32 = 60,
        /// Joins per minute and session, unless its settings say otherwise.
        joins_per_minute: u32 = 30,
        /// Highest value of the four limits that a session's settings may set, per minute.
        settings_cap_per_minute: u32 = 60_000,
        /// Milliseconds from a command's arrival to owner_unreachable. More than lease.ttl_ms and
        /// one second, so that a takeover fits.
        command_budget_ms: u64 = limits::COMMAND_BUDGET_MS,
    }

    /// Logs, on standard error.
    log: LogSection {
        /// json or text.
        format: LogFormat = LogFormat::Json,
        /// Levels by module, as in info,gss_node=debug.
        filter: String = "info".to_owned(),
    }
}

impl LimitsSection {
    /// Limits for load tests from one address: high enough not to be met.
    pub fn open() -> Self {
        Self {
            connection_attempts_per_minute: 10_000_000,
            messages_per_minute: 60_000,
            combat_actions_per_minute: 60_000,
            session_creations_per_hour: 10_000_000,
            state_saves_per_minute: 60_000,
            joins_per_minute: 60_000,
            ..Self::default()
        }
    }
}
