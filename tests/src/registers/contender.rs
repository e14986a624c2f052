//! One client of registers: one operation after the other, over one socket and over REST.

use std::time::Duration;

use anyhow::Result;
use gss_client::{ApiError, Client, Command, CommandError, Event, Events, Refusal};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Own;
use crate::history::linear::{Op, Outcome};
use crate::player::Seat;

/// Longest pause between two operations.
const PAUSE_MS: u64 = 20;
/// Longest time until a caller in a hurry no longer waits.
const HURRY_MS: u64 = 8;
/// A `sync_request` that is not answered within this is not answered.
const ANSWER: Duration = Duration::from_secs(15);
/// Members of the document that tell the answers to a client's `sync_request`s apart, which name no
/// request: each asks for one of them, in turn.
const TAGS: u64 = 16;
const TAGS_AT: &str = "/shared/tags";

/// What came over the socket last and may concern a read.
#[derive(Clone)]
enum Heard {
    /// The state of a `sync_response`.
    State(Value),
    /// What was asked before may never be answered.
    Failure,
}

pub(super) struct Contender {
    seat: Seat,
    client: Client,
    heard: watch::Receiver<Heard>,
    own: Own,
    keys: Vec<String>,
    /// What each register held the last time this client was told.
    known: Vec<Value>,
    tag: u64,
    only_reads: bool,
    random: SmallRng,
}

impl Contender {
    /// Connects.
    ///
    /// # Errors
    /// When no connection opens.
    pub(super) async fn sit(
        seat: Seat,
        token: String,
        own: Own,
        keys: Vec<String>,
    ) -> Result<Self> {
        let (client, events) = Client::connect(seat.options(own.session, token)).await?;
        let (tell, heard) = watch::channel(Heard::Failure);
        tokio::spawn(listen(events, tell));
        let (known, random) = (vec![Value::Null; keys.len()], SmallRng::from_os_rng());
        Ok(Self { seat, client, heard, own, keys, known, tag: 0, only_reads: false, random })
    }

    /// The same, and it will not command.
    pub(super) fn only_reads(mut self) -> Self {
        self.only_reads = true;
        self
    }

    /// Writes the tags.
    ///
    /// # Errors
    /// When that is refused.
    pub(super) async fn set_up(&self) -> Result<()> {
        let tags: Map<String, Value> = (0..TAGS).map(|tag| (tag.to_string(), json!(tag))).collect();
        self.client.send(Command::set(TAGS_AT, tags.into())).await?.await?;
        Ok(())
    }

