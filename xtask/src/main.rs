//! The project's commands: `cargo xtask dev | test | lint | cluster | content | bench | plant`.
//!
//! Owns nothing of the product. Whatever it starts it stops by process id, also after Ctrl-C, an
//! error or its own violent death; a service that was running before is never touched.

mod bench;
mod cargo;
mod chaos;
mod cluster;
mod content;
mod dev;
mod disk;
mod install;
mod interrupt;
mod lint;
mod namespaces;
mod plant;
mod ports;
mod processes;
mod reaper;
mod services;
mod test;
mod wait;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's commands", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build and run everything in one process, on embedded defaults.
    Dev {
        /// Passed to `gssctl dev`: --data, --port, --demo, --reset.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run every test on private instances of the real services.
    Test(test::Options),
    /// Formatting, clippy, dependencies, and the rules of the tree.
    Lint(lint::Options),
    /// The real thing on loopback, until interrupted.
    Cluster(cluster::Options),
    /// Measure a release build: `bench core`.
    Bench(bench::Options),
    /// The rules' data files from their sources.
    Content(content::Options),
    /// Faults under load on real processes, and checks of all histories.
    Chaos(chaos::Options),
    /// Plant known bugs in a copy of the tree; each must be found.
    Plant(plant::Options),
    /// Start a process again as its description says (used by `restart` in endpoints.json).
    #[command(hide = true)]
    Start {
        description: PathBuf,
        /// As the other release, with which it was described.
        #[arg(long)]
        exchange: bool,
    },
    /// Wait for the parent's end, then end what it left.
    #[command(hide = true)]
    Reap,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Reap => reaper::serve(),
        Command::Start { description, exchange } => processes::start_again(&description, exchange),
        Command::Dev { args } => interrupt::watch().and_then(|()| dev::run(&args)),
        Command::Test(options) => interrupt::watch().and_then(|()| test::run(&options)),
        Command::Lint(options) => interrupt::watch().and_then(|()| lint::run(&options)),
        Command::Cluster(options) => interrupt::watch().and_then(|()| cluster::run(&options)),
        Command::Chaos(options) => interrupt::watch().and_then(|()| chaos::run(&options)),
        Command::Content(options) => interrupt::watch().and_then(|()| content::run(&options)),
        Command::Bench(options) => interrupt::watch().and_then(|()| bench::run(&options)),
        Command::Plant(options) => interrupt::watch().and_then(|()| plant::run(&options)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<interrupt::Interrupted>() => ExitCode::from(130),
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
