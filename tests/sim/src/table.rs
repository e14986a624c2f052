//! A table and what is played at it, from its creation until everything has settled.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gss_client::Command;
use gss_shared::ids::{PlayerId, SessionId, Version};
use gss_tests::fight::Seated;
use gss_tests::history::{Calls, Fate};
use gss_tests::player::Shown;
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use crate::player::{Place, Player, Presence, Record};

/// Players at a table, the GM among them.
const PLAYERS: usize = 4;
/// Longest time from the heal until every table commits again: recovery, and the SDK's back-off.
const RECOVERY: Duration = Duration::from_secs(30);
/// Longest time until a question is answered, where clocks agree.
const ANSWERED: Duration = Duration::from_secs(10);

/// What the table leaves for the checks.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) session: Option<SessionId>,
    pub(crate) records: Vec<(Record, Presence)>,
    /// What the GM did by REST.
    pub(crate) calls: Calls,
    /// The document as each player read it at the end.
    pub(crate) documents: Vec<(PlayerId, Value)>,
    /// What each player's client showed then.
    pub(crate) shown: Vec<(PlayerId, Shown)>,
    pub(crate) problems: Vec<String>,
    pub(crate) ready: bool,
    pub(crate) settled: bool,
    /// The last command's version of the whole run.
    pub(crate) end: Version,
}

/// Where the table writes while it plays.
pub(crate) type SharedLog = Arc<Mutex<Log>>;

/// Gives access to a log.
pub(crate) fn with<R>(log: &SharedLog, act: impl FnOnce(&mut Log) -> R) -> R {
    act(&mut log.lock().unwrap_or_else(PoisonError::into_inner))
}

struct Table {
    session: SessionId,
    players: Vec<Player>,
    random: StdRng,
    log: SharedLog,
    fates: Vec<JoinHandle<Fate>>,
    turn: u64,
    last: Version,
}

/// Plays until `stop`, then waits until all is settled. Runs on the players' host.
pub(crate) async fn play(
    place: Place,
    number: usize,
    random: StdRng,
    log: SharedLog,
    stop: Instant,
) {
    let played = async {
        let mut table = Table::set_up(&place, number, random, Arc::clone(&log)).await?;
        with(&log, |log| {
            log.session = Some(table.session);
            log.ready = true;
        });
        let outcome = table.run(stop).await;
        table.leave_records();
        outcome
    };
    let problem = played.await.err().map(|error| format!("table {number}: {error:#}"));
    with(&log, |log| {
        log.problems.extend(problem);
        log.ready = true;
        log.settled = true;
    });
}

impl Table {
    async fn set_up(place: &Place, number: usize, random: StdRng, log: SharedLog) -> Result<Self> {
        let mut gm = Player::new(place, number)?;
        let body = json!({
            "campaign_id": Uuid::nil(), "name": format!("table {number}"),
            "settings": {
                "max_players": 20, "limits": {"messages_per_minute": 60_000},
                "reaction_seconds": 2, "physical_dice": number == 3,
                "rules": {"edition": if number == 1 { "5.1" } else { "5.2" }},
            },
        });
        let made = gm.call(("POST", ""), &body).await?;
        ensure!(made.status == 201, "create: {made:?}");
        let session: SessionId =
            made.body["session_id"].as_str().context("an id")?.parse().context("an id")?;
        let token = made.body["connection_token"].as_str().context("a token")?.to_owned();
        gm.connect(session, token).await?;
        let mut players = vec![gm];
        for place_at in 1..PLAYERS {
            let mut player = Player::new(place, number + place_at)?;
            let token = player.join(session).await?;
            player.connect(session, token).await?;
            players.push(player);
        }
        let (fates, last) = (Vec::new(), Version::ZERO);
        Ok(Self { session, players, random, log, fates, turn: 0, last })
    }

    async fn run(&mut self, stop: Instant) -> Result<()> {
        while Instant::now() < stop {
            self.one_turn().await?;
        }
        self.settle().await
    }

