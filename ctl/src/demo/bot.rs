//! One bot: a connection that writes down every frame it gets and every answer to its commands.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use gss_client::{Ack, Api, Client, Command, CommandError, ConnectOptions, Document, Event};
use gss_client::{EndReason, JwtSource, Message, Raw};
use gss_shared::ids::PlayerId;
use tokio::sync::watch;
use uuid::Uuid;

/// For anything that a table on loopback does.
const PATIENCE: Duration = Duration::from_secs(20);

/// What became of a command.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) action: Uuid,
    pub(crate) kind: String,
    /// Refused: the code.
    pub(crate) outcome: Result<Ack, String>,
}

/// How far a bot's stream is.
#[derive(Clone, Debug, Default)]
struct Progress {
    version: u64,
    /// Connections that were opened after the first, by whether they resumed.
    resumed: Vec<bool>,
    ended: Option<EndReason>,
    document: Document,
    messages: Vec<Message>,
    whispers: Vec<String>,
    unfit: Option<String>,
}

/// A player at the table.
pub(crate) struct Bot {
    pub(crate) name: &'static str,
    pub(crate) player: PlayerId,
    /// Of a player.
    pub(crate) character: Option<Uuid>,
    pub(crate) api: Api,
    client: Client,
    frames: Arc<Mutex<Vec<String>>>,
    sent: Mutex<Vec<Sent>>,
    progress: watch::Receiver<Progress>,
}

