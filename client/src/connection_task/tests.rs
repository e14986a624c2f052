use std::net::SocketAddr;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request as Upgrade, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::*;
use crate::client::{Client, Events};
use crate::options::JwtSource;

/// A server whose every move the test makes.
struct Server {
    tcp: TcpListener,
    address: SocketAddr,
}

/// One connection at the server's end.
struct Peer {
    socket: WebSocketStream<TcpStream>,
    token: String,
    position: Option<String>,
}

impl Server {
    async fn start() -> Self {
        let tcp = TcpListener::bind(("127.0.0.1", 0)).await.expect("bind");
        let address = tcp.local_addr().expect("address");
        Self { tcp, address }
    }

    fn options(&self) -> ConnectOptions {
        let url = format!("ws://{}/api/v2/sessions/s/ws", self.address);
        ConnectOptions::new(url, JwtSource::fixed("jwt"), "token-0")
    }

    /// The next connection, whose opening frame says this.
    async fn accept(&self, resumed: bool, resume_token: &str) -> Peer {
        let (tcp, _) = self.tcp.accept().await.expect("accept");
        let (mut token, mut position) = (String::new(), None);
        #[expect(clippy::result_large_err, reason = "the shape of the library's callback")]
        let read = |request: &Upgrade, response: Response| {
            let header = |name: &str| {
                let value = request.headers().get(name)?;
                Some(value.to_str().expect("text").to_owned())
            };
            assert_eq!(header("Authorization").as_deref(), Some("Bearer jwt"));
            token = header("X-Session-Token").expect("token");
            position = header("X-Position");
            Ok(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(tcp, read).await.expect("upgrade");
        let mut peer = Peer { socket, token, position };
        let data = json!({"resumed": resumed, "resume_token": resume_token, "role": "gm",
            "connection_id": "c"});
        peer.say("connection_established", data).await;
        peer
    }

    async fn refuse(&self, head: &str, body: &str) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut tcp, _) = self.tcp.accept().await.expect("accept");
        let mut request = [0; 4_096];
        let read = tcp.read(&mut request).await.expect("request");
        assert!(read > 0);
        let length = body.len();
        let answer = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}");
        tcp.write_all(answer.as_bytes()).await.expect("answer");
    }
}

impl Peer {
    async fn say(&mut self, kind: &str, data: Value) {
        let frame = json!({"type": kind, "data": data}).to_string();
        self.socket.send(Message::text(frame)).await.expect("sent");
    }

    async fn say_message(&mut self, version: u64, prev: u64) {
        let position = format!("p{version}");
        let data =
            json!({"version": version.to_string(), "prev": prev.to_string(), "position": position});
        self.say("chat_message", data).await;
    }

    async fn say_sync(&mut self, version: u64) {
        let position = format!("p{version}");
        let data = json!({"state": {}, "version": version.to_string(), "position": position});
        self.say("sync_response", data).await;
    }

    async fn acknowledge(&mut self, action: Uuid, version: u64, duplicate: bool) {
        let position = format!("p{version}");
        let data = json!({"action_id": action, "version": version.to_string(),
            "position": position, "timestamp": "t", "duplicate": duplicate});
        self.say("ack", data).await;
    }

    /// The action id of the next command.
    async fn command(&mut self) -> Uuid {
        let frame = self.socket.next().await.expect("open").expect("frame");
        let frame: Value = serde_json::from_str(frame.to_text().expect("text")).expect("JSON");
        assert_eq!(frame["type"], "chat");
        frame["data"]["action_id"].as_str().expect("id").parse().expect("uuid")
    }

    async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        self.socket.close(Some(frame)).await.expect("close");
    }
}

/// A client at version 10, and the server's end.
async fn connected(server: &Server) -> (Client, Events, Peer) {
    let (client, peer) =
        tokio::join!(Client::connect(server.options()), server.accept(false, "token-1"));
    let (client, mut events) = client.expect("connected");
    let mut peer = peer;
    assert_eq!((peer.token.as_str(), peer.position.as_deref()), ("token-0", None));
    let opened =
        Event::Connected { connection_id: "c".to_owned(), role: "gm".to_owned(), resumed: false };
    assert_eq!(events.next().await, Some(opened));
    peer.say_sync(10).await;
    assert_eq!(version(&mut events).await, 10);
    (client, events, peer)
}

