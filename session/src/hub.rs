//! What other services are told of an event (PROTOCOL section 8): paths, never hidden content.

use gss_shared::ids::{PlayerId, SessionId, Version};
use gss_shared::message::{Audience, Role};
use gss_shared::ports::hub::HubMessage;
use gss_shared::ports::journal::JournalEvent;
use serde_json::{Value, json};

use crate::event::{CombatEvent, Corrupt, Event};
use crate::fight::narrate::Name;
use crate::fold;
use crate::state::Status;
use crate::view::Change;

const STATE: &str = "session.state.changed";
const COMBAT: &str = "session.combat.changed";
const LIFECYCLE: &str = "session.lifecycle.changed";
const PLAYER: &str = "session.player.changed";
/// Version of the bodies, for consumers.
const SCHEMA_VERSION: &str = "1";

/// The event as other services get it; None: it is not published.
///
/// # Errors
/// [`Corrupt`], of what is published.
pub fn hub_message(
    session: SessionId,
    event: &JournalEvent,
) -> Result<Option<HubMessage>, Corrupt> {
    // Half of what is told of a fight: not read for nothing.
    if Name::of(&event.event_type).is_some_and(|name| name.topic().is_none()) {
        return Ok(None);
    }
    let (body, _) = fold::read(event)?;
    let told = told(session, event, &body);
    Ok(told.map(|(event_type, body)| HubMessage {
        message_id: event.id.to_string(),
        event_type,
        headers: vec![
            ("session_id", session.to_string()),
            ("version", event.version.to_string()),
            ("epoch", event.epoch.to_string()),
            ("schema_version", SCHEMA_VERSION.to_owned()),
        ],
        body: body.to_string(),
    }))
}

fn told(session: SessionId, event: &JournalEvent, body: &Event) -> Option<(&'static str, Value)> {
    let state = |change_type: &str, paths: Vec<&str>| {
        let before = Version(event.version.0.saturating_sub(1));
        let details = json!({
            "from_version": before.to_string(),
            "to_version": event.version.to_string(),
            "paths": paths,
            "actor": event.actor,
        });
        Some((STATE, whole(session, event, change_type, details)))
    };
    let life = |change_type: &str, status: Status, session_type: &str, campaign: Value| {
        let details = json!({
            "version": event.version.to_string(),
            "status": status,
            "type": session_type,
            "campaign_id": campaign,
            "actor": event.actor,
            "reason": null,
        });
        whole(session, event, change_type, details)
    };
    match body {
        Event::StateUpdate(body) => state("state", paths(&body.changes)),
        Event::StateSaved(body) => state("state", paths(&body.changes)),
        Event::ChatMessage(_) => state("chat", Vec::new()),
        Event::RollResult(_) => state("roll", Vec::new()),
        Event::RolledBack(_) => state("rollback", vec![""]),
        Event::Combat(fight) => Some((COMBAT, combat(session, event, fight)?)),
        Event::CombatRewound(body) => {
            let details = json!({
                "version": event.version.to_string(),
                "to_version": body.to_version.to_string(),
            });
            let mut message = whole(session, event, "rewound", details);
            message["combat_id"] = json!(body.fight.id);
            Some((COMBAT, message))
        }
        Event::SessionCreated(body) => {
            let (kind, campaign) = (body.session_type.as_str(), json!(body.campaign_id));
            Some((LIFECYCLE, life("created", Status::Created, kind, campaign)))
        }
        Event::SessionDeleted(body) => {
            let (kind, campaign) = (body.session_type.as_str(), json!(body.campaign_id));
            Some((LIFECYCLE, life("deleted", Status::Ended, kind, campaign)))
        }
        Event::SessionStatus(body) => {
            let change_type = match (body.from, body.status) {
                (Status::Paused, Status::Active) => "resumed",
                (_, Status::Active | Status::Created) => "activated",
                (_, Status::Paused) => "paused",
                (_, Status::Ended) => "ended",
            };
            let (kind, campaign) = (body.session_type.as_str(), json!(body.campaign_id));
            let mut message = life(change_type, body.status, kind, campaign);
            message["details"]["reason"] = json!(body.reason);
            if body.by_service {
                message["details"]["actor"] = Value::Null;
            }
            Some((LIFECYCLE, message))
        }
        Event::MemberJoined(_)
        | Event::MemberLeft(_)
        | Event::RoleChanged(_)
        | Event::Kicked(_)
        | Event::Banned(_)
        | Event::Unbanned(_) => Some((PLAYER, member(session, event, body)?)),
        Event::SettingsChanged(_) | Event::InviteCreated(_) | Event::Connected(_) => None,
    }
}

/// What all may know of a message of a fight; None: nothing is published.
fn combat(session: SessionId, event: &JournalEvent, fight: &CombatEvent) -> Option<Value> {
    let topic = fight.name.topic()?;
    if fight.told.audience() != Audience::All {
        return None;
    }
    let mut details = json!({"version": event.version.to_string()});
    let names = ["round", "turn_number", "active_character", "action_id", "action_type"];
    for name in names.into_iter().chain(["character_id", "effect_id", "reason"]) {
        if let Some(value) = fight.told.common(name).filter(|value| !value.is_null()) {
            details[name] = value.clone();
        }
    }
    match fight.name {
        Name::EffectApplied => details["state"] = "applied".into(),
        Name::EffectEnded => details["state"] = "ended".into(),
        _ => {}
    }
    let mut message = whole(session, event, topic, details);
    message["combat_id"] = fight.told.common("combat_id")?.clone();
    Some(message)
}

fn member(session: SessionId, event: &JournalEvent, body: &Event) -> Option<Value> {
    let (player, change_type, role, characters): (PlayerId, _, Option<Role>, _) = match body {
        Event::MemberJoined(body) => {
            let change_type = if body.again { "characters_changed" } else { "joined" };
            (body.player, change_type, Some(body.role), Some(&body.characters))
        }
        Event::MemberLeft(body) if body.character.is_some() => {
            (body.player, "characters_changed", Some(body.role), Some(&body.characters))
        }
        Event::MemberLeft(body) => (body.player, "left", None, None),
        Event::RoleChanged(body) => {
            let change_type =
                if body.role == body.from { "characters_changed" } else { "role_changed" };
            (body.player, change_type, Some(body.role), Some(&body.characters))
        }
        Event::Kicked(body) => (body.player, "kicked", None, None),
        Event::Banned(body) => (body.player, "banned", None, None),
        Event::Unbanned(body) => (body.player, "unbanned", None, None),
        _ => return None,
    };
    let mut details = json!({
        "version": event.version.to_string(),
        "role": role,
        "actor": event.actor,
    });
    if let Some(characters) = characters {
        details["characters"] = json!(characters);
    }
    let mut message = whole(session, event, change_type, details);
    message["player_id"] = json!(player);
    Some(message)
}

fn whole(session: SessionId, event: &JournalEvent, change_type: &str, details: Value) -> Value {
    json!({
        "session_id": session,
        "change_type": change_type,
        "details": details,
        "timestamp": event.at,
    })
}

fn paths(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.path.as_str()).collect()
}
