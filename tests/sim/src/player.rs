//! One player: the SDK plays over the simulated network, everything received is kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gss_client::{Client, Command, CommandError, ConnectOptions, Event, JwtSource, Raw};
use gss_shared::ids::{ActionId, PlayerId, SessionId, Version};
use gss_shared::jwt::{Claims, Issuer};
use gss_tests::history::{Fate, History, Seen, Sent};
use gss_tests::player::Shown;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::net::{HostId, Net};
use crate::plant::{ONE_IN, Plant};
use crate::process::{AUDIENCE, BEGIN, ISSUER, public_address};
use crate::rest::{Reply, Rest};
use crate::trace::Trace;

/// How long a token is good for: longer than any run.
const TOKEN_MS: i64 = 86_400_000;
/// How long the first connection may take while the cluster suffers.
const CONNECT: Duration = Duration::from_secs(60);

/// Where a player was when the run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Presence {
    /// Connected, and told everything.
    AtTheTable,
    /// It left, was put out, or sits on another connection.
    Gone,
}

/// What was seen over one connection and its resumptions.
#[derive(Clone)]
pub(crate) struct Record {
    history: Arc<Mutex<History>>,
    /// Why the connection ended for good.
    ended: Arc<Mutex<Option<String>>>,
    /// What the client shows.
    shown: Arc<Mutex<Shown>>,
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Record {
    pub(crate) fn history(&self) -> History {
        lock(&self.history).clone()
    }

    fn ended(&self) -> Option<String> {
        lock(&self.ended).clone()
    }

    fn stands_at(&self) -> Version {
        lock(&self.history).last_version()
    }
}

/// A player at its table.
pub(crate) struct Player {
    pub(crate) id: PlayerId,
    rest: Rest,
    routers: Vec<String>,
    trace: Trace,
    plant: Option<Plant>,
    client: Option<Client>,
    /// One per connection that was opened anew, the last one is the present.
    records: Vec<Record>,
}

/// Where players sit and what they reach.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) net: Net,
    pub(crate) host: HostId,
    pub(crate) routers: Vec<String>,
    pub(crate) secret: Vec<u8>,
    pub(crate) trace: Trace,
    pub(crate) plant: Option<Plant>,
}

impl Player {
    /// A user; `number` chooses its first router.
    pub(crate) fn new(place: &Place, number: usize) -> Result<Self> {
        let id = PlayerId(Uuid::new_v4());
        let claims = Claims {
            sub: id,
            exp: BEGIN.plus_ms(TOKEN_MS),
            iat: None,
            jti: None,
            scope: std::collections::BTreeSet::new(),
        };
        let jwt = Issuer::hs256(&place.secret, ISSUER, AUDIENCE).issue(&claims)?;
        let mut routers: Vec<String> =
            place.routers.iter().map(|name| public_address(name)).collect();
        let own = number % routers.len();
        routers.rotate_left(own);
        let rest = Rest { net: place.net.clone(), own: place.host, jwt };
        let (trace, plant) = (place.trace.clone(), place.plant);
        Ok(Self { id, rest, routers, trace, plant, client: None, records: Vec::new() })
    }

    /// A REST call, repeated until it is answered.
    pub(crate) async fn call(&self, call: (&str, &str), body: &Value) -> Result<Reply> {
        self.rest.insist(&self.routers, call, body, CONNECT).await
    }

    /// Joins, or joins again; gives the connection token.
    pub(crate) async fn join(&self, session: SessionId) -> Result<String> {
        let reply = self.call(("POST", &format!("/{session}/join")), &json!({})).await?;
        ensure!(reply.status == 200, "join: {reply:?}");
        Ok(reply.body["connection_token"].as_str().context("a token")?.to_owned())
    }

