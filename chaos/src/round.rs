//! A round: fresh tables play while faults strike, everything is healed, and all histories are
//! checked against the journal and the hub. The tables end, so that rounds do not add up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;
use gss_shared::ids::{SessionId, ShardCount};
use gss_tests::figures::Figures;
use gss_tests::history::{self, Heard, Repeats};
use gss_tests::hub::Listener;
use gss_tests::outcome::Outcome;
use gss_tests::workload::{Table, Workload};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;
use tokio::time::Instant;

use crate::arena::Arena;
use crate::fault::{Fault, Struck};
use crate::logs::Logs;
use crate::progress::Progress;
use crate::registers::Contest;
use crate::scenario::{Load, Scenario};

/// Play without faults, before the first and after the last.
const CALM: Duration = Duration::from_secs(2);
/// From the last heal until every command has a fate and every stream is complete.
const PATIENCE: Duration = Duration::from_secs(90);
/// From a heal until every table commits again, at most.
const RECOVERY: Duration = Duration::from_secs(15);
/// Commands due so long before a fault may wait for it.
const BEFORE: Duration = Duration::from_millis(200);
/// Commands due so long after a heal are still counted to the fault.
const AFTERMATH: Duration = Duration::from_secs(3);

/// What a round showed.
#[derive(Debug, Serialize)]
pub(crate) struct Round {
    /// Chooses the faults.
    pub(crate) seed: u64,
    /// Seconds from the run's start.
    pub(crate) began_s: f64,
    /// Seconds of play.
    pub(crate) seconds: f64,
    /// Commands that were acknowledged.
    pub(crate) acknowledged: usize,
    /// Sockets that were closed.
    pub(crate) closes: usize,
    /// Connections that went on from their position.
    pub(crate) resumed: usize,
    /// Clients that came and left.
    pub(crate) guests: usize,
    /// Error frames by code.
    pub(crate) errors: BTreeMap<String, usize>,
    /// Commands refused, by code.
    pub(crate) refusals: BTreeMap<String, usize>,
    /// Operations on registers, by kind.
    pub(crate) registers: BTreeMap<String, usize>,
    /// Messages that other services got.
    pub(crate) hub_messages: usize,
    /// What struck.
    pub(crate) faults: Vec<FaultReport>,
    /// Per second of play: commands acknowledged, and the longest wait of those, in milliseconds.
    pub(crate) timeline: Vec<(usize, f64)>,
    /// What is wrong.
    pub(crate) violations: Vec<String>,
}

/// A fault and what players noticed of it.
#[derive(Debug, Serialize)]
pub(crate) struct FaultReport {
    /// What struck whom.
    pub(crate) what: String,
    /// Its name without the victims'.
    pub(crate) kind: String,
    /// Seconds from the run's start.
    pub(crate) began_s: f64,
    /// Seconds from the run's start.
    pub(crate) healed_s: f64,
    /// Per table that it concerns, the longest wait for an answer, in milliseconds.
    pub(crate) pauses_ms: Vec<f64>,
}

/// A strike with its time.
struct Hit {
    kind: String,
    what: String,
    at: Instant,
    healed: Instant,
    /// Sessions that it concerns.
    sessions: Vec<SessionId>,
}

/// Plays a round of a scenario. Errors are of the harness; violations are in the result.
pub(crate) async fn play(
    arena: &mut Arena,
    scenario: &Scenario,
    seed: u64,
    (began, logs, progress): (Instant, &mut Logs, &Progress),
) -> Result<Round> {
    let cluster = &arena.cluster;
    let Load { tables, players, rate, registers, direction } = scenario.load;
    let listener = Listener::start(&cluster.endpoints().amqp).await?;
    let who = format!("{tables} tables × {players} players");
    progress.say(&format!("{}, seed {seed}: {who} sit down", scenario.name));
    let workload = Workload { tables, players, rate: rate / tables as f64 };
    // What an older release does not know of it cannot own.
    let fights = !scenario.faults().any(Fault::is_of_releases);
    let running = workload.start_script(cluster, direction.script(fights)).await?;
    let directors = direction.start(cluster, &running.tables)?;
    let contest = Contest::start(cluster, registers).await?;
    let start = Instant::now();
    let mut random = StdRng::seed_from_u64(seed);
    let attack = attack(arena, scenario, &mut random, (&running.tables, progress));
    let hits = progress.along(scenario, seed, &running, attack).await?;
    let (end, tables) = (Instant::now(), running.tables.clone());
    progress.say("guests leave, every command gets its fate");
    let endless = directors.finish().await;
    let mut round = Round::new(seed, start.duration_since(began), end - start);
    let contested = contest.judge(PATIENCE).await?;
    round.registers = contested.operations;
    match running.finish(PATIENCE).await {
        Ok(outcome) => {
            progress.say("checking");
            let heard = hear(&listener, &outcome).await?;
            round.take(&outcome, &hits, (began, start, end));
            round.judge(&outcome, &hits, &heard, scenario);
        }
        Err(error) => round.violations.push(format!("{error:#}")),
    }
    round.violations.extend(contested.violations);
    round.violations.extend(endless);
    round.violations.extend(logs.errors(&scenario.allowed.log_errors)?);
    let ended = tables.iter().map(|table| table.gm.api().end(table.session.0));
    for ended in join_all(ended).await {
        if let Err(error) = ended {
            round.violations.push(format!("a session could not be ended: {error}"));
        }
    }
    Ok(round)
}

