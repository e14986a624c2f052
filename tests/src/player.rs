//! A recording player: the SDK plays, everything received is kept.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gss_client::{
    Api, Client, Command, CommandError, ConnectOptions, Document, Event, JwtSource, Message, Raw,
};
use gss_shared::clock::Clock;
use gss_shared::ids::{ActionId, PlayerId, SessionId, Version};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use uuid::Uuid;

use crate::cluster::Cluster;
use crate::history::{Fate, History, Seen, Sent};

/// Commands that wait for their turn to be sent; a stalled cluster makes them wait.
const OUTBOX: usize = 100_000;
/// How often a refused set-up call is tried while the cluster heals.
const TRIES: usize = 20;

/// A user who is about to sit down: its token and its routers.
#[derive(Clone)]
pub struct Seat {
    player: PlayerId,
    jwt: String,
    api: Api,
    /// All routers, the own one first.
    ws: Vec<String>,
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Seat {
    /// A new user; `number` chooses the router.
    ///
    /// # Errors
    /// When the cluster's keys cannot be read.
    pub fn new(cluster: &Cluster, number: usize) -> Result<Self> {
        gss_shared::jwt::install();
        let endpoints = cluster.endpoints();
        let player = PlayerId(Uuid::new_v4());
        let jwt = token(cluster, player)?;
        let tls = endpoints.tls_ca.as_deref().map(|ca| gss_shared::tls::public_client(Some(ca)));
        let tls = tls.transpose()?;
        let mut ws: Vec<String> = endpoints.routers.iter().map(|r| r.ws.clone()).collect();
        let own = number % ws.len();
        ws.rotate_left(own);
        let http = &endpoints.routers[own].http;
        let api = Api::new(http, JwtSource::fixed(jwt.clone()), tls.clone())?;
        Ok(Self { player, jwt, api, ws, tls })
    }

    /// The same user at another router, so many further on.
    #[must_use]
    pub fn beside(&self, routers: usize) -> Self {
        let mut ws = self.ws.clone();
        let further = routers % ws.len();
        ws.rotate_left(further);
        let (jwt, api, tls) = (self.jwt.clone(), self.api.clone(), self.tls.clone());
        Self { player: self.player, jwt, api, ws, tls }
    }

    /// Who it is.
    pub fn player(&self) -> PlayerId {
        self.player
    }

    /// Its JWT.
    pub fn jwt(&self) -> &str {
        &self.jwt
    }

    /// Calls as this user.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The WebSocket of a session at the own router.
    pub fn url(&self, session: SessionId) -> String {
        url(&self.ws[0], session)
    }

    /// Creates a session; returns its id and the connection token.
    ///
    /// # Errors
    /// When the cluster keeps refusing.
    pub async fn create(&self, name: &str, settings: &Value) -> Result<(SessionId, String)> {
        let key = Uuid::new_v4();
        let made =
            retried(|| self.api.create_once(key, Uuid::nil(), name, settings.clone())).await?;
        Ok((SessionId(made.session_id), made.connection_token))
    }

    /// Joins as a player; returns the connection token.
    ///
    /// # Errors
    /// When the cluster keeps refusing.
    pub async fn join(&self, session: SessionId) -> Result<String> {
        Ok(retried(|| self.api.join(session.0, json!({}))).await?.connection_token)
    }

    /// How to connect: to the own router, to the others when it is away.
    pub fn options(&self, session: SessionId, token: String) -> ConnectOptions {
        let jwt = JwtSource::fixed(self.jwt.clone());
        let mut options = ConnectOptions::new(self.url(session), jwt, token);
        options.urls = self.ws.iter().map(|ws| url(ws, session)).collect();
        options.tls = self.tls.clone();
        options
    }

    /// Connects and records.
    ///
    /// # Errors
    /// When no connection opens.
    pub async fn connect(&self, session: SessionId, token: String) -> Result<Player> {
        let record = Arc::new(Mutex::new(History::new(session, self.player)));
        let (moved, seen) = watch::channel(());
        let kept = record.clone();
        let tap = move |raw: Raw<'_>| {
            let seen = match raw {
                Raw::Frame(text) => Seen::Frame(serde_json::from_str(text).unwrap_or_default()),
                Raw::Closed(code) => Seen::Closed(code),
            };
            lock(&kept).seen.push(seen);
            moved.send_replace(());
        };
        let mut options = self.options(session, token);
        options.tap = Some(Arc::new(tap));
        let (client, mut events) = Client::connect(options).await?;
        let shown = Arc::new(Mutex::new(Shown::default()));
        let followed = shown.clone();
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if let Event::Message(message) = event {
                    lock(&followed).follow(&message);
                }
            }
        });
        let (outbox, waiting) = mpsc::channel(OUTBOX);
        let pending = Arc::new(watch::Sender::new(0));
        let answered = Arc::<AtomicUsize>::default();
        let fated = Fated { pending: Arc::clone(&pending), answered: answered.clone() };
        tokio::spawn(send_all(client.clone(), waiting, record.clone(), fated));
        Ok(Player { player: self.player, client, outbox, record, shown, seen, pending, answered })
    }
}

