//! `cargo xtask chaos`: builds a release and hands over to `gss-chaos`, with the last release
//! to play beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::cargo::{self, Profile};
use crate::{install, interrupt};

#[derive(Args)]
pub(crate) struct Options {
    /// Names of scenarios, --minutes N, --seed S, --rate R; default: a round of every scenario.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the scenarios to their end; fails when anything was violated.
pub(crate) fn run(options: &Options) -> Result<()> {
    install::servers()?;
    let packages = ["gss-node", "gss-router", "gssctl", "xtask", "gss-chaos"];
    let binaries = cargo::build(Profile::Release, &packages)?;
    let mut chaos = Command::new(binaries.join("gss-chaos"));
    match last_release() {
        Ok(older) => drop(chaos.arg("--older").arg(older)),
        Err(error) if error.is::<interrupt::Interrupted>() => return Err(error),
        Err(error) => eprintln!("\nNO OLDER RELEASE, mixed ones are left out: {error:#}\n"),
    }
    chaos.arg("--out").arg(cargo::target_dir()?.join("chaos")).args(&options.args);
    cargo::must("gss-chaos", chaos.current_dir(cargo::root()))
}

/// The folder with the binaries of the last release, built once and kept.
fn last_release() -> Result<PathBuf> {
    let (version, commit) = released()?;
    let folder = cargo::target_dir()?.join("releases").join(&version);
    let (source, target) = (folder.join("source"), folder.join("target"));
    let binaries = target.join("release");
    if !["gss-node", "gss-router"].iter().all(|name| binaries.join(name).exists()) {
        eprintln!("building {version} in {}", folder.display());
        unpack(&commit, &source)?;
        let mut build = cargo::cargo();
        build.current_dir(&source).env("CARGO_TARGET_DIR", &target);
        build.args(["build", "--release", "--locked", "--bins"]);
        build.args(["--package", "gss-node", "--package", "gss-router"]);
        cargo::must("cargo build", &mut build).with_context(|| format!("build {version}"))?;
    }
    Ok(binaries)
}

/// The last release and its commit: its tag, or what wrote its heading in the changelog where the
/// checkout has no tags.
fn released() -> Result<(String, String)> {
    let changelog = std::fs::read_to_string(cargo::root().join("CHANGELOG.md"))?;
    let version = newest(&changelog).context("CHANGELOG.md has no release")?;
    let tag = git(&["tag", "--list", &format!("v{version}")])?;
    let commit = if tag.is_empty() {
        let heading = format!("## {version} (");
        let wrote = ["log", "--format=%H", "--reverse", "-S", &heading, "--", "CHANGELOG.md"];
        git(&wrote)?.lines().next().map(str::to_owned)
    } else {
        Some(tag)
    };
    let commit = commit.with_context(|| format!("nothing in the history wrote {version}"))?;
    Ok((format!("v{version}"), commit))
}

/// The version of a changelog's first heading with a date.
fn newest(changelog: &str) -> Option<&str> {
    let headings = changelog.lines().filter_map(|line| line.strip_prefix("## "));
    headings.filter_map(|heading| heading.split_once(" (")).map(|(version, _)| version).next()
}

/// A commit's tree as it was, without a repository around it.
fn unpack(commit: &str, source: &Path) -> Result<()> {
    if source.exists() {
        std::fs::remove_dir_all(source).with_context(|| format!("empty {}", source.display()))?;
    }
    std::fs::create_dir_all(source).with_context(|| format!("make {}", source.display()))?;
    let archive = source.with_extension("tar");
    git(&["archive", "--output", &archive.display().to_string(), commit])?;
    let mut tar = Command::new("tar");
    cargo::must("tar", tar.arg("-xf").arg(&archive).arg("-C").arg(source))?;
    std::fs::remove_file(&archive).with_context(|| format!("remove {}", archive.display()))
}

/// What `git` printed.
fn git(words: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    command.args(words).current_dir(cargo::root()).stderr(Stdio::inherit());
    let output = command.output().context("run git")?;
    ensure!(output.status.success(), "git {} failed ({})", words.join(" "), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_release_is_the_first_heading_with_a_date() {
        let changelog =
            "# Changelog\n\n## Unreleased\n\n## 0.2.0 (2027-01-01)\n## 0.1.0 (2026-11-22)\n";
        assert_eq!(newest(changelog), Some("0.2.0"));
        assert_eq!(newest("# Changelog\n\n## Unreleased\n"), None);
    }
}
