//! A server that speaks only TLS, asks for a certificate and for a password.

use std::path::Path;

use super::*;
use crate::testing::certificates::write_certificates;
use crate::testing::free_ports;
use crate::testing::redis::Server;

async fn start(folder: &Path, port: u16) -> Server {
    let (port, bus) = (port.to_string(), (port + 1).to_string());
    let options = [
        ["--port", "0"],
        ["--tls-port", &port],
        ["--cluster-port", &bus],
        ["--bind", "127.0.0.1"],
        ["--cluster-enabled", "yes"],
        ["--tls-cluster", "yes"],
        ["--tls-cert-file", "server.pem"],
        ["--tls-key-file", "server.key"],
        ["--tls-ca-cert-file", "ca.pem"],
        ["--tls-auth-clients", "yes"],
        ["--requirepass", "open sesame"],
        ["--save", ""],
    ];
    let options: Vec<_> = options.as_flattened().iter().map(|text| (*text).to_owned()).collect();
    Server::start(folder, &options).await
}

#[tokio::test]
async fn certificates_and_password_open_the_door() {
    crate::tls::install();
    let folder = tempfile::tempdir().expect("folder");
    write_certificates(folder.path());
    let port = free_ports(2);
    let _server = start(folder.path(), port).await;
    let file = |name: &str| folder.path().join(name);
    let tls = RedisTls {
        ca_file: Some(file("ca.pem")),
        identity: Some((file("client.pem"), file("client.key"))),
    };
    let config = RedisConfig {
        nodes: vec![format!("127.0.0.1:{port}")],
        username: Some("default".to_owned()),
        password: Some("open sesame".into()),
        tls: Some(tls.clone()),
        namespace: String::new(),
    };
    let redis = Redis::connect(&config).expect("configuration");
    let node = redis.node(&NodeAddress::new("127.0.0.1", port)).expect("node");
    let mut slots = redis::Pipeline::new();
    slots.cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(0).arg(16_383);
    let deadline = Instant::now() + LONG;
    while let Err(error) = node.exchange(&slots, Instant::now() + Duration::from_secs(1)).await {
        assert!(Instant::now() < deadline, "the server does not start: {error:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(redis.ready(LONG).await);
    assert_eq!(patient(&redis, command(&["SET", "a", "1"])).await, Value::Okay);

    let wrong = [
        RedisConfig { password: Some("open barley".into()), ..config.clone() },
        RedisConfig { password: None, username: None, ..config.clone() },
        RedisConfig { tls: None, ..config.clone() },
        RedisConfig { tls: Some(RedisTls { identity: None, ..tls }), ..config.clone() },
    ];
    for config in wrong {
        let redis = Redis::connect(&config).expect("configuration");
        assert!(!redis.ready(Duration::from_millis(500)).await, "{config:?}");
        assert!(!format!("{config:?}").contains("barley"), "passwords are not shown");
    }
    let nowhere = RedisTls { ca_file: Some(file("none.pem")), identity: None };
    let error = Redis::connect(&RedisConfig { tls: Some(nowhere), ..config }).expect_err("no file");
    assert!(matches!(error, RedisConfigError::File { .. }), "{error}");
}
