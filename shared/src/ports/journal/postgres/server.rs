//! The server, and how its connections are protected.
//!
//! TLS with the certificate verified, unless the URL says `sslmode=disable`; on loopback and over
//! sockets only if it says `sslmode=require`. Of several hosts it is the one that takes writes,
//! asked in random order: one that accepts connections and is silent must not be in the way of the
//! others for ever.

use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use rustls::ClientConfig;
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode, TargetSessionAttrs};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ports::journal::{Address, BoxError};
use crate::tls;

/// The connections' stream under TLS.
pub(super) type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// Where the server is, and whom it may be.
#[derive(Clone)]
pub(in crate::ports::journal) struct Server {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

impl Server {
    /// Does not connect.
    pub(in crate::ports::journal) fn of(address: &Address) -> Result<Self, BoxError> {
        let mut config = Config::from_str(&address.url)?;
        if let Some(password) = &address.password {
            config.password(password);
        }
        if config.get_ssl_mode() == SslMode::Prefer {
            let addresses = config.get_hostaddrs().iter().all(IpAddr::is_loopback);
            let local = addresses && config.get_hosts().iter().all(is_local);
            config.ssl_mode(if local { SslMode::Disable } else { SslMode::Require });
        }
        if hosts(&config) > 1 {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
            config.load_balance_hosts(LoadBalanceHosts::Random);
        }
        let tls = client(config.get_ssl_mode(), address.tls_ca.as_deref())?;
        Ok(Self { config, tls: MakeRustlsConnect::new(tls) })
    }

    /// Whether nothing is sent without TLS.
    pub(super) fn is_protected(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }

    /// Each host gets its part of `bound` to accept a connection: one that is gone must not use up
    /// the time in which another would answer.
    pub(super) fn accepted_within(&mut self, bound: Duration) {
        let hosts = u32::try_from(hosts(&self.config)).unwrap_or(u32::MAX);
        self.config.connect_timeout(bound / hosts.max(1));
    }

    /// Connects; the second part moves the bytes.
    pub(in crate::ports::journal) async fn connect(
        &self,
    ) -> Result<(Client, Connection<Socket, Stream>), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }
}

fn hosts(config: &Config) -> usize {
    config.get_hosts().len().max(config.get_hostaddrs().len())
}

fn client(mode: SslMode, ca: Option<&Path>) -> Result<ClientConfig, tls::TlsError> {
    let tls = match mode {
        SslMode::Disable => tls::client_of(rustls::RootCertStore::empty())?,
        _ => tls::public_client(ca)?,
    };
    Ok(tls.as_ref().clone())
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        tls::install();
        Server::of(&Address::from(url)).expect("a URL").config.get_ssl_mode()
    }

    #[test]
    fn off_loopback_nothing_goes_without_tls_unless_told() {
        assert_eq!(mode("postgres://u@db.example/d"), SslMode::Require);
        assert_eq!(mode("postgres://u@127.0.0.1,db.example/d"), SslMode::Require);
        assert_eq!(mode("postgres://u@db.example/d?sslmode=prefer"), SslMode::Require);
        // The address is what is connected to, whatever the host is called.
        assert_eq!(mode("postgres://u@localhost/d?hostaddr=10.0.0.5"), SslMode::Require);
        assert_eq!(mode("postgres:///d?hostaddr=10.0.0.5"), SslMode::Require);
        assert_eq!(mode("postgres://u@db.example/d?sslmode=disable"), SslMode::Disable);
    }

    #[test]
    fn of_several_hosts_any_may_be_the_primary_and_none_uses_up_the_time() {
        tls::install();
        let of = |url: &str| {
            let mut server = Server::of(&Address::from(url)).expect("a URL");
            server.accepted_within(Duration::from_secs(4));
            server.config
        };
        let two = of("postgres://u@127.0.0.1:1,127.0.0.1:2/d");
        assert_eq!(two.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(two.get_load_balance_hosts(), LoadBalanceHosts::Random);
        assert_eq!(two.get_connect_timeout(), Some(&Duration::from_secs(2)));
        let one = of("postgres://u@127.0.0.1:1/d");
        assert_eq!(one.get_target_session_attrs(), TargetSessionAttrs::Any);
        assert_eq!(one.get_connect_timeout(), Some(&Duration::from_secs(4)));
    }

    #[test]
    fn on_loopback_and_sockets_tls_is_asked_for() {
        assert_eq!(mode("postgres://u@127.0.0.1/d"), SslMode::Disable);
        assert_eq!(mode("postgres://u@localhost/d"), SslMode::Disable);
        assert_eq!(mode("postgres://u@%2Frun%2Fpostgresql/d"), SslMode::Disable);
        assert_eq!(mode("postgres://u@127.0.0.1/d?sslmode=require"), SslMode::Require);
    }
}
