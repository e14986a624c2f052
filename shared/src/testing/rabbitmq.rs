//! A private RabbitMQ: own Erlang port mapper, own cookie, loopback only.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::free_ports;

/// Debian's scripts that run as whoever calls them (those in `/usr/sbin` change the user).
const SCRIPTS: &str = "/usr/lib/rabbitmq/bin";
/// Longest start on a busy machine.
const START: Duration = Duration::from_secs(90);

/// A broker.
pub struct Broker {
    url: String,
    ours: Option<Ours>,
}

struct Ours {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

impl Broker {
    /// The broker of `GSS_TEST_AMQP`, or a new one. Blocks until it serves.
    ///
    /// # Panics
    /// When it does not start.
    #[expect(clippy::disallowed_methods, reason = "the variable of the test runner")]
    pub fn start() -> Self {
        if let Ok(url) = std::env::var("GSS_TEST_AMQP") {
            return Self { url, ours: None };
        }
        assert!(
            Path::new(SCRIPTS).join("rabbitmq-server").exists(),
            "install rabbitmq-server, or set GSS_TEST_AMQP to the URL of a broker for tests"
        );
        let folder = tempfile::Builder::new().prefix("gss-rmq-").tempdir().expect("folder");
        let port = free_ports(3);
        prepare(folder.path());
        let mut ours = Ours { folder, port, server: None };
        ours.start();
        Self { url: format!("amqp://guest:guest@127.0.0.1:{port}/%2f"), ours: Some(ours) }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether this process started it and may stop it.
    pub fn is_ours(&self) -> bool {
        self.ours.is_some()
    }

    /// Stops it; what was durable stays.
    ///
    /// # Panics
    /// When it is not ours.
    pub fn stop(&mut self) {
        self.ours.as_mut().expect("a broker of this process").stop();
    }

    /// Starts it again on the same port. Blocks until it serves.
    ///
    /// # Panics
    /// When it is not ours or does not start.
    pub fn start_again(&mut self) {
        self.ours.as_mut().expect("a broker of this process").start();
    }
}

fn prepare(folder: &Path) {
    for name in ["home", "log", "mnesia", "gen"] {
        std::fs::create_dir(folder.join(name)).expect("folder");
    }
    let config = "loopback_users.guest = true\nlog.file.level = warning\n\
        disk_free_limit.absolute = 50MB\nvm_memory_high_watermark.absolute = 512MB\n";
    let files = [
        ("rabbitmq.conf", config),
        ("enabled_plugins", "[]."),
        ("advanced.config", "[]."),
        ("env.conf", ""),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("file");
    }
    let cookie = folder.join("home").join(".erlang.cookie");
    std::fs::write(&cookie, uuid::Uuid::new_v4().simple().to_string()).expect("file");
    std::fs::set_permissions(&cookie, std::fs::Permissions::from_mode(0o400)).expect("mode");
}

impl Ours {
    fn start(&mut self) {
        let out = std::fs::File::create(self.folder.path().join("out")).expect("file");
        let errors = out.try_clone().expect("file");
        let mut command = self.command("rabbitmq-server");
        let command = command.stdin(Stdio::null()).stdout(out).stderr(errors);
        self.server = Some(command.spawn().expect("rabbitmq-server starts"));
        let seconds = START.as_secs().to_string();
        let mut wait = self.command("rabbitmqctl");
        let wait = wait.args(["--timeout", &seconds, "wait"]).arg(self.folder.path().join("pid"));
        let waited = succeeds(wait);
        let said = std::fs::read_to_string(self.folder.path().join("out")).unwrap_or_default();
        assert!(waited, "rabbitmq does not start: {said}");
    }

    fn stop(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).unwrap_or_default();
        let stopped = Command::new("kill").arg(pid.trim()).status();
        if !stopped.is_ok_and(|status| status.success()) {
            drop(server.kill());
        }
        server.wait().expect("rabbitmq ends");
    }

    /// A script with the environment of this broker only.
    fn command(&self, script: &str) -> Command {
        let (folder, port) = (self.folder.path(), self.port);
        let mut command = Command::new(Path::new(SCRIPTS).join(script));
        let erlang = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none \
            -kernel inet_dist_use_interface {127,0,0,1}";
        command
            .env("HOME", folder.join("home"))
            .env("LANG", "C.UTF-8")
            .env("RABBITMQ_NODE_PORT", port.to_string())
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", format!("gss{port}@localhost"))
            .env("RABBITMQ_DIST_PORT", (port + 1).to_string())
            .env("ERL_EPMD_PORT", (port + 2).to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_BASE", folder)
            .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
            .env("RABBITMQ_LOG_BASE", folder.join("log"))
            .env("RABBITMQ_PID_FILE", folder.join("pid"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq"))
            .env("RABBITMQ_CONF_ENV_FILE", folder.join("env.conf"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", folder.join("advanced.config"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", folder.join("gen"))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", erlang);
        command
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.stop();
        // The port mapper outlives the node, and refuses to go before it.
        let port = (self.port + 2).to_string();
        let mut mapper = Command::new("epmd");
        if !succeeds(mapper.args(["-port", &port, "-kill"])) {
            eprintln!("epmd on port {port} was not there");
        }
    }
}
