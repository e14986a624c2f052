//! One session in its shard: what waits, what was decided, what is durable. Pure: it takes inputs and
//! the time, answers over the handles it was given, and leaves [`Effect`]s.
//!
//! Invariants: decisions run ahead of commits on one working state; answers leave in decision order
//! and only when what they saw is committed; after a refused append nothing more is decided until
//! none is in flight, then the session is loaded anew and what was not answered is decided again in
//! its order (SAFETY S5, S7).

mod attach;
mod decide;
mod live;
mod refusals;
mod timeout;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use gss_session::presence_frame;
use gss_shared::ids::{
    ActionId, ConnectionId, Epoch, PlayerId, Position, SessionId, Shard, Version,
};
use gss_shared::limits::DECISIONS_AHEAD;
use gss_shared::link::frame::{FetchOutcome, ToRouter};
use gss_shared::message::Audience;
use gss_shared::ports::journal::FoundAction;
use gss_shared::time::Timestamp;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::answer::{Answer, Pending, ReplyTo, Unseen};
use crate::chance::Chance;
use crate::clients::Clients;
use crate::limits::{
    FAIR_TURN, PANIC_MS, PANICKED, PANICS, PASSIVATE_MS, PLAYING_MS, QUARANTINE_MS, SESSION_QUEUE,
};
use crate::peer::Peer;
use crate::work::{Ask, Effect, LoadError, Loaded, Urgency, What, Work};
use live::{Live, Phase, Why};
use refusals::{Refusal, Refusals};

/// What all sessions of a shard share.
#[derive(Debug)]
pub struct Common {
    /// The shard.
    pub shard: Shard,
    /// Its epoch.
    pub epoch: Epoch,
    /// Time until a request's router gives it up.
    pub budget: Duration,
    /// Count of unversioned messages.
    pub unversioned: u64,
    /// Actions that are not decided again.
    pub panicked: VecDeque<ActionId>,
    /// Routers that want live messages over the link, until when.
    pub want_live: Vec<(Arc<Peer>, Instant)>,
}

impl Common {
    /// A shard just taken.
    pub fn new(shard: Shard, epoch: Epoch, budget: Duration) -> Self {
        let (panicked, want_live) = (VecDeque::new(), Vec::new());
        Self { shard, epoch, budget, unversioned: 0, panicked, want_live }
    }

    fn remember_panic(&mut self, action: ActionId) {
        self.panicked.push_back(action);
        if self.panicked.len() > PANICKED {
            self.panicked.pop_front();
        }
    }
}

/// Everything a step may use.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The journal's time.
    pub now: Timestamp,
    /// The process's time.
    pub at: Instant,
    /// No memory for more sessions.
    pub full: bool,
    /// The journal does not answer: nothing is decided.
    pub stalled: bool,
    /// Dice and ids.
    pub chance: &'a mut Chance,
    /// What sessions of the shard share.
    pub common: &'a mut Common,
    /// What is asked of the outside.
    pub out: &'a mut Vec<Effect>,
}

/// A decision whose answer is not released.
#[derive(Debug)]
struct Decided {
    ask: Ask,
    answer: Answer<Pending>,
    of: Origin,
}

/// What a decision came from and to.
#[derive(Debug, Default)]
struct Origin {
    action: Option<ActionId>,
    /// It has events of its own in flight.
    appends: bool,
    /// Members whose presence is to be told once it is committed.
    members: Vec<PlayerId>,
    /// To be remembered once it is answered.
    refusal: Option<Arc<Refusal>>,
}

#[derive(Debug)]
enum State {
    Away,
    /// Told when a command comes.
    Loading(Option<oneshot::Sender<()>>),
    Live(Box<Live>),
    /// Not loaded before this.
    Quarantined(Instant),
}

/// One session.
#[derive(Debug)]
pub struct Slot {
    id: SessionId,
    clients: Clients,
    state: State,
    waiting: VecDeque<Work>,
    /// What waits for the character service and holds up nobody.
    aside: Vec<Work>,
    /// Questions to the character service so far.
    questions: u64,
    decided: VecDeque<Decided>,
    /// Actions found in the journal that the window in memory did not know.
    known: BTreeMap<ActionId, FoundAction>,
    /// The action that was looked for last and not found.
    absent: Option<ActionId>,
    refusals: Refusals,
    /// One decision at a time, until the one the journal refuses stands alone.
    solo: bool,
    used: Instant,
    /// Panics in a row, and when the last one was.
    panics: (u32, Instant),
    /// What happened last because nobody did anything, and at which version.
    time_out: Option<(Version, ActionId)>,
}