async fn version(events: &mut Events) -> u64 {
    match events.next().await {
        Some(Event::Message(message)) => message.version.expect("versioned"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_lost_connection_is_resumed_and_commands_are_sent_again_in_order() {
    let server = Server::start().await;
    let (client, mut events, mut peer) = connected(&server).await;
    let mut pending = Vec::new();
    for number in 0..5 {
        let command = Command::chat(&format!("{number}"));
        pending.push(client.send(command).await.expect("taken"));
    }
    let ids: Vec<Uuid> = pending.iter().map(crate::Pending::action_id).collect();
    for id in &ids {
        assert_eq!(peer.command().await, *id);
    }
    peer.say_message(11, 10).await;
    peer.acknowledge(ids[0], 11, false).await;
    assert_eq!(version(&mut events).await, 11);
    assert_eq!(pending.remove(0).await.expect("ack").version, 11);
    drop(peer);

    assert_eq!(events.next().await, Some(Event::Disconnected { code: None }));
    let mut peer = server.accept(true, "token-2").await;
    assert_eq!((peer.token.as_str(), peer.position.as_deref()), ("token-1", Some("p11")));
    assert_eq!(events.next().await, Some(Event::Resumed { resumed: true }));
    peer.say_message(12, 11).await;
    assert_eq!(version(&mut events).await, 12);
    for (number, id) in ids[1..].iter().enumerate() {
        assert_eq!(peer.command().await, *id);
        peer.acknowledge(*id, 12 + number as u64, number == 0).await;
    }
    for (number, pending) in pending.into_iter().enumerate() {
        let ack = pending.await.expect("ack");
        assert_eq!((ack.version, ack.duplicate), (12 + number as u64, number == 0));
    }

    let (closed, goodbye) = tokio::join!(client.close(), peer.socket.next());
    let () = closed;
    assert!(
        matches!(goodbye, Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == 1000)
    );
    assert_eq!(events.next().await, Some(Event::Ended(EndReason::Closed)));
    assert_eq!(events.next().await, None);
    let refused = client.send(Command::chat("late")).await;
    assert_eq!(refused.err(), Some(CommandError::Ended));
}

#[tokio::test]
async fn a_gap_makes_the_client_come_back_for_what_it_missed() {
    let server = Server::start().await;
    let (_client, mut events, mut peer) = connected(&server).await;
    peer.say_message(13, 12).await;
    assert_eq!(events.next().await, Some(Event::Gap { expected: (10, 10), prev: 12 }));
    assert_eq!(events.next().await, Some(Event::Disconnected { code: None }));
    let mut peer = server.accept(true, "token-2").await;
    assert_eq!(peer.position.as_deref(), Some("p10"));
    assert_eq!(events.next().await, Some(Event::Resumed { resumed: true }));
    peer.say_message(12, 10).await;
    peer.say_message(13, 12).await;
    assert_eq!((version(&mut events).await, version(&mut events).await), (12, 13));
}

#[tokio::test]
async fn close_codes_say_whether_to_come_back() {
    for code in [1001, 1012, 4000, 4002] {
        let server = Server::start().await;
        let (_client, mut events, peer) = connected(&server).await;
        peer.close(code, "x").await;
        assert_eq!(events.next().await, Some(Event::Disconnected { code: Some(code) }));
        server.accept(true, "token-2").await;
        assert_eq!(events.next().await, Some(Event::Resumed { resumed: true }));
    }
    for code in [4005, 4502, 4503, 4504] {
        let server = Server::start().await;
        let (client, mut events, peer) = connected(&server).await;
        let pending = client.send(Command::chat("x")).await.expect("taken");
        peer.close(code, "why").await;
        let reason = EndReason::ClosedByService { code, reason: "why".to_owned() };
        assert_eq!(events.next().await, Some(Event::Ended(reason)));
        assert_eq!(pending.await, Err(CommandError::Ended));
    }
}

#[tokio::test]
async fn a_refused_upgrade_ends_it_unless_it_is_passing() {
    let server = Server::start().await;
    let body = r#"{"error":{"code":"unavailable","message":"m","details":{"retry_after_ms":1}}}"#;
    let (client, _) = tokio::join!(Client::connect(server.options()), async {
        server.refuse("503 Service Unavailable", body).await;
        server.refuse("429 Too Many Requests", "").await;
        server.accept(false, "token-1").await
    });
    assert!(client.is_ok());

    for (status, head) in
        [(401, "401 Unauthorized"), (403, "403 Forbidden"), (404, "404 Not Found")]
    {
        let server = Server::start().await;
        let body = r#"{"error":{"code":"token_used","message":"m"},"request_id":"r"}"#;
        let (client, ()) =
            tokio::join!(Client::connect(server.options()), server.refuse(head, body));
        let Err(EndReason::Refused { status: told, refusal: Some(refusal) }) = client else {
            panic!("{head}")
        };
        assert_eq!((told, refusal.code.as_str()), (status, "token_used"));
    }
}

#[tokio::test]
async fn a_resumption_that_is_refused_for_good_is_told() {
    let server = Server::start().await;
    let (_client, mut events, peer) = connected(&server).await;
    drop(peer);
    assert_eq!(events.next().await, Some(Event::Disconnected { code: None }));
    server.refuse("401 Unauthorized", "").await;
    let reason = EndReason::Refused { status: 401, refusal: None };
    assert_eq!(events.next().await, Some(Event::Ended(reason)));
}

#[tokio::test]
async fn another_router_is_tried_when_one_is_away() {
    let server = Server::start().await;
    let dead = Server::start().await;
    let mut options = server.options();
    options.urls.insert(0, dead.options().urls.remove(0));
    drop(dead);
    let (client, _peer) = tokio::join!(Client::connect(options), server.accept(false, "token-1"));
    assert!(client.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_there_is_unreachable() {
    let server = Server::start().await;
    let options = server.options();
    drop(server);
    assert_eq!(Client::connect(options).await.err(), Some(EndReason::Unreachable));
}

#[tokio::test]
async fn an_expired_jwt_is_refreshed_on_the_open_connection() {
    let server = Server::start().await;
    let (_client, mut events, mut peer) = connected(&server).await;
    let error = json!({"type": "error", "error": {"code": "token_expired", "message": "m"}});
    peer.socket.send(Message::text(error.to_string())).await.expect("sent");
    assert!(matches!(events.next().await, Some(Event::Error(_))));
    let frame = peer.socket.next().await.expect("open").expect("frame");
    let frame: Value = serde_json::from_str(frame.to_text().expect("text")).expect("JSON");
    assert_eq!(frame, json!({"type": "auth_refresh", "data": {"jwt": "jwt"}}));
}

#[tokio::test]
async fn a_caller_that_takes_no_events_can_still_close() {
    let server = Server::start().await;
    let (client, events, mut peer) = connected(&server).await;
    let flood = tokio::spawn(async move {
        for version in 11..4_000 {
            peer.say_message(version, version - 1).await;
        }
        while peer.socket.next().await.is_some_and(|frame| frame.is_ok()) {}
    });
    client.close().await;
    drop(events);
    flood.abort();
}

#[tokio::test]
async fn a_request_that_meets_the_end_is_answered() {
    let mut options = ConnectOptions::new("", JwtSource::fixed("jwt"), "token-0");
    options.urls.clear();
    let (requests, asked) = mpsc::channel(2);
    let (told, mut events) = mpsc::channel(1);
    let (opened, first) = oneshot::channel();
    let (to_send, to_close) =
        (requests.reserve().await.expect("room"), requests.reserve().await.expect("room"));
    let task = tokio::spawn(run(options, asked, told, opened));
    requests.closed().await;
    let (answer, answered) = oneshot::channel();
    to_send.send(Request::Command(Command::chat("too late"), answer));
    let (closed, done) = oneshot::channel();
    to_close.send(Request::Close(closed));
    assert_eq!(answered.await, Ok(Err(CommandError::Ended)));
    assert_eq!(done.await, Ok(()));
    task.await.expect("the task ends");
    assert!(matches!(first.await, Ok(Err(EndReason::Options(_)))));
    assert!(events.recv().await.is_none());
}
