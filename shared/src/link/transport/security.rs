//! How the two sides of a link prove themselves.

use std::sync::Arc;

use ring::hmac;
use ring::rand::SecureRandom as _;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::LinkError;
use crate::config::{Config, ConfigError, LinkSection};
use crate::link::frame::PeerRole;
use crate::tls;

/// What protects the links of a process.
#[derive(Clone)]
pub enum LinkSecurity {
    /// Plain bytes after both proved that they hold the key. Only on loopback.
    SharedKey(SharedKey),
    /// Mutual TLS with roles in the certificates.
    Tls(LinkTls),
}

impl LinkSecurity {
    /// What `link` of the configuration says; None: nothing.
    ///
    /// # Errors
    /// [`ConfigError::File`] when key or certificates cannot be used.
    pub fn from_config(section: &LinkSection) -> Result<Option<Self>, ConfigError> {
        if let Some(path) = &section.shared_key_file {
            let key = Config::read_key("link.shared_key_file", path)?;
            return Ok(Some(Self::SharedKey(SharedKey::new(&key))));
        }
        let (Some(cert), Some(key), Some(ca)) = (&section.cert, &section.key, &section.ca) else {
            return Ok(None);
        };
        let wrong = |error: tls::TlsError| ConfigError::File {
            key: "link.cert",
            path: cert.clone(),
            reason: error.to_string(),
        };
        let identity = tls::Identity::load(cert, key).map_err(wrong)?;
        let authorities = tls::authorities(ca).map_err(wrong)?;
        LinkTls::new(identity, authorities).map(|tls| Some(Self::Tls(tls))).map_err(wrong)
    }
}

/// A secret that all processes of a cluster on one machine share. Never sent.
#[derive(Clone)]
pub struct SharedKey(Arc<hmac::Key>);

/// Whose proof: keeps one side's from being played back as the other's.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Client,
    Server,
}

/// A number that is never used twice.
pub(super) type Nonce = [u8; 32];

/// An authentication code over both nonces and the opening frame.
pub(super) type Proof = [u8; 32];

impl SharedKey {
    /// `key`: at least 32 random bytes.
    pub fn new(key: &[u8]) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, key)))
    }

    /// A key for processes that live in this one.
    ///
    /// # Panics
    /// When the system has no random numbers.
    pub fn random() -> Self {
        Self::new(&nonce())
    }

    /// Proof that `side` holds the key, for the opening frame (with the client's nonce in it).
    pub(super) fn prove(&self, side: Side, open: &[u8], server_nonce: &Nonce) -> Proof {
        let tag = hmac::sign(&self.0, &Self::message(side, open, server_nonce));
        let mut proof = [0; 32];
        proof.copy_from_slice(tag.as_ref());
        proof
    }

    pub(super) fn holds(&self, side: Side, open: &[u8], server: &Nonce, proof: &Proof) -> bool {
        hmac::verify(&self.0, &Self::message(side, open, server), proof).is_ok()
    }

    fn message(side: Side, open: &[u8], server_nonce: &Nonce) -> Vec<u8> {
        let label: &[u8] = match side {
            Side::Client => b"gss-link-client",
            Side::Server => b"gss-link-server",
        };
        [label, server_nonce, open].concat()
    }
}

/// Random bytes for one handshake.
pub(super) fn nonce() -> Nonce {
    let mut nonce = [0; 32];
    ring::rand::SystemRandom::new().fill(&mut nonce).expect("the system has random numbers");
    nonce
}

/// Certificates of the links: an authority of their own, and in each certificate the DNS name
/// `router.role.gss` or `node.role.gss`. Hosts are not named: processes move, roles do not.
#[derive(Clone)]
pub struct LinkTls {
    identity: Arc<tls::Identity>,
    acceptor: TlsAcceptor,
    connector: TlsConnector,
}

impl LinkTls {
    /// Shows `identity`, trusts `authorities` only.
    ///
    /// # Errors
    /// [`tls::TlsError`] when they cannot be used.
    pub fn new(
        identity: Arc<tls::Identity>,
        authorities: rustls::RootCertStore,
    ) -> Result<Self, tls::TlsError> {
        let server = tls::mutual_server(Arc::clone(&identity), authorities.clone())?;
        let client = tls::mutual_client(Arc::clone(&identity), authorities)?;
        Ok(Self { identity, acceptor: server.into(), connector: client.into() })
    }

    /// The certificate, for [`tls::Identity::watch`].
    pub fn identity(&self) -> &Arc<tls::Identity> {
        &self.identity
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    pub(super) fn connector(&self) -> &TlsConnector {
        &self.connector
    }
}

/// The DNS name that stands for a role.
pub(super) fn role_name(role: PeerRole) -> ServerName<'static> {
    let name = match role {
        PeerRole::Router => "router.role.gss",
        PeerRole::Node => "node.role.gss",
    };
    ServerName::try_from(name).expect("a DNS name")
}

/// Roles that the peer's certificate gives it.
pub(super) fn certified_roles(
    certificates: Option<&[CertificateDer<'_>]>,
) -> Result<Vec<PeerRole>, LinkError> {
    let not_authentic = |reason: &str| LinkError::NotAuthentic(reason.to_owned());
    let own = certificates.and_then(<[_]>::first).ok_or_else(|| not_authentic("no certificate"))?;
    let parsed = ParsedCertificate::try_from(own)
        .map_err(|error| LinkError::NotAuthentic(error.to_string()))?;
    let names = |role: &PeerRole| verify_server_name(&parsed, &role_name(*role)).is_ok();
    Ok([PeerRole::Router, PeerRole::Node].into_iter().filter(names).collect())
}
