//! The workspace and its cargo.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::{interrupt, wait};

/// Root of the sources.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// Whether to optimize.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Profile {
    /// `target/debug`.
    Dev,
    /// `target/release`.
    Release,
}

impl Profile {
    /// Release when asked.
    pub(crate) fn of(release: bool) -> Self {
        if release { Self::Release } else { Self::Dev }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// `cargo` as it called us, but for what it told us of this package: build scripts (ring's) take
/// that for theirs and run anew, with all that depends on them, whenever who calls changes.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command.current_dir(root());
    command
}

/// The folder that build output goes to.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let output = command.stderr(Stdio::inherit()).output().context("run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed ({})", output.status);
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let dir = metadata["target_directory"].as_str().context("cargo metadata: target_directory")?;
    Ok(PathBuf::from(dir))
}

/// Builds these packages' binaries and returns the folder they are in.
pub(crate) fn build(profile: Profile, packages: &[&str]) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--bins"]);
    for package in packages {
        command.args(["--package", package]);
    }
    if profile == Profile::Release {
        command.arg("--release");
    }
    must("cargo build", &mut command)?;
    Ok(target_dir()?.join(profile.folder()))
}

/// Runs to its end; an interruption ends it too.
pub(crate) fn run(command: &mut Command) -> Result<ExitStatus> {
    run_within(command, Duration::MAX)?.context("it ended")
}

/// The same, for so long at most. None: it was ended.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<Option<ExitStatus>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command.process_group(0).spawn().with_context(|| format!("start {program}"))?;
    let mut child = Group(child);
    let start = wait::now();
    while start.elapsed() < limit {
        if let Some(status) = child.0.try_wait()? {
            return Ok(Some(status));
        }
        interrupt::check()?;
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
}

/// Runs to its end and fails when it does.
pub(crate) fn must(what: &str, command: &mut Command) -> Result<()> {
    let status = run(command)?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}

/// Ends a command's whole process group if it is still running.
#[derive(Debug)]
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        let Ok(group) = i32::try_from(self.0.id()).map(Pid::from_raw) else { return };
        for (signal, limit) in [(Signal::SIGTERM, 10), (Signal::SIGKILL, 1)] {
            if let Err(error) = killpg(group, signal) {
                eprintln!("xtask: signal process group {group}: {error}");
            }
            let start = wait::now();
            while start.elapsed() < Duration::from_secs(limit) {
                if !matches!(self.0.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// The first of these that is an executable file; names without a slash are looked up in PATH.
pub(crate) fn find_program(candidates: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for candidate in candidates {
        if candidate.contains('/') {
            let file = PathBuf::from(candidate);
            if file.is_file() {
                return Some(file);
            }
            continue;
        }
        let found = std::env::split_paths(&path).map(|dir| dir.join(candidate));
        if let Some(file) = found.into_iter().find(|file| file.is_file()) {
            return Some(file);
        }
    }
    None
}