fn seconds(random: &mut StdRng, [from, to]: [f64; 2]) -> Duration {
    Duration::from_secs_f64(random.random_range(from..=to))
}

/// One strike after the other, until the time is up.
async fn attack(
    arena: &mut Arena,
    scenario: &Scenario,
    random: &mut StdRng,
    (tables, progress): (&[Arc<Table>], &Progress),
) -> Result<Vec<Hit>> {
    tokio::time::sleep(CALM).await;
    let until = Instant::now() + Duration::from_secs(scenario.seconds);
    let mut hits = Vec::new();
    while Instant::now() < until {
        tokio::time::sleep(seconds(random, scenario.calm_seconds)).await;
        let Some(strike) = scenario.strikes.choose(random) else { break };
        let owners = arena.cluster.owners().await?;
        let at = Instant::now();
        let mut struck = Vec::new();
        for fault in &strike.faults {
            struck.push(fault.strike(arena, random).await?);
            progress.strikes(&struck);
        }
        tokio::time::sleep(seconds(random, strike.lasts_seconds)).await;
        let sessions = concerned(tables, &owners, &struck);
        let what = struck.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ");
        // As they are nested: what is awaited at the end of one may need the end of a later one.
        for fault in struck.into_iter().rev() {
            fault.heal(arena).await?;
        }
        progress.strikes(&[]);
        let kind = strike.to_string();
        hits.push(Hit { kind, what, at, healed: Instant::now(), sessions });
    }
    tokio::time::sleep(CALM).await;
    Ok(hits)
}

/// Sessions of the struck nodes, or all when anything else was struck.
fn concerned(
    tables: &[Arc<Table>],
    owners: &BTreeMap<u16, String>,
    struck: &[Struck],
) -> Vec<SessionId> {
    let all = || tables.iter().map(|table| table.session);
    let nodes: BTreeSet<&String> = struck.iter().flat_map(Struck::nodes).collect();
    if struck.iter().any(|fault| fault.nodes().count() < fault.processes.len()) {
        return all().collect();
    }
    let owned = |session: &SessionId| {
        let owner = owners.get(&ShardCount::DEFAULT.shard_of(*session).0);
        owner.is_some_and(|owner| nodes.contains(owner))
    };
    all().filter(owned).collect()
}

/// What the hub was told of these sessions, when it was told everything, or when it is clear that
/// it will not be.
async fn hear(listener: &Listener, outcome: &Outcome) -> Result<Vec<Heard>> {
    let mut expected = BTreeSet::new();
    for (session, journal) in &outcome.journals {
        for event in journal {
            let message = gss_session::hub_message(*session, event)?;
            expected.extend(message.map(|message| message.message_id.clone()));
        }
    }
    let enough = |heard: &[Heard]| {
        let heard: BTreeSet<&str> = heard.iter().map(|one| one.message_id.as_str()).collect();
        expected.iter().all(|id| heard.contains(id.as_str()))
    };
    listener.until(enough, PATIENCE).await
}

fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

