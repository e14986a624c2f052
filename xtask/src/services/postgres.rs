//! A private PostgreSQL, tuned for loopback, and its synchronous standby where one is asked for. The
//! server refuses to run as root.

use std::fmt::Write as _;
use std::net::{SocketAddrV4, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::processes::{Processes, Renewal, Stop, tail};
use crate::services::START_LIMIT;
use crate::{cargo, disk, install, wait};

/// Connections of all processes, pools and tests together.
const MAX_CONNECTIONS: u32 = 200;
const NAME: &str = "postgres";
const STANDBY_NAME: &str = "postgres-2";
/// How a standby calls itself to its primary; a copy under way has another name.
const STANDBY: &str = "walreceiver";

/// What becomes the server.
#[derive(Debug)]
pub(crate) struct Postgres {
    name: &'static str,
    bin: PathBuf,
    home: PathBuf,
    temporary: Option<TempDir>,
    log: PathBuf,
    address: SocketAddrV4,
    /// Size of a disk for `home`; None: it is on the one of its folder.
    disk_mib: Option<u32>,
    /// Of the other server, which waits for this one's writes, or whose writes wait for this one.
    peer: Option<SocketAddrV4>,
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
    pub(crate) fn plan(dir: &Path, address: SocketAddrV4, disk_mib: Option<u32>) -> Result<Self> {
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
        let log = dir.join("logs/initdb.log");
        Ok(Self { name: NAME, bin, home, temporary, log, address, disk_mib, peer: None })
    }

    /// The standby of this server, beside it. What either confirms is on both from now on.
    pub(crate) fn with_standby(&mut self, address: SocketAddrV4) -> Self {
        self.peer = Some(address);
        let home = self.home.with_file_name(STANDBY_NAME);
        let (bin, log, peer) = (self.bin.clone(), self.log.clone(), Some(self.address));
        let name = STANDBY_NAME;
        Self { name, bin, home, temporary: None, log, address, disk_mib: None, peer }
    }

    /// The folder to remove after the server ended, if it could not be in the directory.
    pub(crate) fn into_temporary(self) -> Option<TempDir> {
        self.temporary
    }

    /// The folder on a disk of its own, if it has one.
    pub(crate) fn disk(&self) -> Option<PathBuf> {
        self.disk_mib.map(|_| self.home.clone())
    }

    /// Of the superuser `app` on database `postgres`; of both servers, when there are two.
    pub(crate) fn url(&self) -> String {
        let hosts = [Some(self.address), self.peer].into_iter().flatten();
        let hosts: Vec<String> = hosts.map(|address| address.to_string()).collect();
        let plain = (!self.address.ip().is_loopback()).then_some("sslmode=disable");
        let primary = self.peer.and(Some("target_session_attrs=read-write"));
        let settings: Vec<&str> = [plain, primary].into_iter().flatten().collect();
        let mark = if settings.is_empty() { "" } else { "?" };
        format!("postgres://app@{}/postgres{mark}{}", hosts.join(","), settings.join("&"))
    }

    /// Makes a database cluster, starts the server and waits until it answers.
    pub(crate) fn start(&self, processes: &Processes) -> Result<()> {
        if let Some(mib) = self.disk_mib {
            self.make_home()?;
            processes.keep_disk(&self.home)?;
            disk::mount(&self.home, mib)?;
        }
        self.initialize()?;
        self.run(processes)
    }

    /// Copies the primary, which runs, starts the server and waits until it answers.
    pub(crate) fn start_as_standby(&self, processes: &Processes) -> Result<()> {
        self.make_home()?;
        if let Some(renewal) = self.renewal() {
            renewal.run(&self.home, &self.log)?;
        }
        self.run(processes)
    }

    fn run(&self, processes: &Processes) -> Result<()> {
        let mut server = processes.describe(self.name, self.bin.join("postgres"));
        server.through = self.as_user();
        server.args = vec!["-D".to_owned(), self.data().display().to_string()];
        server.args.extend(["-p".to_owned(), self.address.port().to_string()]);
        server.dir.clone_from(&self.home);
        server.stop = Stop::Quit;
        // Of two servers the one that ended comes back as the other's standby and as nothing else:
        // as a primary it would confirm what the other never hears of.
        server.renewal = self.renewal();
        processes.start(server)?;
        wait::until("PostgreSQL accepts connections", START_LIMIT, || {
            processes.check(self.name)?;
            // The status line of the pid file turns to `ready` after recovery.
            let pid_file = std::fs::read_to_string(self.data().join("postmaster.pid"));
            let ready = pid_file.is_ok_and(|text| text.lines().any(|line| line.trim() == "ready"));
            Ok(ready && TcpStream::connect(self.address).is_ok())
        })
    }

    /// How it becomes a standby of the other.
    fn renewal(&self) -> Option<Renewal> {
        let peer = self.peer?;
        let (host, port) = (peer.ip(), peer.port());
        let primary = format!("host={host} port={port} user=app");
        let mut command = self.as_user();
        command.push(self.bin.join("pg_basebackup").display().to_string());
        let options = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--dbname"];
        command.extend(options.map(str::to_owned));
        command.extend([primary, "--pgdata".to_owned(), self.data().display().to_string()]);
        Some(Renewal { folder: self.data(), command })
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

    fn make_home(&self) -> Result<()> {
        if install::is_root() {
            let mut make = Command::new("install");
            make.args(["-d", "-o", "postgres", "-g", "postgres", "-m", "700"]).arg(&self.home);
            return cargo::must("install -d", &mut make);
        }
        Ok(std::fs::create_dir_all(&self.home)?)
    }

    fn initialize(&self) -> Result<()> {
        if self.data().join("PG_VERSION").exists() {
            return Ok(());
        }
        self.make_home()?;
        let mut words = self.as_user();
        words.push(self.bin.join("initdb").display().to_string());
        let options = ["-U", "app", "-A", "trust", "--no-locale", "-E", "UTF8", "--no-sync"];
        words.extend(options.map(str::to_owned));
        if self.disk_mib.is_some() {
            // Its log has to ask for room often, or a full disk is never noticed there.
            words.push("--wal-segsize=1".to_owned());
        }
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
        let host = self.address.ip();
        write!(
            text,
            "\nlisten_addresses = '{host}'\nunix_socket_directories = ''\n\
             max_connections = {MAX_CONNECTIONS}\nshared_buffers = 256MB\nmax_wal_size = 2GB\n\
             min_wal_size = 1GB\n\
             wal_compression = off\njit = off\nlog_min_messages = warning\n"
        )?;
        if self.peer.is_some() {
            // Commits wait for the standby from the first one on. By default it looks for its
            // primary every 5 s, and is not promoted in between.
            writeln!(text, "synchronous_standby_names = '{STANDBY}'\nsynchronous_commit = on")?;
            writeln!(text, "wal_retrieve_retry_interval = 100ms")?;
        }
        if let Some(mib) = self.disk_mib {
            writeln!(text, "min_wal_size = 2MB\nmax_wal_size = {}MB", (mib / 4).max(2))?;
        }
        std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
        let file = self.data().join("pg_hba.conf");
        let mut hosts = std::fs::read_to_string(&file)?;
        writeln!(hosts, "host all,replication all {host}/24 trust")?;
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
