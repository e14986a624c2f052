//! Presence: who is there. Not journaled; the node knows it and tells it.

use std::collections::BTreeMap;

use gss_shared::ids::PlayerId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::state::Session;

/// Whether a member is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceStatus {
    /// Connected.
    Online,
    /// Connected and silent.
    Away,
    /// Not connected.
    #[default]
    Offline,
}

/// Members that are there, with the number of their connections. Who is absent is offline.
pub type Presence = BTreeMap<PlayerId, (PresenceStatus, u32)>;

/// A `presence` frame. Who is no member any more is told without role; None: nothing to tell, it
/// is no member and its connections are about to close.
pub fn presence_frame(
    session: &Session,
    player: PlayerId,
    status: PresenceStatus,
    connections: u32,
) -> Option<String> {
    let mut data = json!({"player_id": player, "status": status, "connections": connections});
    match session.member(player) {
        Some(member) => {
            data["role"] = json!(member.role);
            data["characters"] = json!(member.characters);
        }
        None if status == PresenceStatus::Offline => {}
        None => return None,
    }
    Some(json!({"type": "presence", "data": data}).to_string())
}
