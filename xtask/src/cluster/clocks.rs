//! A wall clock of its own for each node and router, so that tests can set it.
//!
//! libfaketime reads how far a process's clock is off from a file per process, a second after it was
//! written at the latest. Monotonic time stays as it is: no machine's clock makes that jump.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Where Debian keeps libraries; the architecture's folder is between.
const LIBRARIES: &str = "/usr/lib";
/// The one for programs with threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The library, when it is installed.
pub(super) fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir(LIBRARIES).ok()?.flatten();
    folders.map(|folder| folder.path().join(LIBRARY)).find(|path| path.exists())
}

/// The folder of all clocks: a file for each process, with its name.
pub(super) fn folder(dir: &Path) -> PathBuf {
    dir.join("clocks")
}

/// Writes a clock that is right; the environment in which a process goes by it.
pub(super) fn environment(dir: &Path, id: &str) -> Result<BTreeMap<String, String>> {
    let library = library().context("libfaketime is not installed")?;
    let folder = folder(dir);
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let file = folder.join(id);
    std::fs::write(&file, "+0").with_context(|| format!("write {}", file.display()))?;
    let variables = [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
        // Without it every look at the clock would read the file.
        ("FAKETIME_CACHE_DURATION", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    Ok(variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
