//! `gss-node`: one owner process on PostgreSQL, Redis and RabbitMQ.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use gss_node::app::{self, Addresses, NodeHandle, Ports};
use gss_shared::admin::{self, Admin};
use gss_shared::clock::Clock;
use gss_shared::config::{Config, Process};
use gss_shared::hot_keys::HotKeys;
use gss_shared::ids::Incarnation;
use gss_shared::link::transport::{LinkListener, LinkSecurity, TcpDialer};
use gss_shared::ports::directory::RedisDirectory;
use gss_shared::ports::fanout::RedisFanout;
use gss_shared::ports::journal;
use gss_shared::redis::Redis;
use gss_shared::{jwt, runtime, telemetry, tls};
use mimalloc::MiMalloc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Owns sessions: decides, commits, tells.
#[derive(Parser)]
#[command(name = "gss-node", version, about)]
struct Arguments {
    /// TOML file with the configuration. GSS_SECTION__KEY of the environment wins over it.
    #[arg(long, env = "GSS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// A key of the configuration, as in node.id=node-1. Wins over all else.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be section.key=value")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match start(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "node cannot run");
            eprintln!("gss-node: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> anyhow::Result<()> {
    let config = Config::load(arguments.config.as_deref(), &arguments.set)?;
    config.check_for(Process::Node)?;
    telemetry::init(&config.log)?;
    tls::install();
    jwt::install();
    runtime::build()?.block_on(serve(&config))
}

async fn serve(config: &Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let stop = CancellationToken::new();
    let clock = Clock::system();
    let registry = telemetry::registry(&config.node.id);
    let identity = app::identity(config, Incarnation(rand::random()));
    let redis = config.redis_config()?.context("redis.nodes is empty")?;
    let redis = Redis::connect(&redis).context("set up Redis")?;
    let journal = config.journal_config()?;
    let journal = journal::open(&journal, &clock).await.context("open the journal")?.journal;
    // Before any session waits for it.
    gss_session::read_rulebooks();
    let security = LinkSecurity::from_config(&config.link)?.context("links have no security")?;
    if let LinkSecurity::Tls(tls) = &security {
        tokio::spawn(Arc::clone(tls.identity()).watch(stop.clone()));
    }
    let listen = config.node.link_listen;
    let acceptor = LinkListener::bind(listen, security.clone(), identity.clone())
        .await
        .with_context(|| format!("listen for links on {listen}"))?;
    let admin = TcpListener::bind(config.node.admin_listen).await;
    let admin = admin.with_context(|| format!("listen on {}", config.node.admin_listen))?;
    let ports = Ports {
        journal,
        directory: Arc::new(RedisDirectory::new(redis.clone())),
        fanout: Arc::new(RedisFanout::new(redis.clone())),
        hub: config.hub()?,
        hot_keys: Some(Arc::new(HotKeys::new(redis))),
        acceptor: Box::new(acceptor),
        dialer: Arc::new(TcpDialer { security }),
    };
    let addresses = Addresses {
        link: config.node.link_advertise.clone().unwrap_or_else(|| listen.to_string()),
        admin: config
            .node
            .admin_advertise
            .clone()
            .unwrap_or_else(|| config.node.admin_listen.to_string()),
    };
    let node = app::run(config, identity, ports, addresses, &registry, clock, &stop)
        .context("register metrics")?;
    let node = Arc::new(node);
    let readiness = {
        let node = Arc::clone(&node);
        move || node.readiness()
    };
    let admin_stop = CancellationToken::new();
    let admin_port = Admin { registry, readiness: Arc::new(readiness), routes: None };
    let admin = tokio::spawn(admin::serve(admin, admin_port, admin_stop.clone()));
    tokio::select! {
        _ = terminate.recv() => leave(&node, &mut interrupt).await,
        _ = interrupt.recv() => {
            tracing::info!("interrupted");
            node.stop().await;
        }
        () = node.failed() => {
            node.stop().await;
            anyhow::bail!("a task of the node panicked");
        }
    }
    stop.cancel();
    admin_stop.cancel();
    admin.await?;
    Ok(())
}

/// Drains; an interrupt ends the drain.
async fn leave(node: &NodeHandle, interrupt: &mut tokio::signal::unix::Signal) {
    tokio::select! {
        () = node.drain_and_stop() => {}
        _ = interrupt.recv() => node.stop().await,
    }
}
