//! Commands that only REST has. The router builds them, the owner decides them.
//!
//! They travel as JSON in [`crate::link::frame::CommandBody::Rest`]. Members that a request left
//! out are absent; what they may hold is checked by the session, not here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{CampaignId, CharacterId, PlayerId, Version};
use crate::message::Role;

/// A command of REST v2 (PROTOCOL section 4).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RestCommand {
    /// `POST /sessions`.
    Create {
        /// Nil when the session has none.
        campaign_id: CampaignId,
        /// 1–255 characters.
        name: String,
        /// As given; unknown members are ignored.
        #[serde(default)]
        settings: Map<String, Value>,
    },
    /// `POST …/join`.
    Join {
        /// The character to play.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        character_id: Option<CharacterId>,
        /// `player` or `spectator`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<Role>,
        /// Needed where the session says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invite_code: Option<String>,
    },
    /// `POST …/leave`: wholly, or with one character.
    Leave {
        /// The character that leaves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        character_id: Option<CharacterId>,
    },
    /// `POST …/state`: replaces the document except `/combat`.
    SaveState {
        /// The new document.
        state: Map<String, Value>,
        /// Kept with that version.
        #[serde(default)]
        metadata: Map<String, Value>,
    },
    /// `PATCH …/{id}`.
    Update {
        /// 1–255 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Settings to change; unknown members are refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settings: Option<Map<String, Value>>,
        /// Only if the session stands here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_match: Option<Version>,
    },
    /// `DELETE …/{id}`: ends the session and hides it.
    Delete {
        /// Only if the session stands here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_match: Option<Version>,
    },
    /// `POST …/pause`.
    Pause {
        /// For people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// `POST …/resume`.
    Resume {
        /// For people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// `POST …/end`.
    End {
        /// For people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// `POST …/rollback`.
    Rollback {
        /// Document and combat as of then.
        to_version: Version,
        /// For people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// `POST …/invites`.
    CreateInvite {
        /// `player` (default) or `spectator`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<Role>,
        /// 1–1000; absent: any number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uses: Option<u32>,
        /// 60–2592000; absent: never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_in_seconds: Option<u32>,
    },
    /// `PUT …/players/{player_id}`: members absent stay.
    UpdatePlayer {
        /// Whom it concerns.
        player_id: PlayerId,
        /// `assistant_gm`, `player` or `spectator`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<Role>,
        /// All characters of the player.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        characters: Option<Vec<CharacterId>>,
        /// Whether the user is banned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        banned: Option<bool>,
        /// For the record.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// `DELETE …/players/{player_id}`: kicks; the player may join again.
    Kick {
        /// Whom it concerns.
        player_id: PlayerId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_names_the_kind_and_leaves_out_what_is_absent() {
        let command = RestCommand::Rollback { to_version: Version(400), reason: None };
        let json = serde_json::to_string(&command).expect("json");
        assert_eq!(json, r#"{"kind":"rollback","to_version":400}"#);
        assert_eq!(serde_json::from_str::<RestCommand>(&json).expect("command"), command);
    }
}
