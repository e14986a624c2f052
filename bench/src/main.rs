//! Load generator: open-loop load on a real cluster, beside the raw limits of the same machine.

use anyhow::Result;
use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

mod backbone;
mod broadcaster;
mod client;
mod cpu;
mod endpoints;
mod fights;
mod fleet;
mod journal_limit;
mod load;
mod report;

#[derive(Parser)]
#[command(
    name = "gss-bench",
    about = "Measures a running cluster against the raw limits of its machine"
)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// State updates over 100 tables × 10 players: latency, highest rate, CPU, raw limits.
    Core(backbone::Options),
    /// Attacks per second of the rules, resident fights and how soon they decide; needs no cluster.
    Fights(fights::Options),
    /// A bare tokio-tungstenite broadcaster, the raw limit that `core` measures; run by it.
    #[command(hide = true)]
    Broadcast(broadcaster::Options),
}

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> Result<()> {
    let args = Args::parse();
    rustls::crypto::ring::default_provider().install_default().ok();
    gss_shared::jwt::install();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match args.what {
            What::Core(options) => backbone::run(options).await,
            What::Fights(options) => fights::run(&options),
            What::Broadcast(options) => broadcaster::run(options).await,
        }
    })
}
