//! A small disk for a folder: a tmpfs, so that it can be filled without harm to others.
//!
//! The [`crate::reaper`] takes it away at the end of this process, whatever its end.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::cargo;

/// Mounts it over an empty folder.
pub(crate) fn mount(folder: &Path, mib: u32) -> Result<()> {
    let size = format!("size={mib}m");
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", &size, "gss-journal"]).arg(folder);
    cargo::must("mount", &mut mount)
}

/// Takes it away, with what is on it, as soon as the last process lets go of it.
pub(crate) fn unmount(folder: &Path) -> Result<()> {
    let mounts = std::fs::read_to_string("/proc/self/mounts")?;
    let folder = folder.to_string_lossy();
    if mounts.lines().any(|line| line.split(' ').nth(1) == Some(&folder)) {
        cargo::must("umount", Command::new("umount").arg("--lazy").arg(folder.as_ref()))?;
    }
    Ok(())
}
