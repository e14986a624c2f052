//! What one client saw, and whether it could have been: checked against the journal.
//!
//! The checkers take whole histories, not samples. What a viewer should have been told is made by
//! the same function that tells it ([`gss_session::message`]), from the rows of the journal; what
//! they check is order, completeness, uniqueness, `prev` and audience on the way to the client.

use std::collections::{BTreeMap, BTreeSet};

use gss_shared::ids::{ActionId, PlayerId, Position, SessionId, Version};
use gss_shared::message::{Role, Viewer, close_frame};
use gss_shared::ports::journal::JournalEvent;
use serde_json::Value;

/// Something that happened to a client, in the order it saw it.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A text frame from the server.
    Frame(Value),
    /// The socket was closed (None: without a close frame).
    Closed(Option<u16>),
}

/// A command as the client sent it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its idempotency key.
    pub action: ActionId,
    /// What became of it.
    pub fate: Fate,
}

/// What the client knows of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Acknowledged at this version.
    Acknowledged(Version),
    /// Refused without effect.
    Refused(String),
    /// Nobody said.
    Unknown,
}

/// One client's history.
#[derive(Clone, Debug)]
pub struct History {
    /// The table.
    pub session: SessionId,
    /// Who looked. The role does not change during a checked history.
    pub viewer: Viewer,
    /// Everything received.
    pub seen: Vec<Seen>,
    /// Everything sent.
    pub sent: Vec<Sent>,
}

impl History {
    /// Nothing yet.
    pub fn new(session: SessionId, player: PlayerId, role: Role) -> Self {
        let viewer = Viewer { player, role };
        Self { session, viewer, seen: Vec::new(), sent: Vec::new() }
    }

    /// How often the socket was closed.
    pub fn closes(&self) -> usize {
        self.seen.iter().filter(|seen| matches!(seen, Seen::Closed(_))).count()
    }

    /// Version of the last journaled message or snapshot.
    pub fn last_version(&self) -> Version {
        let versions = self.seen.iter().filter_map(|seen| match seen {
            Seen::Frame(frame) => version_of(frame, "version"),
            Seen::Closed(_) => None,
        });
        versions.max().unwrap_or_default()
    }
}

fn version_of(frame: &Value, member: &str) -> Option<Version> {
    frame["data"][member].as_str()?.parse().ok().map(Version)
}

fn is_journaled(frame: &Value) -> bool {
    frame["data"]["prev"].is_string()
}

/// A checker's finding: what is wrong, where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation(pub String);

/// What a viewer has to be told of a journal: version and frame (without `prev`), in order.
///
/// # Panics
/// When the journal holds an event that this build cannot read.
pub fn visible(journal: &[JournalEvent], viewer: Viewer) -> Vec<(Version, Value)> {
    let mut after = Position::START;
    let mut frames = Vec::new();
    for event in journal {
        let message = gss_session::message(event, after).expect("a readable event");
        after = message.position;
        if let Some((_, head)) = message.head_for(viewer) {
            let frame = close_frame(head, Version::ZERO);
            let mut frame: Value = serde_json::from_str(&frame).expect("a frame is JSON");
            without_prev(&mut frame);
            frames.push((event.version, frame));
        }
    }
    frames
}

fn without_prev(frame: &mut Value) {
    if let Some(data) = frame["data"].as_object_mut() {
        data.remove("prev");
    }
}

/// The journal itself: versions 1, 2, 3 … and epochs that never fall.
pub fn check_journal(journal: &[JournalEvent]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut actions = BTreeSet::new();
    let mut epoch = None;
    for (event, expected) in journal.iter().zip(1..) {
        if event.version.0 != expected {
            violations
                .push(Violation(format!("version {} where {expected} belongs", event.version)));
            break;
        }
        if epoch.is_some_and(|epoch| event.epoch < epoch) {
            violations.push(Violation(format!("epoch falls at version {}", event.version)));
        }
        epoch = Some(event.epoch);
        if let Some((action, _)) = event.action
            && !actions.insert(action)
        {
            violations.push(Violation(format!("action {action} took effect twice")));
        }
    }
    violations
}

/// The client's stream is the journal for its audience: gap-free by `prev`, duplicate-free, in
/// order, with exactly the frames it may see, and (if `complete`) up to the journal's end.
pub fn check_stream(history: &History, journal: &[JournalEvent], complete: bool) -> Vec<Violation> {
    let visible = visible(journal, history.viewer);
    let mut checker =
        Stream { visible: &visible, stands: None, last: None, violations: Vec::new() };
    for seen in &history.seen {
        if let Seen::Frame(frame) = seen {
            checker.frame(frame);
        }
    }
    let end = visible.last().map(|(version, _)| *version).unwrap_or_default();
    let stands = checker.stands.unwrap_or_default();
    if complete && stands < end {
        checker.violate(format!("stands at {stands}, the journal for it ends at {end}"));
    }
    checker.violations
}

