//! A connection over an in-memory socket, with a worker that the test plays.

use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::Role;

use gss_shared::time::Timestamp;

use super::*;
use crate::connection::queue::Outbox;

type Client = WebSocketStream<DuplexStream>;

struct Grants;

impl RefreshAuth for Grants {
    fn refresh(
        &self,
        _: PlayerId,
        jwt: String,
    ) -> BoxFuture<'static, Result<Credential, ClientError>> {
        Box::pin(async move {
            match jwt.as_str() {
                "good" => Ok(credential(Timestamp(4_000_000_000_000))),
                _ => Err(ClientError::new(ErrorCode::Unauthenticated, "No.")),
            }
        })
    }
}

fn credential(expires_at: Timestamp) -> Credential {
    Credential { expires_at, issued_at: Timestamp(0), jti: None }
}

struct Bench {
    client: Client,
    mails: mpsc::Receiver<Mail>,
    outbox: Outbox,
    task: JoinHandle<()>,
    stop: CancellationToken,
    metrics: Arc<Metrics>,
}

const WALL: Timestamp = Timestamp(1_700_000_000_000);

impl Bench {
    async fn start(lives_ms: i64, pipe: usize) -> Self {
        let (near, far) = tokio::io::duplex(pipe);
        let config = Some(websocket_config());
        let socket = WebSocketStream::from_raw_socket(near, Role::Server, config).await;
        let client = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        let (worker, mut mails) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let registry = prometheus::Registry::new();
        let metrics = Arc::new(Metrics::register(&registry).expect("fresh registry"));
        let around = Around {
            tokens: SessionTokens::new(&[7; 32]),
            clock: Clock::virtual_from(WALL),
            metrics: Arc::clone(&metrics),
            stop: stop.clone(),
        };
        let (session, player) = (SessionId(Uuid::from_u128(7)), PlayerId(Uuid::from_u128(1)));
        let token = TokenClaims {
            session,
            player,
            generation: 1,
            chain: Uuid::from_u128(3),
            issued_ms: 1,
            resume: false,
        };
        let open = OpenConnection {
            session,
            player,
            token,
            position: None,
            credential: credential(WALL.plus_ms(lives_ms)),
            refresh: Arc::new(Grants),
        };
        let task = tokio::spawn(run(around, worker, open, socket));
        let Some(Mail::Connect(_, _, outbox)) = mails.recv().await else { panic!("a connect") };
        Self { client, mails, outbox, task, stop, metrics }
    }

    /// The same, admitted.
    async fn admitted() -> Self {
        let mut bench = Self::start(3_600_000, 1 << 16).await;
        bench.push(&["established"], None);
        assert_eq!(bench.read().await, "established");
        bench
    }

