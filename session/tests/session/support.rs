//! A table: one session with its journal, checked after every command.
//!
//! The journal here gives text back as jsonb does: keys by length, other spaces, numbers written
//! out. Whatever a command does, replay, snapshots, stored messages and what each viewer holds must
//! agree with the live session.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use gss_rules::Dice;
use gss_session::{
    CharacterAnswer, Characters, Command, Context, Decision, Parsed, Presence, Session, Verdict,
    audit_item, connect, hub_message, message, parse_frame, parse_rest,
};
use gss_shared::error_code::ClientError;
use gss_shared::ids::{
    ActionId, CharacterId, ConnectionId, Epoch, PlayerId, Position, SessionId, Version,
};
use gss_shared::link::frame::{AttachFrame, ReadKind};
use gss_shared::message::{Effect, Message, Viewer, close_frame};
use gss_shared::ports::journal::{JournalEvent, StoredEvent};
use gss_shared::time::Timestamp;
use gss_shared::token::TokenClaims;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::schema;

/// Faces to come; asking for more fails.
#[derive(Default)]
pub(crate) struct Faces(pub(crate) VecDeque<u32>);

impl Dice for Faces {
    fn roll(&mut self, sides: u32) -> u32 {
        let face = self.0.pop_front().expect("a die more than scripted");
        assert!(face <= sides, "a die with {sides} sides shows {face}");
        face
    }
}

/// What a viewer's client holds.
#[derive(Clone, Default)]
pub(crate) struct Client {
    /// The document as folded from messages and syncs.
    pub(crate) document: Value,
    /// Version of the last message.
    pub(crate) prev: Version,
}

/// One session from outside.
pub(crate) struct Table {
    pub(crate) id: SessionId,
    pub(crate) session: Option<Session>,
    pub(crate) journal: Vec<JournalEvent>,
    pub(crate) clients: BTreeMap<PlayerId, Client>,
    pub(crate) now: Timestamp,
    pub(crate) faces: Faces,
    /// What the character service would say; of others it knows nothing. None: there is no service.
    pub(crate) characters: Option<BTreeMap<CharacterId, CharacterAnswer>>,
    /// Every frame a player got by the last command, by player.
    pub(crate) got: Vec<(PlayerId, Value)>,
}

pub(crate) const fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x1000_0000_0000_4000_8000_0000_0000_0000 + number)
}

