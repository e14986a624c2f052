//! Started processes, and the promise to stop them.
//!
//! Each runs in a process group of its own, writes to its own log and is described by a file in the
//! directory, so that it can be started again with its old identity. Dropping [`Processes`] stops
//! all of them, those that were started again included.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::reaper::Reaper;
use crate::wait;

/// After the signal that asks, and before the one that does not.
const GRACE: Duration = Duration::from_secs(8);

/// How a process is asked to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stop {
    /// SIGTERM: it has things to finish.
    Terminate,
    /// SIGQUIT: PostgreSQL's immediate shutdown.
    Quit,
    /// SIGKILL: nothing of it is kept.
    Kill,
}

impl Stop {
    fn signal(self) -> Signal {
        match self {
            Self::Terminate => Signal::SIGTERM,
            Self::Quit => Signal::SIGQUIT,
            Self::Kill => Signal::SIGKILL,
        }
    }
}

/// Everything needed to start a process.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Description {
    /// Its id: `node-1`, `redis-2`, `postgres`.
    pub(crate) name: String,
    /// A command that becomes the program, keeping the process id; empty: none.
    pub(crate) through: Vec<String>,
    /// The binary.
    pub(crate) program: PathBuf,
    /// The same of another release, which may take its place.
    pub(crate) other: Option<PathBuf>,
    /// Its arguments.
    pub(crate) args: Vec<String>,
    /// Added to the environment.
    pub(crate) env: BTreeMap<String, String>,
    /// Where it runs.
    pub(crate) dir: PathBuf,
    /// Where its output goes, appended.
    pub(crate) log: PathBuf,
    /// Holds the id of whichever process runs under this description.
    pub(crate) pid_file: PathBuf,
    /// How it is asked to end.
    pub(crate) stop: Stop,
    /// What is done before it is started again; None: nothing.
    pub(crate) renewal: Option<Renewal>,
}

/// Makes a process's data anew.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Renewal {
    /// Removed first.
    pub(crate) folder: PathBuf,
    /// Then run.
    pub(crate) command: Vec<String>,
}

impl Renewal {
    /// Does it, where the process runs.
    pub(crate) fn run(&self, dir: &Path, log: &Path) -> Result<()> {
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder)
                .with_context(|| format!("remove {}", self.folder.display()))?;
        }
        let log_file = open_log(log)?;
        let (program, words) = self.command.split_first().context("a command")?;
        let mut command = Command::new(program);
        command.args(words).current_dir(dir).stdin(Stdio::null());
        command.stdout(log_file.try_clone().context("share the log")?).stderr(log_file);
        let status = command.status().with_context(|| format!("start {program}"))?;
        ensure!(status.success(), "{program} failed ({status}): {}", tail(log));
        Ok(())
    }
}

impl Description {
    fn command(&self) -> Result<Command> {
        let log = open_log(&self.log)?;
        let program = self.program.as_os_str();
        let mut words = self.through.iter().map(OsStr::new).chain([program]);
        let mut command = Command::new(words.next().unwrap_or(program));
        command.args(words);
        // Configuration of other processes is not this one's.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GSS_") {
                command.env_remove(name);
            }
        }
        command
            .args(&self.args)
            .envs(&self.env)
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log)
            .process_group(0);
        Ok(command)
    }
}

fn open_log(path: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.with_context(|| format!("open {}", path.display()))
}

#[derive(Debug)]
struct Running {
    description: Description,
    child: Child,
    reported: bool,
}

/// The guard of what was started.
#[derive(Debug)]
pub(crate) struct Processes {
    dir: PathBuf,
    running: Mutex<Vec<Running>>,
    reaper: Mutex<Reaper>,
}