impl Slot {
    /// A session that is not loaded.
    pub fn new(id: SessionId, now: Instant) -> Self {
        Self {
            id,
            clients: Clients::default(),
            state: State::Away,
            waiting: VecDeque::new(),
            aside: Vec::new(),
            questions: 0,
            decided: VecDeque::new(),
            known: BTreeMap::new(),
            absent: None,
            refusals: Refusals::default(),
            solo: false,
            used: now,
            panics: (0, now),
            time_out: None,
        }
    }

    /// A request. It waits its turn; a session that is not loaded is asked for.
    pub fn push(&mut self, work: Work, turn: &mut Turn<'_>) {
        self.used = turn.at;
        if matches!(self.state, State::Quarantined(_)) || self.queued() >= SESSION_QUEUE {
            work.refuse_unseen(&Unseen::Unavailable);
            return;
        }
        let for_commands = !matches!(work.ask.what, What::Read { .. });
        if turn.full && !for_commands && matches!(self.state, State::Away) {
            work.refuse_unseen(&Unseen::Unavailable);
            return;
        }
        self.waiting.push_back(work);
        match &mut self.state {
            State::Away if for_commands => self.load(|_| Urgency::Commands, turn),
            State::Away => self.load(Urgency::Reads, turn),
            State::Loading(hurry) if for_commands => {
                // Nobody listens to whom this is no news.
                let _known = hurry.take().map(|hurry| hurry.send(()));
            }
            State::Loading(_) | State::Live(_) | State::Quarantined(_) => {}
        }
    }

    /// Requests are expected: it is loaded, after those that have some.
    pub fn activate(&mut self, turn: &mut Turn<'_>) {
        if !turn.full && matches!(self.state, State::Away) {
            self.load(Urgency::Nothing, turn);
        }
    }

    /// Whether it is played, as far as [`PLAYING_MS`] tells.
    pub fn is_played(&self, now: Instant) -> bool {
        let idle = now.saturating_duration_since(self.used);
        self.is_live() && idle <= Duration::from_millis(PLAYING_MS)
    }

    fn load(
        &mut self,
        urgency: impl FnOnce(oneshot::Receiver<()>) -> Urgency,
        turn: &mut Turn<'_>,
    ) {
        let (hurry, hurried) = oneshot::channel();
        self.state = State::Loading(Some(hurry));
        turn.out.push(Effect::Load { session: self.id, urgency: urgency(hurried) });
    }

    /// The journal's answer to a load.
    pub fn loaded(&mut self, outcome: Result<Box<Loaded>, LoadError>, turn: &mut Turn<'_>) {
        self.state = match outcome {
            Ok(loaded) => State::Live(Box::new(Live::new(self.id, *loaded))),
            Err(LoadError::Unavailable) => State::Away,
            Err(LoadError::Quarantined) => quarantined(turn.at),
        };
        if !matches!(self.state, State::Live(_)) {
            self.refuse_waiting(&Unseen::Unavailable);
        }
        self.save_next(turn);
    }

    /// Stores the next snapshot that is due.
    fn save_next(&mut self, turn: &mut Turn<'_>) {
        let State::Live(live) = &mut self.state else { return };
        if let Some(candidate) = live.next_save() {
            turn.out.push(Effect::Save { session: self.id, candidate });
        }
    }

    /// Something of this session panicked, no decision: what is in memory is not trusted any more.
    pub fn panicked(&mut self, turn: &mut Turn<'_>) {
        let (panics, last) = self.panics;
        let recent = turn.at.saturating_duration_since(last) < Duration::from_millis(PANIC_MS);
        let panics = if recent { panics + 1 } else { 1 };
        self.panics = (panics, turn.at);
        tracing::error!(session = %self.id, panics, "session panicked");
        if panics >= PANICS {
            self.withdraw();
            self.refuse_waiting(&Unseen::Unavailable);
            self.state = quarantined(turn.at);
        } else {
            self.distrust();
            self.settle(turn);
        }
    }

