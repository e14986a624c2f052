//! A right table to plant faults in: a session decided by the session crate, and what each of its
//! clients would have seen of it.

use std::collections::BTreeMap;

use gss_rules::Dice;
use gss_session::{
    Characters, Command, Context, Parsed, Presence, Session, Verdict, parse_frame, parse_rest,
};
use gss_shared::frames::{Established, ack_frame, established_frame, sync_frame};
use gss_shared::ids::{ActionId, ConnectionId, Epoch, PlayerId, Position, SessionId, Version};
use gss_shared::link::frame::ReadKind;
use gss_shared::message::Role;
use gss_shared::ports::journal::JournalEvent;
use gss_shared::time::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::history::along::Along;
use crate::history::{Fate, History, Reading, Seen, Sent};
use crate::history::{
    check_audience, check_commands, check_fights, check_journal, check_snapshots, check_stream,
};

pub(super) const SESSION: SessionId = SessionId(id(0));
pub(super) const GM: PlayerId = PlayerId(id(1));
pub(super) const ARIA: PlayerId = PlayerId(id(2));
pub(super) const BREN: PlayerId = PlayerId(id(3));

const fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x1000_0000_0000_4000_8000_0000_0000_0000 + number)
}

/// Every die shows this.
struct Threes;

impl Dice for Threes {
    fn roll(&mut self, sides: u32) -> u32 {
        sides.min(3)
    }
}

/// A session, its journal and its clients' histories.
pub(super) struct Table {
    session: Option<Session>,
    pub(super) journal: Vec<JournalEvent>,
    pub(super) histories: BTreeMap<PlayerId, History>,
    /// Version up to which each client that is connected was told.
    told: BTreeMap<PlayerId, (Version, Version)>,
    actions: u128,
    /// The session as of the version that the next command goes back to.
    then: Option<Session>,
}

impl Table {
    /// A GM and two players, all connected, after `/shared/door` was opened.
    pub(super) fn new() -> Self {
        let mut table = Self {
            session: None,
            journal: Vec::new(),
            histories: BTreeMap::new(),
            told: BTreeMap::new(),
            actions: 100,
            then: None,
        };
        let name =
            json!({"kind": "create", "campaign_id": Uuid::nil(), "name": "t", "settings": {}});
        table.rest(GM, &name);
        table.rest(ARIA, &json!({"kind": "join"}));
        table.rest(BREN, &json!({"kind": "join"}));
        for player in [GM, ARIA, BREN] {
            table.connect(player);
        }
        table.change(ARIA, "/shared/door", &json!("open"));
        table
    }

    pub(super) fn version(&self) -> Version {
        self.session.as_ref().map_or(Version::ZERO, |session| session.position().version)
    }

    fn position(&self) -> Position {
        self.session.as_ref().map_or(Position::START, Session::position)
    }

    pub(super) fn event(&mut self, version: Version) -> &mut JournalEvent {
        let at = usize::try_from(version.0).expect("small") - 1;
        &mut self.journal[at]
    }

    fn next_action(&mut self) -> ActionId {
        self.actions += 1;
        ActionId(id(self.actions))
    }

    pub(super) fn rest(&mut self, player: PlayerId, body: &Value) {
        let action = self.next_action();
        let command = parse_rest(action, &body.to_string(), player).expect("a command");
        self.run(&command);
        self.tell();
    }

    /// Sends a frame over the player's connection; everybody is told, the sender gets its ack.
    pub(super) fn frame(&mut self, player: PlayerId, mut frame: Value) {
        let action = self.next_action();
        frame["data"]["action_id"] = json!(action);
        let parsed = parse_frame(&frame.to_string(), player).expect("a frame");
        let Parsed::Command(command) = parsed else { panic!("ephemeral: {frame}") };
        self.run(&command);
        self.tell();
        let ack = ack_frame(action, self.position(), Timestamp(0), false);
        let version = self.version();
        let history = self.histories.get_mut(&player).expect("connected");
        history.seen.push(Seen::Frame(serde_json::from_str(&ack).expect("JSON")));
        let (at, fate) = (Instant::now(), Fate::Acknowledged(version));
        history.sent.push(Sent { action, frame, at, answered: Some(at), fate });
    }

    pub(super) fn change(&mut self, player: PlayerId, path: &str, value: &Value) {
        let changes = json!([{"path": path, "value": value}]);
        self.frame(player, json!({"type": "state_change", "data": {"changes": changes}}));
    }