pub(crate) fn start() -> Timestamp {
    "2026-11-21T19:00:00Z".parse().expect("time")
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            id: SessionId(id(0)),
            session: None,
            journal: Vec::new(),
            clients: BTreeMap::new(),
            now: start(),
            faces: Faces::default(),
            characters: None,
            got: Vec::new(),
        }
    }

    pub(crate) fn session(&self) -> &Session {
        self.session.as_ref().expect("a session")
    }

    pub(crate) fn position(&self) -> Position {
        self.session.as_ref().map_or(Position::START, Session::position)
    }

    /// The session as of a version, from the journal.
    pub(crate) fn history(&self, version: Version) -> Option<Session> {
        let until = usize::try_from(version.0).expect("version");
        let events = self.journal.get(..until).expect("history");
        Session::replay(self.id, None, events).expect("replay")
    }

    /// Decides a frame; an ephemeral one is a failure of the test.
    pub(crate) fn frame(&mut self, player: PlayerId, text: &str) -> Result<Verdict, ClientError> {
        match parse_frame(text, player)? {
            Parsed::Command(command) => self.run(&command),
            Parsed::Ephemeral(_) => panic!("ephemeral: {text}"),
        }
    }

    /// Decides a command of REST.
    pub(crate) fn rest(
        &mut self,
        player: PlayerId,
        action: u128,
        json: &Value,
    ) -> Result<Verdict, ClientError> {
        let command = parse_rest(ActionId(id(action)), &json.to_string(), player)?;
        self.run(&command)
    }

    /// Decides a command and checks everything that must hold whatever it does.
    pub(crate) fn run(&mut self, command: &Command) -> Result<Verdict, ClientError> {
        self.got.clear();
        let before = self.session.clone();
        let after = self.position();
        let mut verdict = self.decide(command, None, &Characters::default());
        if let Ok(Verdict::NeedsHistory(version)) = verdict {
            let history = self.history(version);
            verdict = self.decide(command, history.as_ref(), &Characters::default());
        }
        if let Ok(Verdict::NeedsCharacters(ids)) = verdict {
            assert_eq!(self.session, before, "a question changes nothing");
            verdict = self.decide(command, None, &self.answers(&ids));
        }
        match &verdict {
            Ok(Verdict::Accepted(decision)) => self.commit(decision, after),
            Ok(Verdict::Duplicate { .. }) | Err(_) => {
                assert_eq!(self.session, before, "nothing happened");
            }
            Ok(Verdict::NeedsHistory(version)) => panic!("history {version} is not enough"),
            Ok(Verdict::NeedsCharacters(ids)) => panic!("{ids:?} were answered"),
        }
        verdict
    }

    /// What the character service says of these.
    fn answers(&self, ids: &[CharacterId]) -> Characters {
        let Some(known) = &self.characters else { return Characters::Unserved };
        let answer = |id: &CharacterId| known.get(id).cloned().unwrap_or(CharacterAnswer::Unknown);
        Characters::Answered(ids.iter().map(|id| (*id, answer(id))).collect())
    }

    fn decide(
        &mut self,
        command: &Command,
        history: Option<&Session>,
        characters: &Characters,
    ) -> Result<Verdict, ClientError> {
        let seed = u128::from(self.position().version.0) << 64 | 0xbeef << 32;
        let dice = &mut self.faces;
        let mut context = Context { now: self.now, event_seed: seed, dice, history, characters };
        match &mut self.session {
            Some(session) => session.execute(command, &mut context),
            None => {
                let (session, decision) = Session::create(self.id, command, &mut context)?;
                self.session = Some(session);
                Ok(Verdict::Accepted(decision))
            }
        }
    }

    fn commit(&mut self, decision: &Decision, mut after: Position) {
        assert!(!decision.events.is_empty(), "an accepted command writes");
        assert_eq!(decision.events.len(), decision.messages.len());
        for (stored, told) in decision.events.iter().zip(&decision.messages) {
            assert_eq!(stored.version, after.version.next(), "versions have no gap");
            assert_eq!(told.after, after);
            let event = read_back(stored);
            assert_eq!(&message(&event, after).expect("message"), told, "stored is told as live");
            if let Some(hub) = hub_message(self.id, &event).expect("hub") {
                let body = serde_json::from_str(&hub.body).expect("JSON");
                schema::check("hub.json", hub.event_type, &body);
            }
            after = told.position;
            self.journal.push(event);
        }
        assert_eq!(self.session().position(), after);
        self.check_replay();
        for told in &decision.messages {
            self.deliver(told);
        }
        self.resync(&decision.messages);
        self.check_clients();
    }

    fn check_replay(&self) {
        let live = self.session();
        let snapshot = live.snapshot();
        let replayed = Session::replay(self.id, None, &self.journal).expect("replay");
        assert_eq!(replayed.as_ref(), Some(live), "replay equals live");
        let restored = Session::restore(self.id, &jsonb(&snapshot)).expect("restore");
        assert_eq!(restored.snapshot(), snapshot, "snapshots are byte-stable");
        assert_eq!(&restored, live);
    }

    /// Writes the message to every member that may see it.
    fn deliver(&mut self, told: &Message) {
        let viewers: Vec<Viewer> = self.session().members().collect();
        for viewer in viewers {
            let Some((_, head)) = told.head_for(viewer) else { continue };
            let client = self.clients.entry(viewer.player).or_default();
            let frame = close_frame(head, client.prev);
            let frame: Value = serde_json::from_str(&frame).expect("a frame is JSON");
            schema::check("server.json", frame["type"].as_str().expect("type"), &frame);
            assert_eq!(frame["data"]["version"], told.version().to_string());
            client.prev = told.version();
            let told = told_otherwise(&frame);
            let changes = frame["data"]["changes"].as_array().into_iter().flatten();
            for change in told.iter().chain(changes) {
                apply(&mut client.document, change);
            }
            self.got.push((viewer.player, frame));
        }
    }

    /// Viewers whose role or sight changed get a `sync_response`.
    fn resync(&mut self, messages: &[Message]) {
        let effects: Vec<&Effect> = messages.iter().flat_map(|told| &told.effects).collect();
        let viewers: Vec<Viewer> = self.session().members().collect();
        self.clients.retain(|player, _| viewers.iter().any(|viewer| viewer.player == *player));
        for viewer in viewers {
            let asked = effects.iter().any(|effect| match effect {
                Effect::Resync { players: None } => true,
                Effect::Resync { players: Some(players) } => players.contains(&viewer.player),
                Effect::Role { .. } | Effect::Close { .. } => false,
            });
            let known = self.clients.get(&viewer.player).is_some_and(|c| c.document.is_object());
            if asked || !known {
                let document = self.sync(viewer.player);
                let client = self.clients.entry(viewer.player).or_default();
                *client = Client { document, prev: self.journal.last().expect("event").version };
            }
        }
    }

    /// What every client holds is what it would be sent anew.
    fn check_clients(&self) {
        if self.session().is_deleted() {
            return;
        }
        for (player, client) in &self.clients {
            let anew = self.sync(*player);
            let apart = apart("", &client.document, &anew);
            assert!(apart.is_empty(), "{player} was told another document: {apart:#?}");
        }
    }

    /// The document as the player sees it.
    pub(crate) fn sync(&self, player: PlayerId) -> Value {
        let sync = self.read(player, &ReadKind::Sync { paths: Vec::new() });
        sync.map_or(Value::Null, |sync| sync["state"].clone())
    }

    pub(crate) fn read(&self, player: PlayerId, kind: &ReadKind) -> Result<Value, ClientError> {
        let json = self.session().read(kind, player, &Presence::new())?;
        Ok(serde_json::from_str(&json).expect("a read is JSON"))
    }

    /// The audit trail as the viewer reads it.
    pub(crate) fn audit(&self, viewer: Viewer) -> Vec<Value> {
        let items = self.journal.iter().map(|event| audit_item(event, viewer).expect("audit"));
        let items: Vec<Value> = items.flatten().collect();
        items.iter().for_each(|item| schema::check("rest-v2.json", "event", item));
        items
    }
}

