//! Scripts: steps and everything they cause, as text. `GSS_REWRITE=1 cargo test` writes the
//! expectations anew; review the difference.
//!
//! A block is a step, `----`, and what follows from it. Steps:
//! - `create {settings}`; `frame [#action] WHO TYPE {data}`; `rest [#action] WHO {command}`
//! - `connect WHO conn=N chain=N issued=SECONDS [generation=N] [token=WHO]`
//! - `ephemeral WHO [changes]`; `raw WHO TEXT`; `again [WHO]`: the last command once more
//! - `read WHO KIND [argument]`; `audit WHO`; `hub`: of the last command
//! - `dice N…`; `time MS`
//!
//! `$name` stands for the id of a user or character.

use std::fmt::Write as _;
use std::path::Path;

use gss_session::{
    Characters, Command, Context, Parsed, Verdict, connect, hub_message, parse_frame, parse_rest,
};
use gss_shared::error_code::ClientError;
use gss_shared::ids::{ActionId, ConnectionId, PlayerId, SessionId, Version};
use gss_shared::link::frame::{AttachFrame, ReadKind};
use gss_shared::message::{Audience, Effect, Role, Viewer};
use gss_shared::token::TokenClaims;
use serde_json::{Value, json};

use crate::schema;
use crate::support::{Faces, Table, id, start};

const NAMES: &[(&str, u128)] = &[
    ("session", 0),
    ("gm", 1),
    ("asst", 2),
    ("aria", 3),
    ("bren", 4),
    ("spec", 5),
    ("nobody", 6),
    ("hero", 101),
    ("rogue", 102),
    ("campaign", 200),
];

struct Run {
    table: Table,
    last: Option<Command>,
    actions: u128,
    /// Journaled events before the last command.
    before: usize,
}

fn user(name: &str) -> PlayerId {
    let (_, number) = NAMES.iter().find(|(known, _)| *known == name).expect(name);
    PlayerId(id(*number))
}

/// Longest names first, so that none is taken for the beginning of another.
fn resolve(text: &str) -> String {
    let mut names = NAMES.to_vec();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    names.iter().fold(text.to_owned(), |text, (name, number)| {
        text.replace(&format!("${name}"), &id(*number).to_string())
    })
}

fn shorten(text: &str) -> String {
    NAMES.iter().fold(text.to_owned(), |text, (name, number)| {
        text.replace(&id(*number).to_string(), &format!("${name}"))
    })
}

fn name(player: PlayerId) -> String {
    shorten(&player.to_string())
}

fn shown(audience: &Audience) -> String {
    match audience {
        Audience::All => "all".to_owned(),
        Audience::Some { gms, players } => {
            let mut names: Vec<String> = gms.then(|| "gms".to_owned()).into_iter().collect();
            names.extend(players.iter().map(|player| name(*player)));
            if names.is_empty() { "nobody".to_owned() } else { names.join(" ") }
        }
    }
}

fn refusal(error: &ClientError) -> String {
    let mut details = error.details.clone();
    details.retain(|key, _| !matches!(key.as_str(), "action_id" | "effect"));
    let details = Value::Object(details);
    shorten(&format!("refused {}: {} {details}\n", error.code, error.message))
}

impl Run {
    fn step(&mut self, input: &str) -> String {
        let (word, rest) = input.split_once(' ').unwrap_or((input, ""));
        match word {
            "dice" => {
                let faces = rest.split_whitespace().map(|face| face.parse().expect("face"));
                self.table.faces = Faces(faces.collect());
                return String::new();
            }
            "time" => {
                self.table.now = self.table.now.plus_ms(rest.parse().expect("ms"));
                return String::new();
            }
            "read" => return self.read(rest),
            "audit" => return self.audit(rest),
            "hub" => return self.hub(),
            "ephemeral" => return self.ephemeral(rest),
            _ => {}
        }
        let command = match self.command(word, rest) {
            Ok(command) => command,
            Err(error) => return refusal(&error),
        };
        self.before = self.table.journal.len();
        let verdict = self.table.run(&command);
        assert!(self.table.faces.0.is_empty(), "dice left over: {input}");
        self.last = Some(command);
        self.verdict(verdict)
    }

