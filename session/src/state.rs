//! The working state of one session: what its journal comes to.
//!
//! Owns nothing but facts; they come in through [`Session::execute`] and [`Session::apply`] only,
//! both by folding events. No clock, no I/O. Kept lean: a node holds a hundred thousand of them.
//!
//! A fight is a member of its own beside the document, shown as `/combat`.

use std::collections::BTreeSet;
use std::sync::Arc;

use gss_shared::ids::{CampaignId, ConnectionId, PlayerId, Position, SessionId, Version};
use gss_shared::message::{Role, Viewer};
use gss_shared::ports::journal::SessionHead;
use gss_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::document::Document;
use crate::fight::Fight;
use crate::invite::Invite;
use crate::member::{Banned, Member};
use crate::settings::{Join, Settings, Show, object_text};
use crate::window::Window;

/// Where a session is in its life (`schema/status.json`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has connected.
    Created,
    /// Played.
    Active,
    /// Waits for the GM.
    Paused,
    /// For good.
    Ended,
}

impl Status {
    /// As the protocol writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }

    /// What may follow.
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Created => &[Self::Active, Self::Ended],
            Self::Active => &[Self::Paused, Self::Ended],
            Self::Paused => &[Self::Active, Self::Ended],
            Self::Ended => &[],
        }
    }
}

/// What kind of session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionType {
    /// A table of the v2 API.
    Game,
}

impl SessionType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Game => "game",
        }
    }
}

/// The last save by REST.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// Canonical JSON object.
    #[serde(with = "object_text")]
    pub(crate) metadata: Option<Box<str>>,
    pub(crate) version: Version,
    pub(crate) at: Timestamp,
}

/// The working state of one session. A copy is cheap: the document is shared until changed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Session {
    pub(crate) id: SessionId,
    pub(crate) position: Position,
    pub(crate) last_at: Timestamp,
    pub(crate) campaign: CampaignId,
    pub(crate) name: Box<str>,
    #[serde(rename = "type")]
    pub(crate) session_type: SessionType,
    pub(crate) status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status_reason: Option<Box<str>>,
    /// Since when it is paused, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) paused_at: Option<Timestamp>,
    pub(crate) gm: PlayerId,
    pub(crate) created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deleted_at: Option<Timestamp>,
    pub(crate) settings: Settings,
    /// Version since which `settings.visibility` is what it is.
    pub(crate) visible_since: Version,
    /// Version of the last rollback.
    #[serde(default, skip_serializing_if = "Version::is_zero")]
    pub(crate) rolled_back_at: Version,
    /// In order of joining.
    pub(crate) members: Vec<Member>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) banned: Vec<Banned>,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) invites: Vec<Invite>,
    pub(crate) document: Document,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fight: Option<Arc<Fight>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) saved: Option<Saved>,
    pub(crate) window: Window,
}

impl Session {
    /// Which session this is.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Position of its last event.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Where it is in its life.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Time of its last event.
    pub fn last_at(&self) -> Timestamp {
        self.last_at
    }

    /// The last save by the GM: its version, and its metadata (a JSON object).
    pub fn last_save(&self) -> Option<(Version, &str)> {
        let saved = self.saved.as_ref()?;
        Some((saved.version, saved.metadata.as_deref()?))
    }

    /// Whether it is deleted: nobody may know of it.
    pub fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// The member as one who looks; None: no member.
    pub fn viewer(&self, player: PlayerId) -> Option<Viewer> {
        self.member(player).map(Member::viewer)
    }

    /// The connection that was opened last with the tokens of a chain; None: they are forgotten.
    pub fn newest_connection(&self, player: PlayerId, chain: Uuid) -> Option<ConnectionId> {
        let chains = &self.member(player)?.chains;
        chains.iter().find(|known| known.chain == chain).map(|known| known.connection)
    }

    /// All members, in order of joining.
    pub fn members(&self) -> impl Iterator<Item = Viewer> {
        self.members.iter().map(Member::viewer)
    }

    /// Messages of one connection per minute: the GM's setting; 0: none, the operator's default.
    pub fn messages_per_minute(&self) -> u32 {
        self.settings.limits.messages_per_minute.unwrap_or(0)
    }

    /// Whether events after this version, filtered for the member's present role, are all it may
    /// see and nothing else: role and visibility are unchanged since.
    pub fn can_resume(&self, player: PlayerId, from: Version) -> bool {
        let since = self.member(player).map(|member| member.role_since.max(self.visible_since));
        since.is_some_and(|since| since <= from)
    }