    async fn one_turn(&mut self) -> Result<()> {
        let pause = Duration::from_millis(self.random.random_range(5..160));
        tokio::time::sleep(pause).await;
        self.turn += 1;
        let who = self.random.random_range(0..self.players.len());
        match self.random.random_range(0..100) {
            0..3 => self.players[who].drop_socket().await,
            3..5 if who > 0 => self.come_and_go(who).await?,
            5..9 => self.direct().await?,
            9..12 => {
                let change = json!([{"path": "/shared/cursor", "value": self.turn}]);
                let data = json!({"ephemeral": true, "changes": change});
                self.players[who].say(&json!({"type": "state_change", "data": data})).await;
            }
            _ => {
                let command = self.command(who);
                let fate = self.players[who].send(command).await;
                self.fates.extend(fate);
            }
        }
        self.note_fates().await;
        Ok(())
    }

    /// Takes what is known of the first commands, and waits for them when there are too many.
    async fn note_fates(&mut self) {
        while self.fates.len() > 40 || self.fates.first().is_some_and(JoinHandle::is_finished) {
            if let Ok(Fate::Acknowledged(version)) = self.fates.remove(0).await {
                self.last = self.last.max(version);
            }
        }
    }

    /// Every kind of change whose audience differs: shared, own, for GMs, chat, whispers, rolls; and
    /// fights.
    fn command(&mut self, who: usize) -> Command {
        let (me, turn) = (self.players[who].id, self.turn);
        if self.random.random_range(0..10) > 0
            && let Some(mut frame) = self.fight_on(who)
        {
            let kind = frame["type"].as_str().unwrap_or_default().to_owned();
            let command = Command::new(kind, frame["data"].take());
            return command.with_action_id(Uuid::from_u128(self.random.random()));
        }
        let command = match self.random.random_range(0..9) {
            0..=2 => Command::increment("/shared/counter", 1),
            3 => Command::state_change(json!([
                {"path": format!("/players/{me}/turn"), "value": turn},
                {"path": "/shared/last", "value": turn}
            ])),
            4 if who == 0 => Command::set("/gm/secret", json!(turn)),
            4 => Command::compare_and_set("/shared/last", json!(turn - 1), json!(turn)),
            5 => Command::chat(&format!("turn {turn}")),
            6 => {
                let to = self.players[self.random.random_range(0..self.players.len())].id;
                Command::new("chat", json!({"text": format!("psst {turn}"), "to": [to]}))
            }
            7 => Command::roll("2d6+3"),
            _ => Command::new("roll", json!({"expression": "1d20", "to": "gm"})),
        };
        command.with_action_id(Uuid::from_u128(self.random.random()))
    }

    /// What a player does in the table's fight, if there is anything for it to do.
    fn fight_on(&mut self, who: usize) -> Option<Value> {
        let (player, random) = (&self.players[who], &mut self.random);
        let owners = [self.players[1].id, self.players[2].id];
        player.shown(|shown| {
            let (state, seen) = (shown.state(), shown.version());
            Seated { state, me: player.id, gm: who == 0, owners, seen }.next(random)
        })
    }

    /// A player leaves and joins again.
    async fn come_and_go(&mut self, who: usize) -> Result<()> {
        let player = &mut self.players[who];
        let left = player.call(("POST", &format!("/{}/leave", self.session)), &json!({})).await;
        player.put_down();
        if let Err(error) = left {
            tracing::info!(%error, "leaving was not answered");
        }
        let token = player.join(self.session).await?;
        player.connect(self.session, token).await
    }

    /// What only the GM does: roles, rollbacks, saves, pauses.
    async fn direct(&mut self) -> Result<()> {
        let session = self.session;
        match self.random.random_range(0..4) {
            0 => {
                let who = self.random.random_range(1..self.players.len());
                let role = ["assistant_gm", "player", "spectator"][self.random.random_range(0..3)];
                let path = format!("/{session}/players/{}", self.players[who].id);
                self.direct_one("role_changed", ("PUT", &path), &json!({"role": role})).await;
            }
            1 => {
                let back = self.random.random_range(0..20);
                let to = self.last.0.saturating_sub(back).max(1).to_string();
                let path = format!("/{session}/rollback");
                self.direct_one("rolled_back", ("POST", &path), &json!({"to_version": to})).await;
            }
            2 => {
                let state = json!({"state": {"shared": {"saved": self.turn}}, "metadata": {}});
                self.direct_one("state_saved", ("POST", &format!("/{session}/state")), &state)
                    .await;
            }
            _ => {
                for act in ["pause", "resume"] {
                    let path = format!("/{session}/{act}");
                    self.direct_one("session_status", ("POST", &path), &json!({})).await;
                }
            }
        }
        Ok(())
    }

