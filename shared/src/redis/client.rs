//! Makes the crate's clients for single servers: protocol, credentials, TLS.

use std::path::Path;

use redis::cluster::NodeAddress;
use redis::io::tcp::TcpSettings;
use redis::{
    Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo, ProtocolVersion,
    RedisConnectionInfo, RedisResult, TlsCertificates,
};

use super::config::{RedisConfig, RedisConfigError};
use crate::config::Secret;

/// Settings that the clients of all servers share.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    username: Option<String>,
    password: Option<Secret>,
    certificates: Option<TlsCertificates>,
}

impl Clients {
    /// Reads the TLS files.
    pub(super) fn new(config: &RedisConfig) -> Result<Self, RedisConfigError> {
        let certificates = match &config.tls {
            None => None,
            Some(tls) => {
                let client_tls = match &tls.identity {
                    None => None,
                    Some((cert, key)) => {
                        Some(ClientTlsConfig { client_cert: read(cert)?, client_key: read(key)? })
                    }
                };
                let root_cert = tls.ca_file.as_deref().map(read).transpose()?;
                Some(TlsCertificates { client_tls, root_cert })
            }
        };
        let (username, password) = (config.username.clone(), config.password.clone());
        let clients = Self { username, password, certificates };
        for node in &config.nodes {
            clients.client(&super::config::address(node)?).map_err(RedisConfigError::Client)?;
        }
        Ok(clients)
    }

    /// A client of one server. Connects to nothing yet.
    pub(super) fn client(&self, address: &NodeAddress) -> RedisResult<Client> {
        let (host, port) = (address.host().to_owned(), address.port());
        let mut settings = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        if let Some(username) = &self.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password.expose());
        }
        // The default waits for the acknowledgement of what was sent before: 40 ms for a publish.
        let tcp = TcpSettings::default().set_nodelay(true);
        match &self.certificates {
            None => {
                let info = ConnectionAddr::Tcp(host, port).into_connection_info()?;
                Client::open(info.set_redis_settings(settings).set_tcp_settings(tcp))
            }
            Some(certificates) => {
                let address =
                    ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None };
                let info = address.into_connection_info()?.set_redis_settings(settings);
                Client::build_with_tls(info.set_tcp_settings(tcp), certificates.clone())
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, RedisConfigError> {
    std::fs::read(path).map_err(|source| RedisConfigError::File { path: path.to_owned(), source })
}
