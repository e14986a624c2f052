//! Planted bugs: each patch still fits the tree.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::plant::patch;

/// Patches that cannot be read or do not apply.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let patches = match patch::all(root) {
        Ok(patches) => patches,
        Err(error) => return Ok(vec![format!("{error:#}")]),
    };
    let mut findings = Vec::new();
    for patch in patches {
        let mut apply = Command::new("git");
        apply.args(["apply", "--check"]).arg(&patch.file).current_dir(root);
        let output = apply.output().context("run git apply")?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            let why = why.lines().next().unwrap_or_default();
            findings.push(format!("{}/{}.patch: {why}", patch::FOLDER, patch.name));
        }
    }
    Ok(findings)
}