    /// Whether the event of this version is one that a snapshot has to follow: a member whose position
    /// it is may not have got that.
    pub fn snapshot_follows(&self, player: PlayerId, version: Version) -> bool {
        self.member(player).is_some_and(|member| {
            let changes = [member.role_since, self.visible_since, self.rolled_back_at];
            version > member.generation && changes.contains(&version)
        })
    }

    /// Whether an action that [`Session::execute`] does not know was never accepted. Otherwise only
    /// the journal can tell.
    pub fn remembers_all_actions(&self) -> bool {
        self.window.complete()
    }

    /// Bytes it takes in memory, about.
    pub fn size_bytes(&self) -> usize {
        let members = self.members.iter().map(Member::heap_bytes).sum::<usize>();
        size_of::<Self>()
            + self.name.len()
            + self.status_reason.as_deref().map_or(0, str::len)
            + self.settings.heap_bytes()
            + self.members.capacity() * size_of::<Member>()
            + members
            + self.banned.capacity() * size_of::<Banned>()
            + self.invites.capacity() * size_of::<Invite>()
            + self.document.heap_bytes()
            + self.fight.as_deref().map_or(0, |fight| size_of::<Fight>() + fight.heap_bytes())
            + self.window.heap_bytes()
            + self.saved.as_ref().and_then(|saved| saved.metadata.as_deref()).map_or(0, str::len)
    }

    /// When the service has to act in its fight by itself at the latest; None: not by time. In its
    /// turn only if the player whose turn it is is absent: `absent` is asked for that player.
    pub fn acts_at(&self, absent: impl FnOnce(PlayerId) -> bool) -> Option<Timestamp> {
        let fight = self.fight.as_deref().filter(|_| self.status == Status::Active)?;
        if fight.combat.prompt().is_some() {
            return fight.deadline;
        }
        let player = fight.on_turn()?;
        self.turn_ends_at().filter(|_| absent(player))
    }

    /// When the turn of a player ends that is absent; None: it does not.
    pub(crate) fn turn_ends_at(&self) -> Option<Timestamp> {
        let fight = self.fight.as_deref()?;
        let seconds = self.settings.turn_seconds;
        (seconds > 0 && fight.on_turn().is_some())
            .then(|| fight.turn_at.plus_ms(i64::from(seconds) * 1_000))
    }

    /// The session's row for lists and other services.
    pub fn head(&self) -> SessionHead {
        let mut metadata = self.describe(None, Show::Others);
        // For the lists of members, whose role they show.
        metadata["roles"] =
            self.members.iter().map(|m| (m.player.to_string(), json!(m.role))).collect();
        SessionHead {
            campaign: self.campaign,
            name: self.name.to_string(),
            status: self.status.as_str().to_owned(),
            session_type: self.session_type.as_str().to_owned(),
            gm: self.gm,
            members: self.members.iter().map(|member| member.player).collect(),
            open: self.settings.join == Join::Open,
            metadata: metadata.to_string(),
            created_at: self.created_at,
            updated_at: self.last_at,
            deleted_at: self.deleted_at,
        }
    }

    /// `session` of REST v2 without `websocket_url`.
    pub(crate) fn describe(&self, role: Option<Role>, show: Show) -> serde_json::Value {
        json!({
            "session_id": self.id,
            "campaign_id": self.campaign,
            "name": self.name,
            "type": self.session_type,
            "status": self.status,
            "status_reason": self.status_reason,
            "version": self.position.version.to_string(),
            "gm_id": self.gm,
            "role": role,
            "players": self.players(),
            "combat_id": self.fight.as_deref().map(|fight| fight.id),
            "settings": self.settings.show(show),
            "created_at": self.created_at,
            "updated_at": self.last_at,
        })
    }

    pub(crate) fn member(&self, player: PlayerId) -> Option<&Member> {
        self.members.iter().find(|member| member.player == player)
    }

    pub(crate) fn member_mut(&mut self, player: PlayerId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.player == player)
    }

    pub(crate) fn is_banned(&self, player: PlayerId) -> bool {
        self.banned.iter().any(|banned| banned.player == player)
    }

    /// The players whose own dice count.
    pub(crate) fn with_physical_dice(&self) -> BTreeSet<Uuid> {
        let members = self.members.iter().map(|member| member.player.0);
        if self.settings.physical_dice { members.collect() } else { BTreeSet::new() }
    }

    /// Members with role player.
    pub(crate) fn players(&self) -> usize {
        self.members.iter().filter(|member| member.role == Role::Player).count()
    }
}
