//! A private PostgreSQL, tuned for loopback. The server refuses to run as root.

use std::fmt::Write as _;
use std::net::{SocketAddrV4, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::processes::{Processes, Stop, tail};
use crate::services::START_LIMIT;
use crate::{cargo, install, wait};

/// Connections of all processes, pools and tests together.
const MAX_CONNECTIONS: u32 = 200;
const NAME: &str = "postgres";

/// What becomes the server.
#[derive(Debug)]
pub(crate) struct Postgres {
    bin: PathBuf,
    home: PathBuf,
    temporary: Option<TempDir>,
    log: PathBuf,
    address: SocketAddrV4,
}

/// Whether there is a server to run.
pub(crate) fn installed() -> bool {
    bin().is_some()
}

/// Folder of the newest installed release.
fn bin() -> Option<PathBuf> {
    let releases = std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
    let newest = releases
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|release| Path::new(&format!("/usr/lib/postgresql/{release}/bin/initdb")).exists())
        .max();
    if let Some(release) = newest {
        return Some(PathBuf::from(format!("/usr/lib/postgresql/{release}/bin")));
    }
    cargo::find_program(&["initdb"]).and_then(|file| Some(file.parent()?.to_owned()))
}

impl Postgres {
    /// Nothing happens yet.
    pub(crate) fn plan(dir: &Path, address: SocketAddrV4) -> Result<Self> {
        let bin = bin().context("PostgreSQL is not installed")?;
        let temporary = if is_reachable(dir)? {
            None
        } else {
            Some(tempfile::Builder::new().prefix("gss-postgres-").tempdir()?)
        };
        let home = match &temporary {
            Some(folder) => {
                let open = std::fs::Permissions::from_mode(0o711);
                std::fs::set_permissions(folder.path(), open)?;
                folder.path().join(NAME)
            }
            None => dir.join(NAME),
        };
        Ok(Self { bin, home, temporary, log: dir.join("logs/initdb.log"), address })
    }

    /// The folder to remove after the server ended, if it could not be in the directory.
    pub(crate) fn into_temporary(self) -> Option<TempDir> {
        self.temporary
    }

    /// Of the superuser `app` on database `postgres`.
    pub(crate) fn url(&self) -> String {
        let plain = if self.address.ip().is_loopback() { "" } else { "?sslmode=disable" };
        format!("postgres://app@{}/postgres{plain}", self.address)
    }

    /// Makes a database cluster, starts the server and waits until it answers.
    pub(crate) fn start(&self, processes: &Processes) -> Result<()> {
        self.initialize()?;
        let mut server = processes.describe(NAME, self.bin.join("postgres"));
        server.through = self.as_user();
        server.args = vec!["-D".to_owned(), self.data().display().to_string()];
        server.dir.clone_from(&self.home);
        server.stop = Stop::Quit;
        processes.start(server)?;
        wait::until("PostgreSQL accepts connections", START_LIMIT, || {
            processes.check(NAME)?;
            // The status line of the pid file turns to `ready` after recovery.
            let pid_file = std::fs::read_to_string(self.data().join("postmaster.pid"));
            let ready = pid_file.is_ok_and(|text| text.lines().any(|line| line.trim() == "ready"));
            Ok(ready && TcpStream::connect(self.address).is_ok())
        })
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Root becomes the user of Debian's package.
    fn as_user(&self) -> Vec<String> {
        if !install::is_root() {
            return Vec::new();
        }
        let words =
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--reset-env"];
        words.map(str::to_owned).to_vec()
    }

    fn initialize(&self) -> Result<()> {
        if self.data().join("PG_VERSION").exists() {
            return Ok(());
        }
        if install::is_root() {
            let mut make = Command::new("install");
            make.args(["-d", "-o", "postgres", "-g", "postgres", "-m", "700"]).arg(&self.home);
            cargo::must("install -d", &mut make)?;
        } else {
            std::fs::create_dir_all(&self.home)?;
        }
        let mut words = self.as_user();
        words.push(self.bin.join("initdb").display().to_string());
        let options = ["-U", "app", "-A", "trust", "--no-locale", "-E", "UTF8", "--no-sync"];
        words.extend(options.map(str::to_owned));
        words.extend(["--no-instructions".to_owned(), "-D".to_owned()]);
        words.push(self.data().display().to_string());
        let log = std::fs::File::create(&self.log)?;
        let mut initdb = Command::new(&words[0]);
        initdb.args(&words[1..]).current_dir(&self.home).stdout(log.try_clone()?).stderr(log);
        cargo::must("initdb", &mut initdb).with_context(|| tail(&self.log))?;
        self.configure()
    }

    fn configure(&self) -> Result<()> {
        let file = self.data().join("postgresql.conf");
        let mut text = std::fs::read_to_string(&file)?;
        let (host, port) = (self.address.ip(), self.address.port());
        write!(
            text,
            "\nlisten_addresses = '{host}'\nport = {port}\nunix_socket_directories = ''\n\
             max_connections = {MAX_CONNECTIONS}\nshared_buffers = 256MB\nmax_wal_size = 2GB\n\
             min_wal_size = 1GB\n\
             wal_compression = off\njit = off\nlog_min_messages = warning\n"
        )?;
        std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
        let file = self.data().join("pg_hba.conf");
        let mut hosts = std::fs::read_to_string(&file)?;
        writeln!(hosts, "host all all {host}/24 trust")?;
        std::fs::write(&file, hosts).with_context(|| format!("write {}", file.display()))
    }
}

/// Whether the server's user gets to folders in `dir`.
fn is_reachable(dir: &Path) -> Result<bool> {
    let dir = dir.canonicalize()?;
    let passable =
        |folder: &Path| std::fs::metadata(folder).is_ok_and(|found| found.mode() & 0o001 != 0);
    Ok(!install::is_root() || dir.ancestors().all(passable))
}
