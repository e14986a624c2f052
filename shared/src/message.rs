//! One committed event as it is told: to routers by fan-out and link, by them to clients.
//!
//! The owner decides who may see what and encodes each variant once; a router only picks the first
//! variant that admits the viewer and adds `prev`. A message without a variant is published all the
//! same: its version is a link of the chain.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{EventId, PlayerId, Position, Version};
use crate::time::Timestamp;

/// Part a member plays in a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The creator: may do everything.
    Gm,
    /// As the GM, but for members, settings and the session's life.
    AssistantGm,
    /// Plays characters.
    Player,
    /// Watches.
    Spectator,
}

impl Role {
    /// GM or assistant GM: sees what is for GMs.
    pub fn is_gm(self) -> bool {
        matches!(self, Self::Gm | Self::AssistantGm)
    }
}

/// Who looks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Viewer {
    /// The member.
    pub player: PlayerId,
    /// Its role at the version looked at.
    pub role: Role,
}

/// Who may see something. Stored with the event, as decided then.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Every member.
    All,
    /// All GMs (if `gms`) and the named players. Neither: nobody.
    Some {
        /// GM and assistant GMs.
        gms: bool,
        /// Players by id, whatever their role.
        players: BTreeSet<PlayerId>,
    },
}

impl Audience {
    /// For the record only.
    pub fn nobody() -> Self {
        Self::Some { gms: false, players: BTreeSet::new() }
    }

    /// GM and assistant GMs.
    pub fn gms() -> Self {
        Self::Some { gms: true, players: BTreeSet::new() }
    }

    /// Whether this viewer may see it.
    pub fn admits(&self, viewer: Viewer) -> bool {
        match self {
            Self::All => true,
            Self::Some { gms, players } => {
                (*gms && viewer.role.is_gm()) || players.contains(&viewer.player)
            }
        }
    }
}

/// What some viewers are told of an event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Variant {
    /// Who gets this variant, unless an earlier one admits them.
    pub audience: Audience,
    /// The frame without its end: `{"type":"…","data":{…` up to where `,"prev":"41"}}` is added.
    /// Never an empty `data`: at least one member stands before the cut.
    pub head: String,
}

/// What an event does to connections beside being told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Effect {
    /// These viewers (None: all) need a `sync_response`: rollback, role or visibility changed.
    Resync {
        /// Whom it concerns.
        players: Option<Vec<PlayerId>>,
    },
    /// From this version on the player has this role.
    Role {
        /// The member.
        player: PlayerId,
        /// Its new role.
        role: Role,
    },
    /// Connections of this player (None: of all) close with this code after the message.
    Close {
        /// Whom it concerns.
        player: Option<PlayerId>,
        /// A close code of [`crate::error_code::CloseCode`].
        code: u16,
    },
}

/// One committed event on its way to clients.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Version and id of the event.
    pub position: Position,
    /// Position of the event before it in the session: deliver only onto this.
    pub after: Position,
    /// When it was decided.
    pub at: Timestamp,
    /// Variants, the most privileged first. Empty: nobody sees it.
    pub variants: Vec<Variant>,
    /// What it does to connections.
    pub effects: Vec<Effect>,
}

impl Message {
    /// The head of the frame for this viewer, if the viewer may see the event.
    pub fn head_for(&self, viewer: Viewer) -> Option<(usize, &str)> {
        self.variants
            .iter()
            .enumerate()
            .find(|(_, variant)| variant.audience.admits(viewer))
            .map(|(index, variant)| (index, variant.head.as_str()))
    }

    /// The event's version.
    pub fn version(&self) -> Version {
        self.position.version
    }

    /// The event's id.
    pub fn event(&self) -> EventId {
        self.position.event
    }

    /// Bytes of all variants: what fan-out has to carry.
    pub fn size(&self) -> usize {
        self.variants.iter().map(|variant| variant.head.len()).sum()
    }
}

/// The whole frame: a variant's head closed by `prev`.
pub fn close_frame(head: &str, prev: Version) -> String {
    format!("{head},\"prev\":\"{prev}\"}}}}")
}
