//! Properties of any play, decided by proptest. [`Table`] checks after every command that replay,
//! snapshots and stored messages agree with the live session, and that what each viewer was told
//! comes to what it would be sent anew. Here: nobody is shown what is hidden from it, duplicates
//! change nothing, and any point of the journal is a place to go on from.

use std::collections::BTreeMap;

use gss_session::{Session, Verdict};
use gss_shared::error_code::ClientError;
use gss_shared::ids::{PlayerId, Version};
use gss_shared::message::{Role, Viewer};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::support::{Table, id, jsonb};

const PLAYERS: u128 = 5;
/// Places that are written; `A` and `B` stand for two players.
const PATHS: &[&str] = &[
    "/shared",
    "/shared/a",
    "/shared/a/x",
    "/shared/b",
    "/shared/list",
    "/shared/list/-",
    "/shared/list/0",
    "/players",
    "/players/A",
    "/players/A/x",
    "/players/B/y",
    "/gm",
    "/gm/x",
    "/gm/x/y",
    "/open",
    "/open/a",
];
/// Prefixes that settings may give an audience.
const PREFIXES: &[&str] =
    &["/shared", "/shared/a", "/shared/a/x", "/shared/list/0", "/players/A/x", "/gm/x", "/open/a"];

#[derive(Clone, Debug)]
enum Step {
    Change(Vec<(usize, What)>),
    Chat(Vec<u128>),
    Save(Vec<(usize, What)>),
    Visibility(Vec<(usize, &'static str)>),
    Role(u128, &'static str),
    Kick(u128),
    Ban(u128, bool),
    Join,
    Leave,
    Pause(bool),
    Rollback(u64),
    Again(usize),
}

/// What is written: a leaf, an object with these members, a list, or nothing.
#[derive(Clone, Debug)]
enum What {
    Leaf,
    Object(Vec<&'static str>),
    List(usize),
    Removed,
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        3 => Just(What::Leaf),
        2 => prop::collection::vec(select(&["a", "b", "x", "y"][..]), 0..3).prop_map(What::Object),
        1 => (0..3_usize).prop_map(What::List),
        2 => Just(What::Removed),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let writes = || prop::collection::vec((0..PATHS.len(), what()), 1..4);
    let rules = (0..PREFIXES.len(), select(&["all", "gm", "A", "B"][..]));
    let other = 2..=PLAYERS;
    prop_oneof![
        12 => writes().prop_map(Step::Change),
        3 => prop::collection::vec(1..=PLAYERS, 0..3).prop_map(Step::Chat),
        2 => writes().prop_map(Step::Save),
        2 => prop::collection::vec(rules, 0..4).prop_map(Step::Visibility),
        1 => (other.clone(), select(&["assistant_gm", "player", "spectator"][..]))
            .prop_map(|(who, role)| Step::Role(who, role)),
        1 => other.clone().prop_map(Step::Kick),
        1 => (other, any::<bool>()).prop_map(|(who, banned)| Step::Ban(who, banned)),
        2 => Just(Step::Join),
        1 => Just(Step::Leave),
        1 => any::<bool>().prop_map(Step::Pause),
        2 => any::<u64>().prop_map(Step::Rollback),
        2 => any::<usize>().prop_map(Step::Again),
    ]
}

/// Senders: mostly the GM, so that hidden things get written.
fn sender() -> impl Strategy<Value = u128> {
    prop_oneof![2 => Just(1), 1 => 1..=PLAYERS]
}

fn named(text: &str) -> String {
    text.replace("/A", &format!("/{}", id(2))).replace("/B", &format!("/{}", id(3)))
}

/// A play on a table, with the oracle: where each written leaf stood, by its token.
struct Play {
    table: Table,
    leaves: u64,
    /// Visibility by the test's own reading, longest prefix first wins.
    rules: Vec<(String, &'static str)>,
    /// Token of a leaf: its path when written.
    written: BTreeMap<String, String>,
    /// Token of a chat: who may read it (GMs: 0; everybody: empty).
    said: BTreeMap<String, Vec<u128>>,
    /// Rules by version of the event, for the audit trail.
    rules_then: Vec<Vec<(String, &'static str)>>,
    sent: Vec<(u128, Sent)>,
    actions: u128,
}

#[derive(Clone)]
enum Sent {
    Frame(String),
    Rest(u128, Value),
}

impl Play {
    fn new() -> Self {
        let mut play = Self {
            table: Table::new(),
            leaves: 0,
            rules: Vec::new(),
            written: BTreeMap::new(),
            said: BTreeMap::new(),
            rules_then: Vec::new(),
            sent: Vec::new(),
            actions: 0,
        };
        let create = json!({
            "kind": "create", "campaign_id": id(200), "name": "Table", "settings": {},
        });
        play.rest(1, create).expect("create");
        for who in 2..=PLAYERS {
            play.rest(who, json!({"kind": "join"})).expect("join");
        }
        play
    }

    fn rest(&mut self, who: u128, command: Value) -> Result<Verdict, ClientError> {
        self.actions += 1;
        self.send(who, Sent::Rest(10_000 + self.actions, command))
    }

    fn frame(&mut self, who: u128, kind: &str, mut data: Value) -> Result<Verdict, ClientError> {
        self.actions += 1;
        data["action_id"] = json!(id(10_000 + self.actions));
        self.send(who, Sent::Frame(json!({"type": kind, "data": data}).to_string()))
    }

    fn send(&mut self, who: u128, sent: Sent) -> Result<Verdict, ClientError> {
        let verdict = match &sent {
            Sent::Frame(text) => self.table.frame(PlayerId(id(who)), text),
            Sent::Rest(action, command) => self.table.rest(PlayerId(id(who)), *action, command),
        };
        if matches!(verdict, Ok(Verdict::Accepted(_))) {
            self.sent.push((who, sent));
        }
        verdict
    }

    /// A value whose every leaf is a token that names it.
    fn value(&mut self, path: &str, what: &What) -> Option<Value> {
        match what {
            What::Removed => None,
            What::Leaf => Some(self.leaf(path)),
            What::Object(names) => Some(
                names
                    .iter()
                    .map(|name| ((*name).to_owned(), self.leaf(&format!("{path}/{name}"))))
                    .collect(),
            ),
            What::List(length) => {
                Some((0..*length).map(|at| self.leaf(&format!("{path}/{at}"))).collect())
            }
        }
    }

    fn leaf(&mut self, path: &str) -> Value {
        self.leaves += 1;
        let token = format!("leaf{};", self.leaves);
        self.written.insert(token.clone(), path.to_owned());
        json!(token)
    }

    fn changes(&mut self, writes: &[(usize, What)]) -> Value {
        let changes = writes.iter().map(|(path, what)| {
            let path = named(PATHS[*path]);
            match self.value(&path, what) {
                Some(value) => json!({"path": path, "value": value}),
                None => json!({"path": path, "op": "remove"}),
            }
        });
        json!({"changes": changes.collect::<Vec<Value>>()})
    }

    fn step(&mut self, who: u128, step: &Step) -> Result<Verdict, ClientError> {
        match step {
            Step::Change(writes) => {
                let data = self.changes(writes);
                self.frame(who, "state_change", data)
            }
            Step::Chat(to) => {
                let token = format!("chat{};", self.actions);
                let mut readers: Vec<u128> = to.clone();
                readers.sort_unstable();
                readers.dedup();
                let named: Vec<_> = readers.iter().map(|number| id(*number)).collect();
                let to = if named.is_empty() { json!("gm") } else { json!(named) };
                readers.push(if named.is_empty() { 0 } else { who });
                readers.push(who);
                self.said.insert(token.clone(), readers);
                self.frame(who, "chat", json!({"text": token, "to": to}))
            }
            Step::Save(writes) => {
                let mut state = json!({});
                for (path, what) in writes {
                    let path = named(PATHS[*path]).split('/').nth(1).expect("member").to_owned();
                    if let Some(value) = self.value(&format!("/{path}"), what) {
                        state[path] = value;
                    }
                }
                self.rest(who, json!({"kind": "save_state", "state": state}))
            }
            Step::Visibility(rules) => self.visibility(who, rules),
            Step::Role(other, role) => {
                let command =
                    json!({"kind": "update_player", "player_id": id(*other), "role": role});
                self.rest(who, command)
            }
            Step::Kick(other) => self.rest(who, json!({"kind": "kick", "player_id": id(*other)})),
            Step::Ban(other, banned) => {
                let player = id(*other);
                let command =
                    json!({"kind": "update_player", "player_id": player, "banned": banned});
                self.rest(who, command)
            }
            Step::Join => self.rest(who, json!({"kind": "join"})),
            Step::Leave => self.rest(who, json!({"kind": "leave"})),
            Step::Pause(pause) => {
                self.rest(who, json!({"kind": if *pause { "pause" } else { "resume" }}))
            }
            Step::Rollback(pick) => {
                let version = pick % self.table.position().version.0 + 1;
                self.frame(who, "rollback", json!({"to_version": version.to_string()}))
            }
            Step::Again(pick) => {
                let (who, sent) = self.sent[pick % self.sent.len()].clone();
                let verdict = self.send(who, sent);
                assert!(matches!(verdict, Ok(Verdict::Duplicate { .. })), "{verdict:?}");
                verdict
            }
        }
    }

    fn visibility(
        &mut self,
        who: u128,
        rules: &[(usize, &'static str)],
    ) -> Result<Verdict, ClientError> {
        let entries: Vec<(String, &'static str)> =
            rules.iter().map(|(prefix, reader)| (named(PREFIXES[*prefix]), *reader)).collect();
        let audience = |reader: &str| match reader {
            "A" => format!("player:{}", id(2)),
            "B" => format!("player:{}", id(3)),
            other => other.to_owned(),
        };
        let list: Vec<Value> = entries
            .iter()
            .map(|(prefix, reader)| json!({"prefix": prefix, "audience": audience(reader)}))
            .collect();
        let settings = json!({"visibility": list});
        let verdict = self.rest(who, json!({"kind": "update", "settings": settings}));
        if verdict.is_ok() {
            self.rules = entries;
        }
        verdict
    }

    /// Everything each viewer got and can read holds only what it may see.
    fn check_sight(&mut self) {
        let now = usize::try_from(self.table.position().version.0).expect("version");
        self.rules_then.resize(now + 1, self.rules.clone());
        for (player, frame) in &self.table.got {
            let viewer = self.table.session().viewer(*player).expect("a member");
            self.check_text(&frame.to_string(), viewer, &self.rules);
        }
        let viewers: Vec<Viewer> = self.table.session().members().collect();
        for viewer in viewers {
            let sync = self.table.sync(viewer.player);
            self.check_text(&sync.to_string(), viewer, &self.rules);
        }
    }

    fn check_trail(&self) {
        for viewer in self.table.session().members() {
            for item in self.table.audit(viewer) {
                let version = item["version"].as_str().expect("version").parse::<usize>();
                let rules = &self.rules_then[version.expect("version")];
                self.check_text(&item.to_string(), viewer, rules);
            }
        }
    }

    fn check_text(&self, text: &str, viewer: Viewer, rules: &[(String, &'static str)]) {
        for (token, path) in self.written.iter().filter(|(token, _)| text.contains(*token)) {
            // Elements of lists move; the list's own readers are checked by what clients hold.
            if !path.starts_with("/shared/list") {
                assert!(
                    may_see(path, viewer, rules),
                    "{token} of {path} told to {viewer:?}: {text}"
                );
            }
        }
        for (token, readers) in self.said.iter().filter(|(token, _)| text.contains(*token)) {
            let named = readers.iter().any(|number| id(*number) == viewer.player.0);
            let gms = readers.contains(&0) && viewer.role.is_gm();
            assert!(named || gms, "{token} told to {viewer:?}");
        }
    }
}

/// The test's own reading of PROTOCOL section 2.
fn may_see(path: &str, viewer: Viewer, rules: &[(String, &'static str)]) -> bool {
    if matches!(viewer.role, Role::Gm | Role::AssistantGm) {
        return true;
    }
    let own = |number: u128| viewer.player.0 == id(number);
    let mut readers: Vec<(usize, bool)> = vec![(0, true)];
    if path == "/gm" || path.starts_with("/gm/") {
        readers.push((3, false));
    }
    if let Some(rest) = path.strip_prefix("/players/") {
        let place = rest.split('/').next().expect("place");
        readers.push((9 + place.len(), place == viewer.player.to_string()));
    }
    for (prefix, reader) in rules {
        if path == prefix || path.starts_with(&format!("{prefix}/")) {
            let admitted = match *reader {
                "all" => true,
                "A" => own(2),
                "B" => own(3),
                _ => false,
            };
            readers.push((prefix.len(), admitted));
        }
    }
    readers.iter().max_by_key(|(length, _)| *length).is_some_and(|(_, admitted)| *admitted)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_play_holds(steps in prop::collection::vec((sender(), step()), 1..40)) {
        let mut play = Play::new();
        play.check_sight();
        for (who, step) in &steps {
            if play.step(*who, step).is_ok() {
                play.check_sight();
            }
        }
        play.check_trail();
    }

    /// A snapshot at any version, as the database gives it back, and the events after it make the
    /// same session.
    #[test]
    fn any_version_is_a_place_to_go_on_from(
        steps in prop::collection::vec((sender(), step()), 1..25),
        pick in any::<prop::sample::Index>(),
    ) {
        let mut play = Play::new();
        for (who, step) in &steps {
            // Refusals are part of the play.
            let refused = play.step(*who, step).is_err();
            prop_assert!(refused || !play.sent.is_empty());
        }
        let Table { id, journal, .. } = &play.table;
        let at = pick.index(journal.len()) + 1;
        let then = play.table.history(Version(at as u64)).expect("history");
        let snapshot = jsonb(&then.snapshot());
        let gone_on = Session::replay(*id, Some(&snapshot), &journal[at..]).expect("replay");
        prop_assert_eq!(gone_on.expect("session").snapshot(), play.table.session().snapshot());
    }
}
