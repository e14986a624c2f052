//! Snapshots hold what the journal makes, for this viewer, at their version.

use gss_session::{Presence, Session};
use gss_shared::ids::{ResumePoint, Version};
use gss_shared::link::frame::ReadKind;
use serde_json::Value;

use super::reading::Reading;
use super::{History, Violation, position_of, version_of};

/// Every `sync_response` is the fold of the journal up to its version, projected for its viewer, and
/// names that event; each change of the viewer's role or of visibility, and each rollback or rewound fight
/// after it connected, was followed by one: up to the journal's end if `complete`, else up to its last
/// snapshot. For histories without `sync_request`s of parts.
///
/// # Panics
/// When the journal cannot be folded.
pub fn check_snapshots(history: &History, reading: &Reading<'_>, complete: bool) -> Vec<Violation> {
    let mut violations = Vec::new();
    let syncs: Vec<&Value> =
        history.frames().filter(|frame| frame["type"] == "sync_response").collect();
    let mut versions = Vec::new();
    for frame in syncs {
        let version = version_of(frame, "version").unwrap_or_default();
        versions.push(version);
        let wrong = |session: Option<&Session>| wrong(frame, version, session, history);
        if let Some(what) = reading.at(history.session, version, wrong) {
            violations.push(history.violation(Some(version), what));
        }
    }
    let first = versions.first().copied().unwrap_or_default();
    let last = versions.iter().max().copied().unwrap_or_default();
    let owed = reading.along().resyncs(history.player);
    for change in owed.filter(|change| *change > first && (complete || *change <= last)) {
        let still = reading.along().role_at(history.player, change).is_some();
        if still && !versions.iter().any(|version| *version >= change) {
            let what = "no snapshot after the viewer's sight changed".to_owned();
            violations.push(history.violation(Some(change), what));
        }
    }
    violations
}

/// Whatever carries a position between a change of what the viewer sees and its snapshot says that
/// the snapshot is owed: who is cut off there resumes at it. For histories without `sync_request`s of
/// parts, told by routers of this release.
pub fn check_marks(history: &History, reading: &Reading<'_>) -> Vec<Violation> {
    let changes: Vec<Version> = reading.along().resyncs(history.player).collect();
    let mut violations = Vec::new();
    let (mut carried, mut synced) = (false, Version::ZERO);
    for frame in history.frames() {
        let text = frame["data"]["position"].as_str();
        let Some(point) = text.and_then(|text| text.parse::<ResumePoint>().ok()) else { continue };
        let version = point.position.version;
        if matches!(frame["type"].as_str(), Some("sync_response" | "connection_established")) {
            (carried, synced) = (point.owed, version);
            continue;
        }
        let changed = changes.iter().any(|change| *change > synced && *change <= version);
        if (carried || changed) && !point.owed {
            let what = format!("does not say that a snapshot is owed: {frame}");
            violations.push(history.violation(Some(version), what));
        }
    }
    violations
}

fn wrong(
    frame: &Value,
    version: Version,
    session: Option<&Session>,
    history: &History,
) -> Option<String> {
    let Some(session) = session.filter(|session| session.position().version == version) else {
        return Some("snapshot of a version that is not in the journal".to_owned());
    };
    if position_of(frame) != Some(session.position()) {
        return Some(format!("snapshot names another event than {}", session.position()));
    }
    let whole = ReadKind::Sync { paths: Vec::new() };
    let text = match session.read(&whole, history.player, &Presence::new()) {
        Ok(text) => text,
        Err(refusal) => return Some(format!("snapshot where the answer is {refusal}")),
    };
    let expected: Value = serde_json::from_str(&text).expect("a read is JSON");
    (frame["data"]["state"] != expected["state"]).then(|| {
        format!("snapshot says {}, the journal {}", frame["data"]["state"], expected["state"])
    })
}