    fn command(&mut self, word: &str, rest: &str) -> Result<Command, ClientError> {
        if word == "again" {
            let mut command = self.last.clone().expect("a command before");
            if !rest.is_empty() {
                command.actor = Some(user(rest));
            }
            return Ok(command);
        }
        let (action, rest) = match rest.strip_prefix('#') {
            Some(rest) => {
                let (number, rest) = rest.split_once(' ').expect("action");
                (number.parse().expect("action"), rest)
            }
            None => {
                self.actions += 1;
                (self.actions, rest)
            }
        };
        let action = ActionId(id(1_000 + action));
        let (who, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let text = resolve(rest);
        let frame = match word {
            "create" => {
                let settings: Value = serde_json::from_str(&resolve(who)).expect("settings");
                let create = json!({
                    "kind": "create", "campaign_id": id(200), "name": "Table", "settings": settings,
                });
                return parse_rest(action, &create.to_string(), user("gm"));
            }
            "rest" => return parse_rest(action, &text, user(who)),
            "connect" => return Ok(self.connect(who, rest)),
            "raw" => text,
            "frame" => {
                let (kind, data) = text.split_once(' ').expect("type and data");
                let mut data: Value = serde_json::from_str(data).expect(data);
                data["action_id"] = json!(action);
                json!({"type": kind, "data": data}).to_string()
            }
            other => panic!("no step {other}"),
        };
        match parse_frame(&frame, user(who))? {
            Parsed::Command(command) => Ok(command),
            Parsed::Ephemeral(_) => panic!("ephemeral: {frame}"),
        }
    }

    fn connect(&self, who: &str, options: &str) -> Command {
        let option = |name: &str| {
            let mut options = options.split_whitespace().filter_map(|o| o.split_once('='));
            options.find(|(known, _)| *known == name).map(|(_, value)| value)
        };
        let number = |name: &str| option(name).map(|value| value.parse::<u64>().expect("number"));
        let admission = self.table.read(user(who), &ReadKind::Admission);
        let generation = admission.ok().and_then(|read| read["generation"].as_u64());
        let token = TokenClaims {
            session: SessionId(id(0)),
            player: user(option("token").unwrap_or(who)),
            generation: number("generation").or(generation).unwrap_or(0),
            chain: id(500 + u128::from(number("chain").expect("chain"))),
            issued_ms: start().0 + i64::try_from(number("issued").expect("issued")).expect("s"),
            resume: false,
        };
        let connection = ConnectionId(id(300 + u128::from(number("conn").expect("conn"))));
        connect(&AttachFrame {
            request: 1,
            session: SessionId(id(0)),
            connection,
            player: user(who),
            token,
            position: None,
            beat_seen: 0,
            outlived: 0,
        })
    }

    fn verdict(&self, verdict: Result<Verdict, ClientError>) -> String {
        let mut out = String::new();
        let decision = match verdict {
            Err(error) => return refusal(&error),
            Ok(Verdict::Duplicate { position, at }) => {
                let since = at.since_ms(start());
                return format!("duplicate of {} at {since} ms\n", position.version);
            }
            Ok(Verdict::NeedsHistory(version)) => return format!("needs history {version}\n"),
            Ok(Verdict::NeedsCharacters(ids)) => return format!("needs characters {ids:?}\n"),
            Ok(Verdict::Accepted(decision)) => decision,
        };
        for event in &decision.events {
            let audience: Audience = serde_json::from_str(&event.audience).expect("audience");
            let actor = event.actor.map_or_else(|| "service".to_owned(), name);
            let _ = writeln!(
                out,
                "{} {} by {actor} for {}",
                event.version,
                event.event_type,
                shown(&audience)
            );
        }
        let mut told: Vec<(String, Vec<String>)> = Vec::new();
        for (player, frame) in &self.table.got {
            let mut data = frame["data"].clone();
            let prev = data["prev"].take();
            for member in
                ["version", "position", "timestamp", "prev", "update_id", "message_id", "action_id"]
            {
                data.as_object_mut().expect("data").remove(member);
            }
            let data = shorten(&data.to_string());
            let text = format!("{} {data} prev {}", frame["type"].as_str().unwrap_or(""), prev);
            match told.iter_mut().find(|(known, _)| *known == text) {
                Some((_, names)) => names.push(name(*player)),
                None => told.push((text, vec![name(*player)])),
            }
        }
        for (text, names) in told {
            let _ = writeln!(out, "  {} <- {text}", names.join(" "));
        }
        for effect in decision.messages.iter().flat_map(|message| &message.effects) {
            let _ = writeln!(out, "  {}", describe(effect));
        }
        if let Some((metadata, by)) = decision.saved {
            let _ = writeln!(out, "  saved by {} {metadata}", name(by));
        }
        out
    }

    fn read(&self, rest: &str) -> String {
        let mut words = rest.splitn(3, ' ');
        let who = user(words.next().expect("who"));
        let kind = words.next().expect("kind");
        let argument = words.next().unwrap_or("");
        let (kind, shape) = match kind {
            "sync" => {
                let paths = resolve(argument).split_whitespace().map(str::to_owned).collect();
                (ReadKind::Sync { paths }, None)
            }
            "session" => (ReadKind::Session, None),
            "state" => (ReadKind::State, Some("load_state_response")),
            "players" => {
                let (limit, cursor) = argument.split_once(' ').unwrap_or((argument, ""));
                let cursor = (!cursor.is_empty()).then(|| resolve(cursor));
                let kind = ReadKind::Players { limit: limit.parse().expect("limit"), cursor };
                (kind, Some("player_list"))
            }
            "player" => (ReadKind::Player(user(argument)), Some("player")),
            "admission" => (ReadKind::Admission, None),
            "invite" => (ReadKind::Invite, None),
            "saved" => (ReadKind::Saved, Some("save_state_response")),
            "events" => (ReadKind::Events { after: Version(0), limit: 1, types: vec![] }, None),
            other => panic!("no read {other}"),
        };
        match self.table.read(who, &kind) {
            Err(error) => refusal(&error),
            Ok(mut read) => {
                if let Some(shape) = shape {
                    schema::check("rest-v2.json", shape, &read);
                }
                if kind == ReadKind::Session {
                    read["websocket_url"] = json!("wss://localhost/ws");
                    schema::check("rest-v2.json", "session", &read);
                    read.as_object_mut().expect("object").remove("websocket_url");
                }
                if let Some(read) = read.as_object_mut() {
                    read.remove("position");
                }
                shorten(&format!("{read}\n"))
            }
        }
    }

    fn audit(&self, who: &str) -> String {
        let viewer = self.table.session().viewer(user(who));
        let nobody = Viewer { player: user(who), role: Role::Spectator };
        let items = self.table.audit(viewer.unwrap_or(nobody));
        let mut out = String::new();
        for item in items {
            let mut data = item["data"].clone();
            for member in ["update_id", "message_id", "action_id", "actor"] {
                data.as_object_mut().expect("data").remove(member);
            }
            let actor = item["actor"].as_str().unwrap_or("service");
            let (version, kind) = (item["version"].as_str(), item["type"].as_str());
            let (version, kind) = (version.expect("version"), kind.expect("type"));
            let _ = writeln!(out, "{version} {kind} by {actor} {data}");
        }
        shorten(&out)
    }

    fn hub(&self) -> String {
        let mut out = String::new();
        for event in &self.table.journal[self.before..] {
            if let Some(message) = hub_message(self.table.id, event).expect("hub") {
                let mut body: Value = serde_json::from_str(&message.body).expect("JSON");
                let body = body.as_object_mut().expect("object");
                body.remove("timestamp");
                body.remove("session_id");
                let body = Value::Object(body.clone());
                let _ = writeln!(out, "{} {body}", message.event_type);
            }
        }
        shorten(&out)
    }

    fn ephemeral(&mut self, rest: &str) -> String {
        let (who, changes) = rest.split_once(' ').expect("who and changes");
        let changes: Value = serde_json::from_str(&resolve(changes)).expect("changes");
        let data = json!({"changes": changes, "ephemeral": true});
        let frame = json!({"type": "state_change", "data": data}).to_string();
        let change = match parse_frame(&frame, user(who)) {
            Ok(Parsed::Ephemeral(change)) => change,
            Ok(Parsed::Command(_)) => panic!("not ephemeral: {frame}"),
            Err(error) => return refusal(&error),
        };
        let Table { session, now, faces, .. } = &mut self.table;
        let characters = &Characters::default();
        let context = Context { now: *now, event_seed: 1, dice: faces, history: None, characters };
        let session = session.as_ref().expect("a session");
        let frames = match session.ephemeral(user(who), &change, &context) {
            Ok(frames) => frames,
            Err(error) => return refusal(&error),
        };
        let mut out = String::new();
        for (audience, frame) in frames {
            let frame: Value = serde_json::from_str(&frame).expect("JSON");
            schema::check("server.json", "state_update", &frame);
            let _ = writeln!(out, "{} <- {}", shown(&audience), frame["data"]["changes"]);
        }
        shorten(&out)
    }
}

fn describe(effect: &Effect) -> String {
    match effect {
        Effect::Resync { players: None } => "resync all".to_owned(),
        Effect::Resync { players: Some(players) } => {
            let names: Vec<String> = players.iter().map(|player| name(*player)).collect();
            format!("resync {}", names.join(" "))
        }
        Effect::Role { player, role } => format!("role {} {role:?}", name(*player)),
        Effect::Close { player: None, code } => format!("close all {code}"),
        Effect::Close { player: Some(player), code } => format!("close {} {code}", name(*player)),
    }
}

/// Runs a script; the text with what really followed.
fn run(text: &str) -> String {
    let table = Table::new();
    let mut run = Run { table, last: None, actions: 0, before: 0 };
    let mut blocks = Vec::new();
    for block in text.trim_end().split("\n\n") {
        let (step, _) = block.split_once("\n----").unwrap_or((block, ""));
        let comments = |line: &&str| !line.starts_with('#');
        let input: Vec<&str> = step.lines().filter(comments).collect();
        if input.is_empty() {
            blocks.push(step.to_owned());
            continue;
        }
        let mut output = String::new();
        for line in input {
            output.push_str(&run.step(line));
        }
        blocks.push(format!("{step}\n----\n{}", output.trim_end()).trim_end().to_owned());
    }
    blocks.join("\n\n") + "\n"
}

#[test]
fn scripts_come_to_what_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let rewrite = std::env::var_os("GSS_REWRITE").is_some();
    let mut scripts = 0;
    for entry in std::fs::read_dir(folder).expect("scripts") {
        let path = entry.expect("entry").path();
        let text = std::fs::read_to_string(&path).expect("script");
        let ran = run(&text);
        if rewrite {
            std::fs::write(&path, ran).expect("written");
        } else {
            similar(&text, &ran, &path.display().to_string());
        }
        scripts += 1;
    }
    assert!(scripts > 5, "all scripts were found");
}

fn similar(expected: &str, actual: &str, name: &str) {
    let lines = expected.lines().zip(actual.lines()).enumerate();
    for (number, (expected, actual)) in lines {
        assert_eq!(expected, actual, "{name}:{}", number + 1);
    }
    assert_eq!(expected.lines().count(), actual.lines().count(), "lines of {name}");
}
