//! `cargo xtask test`: every test, on private instances of the real services.

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::cargo;
use crate::ports::Ports;
use crate::processes::Processes;
use crate::services::{self, JournalServer, Services};
use crate::wait;

#[derive(Args)]
pub(crate) struct Options {
    /// Also the long tests (sets GSS_TEST_LONG=1).
    #[arg(long)]
    long: bool,
    /// Builds and tests a release: the loads of some long tests are more than a debug build carries.
    #[arg(long)]
    release: bool,
    /// Passed to nextest, or to cargo test where nextest is not installed.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

impl Options {
    /// What chooses the profile.
    fn profile(&self) -> Option<&'static str> {
        self.release.then_some("--release")
    }

    fn selects_packages(&self) -> bool {
        self.args.iter().any(|word| word.starts_with("-p") || word.starts_with("--package"))
    }
}

/// Starts the services, builds, tests, stops the services.
pub(crate) fn run(options: &Options) -> Result<()> {
    let start = wait::now();
    let dir = tempfile::Builder::new().prefix("gss-test-").tempdir()?;
    make_reachable(dir.path())?;
    let processes = Processes::new(dir.path())?;
    let mut ports = Ports::reserve(None)?;
    println!("starting PostgreSQL, Redis Cluster and RabbitMQ in {}", dir.path().display());
    let (host, journal) = (Ipv4Addr::LOCALHOST, JournalServer::default());
    let services = services::start(&processes, &mut ports, dir.path(), host, journal)?;
    if !options.selects_packages() {
        println!("building");
        // In one go: apart, dependencies would be built twice, with other features.
        let mut build = cargo::cargo();
        build.args(["build", "--workspace", "--bins", "--tests"]).args(options.profile());
        cargo::must("cargo build", &mut build)?;
    }
    println!("testing");
    let mut failed = Vec::new();
    if !cargo::run(&mut tests(options, &services))?.success() {
        failed.push("tests");
    }
    if options.args.is_empty() {
        println!("testing the examples in the documentation");
        let mut doc = cargo::cargo();
        doc.args(["test", "--workspace", "--doc"]).args(options.profile());
        if !cargo::run(with_environment(&mut doc, options, &services))?.success() {
            failed.push("doc tests");
        }
    }
    println!("stopping the services");
    drop(processes);
    let seconds = start.elapsed().as_secs();
    if !failed.is_empty() {
        bail!("{} failed after {seconds} s", failed.join(" and "));
    }
    println!("all tests passed in {seconds} s");
    Ok(())
}

/// PostgreSQL's user has to get to its folder.
fn make_reachable(dir: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o711))?;
    Ok(())
}

fn tests(options: &Options, services: &Services) -> Command {
    let mut command = cargo::cargo();
    if cargo::find_program(&["cargo-nextest"]).is_some() {
        command.args(["nextest", "run", "--no-fail-fast", "--no-tests=warn"]);
    } else {
        println!("cargo-nextest is not installed: using cargo test");
        command.args(["test", "--no-fail-fast", "--lib", "--bins", "--tests"]);
    }
    command.args(options.profile());
    if !options.selects_packages() {
        command.arg("--workspace");
    }
    command.args(&options.args);
    with_environment(&mut command, options, services);
    command
}

fn with_environment<'a>(
    command: &'a mut Command,
    options: &Options,
    services: &Services,
) -> &'a mut Command {
    command
        .env("GSS_TEST_POSTGRES", &services.postgres)
        .env("GSS_TEST_REDIS", services.redis.join(","))
        .env("GSS_TEST_AMQP", &services.amqp);
    if options.long {
        command.env("GSS_TEST_LONG", "1");
    }
    command
}
