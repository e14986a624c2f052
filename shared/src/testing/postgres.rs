//! Fresh PostgreSQL databases for tests.
//!
//! `GSS_TEST_POSTGRES` names a server whose user may create databases, as
//! `postgres://user@host:port/database`. Without it a private server is started in a temporary
//! folder, reached by its socket, and stopped when this process is gone, however it ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tokio_postgres::NoTls;
use uuid::Uuid;

/// Where Debian puts the versions of PostgreSQL.
const VERSIONS: &str = "/usr/lib/postgresql";

/// URL of a new, empty database.
///
/// # Panics
/// When there is no server and none can be started: a test cannot go on.
pub async fn database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(Server::find_or_start);
    let name = format!("gss_test_{}", Uuid::new_v4().simple());
    let (client, connection) =
        tokio_postgres::connect(&server.url("postgres"), NoTls).await.expect("connect to server");
    let driver = tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("create database");
    drop(client);
    driver.await.expect("driver").expect("connection ends well");
    server.url(&name)
}

/// A private server on a port of loopback that speaks TLS, with `server.pem` and `server.key` of the
/// folder.
///
/// # Panics
/// When none can be started.
pub fn secured(certificates: &Path, port: u16) -> Server {
    Server::start(Some((certificates, port)))
}

/// A server; a private one is stopped when this is dropped.
pub struct Server {
    /// The URL up to the database's name.
    base: String,
    /// Stops the server when its input, which this process holds, is closed.
    _watchdog: Option<Child>,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration")]
    fn find_or_start() -> Self {
        match std::env::var("GSS_TEST_POSTGRES") {
            Ok(url) => {
                let (base, _) = url.rsplit_once('/').expect("GSS_TEST_POSTGRES names a database");
                Self { base: base.to_owned(), _watchdog: None }
            }
            Err(_) => Self::start(None),
        }
    }

    fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base)
    }

    /// With a port: on it, by TLS with `server.pem` and `server.key` of the folder.
    fn start(secured: Option<(&Path, u16)>) -> Self {
        let programs = newest_version().join("bin");
        let folder = std::env::temp_dir().join(format!("gss-pg-{}", Uuid::new_v4().simple()));
        let root = run(Command::new("id").arg("-u")).trim() == "0";
        std::fs::create_dir(&folder).expect("create folder");
        if root {
            run(Command::new("chown").arg("postgres:postgres").arg(&folder));
        }
        let (data, log) = (folder.join("data"), folder.join("log"));
        let command = |program: &str| {
            let program = programs.join(program);
            let mut command = if root {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
                command.arg("--reset-env").arg(program);
                command
            } else {
                Command::new(program)
            };
            command.current_dir(&folder);
            command
        };
        run(command("initdb").arg("-D").arg(&data).args([
            "-U",
            "app",
            "-A",
            "trust",
            "--no-locale",
            "-E",
            "UTF8",
            "--no-instructions",
            "--no-sync",
        ]));
        let mut options =
            format!("-c unix_socket_directories={} -c max_connections=200", folder.display());
        match secured {
            None => options.push_str(" -c listen_addresses="),
            Some((certificates, port)) => {
                for (from, to) in [("server.pem", "server.crt"), ("server.key", "server.key")] {
                    let to = data.join(to);
                    std::fs::copy(certificates.join(from), &to).expect("copy");
                    run(Command::new("chmod").arg("600").arg(&to));
                    if root {
                        run(Command::new("chown").arg("postgres:postgres").arg(&to));
                    }
                }
                options
                    .push_str(&format!(" -c listen_addresses=127.0.0.1 -c port={port} -c ssl=on"));
            }
        }
        // Its output goes to the log, so that the server holds none of our pipes.
        let mut start = command("pg_ctl");
        start.arg("-D").arg(&data).arg("-l").arg(&log).args(["-w", "-t", "60", "-o", &options]);
        let status = start.arg("start").stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.expect("pg_ctl runs").success(), "see {}", log.display());
        let mut stop = command("pg_ctl");
        stop.arg("-D").arg(&data).args(["-m", "immediate", "stop"]);
        let base = format!("postgres://app@{}", folder.display().to_string().replace('/', "%2F"));
        Self { base, _watchdog: Some(watchdog(&stop, &folder)) }
    }
}

/// Waits for the end of this process, then stops the server and removes its folder.
fn watchdog(stop: &Command, folder: &Path) -> Child {
    let script = r#"trap "" INT TERM HUP; cat; folder=$1; shift; "$@"; cd /; rm -rf "$folder""#;
    Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(folder)
        .arg(stop.get_program())
        .args(stop.get_args())
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start watchdog")
}

fn newest_version() -> PathBuf {
    let versions = std::fs::read_dir(VERSIONS)
        .unwrap_or_else(|error| panic!("set GSS_TEST_POSTGRES or install postgresql: {error}"));
    versions
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join("bin/initdb").exists())
        .max_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()))
        .unwrap_or_else(|| panic!("set GSS_TEST_POSTGRES or install postgresql"))
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
