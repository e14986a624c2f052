//! A shard with one router, whose effects are carried out one by one.

use std::sync::Arc;
use std::time::Duration;

use gss_shared::clock::Clock;
use gss_shared::ids::{
    ActionId, ConnectionId, Epoch, Incarnation, NodeId, PlayerId, Position, SessionId,
    Shard as ShardId, ShardCount,
};
use gss_shared::link::frame::{
    AnswerFrame, AttachFrame, AttachOutcome, CommandBody, CommandFrame, Outcome, ToRouter,
};
use gss_shared::link::transport::LinkSink;
use gss_shared::ports::journal::{
    Address, Appended, Journal, JournalConfig, Part, PartRefusal, migrations, open,
};
use gss_shared::rest_command::RestCommand;
use gss_shared::time::Timestamp;
use gss_shared::token::TokenClaims;
use prometheus::Registry;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::answer::ReplyTo;
use crate::chance::Chance;
use crate::loader::Loader;
use crate::metrics::Metrics;
use crate::peer::{Link, Peer};
use crate::shard::{Input, Present, Shard};
use crate::work::{Ask, Effect, Fact, Urgency, Verdict, What, Work};

pub(super) const ONE: ShardId = ShardId(0);
pub(super) const BUDGET: Duration = Duration::from_secs(10);

pub(super) struct Bench {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) loader: Loader,
    pub(super) shard: Shard,
    pub(super) chance: Chance,
    pub(super) peer: Arc<Peer>,
    pub(super) link: Arc<Link>,
    pub(super) now: Instant,
    /// The journal's time.
    pub(super) clock: Timestamp,
    pub(super) full: bool,
    pub(super) stalled: bool,
    pub(super) effects: Vec<Effect>,
    router: mpsc::Receiver<ToRouter>,
    seq: u64,
    _folder: tempfile::TempDir,
}

pub(super) fn gm() -> PlayerId {
    PlayerId(Uuid::from_u128(0x67))
}

pub(super) fn table() -> SessionId {
    SessionId(Uuid::from_u128(0x7a))
}

pub(super) fn action(number: u128) -> ActionId {
    ActionId(Uuid::from_u128(0xac00 + number))
}

pub(super) fn set(number: u128, path: &str, value: i64) -> String {
    let changes = serde_json::json!([{ "path": path, "value": value }]);
    let data = serde_json::json!({ "action_id": action(number), "changes": changes });
    serde_json::json!({ "type": "state_change", "data": data }).to_string()
}

pub(super) fn expecting(number: u128, path: &str, previous: i64, value: i64) -> String {
    let changes = serde_json::json!([{ "path": path, "previous": previous, "value": value }]);
    let data = serde_json::json!({ "action_id": action(number), "changes": changes });
    serde_json::json!({ "type": "state_change", "data": data }).to_string()
}