    fn push(&self, frames: &[&'static str], close: Option<CloseCode>) {
        let batch = Batch {
            frames: frames.iter().map(|frame| Utf8Bytes::from_static(frame)).collect(),
            bytes: frames.iter().map(|frame| frame.len()).sum(),
            position: Position::START.into(),
            answered: 0,
            messages_per_minute: Some(1_000),
            close,
        };
        self.outbox.push(batch).expect("there is room");
    }

    async fn say(&mut self, text: &str) {
        self.client.send(Message::text(text)).await.expect("the socket is open");
    }

    /// The next text frame, or `close NUMBER`.
    async fn read(&mut self) -> String {
        loop {
            match self.client.next().await.expect("a frame").expect("no error") {
                Message::Text(text) => return text.to_string(),
                Message::Close(Some(close)) => return format!("close {}", u16::from(close.code)),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next text frame's type, and the code of an error.
    async fn read_type(&mut self) -> String {
        let text = self.read().await;
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        match value["error"]["code"].as_str() {
            Some(code) => code.to_owned(),
            None => value["type"].as_str().expect("a type").to_owned(),
        }
    }

    /// The connection has ended: the worker was told, nothing is counted any more.
    async fn ended(mut self, slow: bool) {
        loop {
            match self.mails.recv().await.expect("the end is told") {
                Mail::Gone { slow: told, .. } => break assert_eq!(told, slow),
                _ => continue,
            }
        }
        drop(self.client);
        self.task.await.expect("no panic");
        assert_eq!(self.metrics.connections.get(), 0);
    }
}

#[tokio::test]
async fn commands_reach_the_worker_as_they_came() {
    let mut bench = Bench::admitted().await;
    let text = r#"{"type":"roll","data":{"action_id":"4350cc17-21e5-4f21-acd5-52a09ddbef12"}}"#;
    bench.say(text).await;
    let Some(Mail::Frame(frame)) = bench.mails.recv().await else { panic!("a frame") };
    assert_eq!((frame.seq, frame.text.as_str(), frame.ephemeral), (1, text, false));
    assert!(frame.action.is_some() && bench.outbox.was_seen());
    bench.say(r#"{"type":"sync_request","data":{"paths":["/a"]}}"#).await;
    let Some(Mail::Sync { paths, .. }) = bench.mails.recv().await else { panic!("a sync") };
    assert_eq!(paths, ["/a"]);
    bench.client.close(None).await.expect("closes");
    bench.ended(false).await;
}

#[tokio::test]
async fn nothing_is_read_before_the_owner_admits() {
    let mut bench = Bench::start(3_600_000, 1 << 16).await;
    bench.say(r#"{"type":"nonsense"}"#).await;
    bench.push(&["established"], None);
    assert_eq!(bench.read().await, "established");
    assert_eq!(bench.read_type().await, "unknown_type");
    bench.client.close(None).await.expect("closes");
    bench.ended(false).await;
}

#[tokio::test]
async fn reading_stops_at_the_bound_until_something_is_answered() {
    let mut bench = Bench::admitted().await;
    for _ in 0..40 {
        bench.say(r#"{"type":"roll","data":{}}"#).await;
    }
    bench.say(r#"{"type":"nonsense"}"#).await;
    for seq in 1..=32 {
        let Some(Mail::Frame(frame)) = bench.mails.recv().await else { panic!("a frame") };
        assert_eq!(frame.seq, seq);
    }
    // The worker's frames still go out, and only they.
    bench.push(&["live"], None);
    assert_eq!(bench.read().await, "live");
    assert!(bench.mails.try_recv().is_err());
    let answered = Batch {
        frames: Vec::new(),
        bytes: 0,
        position: Position::START.into(),
        answered: 32,
        messages_per_minute: None,
        close: None,
    };
    bench.outbox.push(answered).expect("there is room");
    for seq in 33..=40 {
        let Some(Mail::Frame(frame)) = bench.mails.recv().await else { panic!("a frame") };
        assert_eq!(frame.seq, seq);
    }
    assert_eq!(bench.read_type().await, "unknown_type");
    bench.client.close(None).await.expect("closes");
    bench.ended(false).await;
}

#[tokio::test]
async fn a_heartbeat_is_answered_with_a_token_that_resumes() {
    let mut bench = Bench::admitted().await;
    bench.say(r#"{"type":"heartbeat","data":{"timestamp":"2026-11-21T19:02:11.480Z"}}"#).await;
    let value: serde_json::Value = serde_json::from_str(&bench.read().await).expect("JSON");
    assert_eq!(value["type"], "heartbeat");
    assert_eq!(value["data"]["position"], Position::START.to_string());
    let token = value["data"]["resume_token"].as_str().expect("a token");
    let claims = SessionTokens::new(&[7; 32]).check(token, WALL).expect("genuine");
    assert!(claims.resume && claims.issued_ms >= WALL.0);
    assert_eq!((claims.chain, claims.generation), (Uuid::from_u128(3), 1));
    bench.client.close(None).await.expect("closes");
    bench.ended(false).await;
}

#[tokio::test]
async fn a_binary_frame_and_one_over_the_bound_close() {
    let mut bench = Bench::admitted().await;
    bench.client.send(Message::binary(vec![1])).await.expect("sends");
    assert_eq!(bench.read().await, "close 1003");
    bench.ended(false).await;
    let mut bench = Bench::admitted().await;
    let large = format!(r#"{{"type":"{}"}}"#, "x".repeat(limits::CLIENT_FRAME_BYTES));
    bench.client.feed(Message::text(large)).await.expect("takes");
    bench.client.flush().await.expect("sends");
    assert_eq!(bench.read_type().await, "frame_too_large");
    assert_eq!(bench.read().await, "close 1009");
    bench.ended(false).await;
}

#[tokio::test]
async fn the_worker_s_close_follows_its_frames() {
    let mut bench = Bench::admitted().await;
    bench.push(&["one", "two"], Some(CloseCode::Kicked));
    assert_eq!(bench.read().await, "one");
    assert_eq!(bench.read().await, "two");
    assert_eq!(bench.read().await, "close 4503");
    bench.ended(false).await;
}

#[tokio::test]
async fn a_stopping_router_says_so() {
    let mut bench = Bench::admitted().await;
    bench.stop.cancel();
    assert_eq!(bench.read().await, "close 1001");
    bench.ended(false).await;
}

#[tokio::test]
async fn a_token_is_refreshed_or_not() {
    let mut bench = Bench::admitted().await;
    bench.say(r#"{"type":"auth_refresh","data":{"jwt":"bad"}}"#).await;
    assert_eq!(bench.read_type().await, "unauthenticated");
    bench.say(r#"{"type":"auth_refresh","data":{"jwt":"good"}}"#).await;
    let expected = r#"{"type":"auth_refreshed","data":{"expires_at":"2096-10-02T07:06:40.000Z"}}"#;
    assert_eq!(bench.read().await, expected);
    assert!(matches!(bench.mails.recv().await, Some(Mail::Refreshed { .. })));
    bench.client.close(None).await.expect("closes");
    bench.ended(false).await;
}

#[tokio::test(start_paused = true)]
async fn silence_closes_after_heartbeats() {
    let mut bench = Bench::admitted().await;
    // The client answers pings by itself while it reads: it is silent when it does not read.
    tokio::time::sleep(Duration::from_secs(76)).await;
    assert_eq!(bench.read_type().await, "heartbeat");
    assert_eq!(bench.read_type().await, "heartbeat");
    assert_eq!(bench.read().await, "close 4000");
    bench.ended(false).await;
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_told_then_closes() {
    let mut bench = Bench::start(10_000, 1 << 16).await;
    bench.push(&["established"], None);
    assert_eq!(bench.read().await, "established");
    assert_eq!(bench.read_type().await, "token_expired");
    assert_eq!(bench.read_type().await, "heartbeat");
    assert_eq!(bench.read().await, "close 4001");
    bench.ended(false).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_told_when_it_reads_again() {
    let mut bench = Bench::start(3_600_000, 64).await;
    bench.push(&["established"], None);
    assert_eq!(bench.read().await, "established");
    let mut pushed = 0;
    let batch = || Batch {
        frames: vec![Utf8Bytes::from_static("0123456789")],
        bytes: 10,
        position: Position::START.into(),
        answered: 0,
        messages_per_minute: None,
        close: None,
    };
    while bench.outbox.push(batch()).is_ok() {
        pushed += 1;
        tokio::task::yield_now().await;
    }
    assert!(pushed >= limits::CLIENT_QUEUE_FRAMES, "{pushed}");
    let mut got = 0;
    let error = loop {
        let frame = bench.read().await;
        if frame != "0123456789" {
            break frame;
        }
        got += 1;
    };
    assert!(got < pushed, "what was queued is not worth sending");
    assert!(error.contains("slow_consumer"), "{error}");
    assert_eq!(bench.read().await, "close 4002");
    bench.ended(true).await;
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_ends_ends_the_connection() {
    let bench = Bench::start(3_600_000, 16).await;
    bench.push(&["more than sixteen bytes, and nobody reads them"], None);
    bench.ended(true).await;
}
