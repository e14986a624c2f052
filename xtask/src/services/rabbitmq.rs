//! A private RabbitMQ with its own port mapper, cookie and directories; no system folder is used.
//! Mapper and distribution stay on loopback.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::ports::Ports;
use crate::processes::{Processes, Stop};
use crate::services::START_LIMIT;
use crate::{cargo, wait};

/// The scripts behind the wrappers of /usr/sbin, which would become another user.
const BIN: &str = "/usr/lib/rabbitmq/bin";
const BROKER: &str = "rabbitmq";
const MAPPER: &str = "rabbitmq-epmd";
const CONFIG: &str = "log.file.level = warning\n\
                      disk_free_limit.absolute = 100MB\nvm_memory_high_watermark.absolute = 512MB\n";

/// What becomes the broker.
#[derive(Debug)]
pub(crate) struct RabbitMq {
    dir: PathBuf,
    amqp: SocketAddrV4,
    distribution: u16,
    mapper: u16,
}

/// Whether there is a broker to run.
pub(crate) fn installed() -> bool {
    Path::new(BIN).join("rabbitmq-server").exists() && cargo::find_program(&["epmd"]).is_some()
}

impl RabbitMq {
    /// Nothing happens yet.
    pub(crate) fn plan(dir: &Path, host: Ipv4Addr, ports: &mut Ports) -> Result<Self> {
        let (dir, amqp) = (dir.join(BROKER), SocketAddrV4::new(host, ports.take()?));
        Ok(Self { dir, amqp, distribution: ports.take()?, mapper: ports.take()? })
    }

    /// Of user `guest` on the default vhost.
    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@{}/%2f", self.amqp)
    }

    /// Starts port mapper and broker and waits until the broker serves.
    pub(crate) fn start(&self, processes: &Processes) -> Result<()> {
        self.prepare()?;
        let epmd = cargo::find_program(&["epmd"]).context("epmd is not installed")?;
        let mut mapper = processes.describe(MAPPER, epmd);
        let port = self.mapper.to_string();
        mapper.args = ["-port", &port, "-address", "127.0.0.1"].map(str::to_owned).to_vec();
        mapper.stop = Stop::Kill;
        processes.start(mapper)?;
        wait::until("epmd listens", START_LIMIT, || {
            processes.check(MAPPER)?;
            Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, self.mapper)).is_ok())
        })?;
        let mut broker = processes.describe(BROKER, Path::new(BIN).join("rabbitmq-server"));
        broker.env = self.environment();
        broker.dir.clone_from(&self.dir);
        broker.stop = Stop::Kill;
        processes.start(broker)?;
        wait::until("RabbitMQ listens", START_LIMIT, || {
            processes.check(BROKER)?;
            Ok(TcpStream::connect(self.amqp).is_ok())
        })?;
        let mut started = Command::new(Path::new(BIN).join("rabbitmqctl"));
        started.args(["--timeout", "60", "await_startup"]).envs(self.environment());
        started.current_dir(&self.dir).stdout(Stdio::null()).stdin(Stdio::null());
        cargo::must("rabbitmqctl await_startup", &mut started)
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn prepare(&self) -> Result<()> {
        for folder in ["home", "log", "mnesia", "gen"] {
            std::fs::create_dir_all(self.dir.join(folder))?;
        }
        // Off loopback the broker would refuse the user `guest`.
        let local = self.amqp.ip().is_loopback();
        let users = if local { "loopback_users.guest = true" } else { "loopback_users = none" };
        let config = format!("{users}\n{CONFIG}");
        let files = [
            ("enabled_plugins", "[]."),
            ("env.conf", ""),
            ("advanced.config", "[]."),
            ("rabbitmq.conf", &config),
        ];
        for (name, text) in files {
            std::fs::write(self.dir.join(name), text)?;
        }
        let cookie = self.dir.join("home/.erlang.cookie");
        if !cookie.exists() {
            std::fs::write(&cookie, uuid::Uuid::new_v4().simple().to_string())?;
            std::fs::set_permissions(&cookie, std::fs::Permissions::from_mode(0o400))?;
        }
        Ok(())
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let one_scheduler = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none \
                             -kernel inet_dist_use_interface {127,0,0,1}";
        let pairs = [
            ("HOME", self.path("home")),
            ("LANG", "C.UTF-8".to_owned()),
            // The script becomes the broker, so that its process id is the broker's.
            ("RUNNING_UNDER_SYSTEMD", "true".to_owned()),
            ("ERL_EPMD_PORT", self.mapper.to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODE_PORT", self.amqp.port().to_string()),
            ("RABBITMQ_NODE_IP_ADDRESS", self.amqp.ip().to_string()),
            ("RABBITMQ_NODENAME", format!("rmq{}@localhost", self.amqp.port())),
            ("RABBITMQ_DIST_PORT", self.distribution.to_string()),
            ("RABBITMQ_BASE", self.dir.display().to_string()),
            ("RABBITMQ_MNESIA_BASE", self.path("mnesia")),
            ("RABBITMQ_LOG_BASE", self.path("log")),
            ("RABBITMQ_PID_FILE", self.path("pid")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", self.path("enabled_plugins")),
            ("RABBITMQ_CONFIG_FILE", self.path("rabbitmq")),
            ("RABBITMQ_CONF_ENV_FILE", self.path("env.conf")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", self.path("advanced.config")),
            ("RABBITMQ_GENERATED_CONFIG_DIR", self.path("gen")),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", one_scheduler.to_owned()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
