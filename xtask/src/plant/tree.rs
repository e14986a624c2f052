//! A copy of the tree in which bugs are planted.
//!
//! It is kept from one plant to the next, and only what differs is written: what is not touched is
//! not built again. It holds the working files, committed or not, so that it serves while they change.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cargo;

/// The copy.
#[derive(Debug)]
pub(super) struct Tree {
    dir: PathBuf,
    target: PathBuf,
}

impl Tree {
    /// The copy in this folder, built into that one.
    pub(super) fn at(dir: PathBuf, target: PathBuf) -> Result<Self> {
        fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
        Ok(Self { dir, target })
    }

    /// The tree as it is, with this one bug.
    pub(super) fn plant(&self, patch: &Path) -> Result<()> {
        self.copy()?;
        // The copy may lie inside the repository, which git would take for the patch's root.
        let above = self.dir.parent().context("a folder above")?;
        let mut apply = Command::new("git");
        apply.arg("apply").arg(patch).current_dir(&self.dir);
        cargo::must("git apply", apply.env("GIT_CEILING_DIRECTORIES", above))
    }

    /// Makes the copy equal to the tree.
    fn copy(&self) -> Result<()> {
        let root = cargo::root();
        let wanted = files(&root)?;
        for file in &wanted {
            let (from, to) = (root.join(file), self.dir.join(file));
            let content = fs::read(&from).with_context(|| format!("read {}", from.display()))?;
            if fs::read(&to).is_ok_and(|there| there == content) {
                continue;
            }
            fs::create_dir_all(to.parent().context("a folder")?)?;
            fs::write(&to, content).with_context(|| format!("write {}", to.display()))?;
        }
        self.remove_others(&self.dir, &wanted)
    }

    fn remove_others(&self, folder: &Path, wanted: &BTreeSet<PathBuf>) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.remove_others(&path, wanted)?;
            } else if !wanted.contains(path.strip_prefix(&self.dir)?) {
                fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// `cargo` in the copy. All that is written goes to the log.
    pub(super) fn cargo(&self, log: &Path) -> Result<Command> {
        let mut command = cargo::cargo();
        command.env("CARGO_TARGET_DIR", &self.target);
        self.prepare(command, log)
    }

    /// A program that was built in the copy.
    pub(super) fn program(&self, name: &str, log: &Path) -> Result<Command> {
        self.prepare(Command::new(self.target.join("debug").join(name)), log)
    }

    fn prepare(&self, mut command: Command, log: &Path) -> Result<Command> {
        let output = File::options().create(true).append(true).open(log);
        let output = output.with_context(|| format!("open {}", log.display()))?;
        command.env("CARGO_TERM_COLOR", "never").current_dir(&self.dir).stdin(Stdio::null());
        command.stdout(output.try_clone()?).stderr(output);
        Ok(command)
    }

    /// Where a try's output goes; empty.
    pub(super) fn log(&self, plant: &str, number: usize) -> Result<PathBuf> {
        let log = self.dir.with_file_name(format!("{plant}-{number}.log"));
        File::create(&log).with_context(|| format!("make {}", log.display()))?;
        Ok(log)
    }
}

/// What git knows or would take, and is there.
fn files(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let output = list.stderr(Stdio::inherit()).output().context("run git ls-files")?;
    if !output.status.success() {
        bail!("git ls-files failed ({})", output.status);
    }
    let text = String::from_utf8(output.stdout)?;
    let files = text.split_terminator('\0').map(PathBuf::from);
    Ok(files.filter(|file| root.join(file).is_file()).collect())
}