    /// It is loaded anew before anything else is decided.
    fn distrust(&mut self) {
        if let State::Live(live) = &mut self.state {
            live.phase = Phase::Draining(Why::Reload);
        }
    }

    fn refuse_waiting(&mut self, why: &Unseen) {
        for work in self.waiting.drain(..).chain(self.aside.drain(..)) {
            work.refuse_unseen(why);
        }
    }

    fn queued(&self) -> usize {
        self.waiting.len() + self.aside.len()
    }

    /// Whether it can decide now.
    pub fn is_ready(&self) -> bool {
        let State::Live(live) = &self.state else { return false };
        let ahead = if self.solo { 1 } else { DECISIONS_AHEAD };
        let free = live.in_flight < ahead && !live.is_behind();
        live.phase == Phase::Ready && free && !self.waiting.is_empty()
    }

    /// Decides what waits, at most [`FAIR_TURN`] requests.
    pub fn step(&mut self, turn: &mut Turn<'_>) {
        for _ in 0..FAIR_TURN {
            if !self.is_ready() {
                break;
            }
            if let Some(work) = self.waiting.pop_front() {
                self.used = turn.at;
                self.decide(work, turn);
            }
        }
        if self.waiting.is_empty() && self.decided.is_empty() {
            self.solo = false;
        }
    }

    /// The shard goes to another node in order: nothing more is decided here.
    pub fn stop(&mut self, why: &Unseen) {
        self.refuse_waiting(why);
    }

    /// The shard is another's: what is not committed is not answered here.
    pub fn abandon(&mut self, why: &Unseen) {
        self.withdraw();
        self.refuse_waiting(why);
    }

    /// Nothing of it is in flight or unanswered.
    pub fn is_settled(&self) -> bool {
        let in_flight = match &self.state {
            State::Live(live) => live.in_flight,
            State::Away | State::Loading(_) | State::Quarantined(_) => 0,
        };
        in_flight == 0 && self.decided.is_empty() && self.queued() == 0
    }

    /// Unanswered decisions become requests again, before those that wait, in their order.
    fn withdraw(&mut self) {
        for decided in self.decided.drain(..).rev() {
            let to = decided.answer.withdraw();
            self.waiting.push_front(Work { to, ask: decided.ask });
        }
        self.refusals.withdraw();
    }

    /// Once a second: late requests, saves, presence, passivation. True: the slot is not needed any
    /// more.
    pub fn tick(&mut self, turn: &mut Turn<'_>) -> bool {
        self.refuse_late(turn);
        self.save_next(turn);
        self.clients.expire(turn.at);
        self.tell_presence(turn);
        match self.state {
            State::Quarantined(until) if until <= turn.at => self.state = State::Away,
            // Who was here under another owner and is not: only the session knows.
            State::Away if !turn.full && self.clients.has_strangers(turn.at) => {
                self.load(Urgency::Reads, turn);
            }
            State::Away | State::Loading(_) | State::Live(_) | State::Quarantined(_) => {}
        }
        let idle = turn.at.saturating_duration_since(self.used);
        let resting = match &self.state {
            State::Live(live) => live.is_resting() && idle >= Duration::from_millis(PASSIVATE_MS),
            State::Away => true,
            State::Loading(_) | State::Quarantined(_) => false,
        };
        resting && self.is_settled() && self.clients.is_empty()
    }

    /// Also reads that wait for a commit: nothing else depends on them.
    fn refuse_late(&mut self, turn: &Turn<'_>) {
        let late = |ask: &Ask| ask.is_late(turn.at, turn.common.budget);
        // That it is the journal which does not answer, only the owner knows: it says so first.
        let hopeless = |ask: &Ask| {
            let budget = turn.common.budget;
            turn.stalled && ask.is_late(turn.at + budget / 5, budget)
        };
        for work in std::mem::take(&mut self.waiting) {
            match work.ask.what {
                _ if hopeless(&work.ask) => work.refuse_unseen(&Unseen::Unavailable),
                _ if !late(&work.ask) => self.waiting.push_back(work),
                What::Read { .. } => work.refuse_unseen(&Unseen::Unavailable),
                What::Command(..) | What::Attach(..) => work.refuse_unseen(&Unseen::Late),
            }
        }
        for work in self.aside.extract_if(.., |work| late(&work.ask)) {
            work.refuse_unseen(&Unseen::Late);
        }
        for decided in std::mem::take(&mut self.decided) {
            if matches!(decided.ask.what, What::Read { .. }) && late(&decided.ask) {
                let work = Work { to: decided.answer.withdraw(), ask: decided.ask };
                work.refuse_unseen(&Unseen::Unavailable);
            } else {
                self.decided.push_back(decided);
            }
        }
    }

