//! `cargo xtask bench NAME`: a release build under load.
//!
//! Starts the cluster in plaintext with open limits, runs `gss-bench NAME` against it, stops it.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::cargo::{self, Profile};
use crate::cluster::{self, Cluster, LimitSet};

#[derive(Args)]
pub(crate) struct Options {
    /// What to measure: `core`; `fights`, which needs no cluster.
    name: String,
    /// Nodes of the cluster.
    #[arg(long, default_value_t = 3)]
    nodes: u16,
    /// Routers of the cluster.
    #[arg(long, default_value_t = 2)]
    routers: u16,
    /// Passed to gss-bench.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs one measurement to its end.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binaries = cargo::build(Profile::Release, &["gss-bench"])?;
    if options.name == "fights" {
        let mut bench = Command::new(binaries.join("gss-bench"));
        bench.arg(&options.name).args(&options.args);
        return cargo::must("gss-bench", bench.current_dir(cargo::root()));
    }
    let dir = cargo::target_dir()?.join("bench-cluster");
    let cluster = Cluster::start(&cluster::Options {
        nodes: options.nodes,
        routers: options.routers,
        shards: cluster::SHARDS,
        release: true,
        plaintext: true,
        limits: LimitSet::Open,
        dir: Some(dir),
        base_port: None,
        json_ready: false,
        namespaces: false,
        clocks: false,
        older: None,
        standby: false,
        journal_disk: None,
        no_build: false,
        set: Vec::new(),
    })?;
    let mut bench = Command::new(binaries.join("gss-bench"));
    bench.arg(&options.name).arg("--endpoints").arg(cluster.endpoints_file()).args(&options.args);
    cargo::must("gss-bench", bench.current_dir(cargo::root()))
}