impl Processes {
    /// Nothing yet. Logs, process ids and descriptions go to `dir`.
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        for folder in ["logs", "processes"] {
            let path = dir.join(folder);
            std::fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
        }
        let (running, reaper) = (Mutex::default(), Mutex::new(Reaper::start()?));
        Ok(Self { dir: dir.to_owned(), running, reaper })
    }

    /// A description with this guard's places for log and process id.
    pub(crate) fn describe(&self, name: &str, program: impl Into<PathBuf>) -> Description {
        Description {
            name: name.to_owned(),
            through: Vec::new(),
            program: program.into(),
            other: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            dir: self.dir.clone(),
            log: self.dir.join("logs").join(format!("{name}.log")),
            pid_file: self.dir.join("processes").join(format!("{name}.pid")),
            stop: Stop::Kill,
            renewal: None,
        }
    }

    /// Starts it and returns its process id.
    pub(crate) fn start(&self, description: Description) -> Result<u32> {
        let file = self.description_file(&description.name);
        let pid_file = description.pid_file.clone();
        std::fs::write(&file, serde_json::to_string_pretty(&description)?)
            .with_context(|| format!("write {}", file.display()))?;
        let child = description
            .command()?
            .spawn()
            .with_context(|| format!("start {}", description.program.display()))?;
        let pid = child.id();
        lock(&self.running).push(Running { description, child, reported: false });
        lock(&self.reaper).started(pid)?;
        std::fs::write(&pid_file, pid.to_string())
            .with_context(|| format!("write {}", pid_file.display()))?;
        Ok(pid)
    }

    /// Promises to remove a network too, after everything that was started.
    pub(crate) fn keep_network(&self, block: u16) -> Result<()> {
        lock(&self.reaper).network(block)
    }

    /// Promises to take a disk away too, after everything that was started.
    pub(crate) fn keep_disk(&self, folder: &Path) -> Result<()> {
        lock(&self.reaper).disk(folder)
    }

    fn description_file(&self, name: &str) -> PathBuf {
        self.dir.join("processes").join(format!("{name}.json"))
    }

    /// Process id of the first start; None: never started, or stopped.
    pub(crate) fn pid(&self, name: &str) -> Option<u32> {
        let running = lock(&self.running);
        running.iter().find(|it| it.description.name == name).map(|it| it.child.id())
    }

    /// All that were started and not stopped.
    pub(crate) fn names(&self) -> Vec<String> {
        lock(&self.running).iter().map(|it| it.description.name.clone()).collect()
    }

    /// The command that starts the process again with its old identity.
    pub(crate) fn restart_command(&self, name: &str) -> Result<Vec<String>> {
        let xtask = std::env::current_exe()?;
        let parts = [xtask.as_path(), Path::new("start"), &self.description_file(name)];
        Ok(parts.iter().map(|part| part.display().to_string()).collect())
    }

    /// Fails, with the end of its log, when the process is not running any more.
    pub(crate) fn check(&self, name: &str) -> Result<()> {
        let mut running = lock(&self.running);
        let Some(process) = running.iter_mut().find(|it| it.description.name == name) else {
            bail!("{name} was never started");
        };
        if let Some(status) = process.child.try_wait()? {
            bail!("{name} ended early ({status}):\n{}", tail(&process.description.log));
        }
        Ok(())
    }

    /// Names and ways of those that ended since the last call.
    pub(crate) fn ended(&self) -> Result<Vec<String>> {
        let mut ended = Vec::new();
        for process in lock(&self.running).iter_mut().filter(|process| !process.reported) {
            if let Some(status) = process.child.try_wait()? {
                process.reported = true;
                lock(&self.reaper).ended(process.child.id())?;
                ended.push(format!("{} ({status})", process.description.name));
            }
        }
        Ok(ended)
    }

    /// Stops those whose name starts with one of `prefixes`, all at once; empty: all.
    pub(crate) fn stop(&self, prefixes: &[&str]) {
        let asked = |process: &mut Running| {
            let name = &process.description.name;
            prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix))
        };
        let mut asked: Vec<Running> = lock(&self.running).extract_if(.., asked).collect();
        let pids: Vec<u32> = asked.iter().map(|process| process.child.id()).collect();
        let descriptions: Vec<_> = asked.iter().map(|it| it.description.clone()).collect();
        for process in &asked {
            signal(process, process.description.stop.signal());
        }
        await_end(&mut asked, GRACE);
        for process in &asked {
            eprintln!("xtask: {} does not end, killing it", process.description.name);
            signal(process, Signal::SIGKILL);
        }
        await_end(&mut asked, GRACE);
        for (pid, description) in pids.into_iter().zip(&descriptions) {
            end_stray(pid, description);
            if let Err(error) = lock(&self.reaper).ended(pid) {
                eprintln!("xtask: {error:#}");
            }
        }
    }
}

/// Removes those that ended, until none is left or the time is up.
fn await_end(asked: &mut Vec<Running>, limit: Duration) {
    let start = wait::now();
    loop {
        asked.retain_mut(|process| !finished(process));
        if asked.is_empty() || start.elapsed() > limit {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop(&["node-", "router-"]);
        self.stop(&[]);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn finished(process: &mut Running) -> bool {
    match process.child.try_wait() {
        Ok(status) => status.is_some(),
        Err(error) => {
            eprintln!("xtask: wait for {}: {error}", process.description.name);
            true
        }
    }
}

/// To the whole group when it is to die, else to the process that decides for its group.
fn signal(process: &Running, signal: Signal) {
    let Ok(pid) = i32::try_from(process.child.id()).map(Pid::from_raw) else { return };
    // A paused process would not see the request.
    let wake = kill(pid, Signal::SIGCONT);
    let sent = if signal == Signal::SIGKILL { killpg(pid, signal) } else { kill(pid, signal) };
    for outcome in [wake, sent] {
        if let Err(error) = outcome
            && error != nix::Error::ESRCH
        {
            eprintln!("xtask: signal {}: {error}", process.description.name);
        }
    }
}

/// Ends the process that was started again under a description, if one runs.
fn end_stray(started: u32, description: &Description) {
    let Ok(text) = std::fs::read_to_string(&description.pid_file) else { return };
    let Ok(pid) = text.trim().parse::<i32>() else { return };
    if u32::try_from(pid) == Ok(started) || !runs(pid, description) {
        return;
    }
    for signal in [Signal::SIGCONT, description.stop.signal(), Signal::SIGKILL] {
        if kill(Pid::from_raw(pid), signal).is_err() {
            return;
        }
        let start = wait::now();
        while signal != Signal::SIGCONT && runs(pid, description) && start.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Whether the process with this id is the described one and not a later user of the number.
fn runs(pid: i32, description: &Description) -> bool {
    let Ok(line) = std::fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let line = String::from_utf8_lossy(&line);
    let arguments: Vec<&str> = line.split('\0').collect();
    description.args.iter().all(|argument| arguments.contains(&argument.as_str()))
        && !line.is_empty()
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(15);
    format!("{}\n(from {})", lines[from..].join("\n"), log.display())
}

/// Becomes the described process, renewed if it asks for that; of the other release, when asked,
/// from now on.
pub(crate) fn start_again(file: &Path, exchange: bool) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let mut description: Description = serde_json::from_str(&text)?;
    if exchange {
        let other = description.other.as_mut().context("no other release of this process")?;
        std::mem::swap(other, &mut description.program);
        std::fs::write(file, serde_json::to_string_pretty(&description)?)
            .with_context(|| format!("write {}", file.display()))?;
    }
    std::fs::write(&description.pid_file, std::process::id().to_string())?;
    if let Some(renewal) = &description.renewal {
        renewal.run(&description.dir, &description.log)?;
    }
    let error = description.command()?.exec();
    Err(error).with_context(|| format!("start {}", description.program.display()))
}
