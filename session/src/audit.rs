//! The audit trail: events as a viewer may read them later.
//!
//! What was told live is read back by the same audience, as decided then, and the viewer's present
//! role. What is of the record only: facts that presence tells anyway are for all members, the
//! rest for GMs.

use gss_shared::message::Viewer;
use gss_shared::ports::journal::JournalEvent;
use serde_json::{Map, Value, json};

use crate::event::{Corrupt, Event};
use crate::fold::{self, Facts};
use crate::settings::Show;
use crate::tell;

/// The event as an item of `GET …/events`; None: not for this viewer.
///
/// # Errors
/// [`Corrupt`].
pub fn audit_item(event: &JournalEvent, viewer: Viewer) -> Result<Option<Value>, Corrupt> {
    let (body, facts) = fold::read(event)?;
    let audience = tell::stored_audience(event)?;
    let words = tell::words(&body, facts, &audience);
    let told = words.into_iter().find(|word| word.audience.admits(viewer)).map(|word| word.data);
    let Some(data) = told.or_else(|| record(&body, facts, viewer)) else { return Ok(None) };
    let by_service = matches!(&body, Event::SessionStatus(body) if body.by_service);
    let action = facts.action();
    Ok(Some(json!({
        "event_id": event.id,
        "version": event.version.to_string(),
        "position": facts.position.to_string(),
        "type": body.event_type(),
        "actor": facts.actor.filter(|_| !by_service),
        "action_id": action.filter(|_| !by_service),
        "data": data,
        "timestamp": event.at,
    })))
}

/// What is of the record only.
fn record(event: &Event, facts: Facts, viewer: Viewer) -> Option<Map<String, Value>> {
    let gms = viewer.role.is_gm();
    let show = if gms { Show::Gms } else { Show::Others };
    let mut data = match event {
        Event::SessionCreated(body) => json!({
            "campaign_id": body.campaign_id,
            "name": body.name,
            "type": body.session_type,
            "gm_id": body.gm,
            "settings": body.settings.show(show),
        }),
        Event::MemberJoined(body) => {
            json!({"player_id": body.player, "role": body.role, "characters": body.characters})
        }
        Event::MemberLeft(body) => {
            let mut data = json!({"player_id": body.player});
            if let Some(character) = body.character {
                data["character_id"] = json!(character);
            }
            data
        }
        Event::RoleChanged(body) => {
            json!({"player_id": body.player, "role": body.role, "characters": body.characters})
        }
        Event::Kicked(body) => json!({"player_id": body.player}),
        Event::Banned(body) if gms => json!({"player_id": body.player}),
        Event::Unbanned(body) if gms => json!({"player_id": body.player}),
        Event::InviteCreated(body) if gms => {
            json!({"role": body.role, "uses": body.uses, "expires_at": body.expires_at})
        }
        Event::Connected(body) if gms || facts.actor == Some(viewer.player) => {
            json!({"player_id": body.player, "connection_id": body.connection})
        }
        Event::StateSaved(body) if gms => json!({"changes": body.changes}),
        Event::SessionDeleted(_) if gms => json!({}),
        _ => return None,
    };
    let reason = match event {
        Event::RoleChanged(body) => body.reason.as_ref(),
        Event::Banned(body) => body.reason.as_ref(),
        Event::Unbanned(body) => body.reason.as_ref(),
        _ => None,
    };
    if let Some(reason) = reason.filter(|_| gms) {
        data["reason"] = json!(reason);
    }
    Some(tell::object(data))
}
