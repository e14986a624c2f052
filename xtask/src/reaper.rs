//! Ends what a killed xtask leaves behind.
//!
//! A small process of its own group reads from its standard input: `+N` a process group started,
//! `-N` it ended, `@N` a block of ports has a network, `/PATH` a folder has a disk. The end of input
//! is the end of the parent; what is left then is killed, and then networks and disks are removed.

use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::disk;
use crate::namespaces::Namespaces;

/// The parent's side.
#[derive(Debug)]
pub(crate) struct Reaper {
    child: Child,
    input: Option<ChildStdin>,
}

impl Reaper {
    /// Starts the process.
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("reap")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .context("start the reaper")?;
        let input = child.stdin.take();
        Ok(Self { child, input })
    }

    /// Tells of a process group that started.
    pub(crate) fn started(&mut self, group: u32) -> Result<()> {
        self.tell(&format!("+{group}"))
    }

    /// Tells of a process group that ended.
    pub(crate) fn ended(&mut self, group: u32) -> Result<()> {
        self.tell(&format!("-{group}"))
    }

    /// Tells of a network that is about to be made.
    pub(crate) fn network(&mut self, block: u16) -> Result<()> {
        self.tell(&format!("@{block}"))
    }

    /// Tells of a disk that is about to be mounted, by its absolute path.
    pub(crate) fn disk(&mut self, folder: &Path) -> Result<()> {
        self.tell(folder.to_str().context("a path in UTF-8")?)
    }

    fn tell(&mut self, what: &str) -> Result<()> {
        let input = self.input.as_mut().context("the reaper is gone")?;
        writeln!(input, "{what}").context("tell the reaper")
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.input.take());
        if let Err(error) = self.child.wait() {
            eprintln!("xtask: wait for the reaper: {error}");
        }
    }
}

/// The process's side.
pub(crate) fn serve() -> Result<()> {
    let (mut groups, mut blocks, mut disks) = (BTreeSet::new(), Vec::new(), Vec::new());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.starts_with('/') {
            disks.push(PathBuf::from(line));
            continue;
        }
        let (sign, number) = line.split_at_checked(1).context("an empty line")?;
        let number: i32 = number.parse().context("a number")?;
        match sign {
            "+" => drop(groups.insert(number)),
            "-" => drop(groups.remove(&number)),
            _ => blocks.push(u16::try_from(number).context("a block of ports")?),
        }
    }
    for group in groups {
        match killpg(Pid::from_raw(group), Signal::SIGKILL) {
            Ok(()) | Err(nix::Error::ESRCH) => {}
            Err(error) => eprintln!("xtask: kill process group {group}: {error}"),
        }
    }
    disks.iter().try_for_each(|folder| disk::unmount(folder))?;
    blocks.into_iter().try_for_each(|block| Namespaces::of_block(block).remove())
}