    pub(super) fn chat(&mut self, player: PlayerId, text: &str, to: &Value) {
        self.frame(player, json!({"type": "chat", "data": {"text": text, "to": to}}));
    }

    /// Takes the fight back to a version.
    pub(super) fn rewind(&mut self, to: Version) {
        let upto = usize::try_from(to.0).expect("small");
        let events = self.journal.get(..upto).expect("events");
        self.then = Session::replay(SESSION, None, events).expect("folds");
        let data = json!({"to_version": to.to_string()});
        self.frame(GM, json!({"type": "turn_rewind", "data": data}));
    }

    /// The document as the player may see it.
    pub(super) fn document(&self, player: PlayerId) -> Value {
        let session = self.session.as_ref().expect("a session");
        let whole = ReadKind::Sync { paths: Vec::new() };
        let data = session.read(&whole, player, &Presence::new()).expect("a member");
        let read: Value = serde_json::from_str(&data).expect("JSON");
        read["state"].clone()
    }

    fn run(&mut self, command: &Command) {
        let now = Timestamp(1_700_000_000_000 + i64::try_from(self.actions).expect("small"));
        let event_seed = self.actions << 32;
        let mut dice = Threes;
        let history = self.then.take();
        let (history, characters) = (history.as_ref(), &Characters::Unserved);
        let mut context = Context { now, event_seed, dice: &mut dice, history, characters };
        let decision = match &mut self.session {
            None => {
                let (session, decision) =
                    Session::create(SESSION, command, &mut context).expect("created");
                self.session = Some(session);
                decision
            }
            Some(session) => match session.execute(command, &mut context).expect("accepted") {
                Verdict::Accepted(decision) => decision,
                other => panic!("{other:?}"),
            },
        };
        self.journal.extend(decision.events.into_iter().map(|event| JournalEvent {
            version: event.version,
            id: event.id,
            epoch: Epoch(1),
            action: event.action,
            actor: event.actor,
            event_type: event.event_type.to_owned(),
            data: event.data,
            audience: event.audience,
            at: event.at,
        }));
    }

    /// Opens a fresh connection.
    pub(super) fn connect(&mut self, player: PlayerId) {
        self.established(player, false, self.position());
        self.sync(player);
    }

    /// Closes it.
    pub(super) fn close(&mut self, player: PlayerId) {
        let history = self.histories.get_mut(&player).expect("connected");
        history.seen.push(Seen::Closed(None));
    }

    /// Opens it again at what it saw last, and tells it what it missed.
    pub(super) fn resume(&mut self, player: PlayerId) {
        let (at, _) = self.told[&player];
        let event = self.journal.iter().find(|event| event.version == at).expect("an event");
        self.established(player, true, Position { version: at, event: event.id });
        self.told.insert(player, (at, at));
        self.tell_one(player);
    }

    fn established(&mut self, player: PlayerId, resumed: bool, position: Position) {
        let frame = established_frame(&Established {
            session: SESSION,
            player,
            at: Timestamp(0),
            connection: ConnectionId(id(9)),
            role: Role::Player,
            resumed,
            position: position.into(),
            resume_token: "token",
        });
        let history = self.histories.entry(player);
        let history = history.or_insert_with(|| History::new(SESSION, player));
        history.seen.push(Seen::Frame(serde_json::from_str(&frame).expect("JSON")));
    }

    /// Sends the player a snapshot.
    pub(super) fn sync(&mut self, player: PlayerId) {
        let session = self.session.as_ref().expect("a session");
        let whole = ReadKind::Sync { paths: Vec::new() };
        let data = session.read(&whole, player, &Presence::new()).expect("a member");
        let frame = serde_json::from_str(&sync_frame(&data, false)).expect("JSON");
        let version = session.position().version;
        self.histories.get_mut(&player).expect("connected").seen.push(Seen::Frame(frame));
        self.told.insert(player, (version, version));
    }

    /// Tells everybody that is connected what is new.
    fn tell(&mut self) {
        for player in self.told.keys().copied().collect::<Vec<_>>() {
            let seen = &self.histories[&player].seen;
            if !matches!(seen.last(), Some(Seen::Closed(_))) {
                self.tell_one(player);
            }
        }
    }