    /// Connections.
    pub fn clients(&mut self) -> &mut Clients {
        &mut self.clients
    }

    /// Tells routers here what changed in presence.
    pub fn tell_presence(&mut self, turn: &mut Turn<'_>) {
        let State::Live(live) = &self.state else { return };
        let Some(session) = &live.session else { return };
        for (player, status, connections) in self.clients.changes(turn.at) {
            if let Some(frame) = presence_frame(session, player, status, connections) {
                let order = unversioned_order(turn.common);
                tell(&self.clients, self.id, order, (&Audience::All, &frame), None);
            }
        }
        if self.clients.take_strangers(turn.at) {
            let present = self.clients.presence(turn.at);
            let members = session.members().map(|member| member.player);
            let absent: Vec<_> = members.filter(|player| !present.contains_key(player)).collect();
            self.tell_members(&absent, turn);
        }
    }

    /// Tells routers here of members that came, went or changed.
    fn tell_members(&self, members: &[PlayerId], turn: &mut Turn<'_>) {
        let State::Live(live) = &self.state else { return };
        let Some(session) = &live.session else { return };
        let presence = self.clients.presence(turn.at);
        for player in members {
            let (status, connections) = presence.get(player).copied().unwrap_or_default();
            if let Some(frame) = presence_frame(session, *player, status, connections) {
                let order = unversioned_order(turn.common);
                tell(&self.clients, self.id, order, (&Audience::All, &frame), None);
            }
        }
    }

    /// A router asks what follows a position.
    pub fn fetch(&mut self, to: ReplyTo, request: u64, after: Position, turn: &mut Turn<'_>) {
        if let State::Live(live) = &self.state {
            let head = live.durable.position();
            let known = if after == head { Some(vec![]) } else { live.recent.since(after, head) };
            if let Some(messages) = known {
                let outcome = FetchOutcome::Tail { messages, more: false };
                Answer::from_journal(to, ToRouter::Fetched { request, outcome }).send();
                return;
            }
        }
        turn.out.push(Effect::Fetch { to, request, session: self.id, after });
    }

    /// Connections and their players.
    pub fn connections(&self) -> BTreeMap<ConnectionId, PlayerId> {
        self.clients.connections()
    }

    /// The last committed position, when the session is loaded.
    pub fn durable(&self) -> Option<Position> {
        match &self.state {
            State::Live(live) => Some(live.durable.position()),
            State::Away | State::Loading(_) | State::Quarantined(_) => None,
        }
    }

    /// Whether it is loaded.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Live(_))
    }

    /// The session as decided so far, when all of it is committed.
    pub fn committed(&self) -> Option<&gss_session::Session> {
        match &self.state {
            State::Live(live) if live.position() == live.durable.position() => {
                live.session.as_ref()
            }
            State::Live(_) | State::Away | State::Loading(_) | State::Quarantined(_) => None,
        }
    }

    /// Requests that wait, decisions that are not durable.
    pub fn depth(&self) -> (usize, usize) {
        (self.queued(), self.decided.len())
    }
}

fn quarantined(now: Instant) -> State {
    State::Quarantined(now + Duration::from_millis(QUARANTINE_MS))
}

/// Place of the next unversioned message of the shard (SAFETY S22).
fn unversioned_order(common: &mut Common) -> (Epoch, u64) {
    common.unversioned += 1;
    (common.epoch, common.unversioned)
}

/// Sends an unversioned message to every router with clients here.
fn tell(
    clients: &Clients,
    session: SessionId,
    order: (Epoch, u64),
    (audience, frame): (&Audience, &str),
    except: Option<ConnectionId>,
) {
    for peer in clients.peers() {
        let (audience, frame) = (audience.clone(), frame.to_owned());
        peer.send(ToRouter::Unversioned { session, order, audience, except, frame });
    }
}
