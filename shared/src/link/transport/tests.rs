use std::net::SocketAddr;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::*;
use crate::config::LinkSection;
use crate::ids::{Epoch, Shard};
use crate::link::frame::Welcome;

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

fn identity() -> Identity {
    Identity {
        cluster: "prod".parse().expect("name"),
        shards: ShardCount(64),
        process: "node-1".parse().expect("name"),
        incarnation: Incarnation(7),
    }
}

fn hello() -> Hello {
    let router = Identity { process: "router-1".parse().expect("name"), ..identity() };
    router.hello(PeerRole::Router, Lane::Bulk)
}

fn by_key(key: &[u8]) -> Proven {
    Proven::ByKey(SharedKey::new(key))
}

async fn meet(
    client: (Proven, Hello),
    server: Proven,
) -> (Result<Connected, LinkError>, Result<Accepted, LinkError>) {
    let (near, far) = tokio::io::duplex(64 << 10);
    let identity = identity();
    tokio::join!(
        handshake_client(near, client.0, client.1),
        handshake_server(far, server, &identity)
    )
}

fn refusal<T: std::fmt::Debug>(result: Result<T, LinkError>) -> String {
    match result.expect_err("no link") {
        LinkError::Refused(reason) => reason,
        other => format!("{other:?}"),
    }
}

async fn exchange(mut near: Connected, mut far: Accepted) {
    for number in 0..1_000 {
        near.sink.send(ToNode::BeatSeen { number }).await.expect("sent");
    }
    far.sink.send(ToRouter::Draining).await.expect("sent");
    for number in 0..1_000 {
        let frame = far.stream.next().await.expect("link");
        assert_eq!(frame, Some(ToNode::BeatSeen { number }));
    }
    assert_eq!(near.stream.next().await.expect("link"), Some(ToRouter::Draining));
    drop(near.sink);
    assert_eq!(far.stream.next().await.expect("link"), None);
}

#[tokio::test]
async fn holders_of_one_key_exchange_frames_in_order() {
    let (near, far) = meet((by_key(KEY), hello()), by_key(KEY)).await;
    let (near, far) = (near.expect("link"), far.expect("link"));
    assert_eq!((near.version, &near.process), (LINK_VERSION, &identity().process));
    assert_eq!(near.incarnation, Incarnation(7));
    assert_eq!(far.hello, hello());
    exchange(near, far).await;
}

#[tokio::test]
async fn another_key_is_not_authentic_to_either_side() {
    let (near, far) =
        meet((by_key(b"another key of thirty-two bytes."), hello()), by_key(KEY)).await;
    assert!(matches!(near, Err(LinkError::NotAuthentic(_))), "{near:?}");
    assert!(matches!(far, Err(LinkError::Io(_))), "{far:?}");
}

#[tokio::test]
async fn a_server_without_the_key_learns_no_proof_to_use() {
    let (near, mut far) = tokio::io::duplex(4 << 10);
    let client = tokio::spawn(handshake_client(near, by_key(KEY), hello()));
    read_frame(&mut far).await;
    let forged = [vec![0u8], vec![9; 64]].concat();
    write_frame(&mut far, &forged).await;
    let refused = client.await.expect("task");
    assert!(matches!(refused, Err(LinkError::NotAuthentic(_))), "{refused:?}");
    let mut rest = Vec::new();
    far.read_to_end(&mut rest).await.expect("read");
    assert!(rest.is_empty(), "nothing was sent after the wrong proof");
}

#[tokio::test]
async fn a_server_that_skips_its_proof_is_not_believed() {
    let (near, mut far) = tokio::io::duplex(4 << 10);
    let client = tokio::spawn(handshake_client(near, by_key(KEY), hello()));
    read_frame(&mut far).await;
    let welcome = Welcome::Accepted {
        version: LINK_VERSION,
        process: identity().process,
        incarnation: Incarnation(7),
    };
    let skipped: Result<(), Welcome> = Err(welcome);
    write_frame(&mut far, &postcard::to_stdvec(&skipped).expect("encodes")).await;
    let refused = client.await.expect("task");
    assert!(matches!(refused, Err(LinkError::NotAuthentic(_))), "{refused:?}");
}

