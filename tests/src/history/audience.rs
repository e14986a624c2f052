//! Nobody is shown what is not for it, judged by what the frames say and the protocol's rules.

use gss_shared::ids::Version;
use serde_json::Value;

use super::along::Along;
use super::hidden::Hidden;
use super::reading::Reading;
use super::{History, Violation, is_journaled, version_of};

/// Every frame holds only what the viewer may see at its version: paths, chat, rolls, settings, and
/// of fights no combatant that is hidden from it.
pub fn check_audience(history: &History, reading: &Reading<'_>) -> Vec<Violation> {
    let (along, hidden) = (reading.along(), reading.hidden());
    let mut at = Version::ZERO;
    let mut violations = Vec::new();
    for frame in history.frames() {
        at = version_of(frame, "version").unwrap_or(at);
        let fighters = lurking(frame, history, along, hidden);
        for what in exposed(frame, at, history, along).into_iter().chain(fighters) {
            let role = along.role_at(history.player, at);
            let what = format!("{what}, shown to {role:?} in {frame}");
            violations.push(history.violation(Some(at), what));
        }
    }
    violations
}

fn exposed(frame: &Value, at: Version, history: &History, along: &Along) -> Vec<String> {
    let (me, data) = (history.player, &frame["data"]);
    let gm = along.role_at(me, at).is_some_and(gss_shared::message::Role::is_gm);
    match frame["type"].as_str() {
        Some("sync_response") => along.hidden("", &data["state"], me, at),
        Some("state_update") => {
            let changes = data["changes"].as_array().into_iter().flatten();
            let values = changes.flat_map(|change| {
                let path = change["path"].as_str().unwrap_or_default();
                [(path, &change["value"]), (path, &change["previous"])]
            });
            values.flat_map(|(path, value)| along.hidden(path, value, me, at)).collect()
        }
        Some(kind @ ("chat_message" | "roll_result")) => {
            let mine = data["player_id"] == me.to_string();
            let named = match &data["to"] {
                Value::String(group) if group == "all" => true,
                Value::String(group) if group == "gm" => gm,
                Value::Array(named) => named.iter().any(|id| *id == me.to_string()),
                _ => false,
            };
            if mine || named { Vec::new() } else { vec![format!("a {kind} for others")] }
        }
        Some("session_status") if !gm && !data["settings"]["visibility"].is_null() => {
            vec!["the rules of visibility".to_owned()]
        }
        _ => Vec::new(),
    }
}

/// Hidden combatants that a journaled frame or a snapshot names.
fn lurking(frame: &Value, history: &History, along: &Along, hidden: &Hidden) -> Option<String> {
    let version = version_of(frame, "version")?;
    if !is_journaled(frame) && frame["type"] != "sync_response" {
        return None;
    }
    let role = along.role_at(history.player, version);
    let mut hidden = hidden.from(history.player, version).peekable();
    if role.is_some_and(gss_shared::message::Role::is_gm) || hidden.peek().is_none() {
        return None;
    }
    let text = frame.to_string();
    let named = hidden.find(|id| text.contains(id))?;
    Some(format!("combatant {named}, which is hidden"))
}