    /// Plays until told to stop, then leaves.
    pub(super) async fn play(mut self, stop: CancellationToken) {
        loop {
            let pause = Duration::from_millis(self.random.random_range(0..=PAUSE_MS));
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                break;
            }
            let register = self.random.random_range(0..self.keys.len());
            let acts = if self.only_reads { 4 } else { 10 };
            match self.random.random_range(0..acts) {
                0 | 1 => {
                    self.own.read(&self.seat, &self.keys[register]).await;
                }
                2 | 3 => self.read(register).await,
                4 => self.hurry(register).await,
                _ => self.ask(register).await,
            }
        }
        self.client.close().await;
    }

    /// A command over the socket.
    async fn ask(&mut self, register: usize) {
        let (at, written, command) = self.command(register);
        let answer = match self.client.send(command).await {
            Ok(pending) => pending.await,
            Err(error) => Err(error),
        };
        let outcome = match answer {
            Ok(_) => Outcome::Done,
            Err(CommandError::Refused(refusal)) => refused(&refusal),
            Err(CommandError::Unknown(_) | CommandError::Ended) => Outcome::Unknown,
        };
        self.answered(register, at, outcome, written);
    }

    /// A command over REST, whose caller goes away soon.
    async fn hurry(&mut self, register: usize) {
        let (at, written, command) = self.command(register);
        let hurry = Duration::from_millis(self.random.random_range(1..=HURRY_MS));
        let call = self.seat.api().act(self.own.session.0, &command);
        let outcome = match tokio::time::timeout(hurry, call).await {
            Ok(Ok(_)) => Outcome::Done,
            Ok(Err(ApiError::Refused { refusal, .. })) => refused(&refusal),
            Ok(Err(_)) | Err(_) => Outcome::Unknown,
        };
        self.answered(register, at, outcome, written);
    }

    /// The next command, noted, and what it writes. Most compare: with what this client knows, which
    /// others have often changed.
    fn command(&mut self, register: usize) -> (usize, Value, Command) {
        let (key, value) = (&self.keys[register], self.own.value());
        let (op, command) = if self.random.random_bool(0.4) {
            (Op::Write(value.clone()), Command::set(key, value.clone()))
        } else {
            let previous = self.known[register].clone();
            let command = Command::compare_and_set(key, previous.clone(), value.clone());
            (Op::Cas { previous, value: value.clone() }, command)
        };
        (self.own.asked(key, op), value, command)
    }

    fn answered(&mut self, register: usize, at: usize, outcome: Outcome, written: Value) {
        match &outcome {
            Outcome::Done => self.known[register] = written,
            Outcome::Saw(value) | Outcome::Conflict(value) => {
                self.known[register] = value.clone();
            }
            Outcome::Refused(_) | Outcome::Unknown => {}
        }
        self.own.answered(at, outcome);
    }

    /// A read over the socket.
    async fn read(&mut self, register: usize) {
        self.tag = (self.tag + 1) % TAGS;
        let (key, tag) = (self.keys[register].clone(), self.tag.to_string());
        // What was heard before is not the answer.
        self.heard.mark_unchanged();
        let at = self.own.asked(&key, Op::Read);
        let asked = self.client.sync(&[&key, &format!("{TAGS_AT}/{tag}")]).await;
        let answer = async {
            asked.ok()?;
            loop {
                self.heard.changed().await.ok()?;
                match &*self.heard.borrow_and_update() {
                    Heard::Failure => return None,
                    Heard::State(state) if is_answer(state, &tag) => {
                        return Some(state.pointer(&key).cloned().unwrap_or_default());
                    }
                    Heard::State(_) => {}
                }
            }
        };
        let answer = tokio::time::timeout(ANSWER, answer).await;
        let outcome = match answer {
            Ok(Some(value)) => Outcome::Saw(value),
            Ok(None) => Outcome::Refused("lost".to_owned()),
            Err(_) => Outcome::Refused("silence".to_owned()),
        };
        self.answered(register, at, outcome, Value::Null);
    }
}

/// Whether this state was asked for with this tag: that of a snapshot has them all.
fn is_answer(state: &Value, tag: &str) -> bool {
    let tags = state.pointer(TAGS_AT).and_then(Value::as_object);
    tags.is_some_and(|tags| tags.len() == 1 && tags.contains_key(tag))
}

fn refused(refusal: &Refusal) -> Outcome {
    match refusal.details.get("current") {
        Some(current) if refusal.code == "conflict" => Outcome::Conflict(current.clone()),
        Some(_) | None if refusal.effect_unknown() => Outcome::Unknown,
        Some(_) | None => Outcome::Refused(refusal.code.clone()),
    }
}

async fn listen(mut events: Events, tell: watch::Sender<Heard>) {
    while let Some(event) = events.next().await {
        let heard = match event {
            // Of the owner's memory, while the journal does not answer: promises nothing.
            Event::Message(message) if message.data.get("stale").is_some() => Heard::Failure,
            Event::Message(message) if message.kind == "sync_response" => {
                Heard::State(message.data.get("state").cloned().unwrap_or_default())
            }
            Event::Error(_) | Event::Disconnected { .. } | Event::Ended(_) => Heard::Failure,
            Event::Message(_)
            | Event::Connected { .. }
            | Event::Resumed { .. }
            | Event::Gap { .. }
            | Event::GoingAway => continue,
        };
        tell.send_replace(heard);
    }
}