    /// Connects, with a record of its own.
    pub(crate) async fn connect(&mut self, session: SessionId, token: String) -> Result<()> {
        let history = Arc::new(Mutex::new(History::new(session, self.id)));
        let record =
            Record { history: Arc::clone(&history), ended: Arc::default(), shown: Arc::default() };
        let id = self.id;
        let (trace, plant, frames) = (self.trace.clone(), self.plant, AtomicU64::new(0));
        let tap = move |raw: Raw<'_>| {
            let seen = match raw {
                Raw::Frame(text) => {
                    trace.bytes(text.as_bytes());
                    tracing::debug!(player = %id, %text, "hears");
                    Seen::Frame(serde_json::from_str(text).unwrap_or_default())
                }
                Raw::Closed(code) => {
                    tracing::debug!(player = %id, ?code, "is closed");
                    Seen::Closed(code)
                }
            };
            let struck = frames.fetch_add(1, Ordering::Relaxed) % ONE_IN == ONE_IN - 1;
            let times = match plant {
                Some(Plant::DeafClient) if struck => 0,
                Some(Plant::StutteringClient) if struck => 2,
                _ => 1,
            };
            lock(&history).seen.extend(std::iter::repeat_n(seen, times));
        };
        let url = |router: &String| format!("ws://{router}/api/v2/sessions/{session}/ws");
        let jwt = JwtSource::fixed(self.rest.jwt.clone());
        let mut options = ConnectOptions::new(String::new(), jwt, token);
        options.urls = self.routers.iter().map(url).collect();
        options.first_within = CONNECT;
        options.tap = Some(Arc::new(tap));
        let (net, own) = (self.rest.net.clone(), self.rest.own);
        options.reach = Some(Arc::new(move |host, port| {
            let net = net.clone();
            Box::pin(async move {
                let stream = net.connect(own, &format!("{host}:{port}")).await?;
                Ok(Box::new(stream) as Box<dyn gss_client::Wire>)
            })
        }));
        let (client, mut events) = Client::connect(options).await?;
        let (ended, shown) = (Arc::clone(&record.ended), Arc::clone(&record.shown));
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                match event {
                    Event::Message(message) => lock(&shown).follow(&message),
                    Event::Ended(reason) => {
                        tracing::info!(%reason, "a connection ended");
                        *lock(&ended) = Some(reason.to_string());
                    }
                    _ => {}
                }
            }
        });
        self.client = Some(client);
        self.records.push(record);
        Ok(())
    }

    /// Leaves the table without a word; its unanswered commands stay unanswered.
    pub(crate) fn put_down(&mut self) {
        self.client = None;
    }

    /// Drops the socket, as a network does.
    pub(crate) async fn drop_socket(&self) {
        if let Some(client) = &self.client
            && client.reconnect().await.is_err()
        {
            tracing::debug!("no connection to drop");
        }
    }

    pub(crate) async fn say(&self, frame: &Value) {
        if let Some(client) = &self.client
            && client.send_unacknowledged(frame.to_string()).await.is_err()
        {
            tracing::debug!("no connection to say it on");
        }
    }

    /// Sends a command and notes its fate when it comes. None: there is no connection.
    pub(crate) async fn send(&self, command: Command) -> Option<tokio::task::JoinHandle<Fate>> {
        let (client, record) = (self.client.as_ref()?, self.records.last()?.clone());
        let index = {
            let mut history = lock(&record.history);
            let action = ActionId(command.action_id);
            let frame: Value = serde_json::from_str(&command.frame()).unwrap_or_default();
            tracing::debug!(player = %self.id, %frame, "says");
            let (at, answered) = (Instant::now(), None);
            history.sent.push(Sent { action, frame, at, answered, fate: Fate::Unknown });
            history.sent.len() - 1
        };
        let answer = client.send(command).await.ok()?;
        Some(tokio::spawn(async move {
            let fate = match answer.await {
                Ok(ack) => Fate::Acknowledged(Version(ack.version)),
                Err(CommandError::Refused(refusal)) => Fate::Refused(refusal.code),
                Err(CommandError::Unknown(_) | CommandError::Ended) => Fate::Unknown,
            };
            let sent = &mut lock(&record.history).sent[index];
            (sent.fate, sent.answered) = (fate.clone(), Some(Instant::now()));
            fate
        }))
    }

    /// Whether it is still at the table.
    pub(crate) fn is_connected(&self) -> bool {
        self.client.is_some() && self.records.last().is_some_and(|one| one.ended().is_none())
    }

    /// Its records, each with where it was at the end.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (Record, Presence)> {
        let last = self.records.len().saturating_sub(1);
        self.records.iter().enumerate().map(move |(index, record)| {
            let there = index == last && self.is_connected();
            (record.clone(), if there { Presence::AtTheTable } else { Presence::Gone })
        })
    }

    /// Why its connection ended for good.
    pub(crate) fn ended(&self) -> Option<String> {
        self.records.last().and_then(Record::ended)
    }

    /// Looks at what its client shows.
    pub(crate) fn shown<R>(&self, look: impl FnOnce(&Shown) -> R) -> R {
        match self.records.last() {
            Some(record) => look(&lock(&record.shown)),
            None => look(&Shown::default()),
        }
    }

    /// Waits until everything up to a version was seen.
    pub(crate) async fn reach(&self, version: Version, until: Instant) -> bool {
        let Some(record) = self.records.last() else { return true };
        while record.stands_at() < version {
            if Instant::now() > until {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }
}
