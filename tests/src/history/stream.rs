//! A client's stream is the journal for its audience.

use gss_shared::ids::{PlayerId, Version};
use gss_shared::ports::journal::JournalEvent;
use serde_json::Value;

use super::reading::{Reading, without_prev};
use super::{History, Seen, Violation, is_journaled, position_of, version_of};

/// Types of frames without a version. `state_update` is one when it says `ephemeral`.
const UNVERSIONED: [&str; 7] = [
    "connection_established",
    "connection_error",
    "error",
    "heartbeat",
    "presence",
    "going_away",
    "auth_refreshed",
];

/// Up to where a connected player is told something: the last message, or the last change after
/// which it gets a snapshot.
///
/// # Panics
/// When the journal holds an event that this build cannot read.
pub fn end_for(journal: &[JournalEvent], player: PlayerId) -> Version {
    let reading = Reading::of(journal);
    let message = reading.visible(player).last().map(|(version, _)| *version);
    message.max(reading.along().resyncs(player).last()).unwrap_or_default()
}

/// The client's stream is gap-free by `prev`, duplicate-free, in order, with exactly the frames it
/// may see, nothing that carries a version or position ahead of it, and (if `complete`) goes up to
/// the journal's end.
///
/// # Panics
/// When the journal holds an event that this build cannot read.
pub fn check_stream(history: &History, reading: &Reading<'_>, complete: bool) -> Vec<Violation> {
    let visible = reading.visible(history.player);
    let mut checker = Stream {
        history,
        visible: &visible,
        stands: None,
        last: None,
        open: false,
        violations: Vec::new(),
    };
    for seen in &history.seen {
        match seen {
            Seen::Frame(frame) => checker.frame(frame),
            Seen::Closed(_) => checker.open = false,
        }
    }
    let end = visible.last().map(|(version, _)| *version).unwrap_or_default();
    let stands = checker.stands.unwrap_or_default();
    if complete && stands < end {
        checker.violate(Some(end), format!("stands at {stands}, the journal for it ends at {end}"));
    }
    checker.violations
}

struct Stream<'a> {
    history: &'a History,
    visible: &'a [(Version, &'a Value)],
    /// Everything up to here was seen, as a message or in a snapshot.
    stands: Option<Version>,
    /// What the next message names as `prev`.
    last: Option<Version>,
    /// Between `connection_established` and the close.
    open: bool,
    violations: Vec<Violation>,
}

impl Stream<'_> {
    fn violate(&mut self, version: Option<Version>, what: String) {
        self.violations.push(self.history.violation(version, what));
    }

    fn frame(&mut self, frame: &Value) {
        let kind = frame["type"].as_str().unwrap_or_default();
        let established = kind == "connection_established";
        if !self.open && !established && kind != "connection_error" {
            self.violate(version_of(frame, "version"), format!("before it was open: {frame}"));
        }
        match kind {
            "connection_established" => self.established(frame),
            "sync_response" => self.sync(frame),
            "ack" => self.ack(frame),
            _ if is_journaled(frame) => self.message(frame),
            "heartbeat" => self.named(frame),
            "state_update" if frame["data"]["ephemeral"] == Value::Bool(true) => {}
            _ if UNVERSIONED.contains(&kind) => {}
            _ => self.violate(version_of(frame, "version"), format!("unchained: {frame}")),
        }
    }

    fn established(&mut self, frame: &Value) {
        self.open = true;
        if frame["data"]["resumed"] == Value::Bool(false) {
            // A snapshot follows and restarts the stream.
            self.stands = None;
            return;
        }
        let Some(stands) = self.stands else {
            return self.violate(None, format!("resumed from nothing: {frame}"));
        };
        let Some(from) = position_of(frame).map(|position| position.version) else {
            return self.violate(None, format!("resumed without a position: {frame}"));
        };
        let missed = self.between(stands, from);
        if !missed.is_empty() {
            self.violate(Some(from), format!("resumes beyond {missed:?}, which were not seen"));
        }
        self.last = Some(from);
    }

    fn sync(&mut self, frame: &Value) {
        let Some(version) = version_of(frame, "version") else {
            return self.violate(None, format!("sync_response without version: {frame}"));
        };
        if let Some(stands) = self.stands {
            if version < stands {
                self.violate(Some(version), format!("snapshot after {stands}"));
            }
            let missed = self.between(stands, version);
            if !missed.is_empty() {
                self.violate(Some(version), format!("snapshot overtook {missed:?}"));
            }
        }
        self.stands = Some(version);
        self.last = Some(version);
    }

    fn ack(&mut self, frame: &Value) {
        let version = version_of(frame, "version");
        if version.is_none() || position_of(frame).map(|position| position.version) != version {
            self.violate(version, format!("ack whose position is not its version: {frame}"));
        }
        self.named(frame);
    }

    /// A position that does not run ahead of the stream.
    fn named(&mut self, frame: &Value) {
        let Some(position) = position_of(frame) else {
            return self.violate(None, format!("without a position: {frame}"));
        };
        let version = position.version;
        let Some(stands) = self.stands else {
            return self.violate(Some(version), format!("before anything: {frame}"));
        };
        let missed = self.between(stands, version);
        if !missed.is_empty() {
            let kind = frame["type"].as_str().unwrap_or_default();
            self.violate(Some(version), format!("{kind} of {version} overtook {missed:?}"));
        }
    }

    /// Visible versions in `(after, up_to]`.
    fn between(&self, after: Version, up_to: Version) -> Vec<Version> {
        let start = self.visible.partition_point(|(version, _)| *version <= after);
        let versions = self.visible[start..].iter().map(|(version, _)| *version);
        versions.take_while(|version| *version <= up_to).collect()
    }

    fn message(&mut self, frame: &Value) {
        let (Some(version), Some(prev)) = (version_of(frame, "version"), version_of(frame, "prev"))
        else {
            return self.violate(None, format!("journaled without version: {frame}"));
        };
        let Some(stands) = self.stands else {
            return self.violate(Some(version), "before any snapshot".to_owned());
        };
        let next = self.visible.partition_point(|(visible, _)| *visible <= stands);
        match self.visible.get(next) {
            Some((next, body)) if *next == version => {
                let mut frame = frame.clone();
                without_prev(&mut frame);
                // Whether a snapshot is owed there is the connection's own.
                if let Some(position) = position_of(&frame) {
                    frame["data"]["position"] = position.to_string().into();
                }
                if frame != **body {
                    let what = format!("reads {frame}, the journal says {body}");
                    self.violate(Some(version), what);
                }
            }
            Some(_) if version <= stands => {
                self.violate(Some(version), format!("came again after {stands}"));
            }
            Some((next, _)) => {
                self.violate(Some(version), format!("came where {next} was next"));
            }
            None if version <= stands => {
                self.violate(Some(version), format!("came again after {stands}"));
            }
            None => self.violate(Some(version), "came, and it may not see it".to_owned()),
        }
        let known = self.last.unwrap_or_default();
        if prev != known {
            self.violate(Some(version), format!("says prev {prev}, the one before was {known}"));
        }
        self.stands = Some(version.max(stands));
        self.last = Some(version);
    }
}