fn url(ws: &str, session: SessionId) -> String {
    format!("{ws}/api/v2/sessions/{session}/ws")
}

/// Repeats a call that the service could not answer, as while an owner is away.
///
/// # Errors
/// A refusal, at once; the last failure.
pub async fn retried<T, F: Future<Output = Result<T, gss_client::ApiError>>>(
    mut call: impl FnMut() -> F,
) -> Result<T> {
    let mut last = None;
    for _ in 0..TRIES {
        match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) if error.status().is_none_or(|status| status >= 500) => last = Some(error),
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Err(last.context("at least one try")?.into())
}

/// A JWT that the cluster accepts.
///
/// # Errors
/// When the key cannot be read.
pub fn token(cluster: &Cluster, user: PlayerId) -> Result<String> {
    let jwt = &cluster.endpoints().jwt;
    let pem = std::fs::read(&jwt.private_key_pem_path).context("read the signing key")?;
    let now = Clock::system().now().0 / 1_000;
    let claims = json!({
        "sub": user, "iss": jwt.issuer, "aud": jwt.audience, "jti": Uuid::new_v4(),
        "iat": now, "exp": now + 36_000,
    });
    let header = jsonwebtoken::Header {
        kid: Some(jwt.kid.clone()),
        ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA)
    };
    let key = jsonwebtoken::EncodingKey::from_ed_pem(&pem).context("an Ed25519 key")?;
    jsonwebtoken::encode(&header, &claims, &key).context("sign a token")
}

/// A command and the time it was given to the client.
struct Due {
    command: Command,
    at: Instant,
}

/// What a client shows.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    document: Document,
    version: Version,
    unfit: Option<String>,
}

impl Shown {
    /// Follows a message of the connection.
    pub fn follow(&mut self, message: &Message) {
        if let Err(error) = self.document.follow(message) {
            self.unfit.get_or_insert_with(|| format!("{}: {error}", message.kind));
        }
        self.version = self.version.max(Version(message.version.unwrap_or_default()));
    }

    /// The document.
    pub fn state(&self) -> &Value {
        self.document.state()
    }

    /// Version of the last message.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The first message that did not fit the document: none should.
    pub fn unfit(&self) -> Option<&str> {
        self.unfit.as_deref()
    }
}

