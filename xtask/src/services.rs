//! Private instances of the real services on one address, in a directory of their own.
//!
//! Starts a PostgreSQL, a Redis Cluster of 3 masters and 3 replicas, and a RabbitMQ side by side.
//! [`crate::processes::Processes`] stops them.

pub(crate) mod postgres;
pub(crate) mod rabbitmq;
pub(crate) mod redis;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::ports::Ports;
use crate::processes::Processes;
use crate::{install, wait};

/// How long a service may take on a busy machine.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(90);

/// Where the started services are.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    /// URL of a superuser on database `postgres`.
    pub(crate) postgres: String,
    /// URL of the default vhost.
    pub(crate) amqp: String,
    /// `host:port` of every node, masters first.
    pub(crate) redis: Vec<String>,
    /// The journal's own disk.
    pub(crate) journal_disk: Option<PathBuf>,
    /// PostgreSQL's folder, when it cannot be in the directory.
    _home: Option<Arc<TempDir>>,
}

/// What the journal's server has beside itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct JournalServer {
    /// A synchronous standby.
    pub(crate) standby: bool,
    /// A small disk, of so many MiB.
    pub(crate) disk_mib: Option<u32>,
}

/// Installs what is missing, starts all on `host`, and waits until they serve.
pub(crate) fn start(
    processes: &Processes,
    ports: &mut Ports,
    dir: &Path,
    host: Ipv4Addr,
    journal: JournalServer,
) -> Result<Services> {
    install::servers()?;
    let start = wait::now();
    let address = SocketAddrV4::new(host, ports.take()?);
    let mut postgres = postgres::Postgres::plan(dir, address, journal.disk_mib)?;
    let mut standby = None;
    if journal.standby {
        standby = Some(postgres.with_standby(SocketAddrV4::new(host, ports.take()?)));
    }
    let redis = redis::Redis::plan(dir, host, ports)?;
    let rabbitmq = rabbitmq::RabbitMq::plan(dir, host, ports)?;
    std::thread::scope(|scope| {
        let started = [
            ("rabbitmq", scope.spawn(|| rabbitmq.start(processes))),
            ("redis", scope.spawn(|| redis.start(processes))),
            (
                "postgres",
                scope.spawn(|| {
                    postgres.start(processes)?;
                    standby.iter().try_for_each(|it| it.start_as_standby(processes))
                }),
            ),
        ];
        for (name, thread) in started {
            let outcome = thread.join().map_err(|_| anyhow::anyhow!("the thread panicked"));
            outcome.and_then(|it| it).with_context(|| format!("start {name}"))?;
        }
        anyhow::Ok(())
    })?;
    eprintln!("services are up after {:.1} s", start.elapsed().as_secs_f32());
    let (url, journal_disk) = (postgres.url(), postgres.disk());
    Ok(Services {
        postgres: url,
        amqp: rabbitmq.url(),
        redis: redis.nodes(),
        journal_disk,
        _home: postgres.into_temporary().map(Arc::new),
    })
}
