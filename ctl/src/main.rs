//! gssctl: the dev server, and what operators and tests need beside the running processes.
//!
//! Every command reads or writes what it names and nothing else; none of them is needed for the
//! cluster to run.

mod config;
mod demo;
mod dev;
mod embedded;
mod endpoints;
mod keys;
mod migrate;
mod output;
mod rules;
mod session;
mod shards;
mod source;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "gssctl", version, about = "Tool of the game session service")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything in this process, on embedded defaults.
    Dev(dev::Options),
    /// Run everything in this process, on embedded defaults.
    /// Print a JWT that the running dev server or cluster accepts.
    Token(token::Options),
    /// Create or check the tables of the journal.
    Migrate(migrate::Options),
    /// Show who may write and who serves each shard.
    Shards(shards::Options),
    /// Show where a session stands.
    Session(session::Options),
    /// Generate the keys and certificates of a cluster; existing ones are kept.
    Keys(keys::Options),
    /// Check the rules engine.
    Rules(rules::Options),
    /// Print the configuration file with every key, its documentation and its default.
    Config,
}

#[tokio::main]
async fn main() -> ExitCode {
    gss_shared::tls::install();
    let outcome = match Cli::parse().command {
        Command::Dev(options) => dev::run(&options).await,
        Command::Token(options) => token::run(&options),
        Command::Migrate(options) => migrate::run(&options).await,
        Command::Shards(options) => shards::run(&options).await,
        Command::Session(options) => session::run(&options).await,
        Command::Keys(options) => keys::run(&options),
        Command::Rules(options) => rules::run(&options),
        Command::Config => config::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gssctl: {error:#}");
            ExitCode::FAILURE
        }
    }
}
