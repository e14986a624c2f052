//! What became of commands: an acknowledgement is a promise, a refusal is one too.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use gss_shared::ids::{ActionId, PlayerId, SessionId, Version};
use gss_shared::ports::journal::JournalEvent;
use serde_json::Value;

use super::{Fate, History, Sent, Violation, version_of};

/// An action in a journal: its events, one at least. A session's first command activates it, too.
struct Effect<'a> {
    first: &'a JournalEvent,
    further: Vec<&'a JournalEvent>,
}

impl<'a> Effect<'a> {
    fn last(&self) -> Version {
        self.further.last().unwrap_or(&self.first).version
    }

    /// What a command over a connection does beside that.
    fn asked(&self) -> impl Iterator<Item = &'a JournalEvent> {
        let kinds = [
            "state_update",
            "chat_message",
            "roll_result",
            "combat_started",
            "action_declare",
            "combat_rewound",
        ];
        let events = std::iter::once(self.first).chain(self.further.iter().copied());
        events.filter(move |event| kinds.contains(&event.event_type.as_str()))
    }
}

/// Every acknowledged command is in the journal, with the effect it asks for, at the version it was
/// told, in the order it was sent; every refused one is not; no effect is of a command nobody sent.
pub fn check_commands<H: Borrow<History>>(
    histories: &[H],
    journals: &BTreeMap<SessionId, Vec<JournalEvent>>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut sent: BTreeMap<SessionId, BTreeSet<(ActionId, PlayerId)>> = BTreeMap::new();
    for history in histories.iter().map(Borrow::borrow) {
        let journal = journals.get(&history.session).map(Vec::as_slice).unwrap_or_default();
        let effects = effects(journal);
        for command in &history.sent {
            if let Some((version, what)) = judge(command, effects.get(&command.action), history) {
                violations.push(history.violation(version, what));
            }
        }
        violations.extend(acknowledgements(history, &effects));
        violations.extend(disorder(history, &effects));
        let own = history.sent.iter().map(|command| (command.action, history.player));
        sent.entry(history.session).or_default().extend(own);
    }
    for (session, sent) in &sent {
        let journal = journals.get(session).map(Vec::as_slice).unwrap_or_default();
        for (action, effect) in effects(journal) {
            let Some(player) = effect.first.actor.filter(|_| effect.asked().next().is_some())
            else {
                continue;
            };
            if !sent.contains(&(action, player)) {
                violations.push(Violation {
                    session: *session,
                    version: Some(effect.first.version),
                    player: Some(player),
                    what: format!("effect of action {action}, which it never sent"),
                });
            }
        }
    }
    violations
}

fn effects(journal: &[JournalEvent]) -> BTreeMap<ActionId, Effect<'_>> {
    let mut effects: BTreeMap<ActionId, Effect<'_>> = BTreeMap::new();
    let mut current = None;
    for event in journal {
        match event.action {
            Some((action, _)) => {
                current = Some(action);
                effects.entry(action).or_insert(Effect { first: event, further: Vec::new() });
            }
            None => {
                let of = serde_json::from_str::<Value>(&event.data).unwrap_or_default();
                let own = current.filter(|action| of["of"] == action.to_string());
                if let Some(effect) = own.and_then(|action| effects.get_mut(&action)) {
                    effect.further.push(event);
                }
            }
        }
    }
    effects
}

fn judge(
    command: &Sent,
    effect: Option<&Effect<'_>>,
    history: &History,
) -> Option<(Option<Version>, String)> {
    let action = command.action;
    match (&command.fate, effect) {
        (Fate::Acknowledged(version), None) => {
            Some((Some(*version), format!("action {action} was acknowledged and is lost")))
        }
        (Fate::Refused(code), Some(effect)) => {
            let what = format!("action {action} was refused as {code} and took effect");
            Some((Some(effect.first.version), what))
        }
        (fate, Some(effect)) => {
            let at = Some(effect.first.version);
            if effect.first.actor != Some(history.player) {
                let what = format!("action {action} is journaled as of {:?}", effect.first.actor);
                return Some((at, what));
            }
            if let Fate::Acknowledged(version) = fate
                && *version != effect.last()
            {
                let last = effect.last();
                let what = format!("action {action} was acknowledged at {version}, ends at {last}");
                return Some((at, what));
            }
            let wrong = mismatch(&command.frame, effect)?;
            Some((at, format!("action {action} asked for {}, {wrong}", command.frame)))
        }
        (Fate::Refused(_) | Fate::Unknown, None) => None,
    }
}

