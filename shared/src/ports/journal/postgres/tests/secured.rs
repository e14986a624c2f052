//! A server that is spoken to by TLS.

use tokio_postgres::NoTls;

use crate::clock::Clock;
use crate::ids::{Epoch, Incarnation, Shard};
use crate::ports::journal::contract::SHARDS;
use crate::ports::journal::migrations::{self, MigrateError};
use crate::ports::journal::{Address, JournalConfig, OpenError, open};
use crate::testing::certificates::write_certificates;
use crate::testing::{free_ports, postgres};

#[tokio::test]
async fn every_connection_is_protected_and_knows_the_server() {
    crate::tls::install();
    let folder = tempfile::tempdir().expect("folder");
    write_certificates(folder.path());
    let port = free_ports(1);
    let _server = postgres::secured(folder.path(), port);
    let url = format!("postgres://app@127.0.0.1:{port}/journal");
    let mut address = Address::from(format!("{url}?sslmode=require").as_str());
    address.tls_ca = Some(folder.path().join("ca.pem"));
    migrations::create_database(&address).await.expect("create");
    migrations::up(&address).await.expect("migrate");
    let config = JournalConfig::new(address, SHARDS);
    let journal = open(&config, &Clock::system()).await.expect("open").journal;
    // The lane and the pool.
    let me = ("a".parse().expect("id"), Incarnation(1));
    journal.raise(&[(Shard(0), Epoch(0))], (&me.0, me.1)).await.expect("raise");
    journal.shards(&[Shard(0)]).await.expect("read");

    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("connect");
    tokio::spawn(connection);
    let sql = "SELECT ssl, count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
               WHERE application_name = 'gss-journal' GROUP BY ssl";
    let counted = client.query(sql, &[]).await.expect("activity");
    let counted: Vec<(bool, i64)> = counted.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(counted, [(true, 2)]);

    // The system's authorities have never heard of it.
    let stranger =
        JournalConfig { address: Address { tls_ca: None, ..config.address.clone() }, ..config };
    let refused = open(&stranger, &Clock::system()).await.err().expect("refused");
    assert!(matches!(refused, OpenError::Unavailable(_)), "{refused}");
    let refused = migrations::up(&stranger.address).await.expect_err("refused");
    assert!(matches!(refused, MigrateError::Unavailable(_)), "{refused}");
}