impl Bench {
    /// An empty journal, a shard under epoch 1, one router.
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let url = format!("sqlite:{}", folder.path().join("journal.db").display());
        let address = Address::from(url.as_str());
        migrations::up(&address).await.expect("tables");
        let config = JournalConfig::new(address, ShardCount(1));
        let clock = Clock::virtual_from(Timestamp(1_800_000_000_000));
        let journal = open(&config, &clock).await.expect("journal").journal;
        let metrics = Metrics::register(&Registry::new()).expect("metrics");
        let (sender, router) = mpsc::channel(1_024);
        let link = Link::new(LinkSink::into_queue(sender), CancellationToken::new());
        let peer = Peer::new("r".parse().expect("id"), Incarnation(1));
        peer.open(&link, Instant::now());
        let mut bench = Self {
            loader: Loader::new(Arc::clone(&journal), ShardCount(1), metrics),
            journal,
            shard: Shard::new(ONE, Epoch(1), BUDGET),
            chance: Chance::from_rng(StdRng::seed_from_u64(7)),
            peer,
            link,
            now: Instant::now(),
            clock: Timestamp(1_800_000_000_000),
            full: false,
            stalled: false,
            effects: Vec::new(),
            router,
            seq: 0,
            _folder: folder,
        };
        assert_eq!(bench.raise(Epoch(0)).await, Epoch(1));
        bench
    }

    /// With an active session at version 3.
    pub(super) async fn with_table() -> Self {
        let mut bench = Self::new().await;
        bench.create();
        bench.send(&set(900, "/shared/hp", 1));
        bench.settle().await;
        assert_eq!(bench.story(), ["live 1", "ack 1", "live 2,3", "ack 3"]);
        bench
    }

    pub(super) async fn raise(&mut self, from: Epoch) -> Epoch {
        let node: NodeId = "n".parse().expect("id");
        let raised = self.journal.raise(&[(ONE, from)], (&node, Incarnation(1))).await;
        raised.expect("raise").0[0].1
    }

    pub(super) fn create(&mut self) {
        let (campaign_id, name) = (Uuid::nil().into(), "Table".to_owned());
        let command = RestCommand::Create { campaign_id, name, settings: serde_json::Map::new() };
        let command = serde_json::to_string(&command).expect("json");
        self.ask(None, CommandBody::Rest { action: action(0), command });
    }

    pub(super) fn rest(&mut self, number: u128, command: &RestCommand) {
        let command = serde_json::to_string(command).expect("json");
        self.ask(None, CommandBody::Rest { action: action(number), command });
    }

    pub(super) fn send(&mut self, frame: &str) {
        self.ask(None, CommandBody::Frame(frame.to_owned()));
    }

    pub(super) fn ask(&mut self, connection: Option<ConnectionId>, body: CommandBody) {
        self.seq += 1;
        let frame = CommandFrame {
            session: table(),
            connection,
            seq: self.seq,
            route: 1,
            player: gm(),
            body,
            beat_seen: 0,
            outlived: 0,
            budget_ms: 10_000,
            view: None,
        };
        let to = ReplyTo::Commands(Arc::clone(&self.peer));
        let what = What::Command(Box::new(frame), Arc::clone(&self.peer));
        let ask = Ask::new(what, self.now);
        self.input(Input::Ask(table(), Work { to, ask }));
    }

    pub(super) fn bulk(&self) -> ReplyTo {
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().expect("permit");
        ReplyTo::Bulk(Arc::clone(&self.link), permit)
    }

    pub(super) fn attach(&mut self, number: u128, chain: u128, position: Option<Position>) {
        let token = TokenClaims {
            session: table(),
            player: gm(),
            generation: 1,
            chain: Uuid::from_u128(chain),
            issued_ms: 1_800_000_000_000 + i64::try_from(number).expect("small"),
            resume: position.is_some(),
        };
        let frame = AttachFrame {
            request: u64::try_from(number).expect("small"),
            session: table(),
            connection: ConnectionId(Uuid::from_u128(number)),
            player: gm(),
            token,
            position,
            beat_seen: 0,
            outlived: 0,
        };
        let what = What::Attach(Box::new(frame), Arc::clone(&self.peer));
        let work = Work { to: self.bulk(), ask: Ask::new(what, self.now) };
        self.input(Input::Ask(table(), work));
    }

    pub(super) fn input(&mut self, input: Input) {
        self.with(|shard, present, out| shard.input(input, present, out));
    }

    pub(super) fn with<R>(
        &mut self,
        act: impl FnOnce(&mut Shard, &mut Present<'_>, &mut Vec<Effect>) -> R,
    ) -> R {
        let now = self.clock;
        let (at, full, stalled, chance) = (self.now, self.full, self.stalled, &mut self.chance);
        let mut present = Present { now, at, full, stalled, chance };
        act(&mut self.shard, &mut present, &mut self.effects)
    }

    /// Lets sessions decide, and loads and looks up what they ask the journal for; appends nothing.
    pub(super) async fn decide(&mut self) {
        loop {
            while self.with(Shard::step) {}
            let fact = match self.take(from_the_journal) {
                None => return,
                Some(effect) => self.fact(effect).await,
            };
            if let Some(fact) = fact {
                self.with(|shard, present, out| shard.fact(fact, present, out));
            }
        }
    }

    /// Lets sessions decide, and carries out nothing.
    pub(super) fn decide_only(&mut self) {
        while self.with(Shard::step) {}
    }

    pub(super) async fn fact(&self, effect: Effect) -> Option<Fact> {
        Some(match effect {
            Effect::Load { session, .. } => {
                let (end, (to, loaded)) = (CancellationToken::new(), oneshot::channel());
                self.loader.activate(session, Urgency::Commands, &end, to).await;
                Fact::Loaded(session, loaded.await.expect("told"))
            }
            Effect::History { session, version } => {
                Fact::History(session, version, self.loader.history(session, version).await)
            }
            Effect::Find { session, actions } => {
                let found = self.loader.find(session, &actions).await;
                Fact::Found(session, actions, found)
            }
            Effect::Missed { to, admitted, from } => {
                let missed = self.loader.missed(table(), from, admitted.at).await;
                Fact::Missed(to, admitted, missed)
            }
            Effect::Save { session, candidate } => {
                let epoch = self.shard.epoch();
                let stored = self.loader.save(ONE, epoch, session, &candidate).await;
                Fact::Saved(session, candidate.position, stored)
            }
            _ => return None,
        })
    }

    /// Takes the first effect of a kind.
    pub(super) fn take(&mut self, wanted: impl Fn(&Effect) -> bool) -> Option<Effect> {
        let found = self.effects.iter().position(wanted)?;
        Some(self.effects.remove(found))
    }

    /// Takes the oldest submission.
    pub(super) fn part(&mut self) -> Option<Part> {
        match self.take(|effect| matches!(effect, Effect::Submit(_))) {
            Some(Effect::Submit(part)) => Some(*part),
            _ => None,
        }
    }

    /// Appends a submission and hands in the verdict.
    pub(super) async fn append(&mut self, part: Part) {
        let epoch = self.shard.epoch();
        self.append_knowing(part, epoch).await;
    }

    pub(super) async fn append_knowing(&mut self, part: Part, epoch: Epoch) {
        let under = part.epoch;
        let mut appended = self.journal.append(vec![part]).await.expect("append");
        let outcome = match appended.pop().expect("a verdict") {
            Appended::Committed(committed) => Ok(Arc::new(committed)),
            Appended::Refused(_, refusal) => Err(refusal),
        };
        let verdict = Verdict { session: table(), covered: 1, under, epoch, outcome };
        self.with(|shard, present, out| shard.verdict(verdict, present, out));
    }

    /// Hands in a refusal without asking the journal.
    pub(super) fn refuse(&mut self, covered: usize, refusal: PartRefusal) {
        let epoch = self.shard.epoch();
        let outcome = Err(refusal);
        let verdict = Verdict { session: table(), covered, under: epoch, epoch, outcome };
        self.with(|shard, present, out| shard.verdict(verdict, present, out));
    }

    /// Decides and appends until nothing is left to do.
    pub(super) async fn settle(&mut self) {
        loop {
            self.decide().await;
            let Some(part) = self.part() else { return };
            self.append(part).await;
        }
    }

    /// What the router was told since the last time.
    pub(super) fn told(&mut self) -> Vec<ToRouter> {
        std::iter::from_fn(|| self.router.try_recv().ok()).collect()
    }

    /// The same, short: `live 2-3`, `ack 2`, `ack 2 again`, `conflict at 2` …
    pub(super) fn story(&mut self) -> Vec<String> {
        self.told().iter().map(tell).collect()
    }
}