impl Round {
    fn new(seed: u64, began: Duration, lasted: Duration) -> Self {
        Self {
            seed,
            began_s: began.as_secs_f64(),
            seconds: lasted.as_secs_f64(),
            acknowledged: 0,
            closes: 0,
            resumed: 0,
            guests: 0,
            errors: BTreeMap::new(),
            refusals: BTreeMap::new(),
            registers: BTreeMap::new(),
            hub_messages: 0,
            faults: Vec::new(),
            timeline: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// Counts and measures.
    fn take(
        &mut self,
        outcome: &Outcome,
        hits: &[Hit],
        (began, start, end): (Instant, Instant, Instant),
    ) {
        self.acknowledged = outcome.acknowledged();
        self.closes = outcome.closes();
        self.guests = outcome.guests.len();
        (self.errors, self.refusals) = (outcome.troubles(), outcome.refusals());
        let since = |at: Instant| at.duration_since(began).as_secs_f64();
        for (number, hit) in hits.iter().enumerate() {
            // What the next fault does is the next one's.
            let next = hits.get(number + 1).map_or(hit.healed + AFTERMATH, |next| next.at - BEFORE);
            let (from, to) = (hit.at - BEFORE, next.min(hit.healed + AFTERMATH));
            let pauses = outcome.longest_answers(&hit.sessions, from, to);
            self.faults.push(FaultReport {
                what: hit.what.clone(),
                kind: hit.kind.clone(),
                began_s: since(hit.at),
                healed_s: since(hit.healed),
                pauses_ms: pauses.into_iter().map(ms).collect(),
            });
        }
        let length = usize::try_from((end - start).as_secs()).unwrap_or_default();
        self.timeline = vec![(0, 0.0); length + 1];
        let sent = outcome.histories.iter().flat_map(|history| &history.sent);
        for (sent, answered) in sent.filter_map(|sent| Some((sent, sent.answered?))) {
            let second = answered.saturating_duration_since(start).as_secs();
            let second = usize::try_from(second).unwrap_or(length).min(length);
            let (count, longest) = &mut self.timeline[second];
            *count += 1;
            *longest = longest.max(ms(answered - sent.at));
        }
    }

    /// Everything that must hold.
    fn judge(&mut self, outcome: &Outcome, hits: &[Hit], heard: &[Heard], scenario: &Scenario) {
        let found = outcome.violations();
        if !found.is_empty() {
            let kept = outcome.keep(&found).map(|path| path.display().to_string());
            self.violations.push(format!("all that is known: {kept:?}"));
        }
        self.violations.extend(found.iter().map(ToString::to_string));
        self.violations.extend(history::check_ownership(&outcome.ownership));
        self.judge_hub(outcome, heard);
        match outcome.resumed() {
            Ok(resumed) => self.resumed = resumed,
            Err(error) => self.violations.push(error.to_string()),
        }
        let allowed = &scenario.allowed;
        if self.closes > 0 && !allowed.closes {
            self.violations.push(format!("{} sockets were closed", self.closes));
        }
        let codes = self.errors.keys().chain(self.refusals.keys()).collect::<BTreeSet<_>>();
        for code in codes.into_iter().filter(|code| !allowed.errors.contains(*code)) {
            self.violations.push(format!("clients saw {code}"));
        }
        if outcome.unknown() > 0 {
            self.violations.push(format!("{} commands without a fate", outcome.unknown()));
        }
        if self.acknowledged == 0 {
            self.violations.push("nothing was acknowledged: nothing was tested".to_owned());
        }
        let Some(last) = hits.last() else { return };
        for session in outcome.journals.keys() {
            let again = outcome.first_answer_after(*session, last.healed);
            if again.is_none_or(|again| again > RECOVERY) {
                let what = format!("session {session} committed {again:?} after the last heal");
                self.violations.push(what);
            }
        }
    }

    fn judge_hub(&mut self, outcome: &Outcome, heard: &[Heard]) {
        let mut by_session: BTreeMap<SessionId, Vec<Heard>> = BTreeMap::new();
        for message in heard.iter().filter(|one| outcome.journals.contains_key(&one.session)) {
            by_session.entry(message.session).or_default().push(message.clone());
            self.hub_messages += 1;
        }
        for (session, journal) in &outcome.journals {
            let heard = by_session.get(session).map(Vec::as_slice).unwrap_or_default();
            let found = history::check_hub(*session, journal, heard, Repeats::Allowed);
            self.violations.extend(found.iter().map(ToString::to_string));
        }
    }
}

/// Percentiles of pauses.
pub(crate) fn figures<'a>(faults: impl Iterator<Item = &'a FaultReport>) -> Figures {
    let pauses = faults.flat_map(|fault| &fault.pauses_ms);
    Figures::of(pauses.map(|ms| Duration::from_secs_f64(ms / 1_000.0)))
}