struct Stream<'a> {
    visible: &'a [(Version, Value)],
    /// Everything up to here was seen, as a message or in a snapshot.
    stands: Option<Version>,
    /// The last journaled message.
    last: Option<Version>,
    violations: Vec<Violation>,
}

impl Stream<'_> {
    fn violate(&mut self, what: String) {
        self.violations.push(Violation(what));
    }

    fn frame(&mut self, frame: &Value) {
        match frame["type"].as_str() {
            // A snapshot follows and restarts the stream.
            Some("connection_established") if frame["data"]["resumed"] == Value::Bool(false) => {
                self.stands = None;
            }
            Some("sync_response") => self.sync(frame),
            Some("ack") => self.ack(frame),
            _ if is_journaled(frame) => self.message(frame),
            _ => {}
        }
    }

    fn sync(&mut self, frame: &Value) {
        let Some(version) = version_of(frame, "version") else {
            return self.violate(format!("sync_response without version: {frame}"));
        };
        if self.stands.is_some_and(|stands| version < stands) {
            self.violate(format!("snapshot of {version} after {:?}", self.stands));
        }
        if let Some(stands) = self.stands {
            let missed = self.between(stands, version);
            if !missed.is_empty() {
                self.violate(format!("snapshot of {version} overtook {missed:?}"));
            }
        }
        self.stands = Some(version);
        self.last = Some(version);
    }

    fn ack(&mut self, frame: &Value) {
        let version = version_of(frame, "version").unwrap_or_default();
        let Some(stands) = self.stands else {
            return self.violate(format!("ack before anything: {frame}"));
        };
        let missed = self.between(stands, version);
        if !missed.is_empty() {
            self.violate(format!("ack of {version} overtook {missed:?}"));
        }
    }

    /// Visible versions in `(after, up_to]`.
    fn between(&self, after: Version, up_to: Version) -> Vec<Version> {
        let versions = self.visible.iter().map(|(version, _)| *version);
        versions.filter(|version| *version > after && *version <= up_to).collect()
    }

    fn message(&mut self, frame: &Value) {
        let (Some(version), Some(prev)) = (version_of(frame, "version"), version_of(frame, "prev"))
        else {
            return self.violate(format!("journaled without version: {frame}"));
        };
        let Some(stands) = self.stands else {
            return self.violate(format!("{version} before any snapshot"));
        };
        let expected = self.visible.iter().find(|(visible, _)| *visible > stands);
        match expected {
            Some((next, body)) if *next == version => {
                let mut frame = frame.clone();
                without_prev(&mut frame);
                if frame != *body {
                    self.violate(format!("{version} reads {frame}, the journal says {body}"));
                }
            }
            Some((next, _)) => self.violate(format!("{version} came where {next} was next")),
            None => self.violate(format!("{version} came, which it may not see or saw before")),
        }
        let known = self.last.unwrap_or_default();
        if prev != known
            && !(prev > known && prev < version && self.between(known, prev).is_empty())
        {
            self.violate(format!("{version} says prev {prev}, the one before was {known}"));
        }
        self.stands = Some(version.max(stands));
        self.last = Some(version);
    }
}

/// Every acknowledged command is in the journal, once, at the version it was told; every refused
/// one is not.
pub fn check_commands(
    histories: &[History],
    journals: &BTreeMap<SessionId, Vec<JournalEvent>>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for history in histories {
        let empty = Vec::new();
        let journal = journals.get(&history.session).unwrap_or(&empty);
        let first: BTreeMap<ActionId, Version> = journal
            .iter()
            .filter_map(|event| event.action.map(|(action, _)| (action, event.version)))
            .collect();
        for sent in &history.sent {
            let stored = first.get(&sent.action);
            match (&sent.fate, stored) {
                (Fate::Acknowledged(version), Some(stored)) if stored <= version => {}
                (Fate::Acknowledged(version), stored) => violations.push(Violation(format!(
                    "{} of {} acknowledged at {version}, journaled at {stored:?}",
                    sent.action, history.session
                ))),
                (Fate::Refused(code), Some(version)) => violations.push(Violation(format!(
                    "{} of {} refused as {code}, journaled at {version}",
                    sent.action, history.session
                ))),
                (Fate::Refused(_), None) | (Fate::Unknown, _) => {}
            }
        }
    }
    violations
}
