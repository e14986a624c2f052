//! TLS, and the end of the port.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::harness::{Router, exchange, read_head};

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn tls_is_spoken_when_there_is_a_certificate() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("certificate");
    let router = Router::start_with(|config, folder| {
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        std::fs::write(&cert, made.cert.pem()).expect("write");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("write");
        config.router.tls_cert = Some(cert);
        config.router.tls_key = Some(key);
    });
    let router = router.await;
    assert!(router.folder.path().join("cert.pem").exists());

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("name");
    let connector = TlsConnector::from(Arc::new(client));
    let stream = connector.connect(name, router.connect().await).await.expect("handshake");
    assert_eq!(exchange(stream, HEALTH).await.status, 200);

    let mut plain = router.connect().await;
    plain.write_all(HEALTH).await.expect("write");
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).await.expect("read");
    assert!(!answer.starts_with(b"HTTP"), "plain HTTP is not answered on a TLS port");
}

#[tokio::test]
async fn a_stopped_router_accepts_no_more() {
    let router = Router::start().await;
    let address = router.handle.local_addr;
    let mut idle = router.connect().await;
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n").await.expect("write");
    assert_eq!(read_head(&mut idle).await.status, 200);
    router.handle.stop().await;
    assert_eq!(idle.read(&mut [0]).await.expect("closed"), 0);
    assert!(TcpStream::connect(address).await.is_err());
}
