//! `gssctl migrate`: the tables of the journal.

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use gss_shared::ports::journal::Address;
use gss_shared::ports::journal::migrations::{self, State};

use crate::output;

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Apply what is missing.
    Up {
        #[command(flatten)]
        database: Database,
        /// Create the database first when the server does not have it (PostgreSQL).
        #[arg(long)]
        create: bool,
    },
    /// Go back to a migration; what is in the dropped tables is lost.
    Down {
        #[command(flatten)]
        database: Database,
        /// The last migration to stay; 0: none.
        #[arg(long)]
        to: i64,
    },
    /// Show every migration and its state.
    Status {
        #[command(flatten)]
        database: Database,
    },
    /// Fail unless the tables are exactly those of this release.
    Verify {
        #[command(flatten)]
        database: Database,
    },
}

#[derive(Args)]
struct Database {
    /// postgres://user@host:port/database or sqlite:path.
    #[arg(long, env = "GSS_JOURNAL__URL", hide_env_values = true)]
    url: String,
    /// File with the password, instead of in the URL.
    #[arg(long, env = "GSS_JOURNAL__PASSWORD_FILE")]
    password_file: Option<std::path::PathBuf>,
    /// File with authorities for PostgreSQL's certificate, besides the system's.
    #[arg(long, env = "GSS_JOURNAL__TLS_CA")]
    tls_ca: Option<std::path::PathBuf>,
}

impl Database {
    fn address(&self) -> Result<Address> {
        let password = match &self.password_file {
            None => None,
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("read {}", file.display()))?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
        };
        Ok(Address { url: self.url.clone(), password, tls_ca: self.tls_ca.clone() })
    }
}

/// Does it, and prints the state afterwards.
pub(crate) async fn run(options: &Options) -> Result<()> {
    match &options.act {
        Act::Up { database, create } => {
            let address = database.address()?;
            if *create && address.is_postgres() {
                migrations::create_database(&address).await?;
            }
            migrations::up(&address).await?;
            print(&address).await
        }
        Act::Down { database, to } => {
            let address = database.address()?;
            migrations::down(&address, *to).await?;
            print(&address).await
        }
        Act::Status { database } => print(&database.address()?).await,
        Act::Verify { database } => {
            migrations::verify(&database.address()?).await?;
            println!("the tables are those of this release");
            Ok(())
        }
    }
}

async fn print(address: &Address) -> Result<()> {
    let mut text = String::new();
    for migration in migrations::status(address).await? {
        let state = match migration.state {
            State::Applied => "applied",
            State::Pending => "pending",
            State::Changed => "changed",
            State::Unknown => "unknown",
        };
        text.push_str(&format!("{:>4}  {:<12} {state}\n", migration.version, migration.name));
    }
    output::print(&text)
}
