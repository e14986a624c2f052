//! The server, and how its connections are protected.
//!
//! TLS with the certificate verified, unless the URL says `sslmode=disable`; on loopback and over
//! sockets only if it says `sslmode=require`.

use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr as _;

use rustls::ClientConfig;
use tokio_postgres::config::{Host, SslMode};
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
        let tls = client(config.get_ssl_mode(), address.tls_ca.as_deref())?;
        Ok(Self { config, tls: MakeRustlsConnect::new(tls) })
    }

    /// Whether nothing is sent without TLS.
    pub(super) fn is_protected(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }

    /// Connects; the second part moves the bytes.
    pub(in crate::ports::journal) async fn connect(
        &self,
    ) -> Result<(Client, Connection<Socket, Stream>), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }
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
    fn on_loopback_and_sockets_tls_is_asked_for() {
        assert_eq!(mode("postgres://u@127.0.0.1/d"), SslMode::Disable);
        assert_eq!(mode("postgres://u@localhost/d"), SslMode::Disable);
        assert_eq!(mode("postgres://u@%2Frun%2Fpostgresql/d"), SslMode::Disable);
        assert_eq!(mode("postgres://u@127.0.0.1/d?sslmode=require"), SslMode::Require);
    }
}