impl Bot {
    /// Connects.
    pub(crate) async fn sit_down(
        name: &'static str,
        (player, character): (PlayerId, Option<Uuid>),
        jwt: JwtSource,
        url: String,
        token: String,
        api: Api,
    ) -> Result<Self> {
        let frames: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut options = ConnectOptions::new(url, jwt, token);
        let written = Arc::clone(&frames);
        options.tap = Some(Arc::new(move |raw: Raw<'_>| {
            if let Raw::Frame(text) = raw {
                lock(&written).push(text.to_owned());
            }
        }));
        let connected = Client::connect(options).await;
        let (client, mut events) = connected.with_context(|| format!("{name} connects"))?;
        let (tell, progress) = watch::channel(Progress::default());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                tell.send_modify(|progress| progress.take(event));
            }
        });
        let bot =
            Self { name, player, character, api, client, frames, sent: Mutex::default(), progress };
        bot.wait("the first snapshot", |progress| progress.version > 0).await?;
        bot.say("sits down");
        Ok(bot)
    }

    /// One line of the log.
    pub(crate) fn say(&self, text: &str) {
        println!("{:<7} {text}", self.name);
    }

    /// Sends a command and waits for its answer, which must be an acknowledgement.
    pub(crate) async fn does(&self, what: &str, command: Command) -> Result<Ack> {
        match self.tries(command).await? {
            Ok(ack) => {
                let again = if ack.duplicate { ", again" } else { "" };
                self.say(&format!("{what}   [version {}{again}]", ack.version));
                Ok(ack)
            }
            Err(code) => bail!("{}: {what}: refused {code}", self.name),
        }
    }

    /// Sends a command that must be refused with this code.
    pub(crate) async fn fails(&self, what: &str, code: &str, command: Command) -> Result<()> {
        match self.tries(command).await? {
            Err(found) if found == code => {
                self.say(&format!("{what}   [refused: {code}]"));
                Ok(())
            }
            Err(found) => bail!("{}: {what}: refused {found}, not {code}", self.name),
            Ok(ack) => bail!("{}: {what}: accepted as {}", self.name, ack.version),
        }
    }

    /// Sends a command; Err: the code of the refusal.
    pub(crate) async fn tries(&self, command: Command) -> Result<Result<Ack, String>> {
        let (action, kind) = (command.action_id, command.kind.clone());
        let answer = self.client.send(command).await?;
        let outcome = match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(ack)) => Ok(ack),
            Ok(Err(CommandError::Refused(refusal))) => Err(refusal.code),
            Ok(Err(error)) => return Err(error).with_context(|| format!("{}: {kind}", self.name)),
            Err(_) => bail!("{}: {kind}: no answer", self.name),
        };
        lock(&self.sent).push(Sent { action, kind, outcome: outcome.clone() });
        Ok(outcome)
    }

    /// Loses the connection and resumes.
    pub(crate) async fn stumbles(&self) -> Result<()> {
        let before = self.progress.borrow().resumed.len();
        self.client.reconnect().await?;
        self.wait("another connection", |progress| progress.resumed.len() > before).await?;
        if self.progress.borrow().resumed.last() != Some(&true) {
            bail!("{} came back with a snapshot, not where it was", self.name);
        }
        self.say("loses the connection and is back, nothing missed");
        Ok(())
    }

    /// Waits until it heard everything up to a version that it may see.
    pub(crate) async fn hears(&self, version: u64) -> Result<()> {
        let what = format!("version {version}");
        self.wait(&what, |progress| progress.version >= version).await
    }

    /// Waits until a question is put to it.
    pub(crate) async fn is_asked(&self, prompt: &str) -> Result<()> {
        let pointer = format!("/combat/prompts/{prompt}");
        let what = format!("question {prompt}");
        self.wait(&what, |progress| progress.document.get(&pointer).is_some()).await
    }

    /// Waits for the service to end the connection, and says with which code.
    pub(crate) async fn is_shown_out(&self) -> Result<u16> {
        self.wait("the end", |progress| progress.ended.is_some()).await?;
        match &self.progress.borrow().ended {
            Some(EndReason::ClosedByService { code, .. }) => Ok(*code),
            other => bail!("{}: ended otherwise: {other:?}", self.name),
        }
    }

    async fn wait(&self, what: &str, done: impl Fn(&Progress) -> bool) -> Result<()> {
        let mut progress = self.progress.clone();
        let waiting = progress.wait_for(|progress| done(progress));
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => bail!("{}: ended before {what}", self.name),
            Err(_) => bail!("{}: no {what} within {} s", self.name, PATIENCE.as_secs()),
        }
    }

    /// Every text frame, in order of arrival.
    pub(crate) fn frames(&self) -> Vec<String> {
        lock(&self.frames).clone()
    }

    /// Every command with its answer.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        lock(&self.sent).clone()
    }

    /// The document as it followed it.
    pub(crate) fn document(&self) -> Result<Document, String> {
        let progress = self.progress.borrow();
        progress.unfit.clone().map_or_else(|| Ok(progress.document.clone()), Err)
    }

    /// Messages after the first `count`, in order.
    pub(crate) fn messages(&self, count: usize) -> Vec<Message> {
        let progress = self.progress.borrow();
        progress.messages.get(count..).unwrap_or_default().to_vec()
    }

    /// Texts of chat messages that were not for all.
    pub(crate) fn whispers(&self) -> Vec<String> {
        self.progress.borrow().whispers.clone()
    }

    /// Leaves.
    pub(crate) async fn close(&self) {
        self.client.close().await;
    }
}

impl Progress {
    fn take(&mut self, event: Event) {
        match event {
            Event::Message(message) => self.follow(&message),
            Event::Resumed { resumed } => self.resumed.push(resumed),
            Event::Ended(reason) => self.ended = Some(reason),
            Event::Gap { expected, prev } => {
                self.unfit = Some(format!("a message was lost: {expected:?}, then {prev}"));
            }
            Event::Connected { .. }
            | Event::Error(_)
            | Event::GoingAway
            | Event::Disconnected { .. } => {}
        }
    }

    fn follow(&mut self, message: &Message) {
        if let Err(unfit) = self.document.follow(message) {
            self.unfit = Some(unfit.to_string());
        }
        if message.kind == "chat_message" && message.data.get("to") != Some(&"all".into()) {
            let text = message.data.get("text").and_then(|text| text.as_str()).unwrap_or_default();
            self.whispers.push(text.to_owned());
        }
        self.version = self.version.max(message.version.unwrap_or_default());
        self.messages.push(message.clone());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
