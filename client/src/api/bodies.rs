//! Bodies and queries of REST calls.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A new session.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Made {
    /// Its id.
    pub session_id: Uuid,
    /// Opens the GM's connection.
    pub connection_token: String,
    /// Where.
    pub websocket_url: String,
}

/// A membership.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Joined {
    /// Opens a connection.
    pub connection_token: String,
    /// Where.
    pub websocket_url: String,
    /// The document as the member sees it.
    pub session_state: Value,
}

/// A document that was saved.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Saved {
    /// Under this version, a decimal string.
    pub version: String,
    /// When.
    pub timestamp: String,
}

/// A document.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct LoadedState {
    /// What it holds.
    pub state: Value,
    /// That of the last save.
    pub metadata: Value,
    /// Its version, a decimal string.
    pub version: String,
    /// When it got it.
    pub timestamp: String,
    /// Storage does not answer: it is what the owner knows, and may be old.
    #[serde(default)]
    pub stale: bool,
}

/// An invite.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Invite {
    /// For [`crate::Api::join`].
    pub invite_code: String,
    /// A link for people.
    pub join_url: String,
    /// What it makes of who uses it.
    pub role: String,
    /// None: any number.
    pub uses_left: Option<u64>,
    /// None: never.
    pub expires_at: Option<String>,
}

/// Which sessions to list.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct ListQuery {
    /// `created`, `active`, `paused` or `ended`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Of this campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<Uuid>,
    /// `game` or `combat`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub session_type: Option<String>,
    /// Only the caller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mine: Option<bool>,
    /// 1–100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// From the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Which events to list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EventsQuery {
    /// Only those after this version.
    pub after: Option<u64>,
    /// 1–1000.
    pub limit: Option<u32>,
    /// Only these types; empty: all.
    pub types: Vec<String>,
}

impl EventsQuery {
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs: Vec<(&'static str, String)> =
            self.types.iter().map(|kind| ("type", kind.clone())).collect();
        pairs.extend(self.after.map(|after| ("after", after.to_string())));
        pairs.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        pairs
    }
}