/// A connected client and its record.
pub struct Player {
    player: PlayerId,
    client: Client,
    outbox: mpsc::Sender<Due>,
    record: Arc<Mutex<History>>,
    /// The document as the client follows it.
    shown: Arc<Mutex<Shown>>,
    seen: watch::Receiver<()>,
    /// Commands without a fate.
    pending: Arc<watch::Sender<usize>>,
    answered: Arc<AtomicUsize>,
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// How many commands have no fate, and how many were acknowledged.
struct Fated {
    pending: Arc<watch::Sender<usize>>,
    answered: Arc<AtomicUsize>,
}

/// Sends in order and notes every fate. Commands wait here while too many are unanswered.
async fn send_all(
    client: Client,
    mut waiting: mpsc::Receiver<Due>,
    record: Arc<Mutex<History>>,
    fated: Fated,
) {
    let Fated { pending, answered } = fated;
    while let Some(Due { command, at }) = waiting.recv().await {
        let index = {
            let mut record = lock(&record);
            let frame = serde_json::from_str(&command.frame()).unwrap_or_default();
            let action = ActionId(command.action_id);
            record.sent.push(Sent { action, frame, at, answered: None, fate: Fate::Unknown });
            record.sent.len() - 1
        };
        let Ok(answer) = client.send(command).await else {
            pending.send_modify(|pending| *pending -= 1);
            continue;
        };
        let (record, pending, answered) = (record.clone(), pending.clone(), answered.clone());
        tokio::spawn(async move {
            let fate = match answer.await {
                Ok(ack) => Fate::Acknowledged(Version(ack.version)),
                Err(CommandError::Refused(refusal)) => Fate::Refused(refusal.code),
                Err(CommandError::Unknown(_) | CommandError::Ended) => Fate::Unknown,
            };
            if matches!(fate, Fate::Acknowledged(_)) {
                answered.fetch_add(1, Ordering::Relaxed);
            }
            {
                let sent = &mut lock(&record).sent[index];
                (sent.fate, sent.answered) = (fate, Some(Instant::now()));
            }
            pending.send_modify(|pending| *pending -= 1);
        });
    }
}

impl Player {
    /// Who it is.
    pub fn id(&self) -> PlayerId {
        self.player
    }

    /// Commands acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Queues a command `{"type", "data"}`; its key is made here.
    pub fn send(&self, mut frame: Value) {
        let kind = frame["type"].as_str().unwrap_or_default().to_owned();
        let command = Command::new(kind, frame["data"].take());
        let due = Due { command, at: Instant::now() };
        // Before it is queued: whoever waits for all fates from now on waits for this one.
        self.pending.send_modify(|pending| *pending += 1);
        // A full outbox is a load the test did not mean.
        assert!(self.outbox.try_send(due).is_ok(), "{OUTBOX} commands wait already");
    }

    /// Waits until everything that was queued has a fate.
    ///
    /// # Errors
    /// At the deadline, with how many have none.
    pub async fn await_fates(&self, deadline: Instant) -> Result<()> {
        let mut fates = self.pending.subscribe();
        loop {
            let pending = *fates.borrow_and_update();
            if pending == 0 {
                return Ok(());
            }
            let step = (Instant::now() + Duration::from_millis(20)).min(deadline);
            if tokio::time::timeout_at(step, fates.changed()).await.is_err()
                && Instant::now() >= deadline
            {
                bail!("{} of {}: {pending} unanswered", self.id(), lock(&self.record).session);
            }
        }
    }

    /// Waits until everything up to a version was seen; the checks say what is missing otherwise.
    pub async fn await_version(&self, version: Version, deadline: Instant) {
        let mut seen = self.seen.clone();
        while lock(&self.record).last_version() < version {
            if tokio::time::timeout_at(deadline, seen.changed()).await.is_err() {
                return;
            }
        }
    }

    /// Waits until the last thing that happened is a close.
    ///
    /// # Errors
    /// At the deadline.
    pub async fn await_close(&self, deadline: Instant) -> Result<()> {
        let mut seen = self.seen.clone();
        while !matches!(lock(&self.record).seen.last(), Some(Seen::Closed(_))) {
            ensure!(
                tokio::time::timeout_at(deadline, seen.changed()).await.is_ok(),
                "{} was not closed",
                self.id()
            );
        }
        Ok(())
    }

    /// Drops the connection and opens another.
    ///
    /// # Errors
    /// When the client has ended.
    pub async fn reconnect(&self) -> Result<()> {
        Ok(self.client.reconnect().await?)
    }

    /// Version of the last journaled message or snapshot that was seen.
    pub fn last_version(&self) -> Version {
        lock(&self.record).last_version()
    }

    /// Looks at the document as the client shows it.
    pub fn look<T>(&self, at: impl FnOnce(&Shown) -> T) -> T {
        at(&lock(&self.shown))
    }

    /// What was recorded so far.
    pub fn history(&self) -> History {
        lock(&self.record).clone()
    }

    /// Takes the record, then closes: the own close is no part of it.
    pub async fn leave(&self) -> History {
        let history = self.history();
        self.client.close().await;
        history
    }
}