    async fn direct_one(&self, kind: &'static str, call: (&str, &str), body: &Value) {
        let answered = self.players[0].call(call, body).await;
        let done = answered.as_ref().is_ok_and(|reply| reply.status < 300);
        tracing::info!(kind, ?answered, "the GM acted");
        with(&self.log, |log| {
            log.calls.tried(kind, done);
        });
    }

    /// After the heal: every command gets its fate, every table commits, everybody has seen all.
    async fn settle(&mut self) -> Result<()> {
        let until = Instant::now() + RECOVERY;
        let resume = format!("/{}/resume", self.session);
        self.direct_one("session_status", ("POST", &resume), &json!({})).await;
        self.probe(until).await?;
        for fate in std::mem::take(&mut self.fates) {
            let known = tokio::time::timeout_at(until + RECOVERY, fate).await;
            known.context("a command without a fate")?.context("a task ended")?;
        }
        // Whoever could not send has its place to catch up with.
        for player in self.players.iter().filter(|player| player.is_connected()) {
            ensure!(
                player.reach(self.last, until + RECOVERY).await,
                "{} did not see {}",
                player.id,
                self.last
            );
        }
        self.end_fight(until + RECOVERY).await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        for player in self.players.iter().filter(|player| player.is_connected()) {
            let state =
                player.call(("GET", &format!("/{}/state", self.session)), &json!({})).await?;
            ensure!(state.status == 200, "{} reads: {state:?}", player.id);
            let shown = player.shown(Clone::clone);
            with(&self.log, |log| {
                log.documents.push((player.id, state.body["state"].clone()));
                log.shown.push((player.id, shown));
            });
        }
        with(&self.log, |log| log.end = self.last);
        Ok(())
    }

    /// Until no question of the fight is open, or has been for long: those that nobody answers are
    /// answered by time, but times of a session never fall, so after an owner whose clock ran ahead a
    /// deadline may be minutes away. Then the GM ends the fight, so that time does nothing more.
    async fn end_fight(&mut self, until: Instant) -> Result<()> {
        let answered = (Instant::now() + ANSWERED).min(until);
        let asked = |shown: &Shown| shown.state()["combat"]["step"] == "awaiting_decision";
        while self.players[0].shown(asked) && Instant::now() < answered {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        while self.players[0].shown(|shown| shown.state()["combat"].is_object()) {
            ensure!(Instant::now() < until, "the fight does not end");
            let end = Command::new("combat_end", json!({}))
                .with_action_id(Uuid::from_u128(self.random.random()));
            let sent = self.players[0].send(end).await.context("the GM is connected")?;
            let fate = tokio::time::timeout_at(until, sent).await;
            if let Fate::Acknowledged(version) = fate.context("a fight without an end")?? {
                self.last = self.last.max(version);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// Every connected player's next command is answered; the GM's is accepted.
    async fn probe(&mut self, until: Instant) -> Result<()> {
        for (place, player) in self.players.iter().enumerate() {
            if !player.is_connected() {
                ensure!(place > 0, "the GM is not at the table: {:?}", player.ended());
                continue;
            }
            loop {
                let command = Command::increment("/shared/probe", 1);
                let sent = player.send(command).await.context("no connection to probe")?;
                let fate = tokio::time::timeout_at(until, sent).await;
                let fate = fate.context("no commit within the bound after the heal")??;
                match fate {
                    Fate::Acknowledged(version) => {
                        self.last = self.last.max(version);
                        break;
                    }
                    Fate::Refused(code) if place > 0 && code == "forbidden" => break,
                    Fate::Refused(code) => tracing::info!(code, "a probe was refused"),
                    Fate::Unknown => {}
                }
                ensure!(Instant::now() < until, "no commit within the bound after the heal");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        Ok(())
    }

    fn leave_records(&self) {
        with(&self.log, |log| {
            log.records.extend(self.players.iter().flat_map(Player::kept));
        });
    }
}
