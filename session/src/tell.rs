//! Telling: what is said of an event, to whom, and what it does to connections.
//!
//! A pure function of the stored event: live delivery, resume and fetch say the same words.

use gss_shared::error_code::CloseCode;
use gss_shared::ids::{PlayerId, Position, Version};
use gss_shared::limits;
use gss_shared::message::{Audience, Effect, Message, Variant};
use gss_shared::ports::journal::JournalEvent;
use serde_json::{Map, Value, json};

use crate::event::{Corrupt, Event, Group, SessionStatus, SettingsChanged, To};
use crate::fold::{self, Facts};
use crate::settings::Show;
use crate::state::Status;
use crate::view::{self, Change, View};

/// What some are told of an event.
pub(crate) struct Word {
    pub(crate) audience: Audience,
    /// Type of the frame.
    pub(crate) name: &'static str,
    /// Its data, without what every journaled message has.
    pub(crate) data: Map<String, Value>,
}

/// What is told of a stored event; `after` is the position of its predecessor.
///
/// # Errors
/// [`Corrupt`].
pub fn message(event: &JournalEvent, after: Position) -> Result<Message, Corrupt> {
    let (body, facts) = fold::read(event)?;
    Ok(compose(&body, facts, &stored_audience(event)?, after))
}

/// The audience as it was decided.
pub(crate) fn stored_audience(event: &JournalEvent) -> Result<Audience, Corrupt> {
    serde_json::from_str(&event.audience).map_err(|source| Corrupt::malformed("audience", source))
}

/// Who may see an event: everybody that is told anything of it.
pub(crate) fn audience(event: &Event, actor: Option<PlayerId>) -> Audience {
    match event {
        Event::StateUpdate(body) => view::audience(body.views.as_deref()),
        Event::StateSaved(body) => view::audience(body.views.as_deref()),
        Event::ChatMessage(body) => addressed(&body.to, actor),
        Event::RollResult(body) => addressed(&body.to, actor),
        Event::Combat(event) => event.told.audience(),
        Event::SettingsChanged(_)
        | Event::SessionStatus(_)
        | Event::RolledBack(_)
        | Event::CombatRewound(_) => Audience::All,
        Event::SessionCreated(_)
        | Event::SessionDeleted(_)
        | Event::MemberJoined(_)
        | Event::MemberLeft(_)
        | Event::RoleChanged(_)
        | Event::Kicked(_)
        | Event::Banned(_)
        | Event::Unbanned(_)
        | Event::InviteCreated(_)
        | Event::Connected(_) => Audience::nobody(),
    }
}

/// The sender always gets it; GMs do not read along what is for others.
fn addressed(to: &To, actor: Option<PlayerId>) -> Audience {
    match to {
        To::Group(Group::All) => Audience::All,
        To::Group(Group::Gm) => Audience::Some { gms: true, players: actor.into_iter().collect() },
        To::Players(players) => {
            let players = players.iter().copied().chain(actor).collect();
            Audience::Some { gms: false, players }
        }
    }
}

/// The message of an event.
pub(crate) fn compose(
    event: &Event,
    facts: Facts,
    audience: &Audience,
    after: Position,
) -> Message {
    let mut effects = effects(event);
    let words = words(event, facts, audience);
    let mut variants: Vec<Variant> = words.into_iter().map(|word| variant(word, facts)).collect();
    let bytes = variants.iter().map(|variant| variant.head.len()).sum::<usize>();
    if untold(event) || bytes > limits::MESSAGE_BYTES {
        variants.clear();
        effects.push(Effect::Resync { players: None });
    }
    Message { position: facts.position, after, at: facts.at, variants, effects }
}

/// Whether all get a `sync_response` instead of this event's changes.
fn untold(event: &Event) -> bool {
    match event {
        Event::StateUpdate(body) => view::untold(body.views.as_deref()),
        Event::StateSaved(body) => view::untold(body.views.as_deref()),
        _ => false,
    }
}

fn variant(word: Word, facts: Facts) -> Variant {
    let mut data = word.data;
    data.insert("version".to_owned(), facts.position.version.to_string().into());
    data.insert("position".to_owned(), facts.position.to_string().into());
    data.insert("timestamp".to_owned(), facts.at.to_string().into());
    let data = Value::Object(data).to_string();
    let open = data.strip_suffix('}').unwrap_or(&data);
    Variant {
        audience: word.audience,
        head: format!("{{\"type\":\"{}\",\"data\":{open}", word.name),
    }
}

