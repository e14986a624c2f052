//! The journal's two servers: which of them writes, its failover to the standby, and the return of
//! the one that ended, as a standby.
//!
//! Keeps that what was confirmed is on both whenever [`promote`] strikes. It does not fence: that no
//! old primary goes on writing somewhere is the operator's to ensure for real databases; here it is
//! dead before the other is promoted, and is only ever started again as the other's standby.

use std::str::FromStr as _;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::Instant;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};

use crate::cluster::Cluster;

/// How long a copy of the journal may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
const WRITES: &str = "SELECT NOT pg_is_in_recovery()";
/// Whether commits wait for a standby, as far as this connection knows.
const WAITS: &str = "SELECT current_setting('synchronous_standby_names') <> ''";
const ALONE: &str = "SELECT current_setting('synchronous_standby_names') = ''";
/// A standby is connected and up to date. A copy under way, which streams too, has another name.
const STREAMS: &str = "SELECT count(*) = 1 FROM pg_stat_replication \
                       WHERE state = 'streaming' AND application_name = 'walreceiver'";

/// The names of the servers of a cluster, in the order of the hosts of its journal's URL.
pub fn names(hosts: usize) -> impl Iterator<Item = String> {
    (1..=hosts).map(|number| match number {
        1 => "postgres".to_owned(),
        _ => format!("postgres-{number}"),
    })
}

/// The server that writes: the only one, or of two the one that is no standby.
///
/// # Errors
/// When neither does.
pub async fn primary(cluster: &Cluster) -> Result<String> {
    let mut servers = servers(cluster)?;
    if servers.len() == 1 {
        return Ok(servers.remove(0).0);
    }
    for (name, config) in servers {
        if let Ok(client) = connect(&config).await
            && is(&client, WRITES).await?
        {
            return Ok(name);
        }
    }
    bail!("no server of the journal writes")
}

/// Kills the primary and promotes its standby, which waits for nobody. Gives the name of the one
/// that was killed.
///
/// # Errors
/// When there is no standby that has everything that was confirmed.
pub async fn promote(cluster: &mut Cluster) -> Result<String> {
    let old = primary(cluster).await?;
    let standby = server(cluster, |name| name != old)?;
    let client = connect(&server(cluster, |name| name == old)?).await?;
    ensure!(is(&client, WAITS).await?, "{old} waits for no standby");
    ensure!(is(&client, STREAMS).await?, "{old} has no standby");
    cluster.kill(&old).await?;
    let client = connect(&standby).await.context("connect to the standby")?;
    set(&client, "ALTER SYSTEM SET synchronous_standby_names = ''", ALONE).await?;
    ensure!(is(&client, "SELECT pg_promote()").await?, "the standby of {old} is not promoted");
    Ok(old)
}

/// Starts the one that was killed as the standby of the other, and waits until nothing is confirmed
/// any more that is not on both.
///
/// # Errors
/// When it does not get there.
pub async fn rejoin(cluster: &mut Cluster, old: &str) -> Result<()> {
    cluster.restart(old)?;
    let client = connect(&server(cluster, |name| name != old)?).await?;
    await_that(&client, STREAMS).await?;
    set(&client, "ALTER SYSTEM RESET synchronous_standby_names", WAITS).await?;
    let written: String = client.query_one("SELECT pg_current_wal_lsn()::text", &[]).await?.get(0);
    let whole = format!(
        "SELECT count(*) = 1 FROM pg_stat_replication \
         WHERE sync_state = 'sync' AND flush_lsn >= '{written}'"
    );
    await_that(&client, &whole).await
}

/// Name and way of each.
fn servers(cluster: &Cluster) -> Result<Vec<(String, Config)>> {
    let all = Config::from_str(&cluster.endpoints().postgres)?;
    let of = |(name, (host, port)): (String, (&Host, &u16))| {
        let mut one = Config::new();
        let Host::Tcp(host) = host else { bail!("{name} is not reached by TCP") };
        one.host(host).port(*port).ssl_mode(all.get_ssl_mode());
        one.user(all.get_user().context("a user")?).dbname(all.get_dbname().context("a name")?);
        Ok((name, one))
    };
    let hosts = all.get_hosts();
    names(hosts.len()).zip(hosts.iter().zip(all.get_ports())).map(of).collect()
}

fn server(cluster: &Cluster, fits: impl Fn(&str) -> bool) -> Result<Config> {
    let found = servers(cluster)?.into_iter().find(|(name, _)| fits(name));
    Ok(found.context("the journal has one server: started without a standby")?.1)
}

async fn connect(config: &Config) -> Result<Client> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn is(client: &Client, condition: &str) -> Result<bool> {
    Ok(client.query_one(condition, &[]).await?.get(0))
}

/// Changes a setting until commits heed it: the checkpointer tells them whether to wait, and has
/// read the setting before it makes a checkpoint.
async fn set(client: &Client, setting: &str, read: &str) -> Result<()> {
    client.batch_execute(setting).await?;
    client.batch_execute("SELECT pg_reload_conf()").await?;
    await_that(client, read).await?;
    Ok(client.batch_execute("CHECKPOINT").await?)
}

async fn await_that(client: &Client, condition: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is(client, condition).await? {
        ensure!(Instant::now() < deadline, "not within {PATIENCE:?}: {condition}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