/// Where two documents differ, and how.
fn apart(path: &str, told: &Value, anew: &Value) -> Vec<String> {
    match (told, anew) {
        (told, anew) if told == anew => Vec::new(),
        (Value::Object(told), Value::Object(anew)) => {
            let names: BTreeSet<&String> = told.keys().chain(anew.keys()).collect();
            let member = |name: &String| {
                let of = |members: &Map<String, Value>| members.get(name).cloned();
                let nothing = || Value::String("(nothing)".to_owned());
                let (told, anew) = (of(told), of(anew));
                let path = format!("{path}/{name}");
                apart(&path, &told.unwrap_or_else(nothing), &anew.unwrap_or_else(nothing))
            };
            names.into_iter().flat_map(member).collect()
        }
        _ => vec![format!("{path}: told {told}, sent {anew}")],
    }
}

/// Changes of `/combat` that messages tell by their type: a fight that starts or ends, questions
/// that open and close.
fn told_otherwise(frame: &Value) -> Option<Value> {
    let data = &frame["data"];
    let prompt = format!("/combat/prompts/{}", data["prompt_id"].as_str().unwrap_or_default());
    match frame["type"].as_str()? {
        "combat_started" => Some(json!({"path": "/combat", "value": data["combat"]})),
        "combat_ended" => Some(json!({"path": "/combat"})),
        "reaction_prompt" | "choice_prompt" | "dice_prompt" => {
            let mut asked = data.clone();
            for name in ["version", "prev", "position", "timestamp"] {
                asked.as_object_mut().expect("data").remove(name);
            }
            Some(json!({"path": prompt, "value": asked}))
        }
        "reaction_resolved" => Some(json!({"path": prompt})),
        _ => None,
    }
}

/// A client's way to apply one told change.
fn apply(document: &mut Value, change: &Value) {
    let path = change["path"].as_str().expect("path");
    let tokens: Vec<String> =
        path.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
    let (last, parents) = tokens.split_last().expect("a member");
    let above = tokens[..parents.len()].iter().fold(String::new(), |above, token| {
        format!("{above}/{}", token.replace('~', "~0").replace('/', "~1"))
    });
    if change.get("value").is_none() && document.pointer(&above).is_none() {
        return;
    }
    let mut place = document;
    for token in parents {
        if !place.is_object() && !place.is_array() {
            *place = Value::Object(Map::new());
        }
        place = match place {
            Value::Object(members) => members.entry(token.clone()).or_insert(Value::Null),
            Value::Array(items) => &mut items[token.parse::<usize>().expect("index")],
            other => panic!("no container: {other}"),
        };
    }
    match (place, change.get("value")) {
        (Value::Array(items), value) => {
            let index: usize = last.parse().expect("index");
            match value {
                Some(value) if index == items.len() => items.push(value.clone()),
                Some(value) => items[index] = value.clone(),
                None => {
                    items.remove(index);
                }
            }
        }
        (Value::Object(members), None) => {
            members.remove(last);
        }
        (_, None) => {}
        (place, Some(value)) => {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place[last] = value.clone();
        }
    }
}

/// The event as the database gives it back.
pub(crate) fn read_back(stored: &StoredEvent) -> JournalEvent {
    JournalEvent {
        version: stored.version,
        id: stored.id,
        epoch: Epoch(1),
        action: stored.action,
        actor: stored.actor,
        event_type: stored.event_type.to_owned(),
        data: jsonb(&stored.data),
        audience: jsonb(&stored.audience),
        at: stored.at,
    }
}

/// JSON as jsonb writes it: keys by length then bytes, spaces, numbers without exponent.
pub(crate) fn jsonb(text: &str) -> String {
    let mut out = String::new();
    write_jsonb(&serde_json::from_str(text).expect("JSON"), &mut out);
    out
}

fn write_jsonb(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| (key.len(), key.as_bytes()));
            out.push('{');
            for (index, (key, value)) in members.into_iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                let _ = write!(out, "{}: ", Value::from(key.as_str()));
                write_jsonb(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, value) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_jsonb(value, out);
            }
            out.push(']');
        }
        Value::Number(number) if number.is_f64() => {
            let _ = write!(out, "{}", number.as_f64().expect("float"));
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

/// An attach of a player with a token of this join generation.
pub(crate) fn connecting(player: u128, generation: u64, connection: u128) -> Command {
    let token = TokenClaims {
        session: SessionId(id(0)),
        player: PlayerId(id(player)),
        generation,
        chain: id(500),
        issued_ms: start().0,
        resume: false,
    };
    connect(&AttachFrame {
        request: 1,
        session: SessionId(id(0)),
        connection: ConnectionId(id(300 + connection)),
        player: PlayerId(id(player)),
        token,
        position: None,
        beat_seen: 0,
        outlived: 0,
    })
}