/// What is said of an event, the most privileged first.
pub(crate) fn words(event: &Event, facts: Facts, audience: &Audience) -> Vec<Word> {
    let action = facts.action();
    let one = |name, data| vec![Word { audience: audience.clone(), name, data: object(data) }];
    match event {
        Event::StateUpdate(body) => changed(&body.changes, body.views.as_deref(), facts),
        Event::StateSaved(body) => changed(&body.changes, body.views.as_deref(), facts),
        Event::ChatMessage(body) => one(
            "chat_message",
            json!({
                "message_id": facts.position.event,
                "action_id": action,
                "player_id": facts.actor,
                "text": body.text,
                "to": body.to,
            }),
        ),
        Event::RollResult(body) => {
            let mut data = json!({
                "action_id": action,
                "player_id": facts.actor,
                "to": body.to,
                "roll": body.roll,
            });
            if let Some(reason) = &body.reason {
                data["reason"] = json!(reason);
            }
            one("roll_result", data)
        }
        Event::SessionStatus(body) => one("session_status", status(body, facts)),
        Event::SettingsChanged(body) => settings(body, facts, audience),
        Event::RolledBack(body) => {
            let mut data = rolled_back(body.to_version, "session", facts);
            if let Some(reason) = &body.reason {
                data["reason"] = json!(reason);
            }
            one("rolled_back", data)
        }
        Event::CombatRewound(body) => {
            one("rolled_back", rolled_back(body.to_version, "combat", facts))
        }
        Event::Combat(event) => {
            let name = event.name.as_str();
            let words = event.told.versions();
            words.map(|(audience, data)| Word { audience, name, data }).collect()
        }
        Event::SessionCreated(_)
        | Event::SessionDeleted(_)
        | Event::MemberJoined(_)
        | Event::MemberLeft(_)
        | Event::RoleChanged(_)
        | Event::Kicked(_)
        | Event::Banned(_)
        | Event::Unbanned(_)
        | Event::InviteCreated(_)
        | Event::Connected(_) => Vec::new(),
    }
}

/// `session_status` of a status that changed.
fn status(body: &SessionStatus, facts: Facts) -> Value {
    let mut data = json!({
        "status": body.status,
        "reason": body.reason,
        "actor": facts.actor.filter(|_| !body.by_service),
        "action_id": facts.action().filter(|_| !body.by_service),
    });
    if let Some((previous, value)) = body.phase.as_ref().filter(|(was, is)| was != is) {
        let path = "/combat/phase";
        data["changes"] = json!([{"path": path, "value": value, "previous": previous}]);
    }
    data
}

/// `rolled_back`.
fn rolled_back(to_version: Version, scope: &str, facts: Facts) -> Value {
    json!({
        "action_id": facts.action(),
        "to_version": to_version.to_string(),
        "scope": scope,
        "actor": facts.actor,
    })
}

/// Settings as GMs see them, and as others do.
fn settings(body: &SettingsChanged, facts: Facts, audience: &Audience) -> Vec<Word> {
    let word = |(show, audience): (Show, &Audience)| {
        let mut data = json!({
            "status": body.status,
            "reason": "settings_changed",
            "actor": facts.actor,
            "action_id": facts.action(),
            "settings": body.settings.show(show),
        });
        if let Some(name) = &body.name {
            data["name"] = json!(name);
        }
        Word { audience: audience.clone(), name: "session_status", data: object(data) }
    };
    [(Show::Gms, &Audience::gms()), (Show::Others, audience)].into_iter().map(word).collect()
}

fn changed(all: &[Change], views: Option<&[View]>, facts: Facts) -> Vec<Word> {
    if all.is_empty() {
        return Vec::new();
    }
    let word = |audience, changes: Vec<&Change>| {
        let data = json!({
            "update_id": facts.position.event,
            "action_id": facts.action(),
            "actor": facts.actor,
            "changes": changes,
        });
        Word { audience, name: "state_update", data: object(data) }
    };
    let Some(views) = views else { return vec![word(Audience::All, all.iter().collect())] };
    let mut words = vec![word(Audience::gms(), all.iter().collect())];
    if view::untold(Some(views)) {
        return words;
    }
    for view in views {
        let audience = if view.players.is_empty() {
            Audience::All
        } else {
            Audience::Some { gms: false, players: view.players.clone() }
        };
        words.push(word(audience, view.resolve(all).collect()));
    }
    words
}

fn effects(event: &Event) -> Vec<Effect> {
    let close = |player, code: CloseCode| vec![Effect::Close { player, code: code.number() }];
    match event {
        Event::SettingsChanged(body) if body.visibility_changed => {
            vec![Effect::Resync { players: None }]
        }
        Event::RolledBack(_) | Event::CombatRewound(_) => {
            vec![Effect::Resync { players: None }]
        }
        Event::SessionStatus(body) if body.status == Status::Ended => {
            close(None, CloseCode::SessionEnded)
        }
        Event::MemberLeft(body) if body.character.is_none() => {
            close(Some(body.player), CloseCode::Normal)
        }
        Event::Kicked(body) => close(Some(body.player), CloseCode::Kicked),
        Event::Banned(body) => close(Some(body.player), CloseCode::Kicked),
        Event::RoleChanged(body) if body.role != body.from => vec![
            Effect::Role { player: body.player, role: body.role },
            Effect::Resync { players: Some(vec![body.player]) },
        ],
        _ => Vec::new(),
    }
}

/// The members of a JSON object.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