fn from_the_journal(effect: &Effect) -> bool {
    !matches!(effect, Effect::Submit(_) | Effect::Characters { .. })
}

fn tell(frame: &ToRouter) -> String {
    match frame {
        ToRouter::Live { messages, .. } => {
            let versions: Vec<_> = messages.iter().map(|m| m.version().to_string()).collect();
            format!("live {}", versions.join(","))
        }
        ToRouter::Answer(AnswerFrame { outcome, .. }) => match outcome {
            Outcome::Accepted { position, duplicate: false, .. } => {
                format!("ack {}", position.version)
            }
            Outcome::Accepted { position, duplicate: true, .. } => {
                format!("ack {} again", position.version)
            }
            Outcome::Refused { refused, saw } => format!("{} at {}", refused.code, saw.version),
            Outcome::NotOwner { epoch, .. } => format!("not owner {epoch}"),
            Outcome::Nothing => "nothing".to_owned(),
        },
        ToRouter::Attached { request, outcome } => match outcome {
            AttachOutcome::Resumed { missed, at, sync, .. } => {
                let missed: Vec<_> = missed.iter().map(|m| m.version().to_string()).collect();
                let sync = if sync.is_some() { " and sync" } else { "" };
                format!("resumed {request}: {} to {}{sync}", missed.join(","), at.version)
            }
            AttachOutcome::Fresh { at, .. } => format!("fresh {request} at {}", at.version),
            AttachOutcome::Refused { refused, close } => {
                format!("refused {request}: {} {close}", refused.code)
            }
            AttachOutcome::NotOwner { epoch, .. } => format!("not owner {epoch}"),
        },
        ToRouter::ReadDone { outcome, .. } => match outcome {
            Ok(answer) if answer.stale => format!("stale at {}", answer.at.version),
            Ok(answer) => format!("read at {}", answer.at.version),
            Err(refused) => format!("read: {}", refused.code),
        },
        ToRouter::Close { connection, code, .. } => {
            format!("close {} {code}", connection.0.as_u128())
        }
        ToRouter::Unversioned { frame, .. } => {
            let kind: serde_json::Value = serde_json::from_str(frame).expect("json");
            format!("{} {}", kind["type"].as_str().expect("type"), kind["data"]["status"])
        }
        other => format!("{other:?}"),
    }
}