async fn read_frame(io: &mut DuplexStream) -> Vec<u8> {
    let length = io.read_u32().await.expect("length");
    let mut frame = vec![0; length as usize];
    io.read_exact(&mut frame).await.expect("frame");
    frame
}

async fn write_frame(io: &mut DuplexStream, frame: &[u8]) {
    io.write_u32(u32::try_from(frame.len()).expect("small")).await.expect("length");
    io.write_all(frame).await.expect("frame");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_reason() {
    let other = |change: fn(&mut Hello)| {
        let mut hello = hello();
        change(&mut hello);
        hello
    };
    for (hello, reason) in [
        (other(|hello| hello.cluster = "test".to_owned()), "this is cluster prod, not test"),
        (other(|hello| hello.shards = ShardCount(65)), "this cluster has 64 shards, not 65"),
        (
            other(|hello| hello.versions = (LINK_VERSION + 1, LINK_VERSION + 2)),
            "this process speaks link versions 1 to 2, not 3 to 4",
        ),
        (
            other(|hello| hello.versions = (0, OLDEST_LINK_VERSION - 1)),
            "this process speaks link versions 1 to 2, not 0 to 0",
        ),
        (
            other(|hello| hello.versions = (LINK_VERSION + 1, LINK_VERSION)),
            "this process speaks link versions 1 to 2, not 3 to 2",
        ),
    ] {
        let (near, far) = meet((by_key(KEY), hello), by_key(KEY)).await;
        assert_eq!((refusal(near).as_str(), refusal(far).as_str()), (reason, reason));
    }
}

#[tokio::test]
async fn a_role_must_be_in_the_certificate() {
    let routers = || Proven::ByTransport(vec![PeerRole::Router]);
    let (near, far) = meet((routers(), hello()), routers()).await;
    exchange(near.expect("link"), far.expect("link")).await;
    let node = identity().hello(PeerRole::Node, Lane::Commands);
    let (near, _) = meet((routers(), node), routers()).await;
    assert_eq!(refusal(near), "the certificate is not of role Node");
}

#[tokio::test]
async fn the_highest_version_that_both_know_is_spoken() {
    for (versions, spoken) in [
        ((LINK_VERSION, LINK_VERSION + 5), LINK_VERSION),
        ((OLDEST_LINK_VERSION, LINK_VERSION), LINK_VERSION),
        ((OLDEST_LINK_VERSION, OLDEST_LINK_VERSION), OLDEST_LINK_VERSION),
        ((0, OLDEST_LINK_VERSION), OLDEST_LINK_VERSION),
    ] {
        let (near, far) = meet((by_key(KEY), Hello { versions, ..hello() }), by_key(KEY)).await;
        let (near, far) = (near.expect("link").version, far.expect("link").version);
        assert_eq!((near, far), (spoken, spoken), "{versions:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_times_out() {
    let (_near, far) = tokio::io::duplex(64);
    let result = handshake_server(far, by_key(KEY), &identity()).await;
    assert!(matches!(result, Err(LinkError::HandshakeTimeout)), "{result:?}");
}

#[tokio::test]
async fn a_stranger_cannot_make_us_hold_a_large_frame() {
    let (mut near, far) = tokio::io::duplex(64);
    near.write_u32(1 << 20).await.expect("write");
    let result = handshake_server(far, by_key(KEY), &identity()).await;
    assert!(matches!(result, Err(LinkError::Io(_))), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_breaks_the_link() {
    let (near, far) = tokio::io::duplex(256);
    let identity = identity();
    let (near, far) = tokio::join!(
        handshake_client(near, by_key(KEY), hello()),
        handshake_server(far, by_key(KEY), &identity)
    );
    let (near, _far) = (near.expect("link"), far.expect("link"));
    let frame = ToNode::Seen { connections: vec![] };
    while near.sink.try_send(frame.clone()).is_ok() {}
    assert_eq!(near.sink.queued(), crate::limits::LINK_QUEUE);
    near.sink.closed().await;
    assert!(near.sink.is_closed());
}

#[tokio::test]
async fn a_frame_over_the_bound_closes_the_link() {
    let (near, far) = meet((by_key(KEY), hello()), by_key(KEY)).await;
    let (mut near, far) = (near.expect("link"), far.expect("link"));
    let owns = |count: usize| {
        let shards = vec![(Shard(u16::MAX), Epoch(u64::MAX)); count];
        ToRouter::Owns { shards }
    };
    far.sink.send(owns(1 << 20)).await.expect("queued");
    let fits = near.stream.next().await.expect("link");
    assert!(matches!(fits, Some(ToRouter::Owns { shards }) if shards.len() == 1 << 20));
    far.sink.send(owns(2 << 20)).await.expect("queued");
    far.sink.closed().await;
}

/// An authority and certificates of both roles, as files.
fn certificates(folder: &Path) -> impl Fn(&str) -> LinkSection + use<'_> {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("key");
    let authority = CertifiedIssuer::self_signed(params, key).expect("authority");
    std::fs::write(folder.join("ca.pem"), authority.pem()).expect("write");
    for name in ["router.role.gss", "node.role.gss"] {
        let key = KeyPair::generate().expect("key");
        let params = CertificateParams::new([name.to_owned()]).expect("parameters");
        let cert = params.signed_by(&key, &authority).expect("certificate");
        std::fs::write(folder.join(format!("{name}.cert")), cert.pem()).expect("write");
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).expect("write");
    }
    |role| LinkSection {
        cert: Some(folder.join(format!("{role}.role.gss.cert"))),
        key: Some(folder.join(format!("{role}.role.gss.key"))),
        ca: Some(folder.join("ca.pem")),
        ..LinkSection::default()
    }
}

fn security(section: &LinkSection) -> LinkSecurity {
    LinkSecurity::from_config(section).expect("readable").expect("configured")
}

async fn listen(security: LinkSecurity) -> (LinkListener, String) {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = LinkListener::bind(any, security, identity()).await.expect("bind");
    let address = listener.local_addr().expect("address").to_string();
    (listener, address)
}

#[tokio::test]
async fn mutual_tls_over_tcp_takes_the_role_from_the_certificate() {
    let folder = tempfile::tempdir().expect("folder");
    let section = certificates(folder.path());
    let (mut listener, address) = listen(security(&section("node"))).await;
    let router = security(&section("router"));
    let (near, far) = tokio::join!(connect(&address, &router, hello()), listener.accept());
    exchange(near.expect("link"), far.expect("link")).await;

    let node = identity().hello(PeerRole::Node, Lane::Commands);
    let server = tokio::spawn(async move { listener.accept().await });
    assert_eq!(
        refusal(connect(&address, &router, node).await),
        "the certificate is not of role Node"
    );
    server.abort();
}

#[tokio::test]
async fn a_router_does_not_pass_for_a_node() {
    let folder = tempfile::tempdir().expect("folder");
    let section = certificates(folder.path());
    let (mut listener, address) = listen(security(&section("router"))).await;
    let server = tokio::spawn(async move { listener.accept().await });
    let result = connect(&address, &security(&section("router")), hello()).await;
    assert!(matches!(result, Err(LinkError::Io(_))), "{result:?}");
    server.abort();
}

#[tokio::test]
async fn another_authority_is_refused() {
    let (ours, theirs) =
        (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    let (mut listener, address) = listen(security(&certificates(ours.path())("node"))).await;
    let server = tokio::spawn(async move { listener.accept().await });
    let stranger = security(&certificates(theirs.path())("router"));
    let result = connect(&address, &stranger, hello()).await;
    assert!(matches!(result, Err(LinkError::Io(_))), "{result:?}");
    server.abort();
}

#[tokio::test]
async fn a_bad_peer_does_not_hold_up_the_next_one() {
    let key = LinkSecurity::SharedKey(SharedKey::new(KEY));
    let (mut listener, address) = listen(key.clone()).await;
    let _silent = tokio::net::TcpStream::connect(&address).await.expect("connect");
    let (near, far) = tokio::join!(connect(&address, &key, hello()), listener.accept());
    exchange(near.expect("link"), far.expect("link")).await;
}

#[tokio::test]
async fn a_shared_key_stays_on_loopback() {
    let key = LinkSecurity::SharedKey(SharedKey::random());
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let result = LinkListener::bind(everywhere, key, identity()).await;
    assert!(matches!(result, Err(LinkError::NotLoopback(address)) if address == everywhere));
}
