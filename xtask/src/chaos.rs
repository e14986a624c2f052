//! `cargo xtask chaos`: builds a release and hands over to `gss-chaos`.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::cargo::{self, Profile};
use crate::install;

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
    chaos.arg("--out").arg(cargo::target_dir()?.join("chaos")).args(&options.args);
    cargo::must("gss-chaos", chaos.current_dir(cargo::root()))
}