    fn tell_one(&mut self, player: PlayerId) {
        let (after, mut prev) = self.told[&player];
        let reading = Reading::of(&self.journal);
        for (version, frame) in reading.visible(player) {
            if version > after {
                let mut frame = frame.clone();
                frame["data"]["prev"] = json!(prev.to_string());
                self.histories.get_mut(&player).expect("connected").seen.push(Seen::Frame(frame));
                prev = version;
            }
        }
        // As a cursor would: hidden events move its place, not its `prev`.
        self.told.insert(player, (prev.max(after), prev));
        let resync = Along::of(&self.journal).resyncs(player).any(|version| version > after);
        if resync {
            self.sync(player);
        }
    }

    /// What one player saw.
    pub(super) fn history(&mut self, player: PlayerId) -> &mut History {
        self.histories.get_mut(&player).expect("connected")
    }

    /// Where in a history the message of a version is.
    pub(super) fn place(&self, player: PlayerId, version: Version) -> usize {
        let text = json!(version.to_string());
        let is = |seen: &Seen| matches!(seen, Seen::Frame(frame) if frame["data"]["version"] == text && frame["data"]["prev"].is_string());
        self.histories[&player].seen.iter().position(is).expect("told")
    }

    /// The frame of a version in a history.
    pub(super) fn told(&mut self, player: PlayerId, version: Version) -> &mut Value {
        let place = self.place(player, version);
        match &mut self.history(player).seen[place] {
            Seen::Frame(frame) => frame,
            Seen::Closed(_) => panic!("a close"),
        }
    }

    /// The frame of this type that came last.
    pub(super) fn last(&mut self, player: PlayerId, kind: &str) -> &mut Value {
        let frames = self.history(player).seen.iter_mut().rev();
        let mut frames = frames.filter_map(|seen| match seen {
            Seen::Frame(frame) => Some(frame),
            Seen::Closed(_) => None,
        });
        frames.find(|frame| frame["type"] == kind).expect("a frame of this type")
    }

    /// That no checker finds anything.
    #[track_caller]
    pub(super) fn is_right(&self) {
        super::found(&check_journal(SESSION, &self.journal), &[]);
        super::found(&check_fights(SESSION, &self.journal), &[]);
        super::found(&self.commands(), &[]);
        let reading = Reading::of(&self.journal);
        for history in self.histories.values() {
            super::found(&check_stream(history, &reading, true), &[]);
            super::found(&check_snapshots(history, &reading, true), &[]);
            super::found(&check_audience(history, &reading), &[]);
        }
    }

    pub(super) fn commands(&self) -> Vec<crate::history::Violation> {
        let histories: Vec<History> = self.histories.values().cloned().collect();
        let journals = [(SESSION, self.journal.clone())].into();
        check_commands(&histories, &journals)
    }

    pub(super) fn stream(&self, player: PlayerId) -> Vec<crate::history::Violation> {
        check_stream(&self.histories[&player], &Reading::of(&self.journal), true)
    }
}

/// How a violation begins.
pub(super) fn at(version: Version, player: PlayerId) -> String {
    format!("session {SESSION}, version {version}, player {player}: ")
}

#[test]
fn a_right_table_is_found_right() {
    let mut table = Table::new();
    table.is_right();
    table.change(GM, "/gm/plan", &json!("ambush"));
    table.chat(ARIA, "psst", &json!([BREN]));
    table.change(BREN, "/shared/counter", &json!(1));
    table.close(ARIA);
    table.change(GM, &format!("/players/{ARIA}/hp"), &json!(7));
    table.chat(BREN, "hello", &json!("all"));
    table.resume(ARIA);
    table.frame(GM, json!({"type": "roll", "data": {"expression": "1d20", "to": "gm"}}));
    table.rest(GM, &json!({"kind": "update_player", "player_id": ARIA, "role": "assistant_gm"}));
    table.change(GM, "/gm/plan", &json!("retreat"));
    let visibility = json!([{"prefix": "/shared/door", "audience": "gm"}]);
    table.rest(GM, &json!({"kind": "update", "settings": {"visibility": visibility}}));
    table.change(GM, "/shared/door", &json!("shut"));
    table.is_right();
    let told = |player| frames_of(&table, player);
    assert!(told(ARIA).contains("retreat") && !told(BREN).contains("retreat"));
    assert!(!told(BREN).contains("shut"));
}

fn frames_of(table: &Table, player: PlayerId) -> String {
    let frames = table.histories[&player].frames();
    frames.map(|frame| frame.to_string()).collect()
}
