//! Creation, and changes of name and settings.

use gss_shared::error_code::ClientError;
use gss_shared::ids::{CampaignId, PlayerId};
use serde_json::{Map, Value};

use crate::event::{Event, SessionCreated, SettingsChanged};
use crate::settings::{Settings, Unknown};
use crate::state::{Session, SessionType};
use crate::{refusal, text};

pub(super) fn create(
    gm: PlayerId,
    campaign_id: CampaignId,
    name: &str,
    settings: &Map<String, Value>,
) -> Result<SessionCreated, ClientError> {
    text::name(name)?;
    Ok(SessionCreated {
        campaign_id,
        name: name.to_owned(),
        session_type: SessionType::Game,
        gm,
        settings: Settings::default().patched(settings, Unknown::Ignored)?,
    })
}

pub(super) fn update(
    session: &Session,
    name: Option<&str>,
    patch: Option<&Map<String, Value>>,
) -> Result<Event, ClientError> {
    if name.is_none() && patch.is_none_or(Map::is_empty) {
        return Err(refusal::shape("body", "changes nothing"));
    }
    if let Some(name) = name {
        text::name(name)?;
    }
    let settings = match patch {
        Some(patch) => session.settings.patched(patch, Unknown::Refused)?,
        None => session.settings.clone(),
    };
    Ok(Event::SettingsChanged(SettingsChanged {
        name: name.map(str::to_owned),
        visibility_changed: settings.visibility != session.settings.visibility,
        settings,
        status: session.status,
    }))
}