/// How the effect differs from what was asked for, if it does.
fn mismatch(asked: &Value, effect: &Effect<'_>) -> Option<String> {
    let expected = match asked["type"].as_str()? {
        "state_change" => "state_update",
        "chat" => "chat_message",
        "roll" => "roll_result",
        "combat_start" => "combat_started",
        "action_declare" => "action_declare",
        "turn_rewind" => "combat_rewound",
        // What others do is not known here.
        _ => return None,
    };
    let done: Vec<&JournalEvent> = effect.asked().collect();
    let right = match done.as_slice() {
        [one] => one.event_type == expected && is_effect(&asked["data"], one),
        _ => false,
    };
    let done = done.iter().map(|event| format!("{} {}", event.event_type, event.data));
    (!right).then(|| format!("the journal has {}", done.collect::<Vec<_>>().join(", ")))
}

/// Whether the event of the right type has the right content.
fn is_effect(asked: &Value, event: &JournalEvent) -> bool {
    let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
    match event.event_type.as_str() {
        "state_update" => same_changes(&asked["changes"], &data["changes"]),
        "combat_started" => true,
        "action_declare" => ["character_id", "action_type", "details"].iter().all(|member| {
            let told = data["all"].get(member).unwrap_or(&data["gms"][member]);
            asked[member] == *told
        }),
        "combat_rewound" => {
            asked["to_version"].as_str() == Some(data["to_version"].to_string().trim_matches('"'))
        }
        "chat_message" => asked["text"] == data["text"] && same_audience(asked, &data),
        _ => same_audience(asked, &data),
    }
}

fn same_audience(asked: &Value, data: &Value) -> bool {
    if asked["to"].is_null() { data["to"] == "all" } else { asked["to"] == data["to"] }
}

fn same_changes(asked: &Value, done: &Value) -> bool {
    let empty = Vec::new();
    let list = |value: &Value| value.as_array().unwrap_or(&empty).clone();
    let (asked, done) = (list(asked), list(done));
    asked.len() == done.len()
        && asked.iter().zip(&done).all(|(asked, done)| {
            let value = match asked["op"].as_str() {
                Some("increment") => {
                    let sum = done["previous"].as_i64().unwrap_or(0)
                        + asked["value"].as_i64().unwrap_or(0);
                    done["value"].as_i64() == Some(sum)
                }
                Some("remove") => done["value"].is_null(),
                _ => asked["value"] == done["value"],
            };
            asked["path"] == done["path"] && value
        })
}

/// Acknowledgements on the wire: of own commands, each time with the same version.
fn acknowledgements(history: &History, effects: &BTreeMap<ActionId, Effect<'_>>) -> Vec<Violation> {
    let own: BTreeSet<ActionId> = history.sent.iter().map(|command| command.action).collect();
    let mut violations = Vec::new();
    for frame in history.frames().filter(|frame| frame["type"] == "ack") {
        let version = version_of(frame, "version");
        let action = frame["data"]["action_id"].as_str().and_then(|id| id.parse().ok());
        let Some(action) = action.filter(|action| own.contains(action)) else {
            violations.push(history.violation(version, format!("ack of another's: {frame}")));
            continue;
        };
        let last = effects.get(&action).map(Effect::last);
        if last != version {
            let what = format!("ack of action {action}, which ends at {last:?}");
            violations.push(history.violation(version, what));
        }
    }
    violations
}

/// Commands decided in another order than they were sent. One that got an error of unknown effect
/// was sent again later, and may come after those that were under way. One acknowledged as a
/// duplicate was decided over a connection that is gone, and an earlier one may have been refused
/// there without being heard.
fn disorder(history: &History, effects: &BTreeMap<ActionId, Effect<'_>>) -> Vec<Violation> {
    let errors = history.frames().filter(|frame| frame["type"] == "error");
    let errors = errors.filter_map(|frame| frame["error"]["details"]["action_id"].as_str());
    let duplicates = history.frames().filter(|frame| frame["data"]["duplicate"] == true);
    let duplicates = duplicates.filter_map(|frame| frame["data"]["action_id"].as_str());
    let again: BTreeSet<&str> = errors.chain(duplicates).collect();
    let mut before: Option<(ActionId, Version)> = None;
    let mut violations = Vec::new();
    for command in &history.sent {
        let Some(effect) = effects.get(&command.action) else { continue };
        if again.contains(command.action.to_string().as_str()) {
            continue;
        }
        let version = effect.first.version;
        if let Some((earlier, place)) = before.filter(|(_, place)| *place > version) {
            let action = command.action;
            let what =
                format!("action {action} was decided before {earlier} at {place}, sent first");
            violations.push(history.violation(Some(version), what));
        }
        if before.is_none_or(|(_, place)| place < version) {
            before = Some((command.action, version));
        }
    }
    violations
}
