//! `gss-router`: one router on PostgreSQL, Redis and links to nodes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use gss_router::app::{self, Ports, RouterHandle};
use gss_shared::admin::{self, Admin, Dependencies, Health, Readiness, ReadyStatus};
use gss_shared::clock::Clock;
use gss_shared::config::{Config, Process};
use gss_shared::link::transport::{LinkSecurity, TcpDialer};
use gss_shared::ports::directory::RedisDirectory;
use gss_shared::ports::fanout::RedisFanout;
use gss_shared::ports::journal::{self, Journal};
use gss_shared::ports::rate::FallbackLimits;
use gss_shared::redis::Redis;
use gss_shared::{jwt, runtime, telemetry, tls};
use mimalloc::MiMalloc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Between two looks at the journal for `/readyz`.
const JOURNAL_LOOK: Duration = Duration::from_secs(2);
/// Looks that must fail in a row before the journal counts as down.
const JOURNAL_MISSES: u32 = 3;

/// Serves players: WebSocket and REST.
#[derive(Parser)]
#[command(name = "gss-router", version, about)]
struct Arguments {
    /// TOML file with the configuration. GSS_SECTION__KEY of the environment wins over it.
    #[arg(long, env = "GSS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// A key of the configuration, as in router.listen=0.0.0.0:8080. Wins over all else.
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
            eprintln!("gss-router: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> anyhow::Result<()> {
    let config = Config::load(arguments.config.as_deref(), &arguments.set)?;
    config.check_for(Process::Router)?;
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
    let registry = telemetry::registry(&config.router.id);
    let redis = config.redis_config()?.context("redis.nodes is empty")?;
    let redis = Redis::connect(&redis).context("set up Redis")?;
    let journal = config.journal_config()?;
    let journal = journal::open(&journal, &clock).await.context("open the journal")?.journal;
    let security = LinkSecurity::from_config(&config.link)?.context("links have no security")?;
    if let LinkSecurity::Tls(tls) = &security {
        tokio::spawn(Arc::clone(tls.identity()).watch(stop.clone()));
    }
    let admin = TcpListener::bind(config.router.admin_listen).await;
    let admin = admin.with_context(|| format!("listen on {}", config.router.admin_listen))?;
    let ports = Ports {
        directory: Arc::new(RedisDirectory::new(redis.clone())),
        fanout: Arc::new(RedisFanout::new(redis.clone())),
        limits: Arc::new(FallbackLimits::new(redis.clone())),
        journal: Arc::clone(&journal),
        dialer: Arc::new(TcpDialer { security }),
    };
    let router = app::run(config, ports, &registry, clock, stop.clone()).await?;
    let router = Arc::new(router);
    let (seen, journal_up) = watch::channel(true);
    let looking = tokio::spawn(look(journal, seen, stop.clone()));
    let readiness = {
        let router = Arc::clone(&router);
        move || readiness(&router, *journal_up.borrow(), redis.is_healthy())
    };
    let admin_stop = CancellationToken::new();
    let admin_port = Admin { registry, readiness: Arc::new(readiness), routes: None };
    let admin = tokio::spawn(admin::serve(admin, admin_port, admin_stop.clone()));

    tokio::select! {
        _ = terminate.recv() => {
            tracing::info!("asked to leave: draining");
            // A second signal ends the drain.
            tokio::select! {
                () = router.drain() => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ = interrupt.recv() => tracing::info!("interrupted"),
        () = router.failed() => {
            router.stop().await;
            anyhow::bail!("a task of the router panicked");
        }
    }
    router.stop().await;
    stop.cancel();
    admin_stop.cancel();
    looking.await?;
    admin.await?;
    Ok(())
}

fn readiness(router: &RouterHandle, journal: bool, redis: bool) -> Readiness {
    let status = if router.draining() {
        ReadyStatus::Draining
    } else if router.ready() {
        ReadyStatus::Ready
    } else {
        ReadyStatus::Unavailable
    };
    let dependencies =
        Dependencies { postgres: journal.into(), redis: redis.into(), hub: Health::Unused };
    Readiness { status, dependencies }
}

/// Looks at the journal from time to time; one miss is none.
async fn look(journal: Arc<dyn Journal>, seen: watch::Sender<bool>, stop: CancellationToken) {
    let mut misses = 0;
    while stop.run_until_cancelled(tokio::time::sleep(JOURNAL_LOOK)).await.is_some() {
        let looked = tokio::time::timeout(JOURNAL_LOOK, journal.clock()).await;
        misses = if matches!(looked, Ok(Ok(_))) { 0 } else { misses + 1 };
        let up = misses < JOURNAL_MISSES;
        if seen.send_replace(up) != up {
            tracing::warn!(up, "the journal's state changed");
        }
    }
}
