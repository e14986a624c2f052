//! Bodies of events, in the shape that this release writes.

use gss_rules::Roll;
use gss_shared::ids::{CampaignId, CharacterId, ConnectionId, PlayerId, Version};
use gss_shared::message::Role;
use gss_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::fight::Fight;
use crate::settings::Settings;
use crate::state::{SessionType, Status};
use crate::view::{Change, View};

/// A session began; its creator is the GM.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct SessionCreated {
    pub(crate) campaign_id: CampaignId,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) session_type: SessionType,
    pub(crate) gm: PlayerId,
    pub(crate) settings: Settings,
}

/// Name or settings are others now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct SettingsChanged {
    /// None: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// All of them, as they are now.
    pub(crate) settings: Settings,
    /// Somebody may see something else than before.
    pub(crate) visibility_changed: bool,
    /// The session's status, told along.
    pub(crate) status: Status,
}

/// The session began to be played, paused, went on or ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct SessionStatus {
    pub(crate) status: Status,
    /// The status before.
    pub(crate) from: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Nobody did it: it followed.
    pub(crate) by_service: bool,
    /// The phase of the running fight as it is shown: before, and now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) phase: Option<(String, String)>,
    pub(crate) campaign_id: CampaignId,
    #[serde(rename = "type")]
    pub(crate) session_type: SessionType,
}

/// The session is out of sight for everybody.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct SessionDeleted {
    pub(crate) campaign_id: CampaignId,
    #[serde(rename = "type")]
    pub(crate) session_type: SessionType,
}

/// Members of the document changed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct StateUpdate {
    /// In order, at least one.
    pub(crate) changes: Vec<Change>,
    /// What others than GMs are told; None: the same. An empty view for others: it is too much to
    /// decide, and all get a `sync_response`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) views: Option<Vec<View>>,
}

/// The document was replaced, told as changes of its members.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct StateSaved {
    /// Empty when the document is as before.
    pub(crate) changes: Vec<Change>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) views: Option<Vec<View>>,
    /// For GMs.
    pub(crate) metadata: Map<String, Value>,
}

/// Somebody said something.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct ChatMessage {
    pub(crate) text: String,
    pub(crate) to: To,
}

/// Somebody rolled.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct RollResult {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    pub(crate) to: To,
    pub(crate) roll: Roll,
}

/// Whom the sender names; the sender always gets it too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum To {
    /// `"all"` or `"gm"`.
    Group(Group),
    /// These players.
    Players(Vec<PlayerId>),
}

/// Named groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Group {
    /// Every member.
    All,
    /// All GMs.
    Gm,
}

/// The document is as it was.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct RolledBack {
    pub(crate) to_version: Version,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// The whole document as of that version.
    pub(crate) document: Map<String, Value>,
    /// The fight that was running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fight: Option<Box<Fight>>,
}

/// The fight is as it was.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct CombatRewound {
    pub(crate) to_version: Version,
    pub(crate) fight: Box<Fight>,
}

/// A member joined, or came again with another character.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct MemberJoined {
    pub(crate) player: PlayerId,
    pub(crate) role: Role,
    /// All it has now.
    pub(crate) characters: Vec<CharacterId>,
    /// It was a member before.
    pub(crate) again: bool,
    /// The invite that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invite: Option<String>,
}

/// A member left, or one of its characters did.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct MemberLeft {
    pub(crate) player: PlayerId,
    /// The member's role.
    pub(crate) role: Role,
    /// None: wholly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) character: Option<CharacterId>,
    /// Those that stay.
    pub(crate) characters: Vec<CharacterId>,
}

/// Role or characters of a member are others now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct RoleChanged {
    pub(crate) player: PlayerId,
    pub(crate) role: Role,
    /// The role before.
    pub(crate) from: Role,
    pub(crate) characters: Vec<CharacterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// A member was put out; it may join again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Kicked {
    pub(crate) player: PlayerId,
}

/// A user may not be a member any more.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Banned {
    pub(crate) player: PlayerId,
    /// The role it had.
    pub(crate) role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// A user may join again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Unbanned {
    pub(crate) player: PlayerId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// A code lets somebody join.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct InviteCreated {
    pub(crate) code: String,
    pub(crate) role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uses: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
}

/// A session token opened a connection.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Connected {
    pub(crate) player: PlayerId,
    pub(crate) connection: ConnectionId,
    pub(crate) chain: Uuid,
    pub(crate) issued_ms: i64,
}
