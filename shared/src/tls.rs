//! TLS with ring: certificates that are read again when their files change, and the settings of
//! servers and clients.
//!
//! Every setting names its provider, so that nothing depends on what a process installed;
//! [`install`] is for the libraries that take the process's default.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SignatureScheme};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often certificate files are compared with what is in use.
const RELOAD: Duration = Duration::from_secs(10);

/// Why certificates, keys or authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read or holds no PEM of the expected kind.
    #[error("{}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Certificate and key do not fit each other, or the settings contradict themselves.
    #[error("TLS cannot be set up")]
    Rustls(#[from] rustls::Error),
    /// The authorities cannot check clients.
    #[error("TLS clients cannot be checked")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// Makes ring the process's TLS provider. Idempotent; call it first thing in `main`.
pub fn install() {
    if CryptoProvider::get_default().is_none() {
        let installed = rustls::crypto::ring::default_provider().install_default();
        debug_assert!(installed.is_ok() || CryptoProvider::get_default().is_some());
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A certificate chain with its key, as the files last held them.
#[derive(Debug)]
pub struct Identity {
    cert: PathBuf,
    key: PathBuf,
    current: watch::Sender<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    files: (Vec<u8>, Vec<u8>),
    certified: Arc<CertifiedKey>,
}

impl Identity {
    /// Reads both files.
    ///
    /// # Errors
    /// [`TlsError`] when they are not there, not PEM or do not fit each other.
    pub fn load(cert: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let current = watch::Sender::new(read(cert, key)?);
        Ok(Arc::new(Self { cert: cert.to_owned(), key: key.to_owned(), current }))
    }

    /// Takes over changed files; true: they had changed. What is in use stays when they are wrong.
    ///
    /// # Errors
    /// As [`Identity::load`].
    pub fn reload(&self) -> Result<bool, TlsError> {
        let loaded = read(&self.cert, &self.key)?;
        Ok(self.current.send_if_modified(|current| {
            let changed = current.files != loaded.files;
            if changed {
                *current = loaded;
            }
            changed
        }))
    }

    /// Reloads while files change, until cancelled.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(RELOAD)).await.is_some() {
            let identity = Arc::clone(&self);
            let reloaded = tokio::task::spawn_blocking(move || identity.reload()).await;
            match reloaded {
                Ok(Ok(true)) => tracing::info!(cert = %self.cert.display(), "certificate reloaded"),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "certificate stays: its files are wrong");
                }
                Err(error) => tracing::error!(%error, "certificate reload panicked"),
            }
        }
    }

    fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.borrow().certified)
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.certified())
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.certified())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn read(cert: &Path, key: &Path) -> Result<Loaded, TlsError> {
    let files = (read_file(cert)?, read_file(key)?);
    let chain = certificates(cert, &files.0)?;
    let private = PrivateKeyDer::from_pem_slice(&files.1)
        .map_err(|error| TlsError::File { path: key.to_owned(), reason: error.to_string() })?;
    let certified = Arc::new(CertifiedKey::from_der(chain, private, &provider())?);
    Ok(Loaded { files, certified })
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path)
        .map_err(|error| TlsError::File { path: path.to_owned(), reason: error.to_string() })
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |reason: String| TlsError::File { path: path.to_owned(), reason };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| wrong(error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong("holds no certificate".to_owned()));
    }
    Ok(chain)
}

/// The authorities of a PEM file.
///
/// # Errors
/// [`TlsError`] when it is not there or holds none.
pub fn authorities(ca: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca, &read_file(ca)?)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

/// A server for anybody: players.
///
/// # Errors
/// [`TlsError::Rustls`] when ring lacks the default protocol versions.
pub fn public_server(identity: Arc<Identity>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(identity);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A server that admits only clients with a certificate of these authorities.
///
/// # Errors
/// [`TlsError`] when the authorities are empty.
pub fn mutual_server(
    identity: Arc<Identity>,
    authorities: RootCertStore,
) -> Result<Arc<ServerConfig>, TlsError> {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider());
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier.build()?)
        .with_cert_resolver(identity);
    Ok(Arc::new(config))
}

/// A client that trusts these authorities only and shows its own certificate.
///
/// # Errors
/// [`TlsError::Rustls`] when ring lacks TLS 1.3.
pub fn mutual_client(
    identity: Arc<Identity>,
    authorities: RootCertStore,
) -> Result<Arc<ClientConfig>, TlsError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(authorities)
        .with_client_cert_resolver(identity);
    Ok(Arc::new(config))
}

/// A client of public servers: the system's authorities and those of `extra`.
///
/// # Errors
/// [`TlsError`] when `extra` cannot be read.
pub fn public_client(extra: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = match extra {
        Some(path) => authorities(path)?,
        None => RootCertStore::empty(),
    };
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!(%error, "a system certificate authority cannot be read");
    }
    let (_, unusable) = roots.add_parsable_certificates(system.certs);
    if unusable > 0 {
        tracing::warn!(unusable, "system certificate authorities were skipped");
    }
    client_of(roots)
}

/// A client of servers that these authorities know.
///
/// # Errors
/// [`TlsError`] when the cryptography does not support what TLS needs.
pub fn client_of(roots: RootCertStore) -> Result<Arc<ClientConfig>, TlsError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("certificate");
        let paths = (folder.join("cert.pem"), folder.join("key.pem"));
        std::fs::write(&paths.0, made.cert.pem()).expect("write");
        std::fs::write(&paths.1, made.signing_key.serialize_pem()).expect("write");
        paths
    }

    #[test]
    fn changed_files_are_taken_over_and_wrong_ones_are_not() {
        let folder = tempfile::tempdir().expect("folder");
        let (cert, key) = write(folder.path(), "one");
        let identity = Identity::load(&cert, &key).expect("loads");
        let first = identity.certified();
        assert!(!identity.reload().expect("reads"));
        assert!(Arc::ptr_eq(&first, &identity.certified()));

        std::fs::write(&cert, "half a fi").expect("write");
        assert!(matches!(identity.reload(), Err(TlsError::File { .. })));
        assert!(Arc::ptr_eq(&first, &identity.certified()));

        write(folder.path(), "two");
        assert!(identity.reload().expect("reads"));
        assert_ne!(first.cert, identity.certified().cert);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let other = tempfile::tempdir().expect("folder");
        let (cert, _) = write(folder.path(), "one");
        let (_, key) = write(other.path(), "two");
        assert!(matches!(Identity::load(&cert, &key), Err(TlsError::Rustls(_))));
    }
}
