//! Journaled events: every fact a session is folded from, with all that telling them needs.
//!
//! A body is a canonical JSON object with `v`, the version of its shape, and on every event of an
//! action but its first `of`, the action. Readers know all versions ever written; a body or type of
//! a later release is [`Corrupt`], never skipped.

mod apart;
mod body;
mod fight;
mod upcast;

use gss_shared::ids::{ActionId, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::canonical;
use crate::fight::narrate::Name;
pub(crate) use body::*;
pub(crate) use fight::{CombatEvent, Told};

/// Version of the shapes that this release writes.
pub(crate) const SHAPE: u64 = 1;

/// What is stored cannot be read by this release.
#[derive(Debug, thiserror::Error)]
pub enum Corrupt {
    /// An event of a type that this release does not know.
    #[error("event type {0:?} is unknown")]
    UnknownType(String),
    /// A body or snapshot of a later release.
    #[error("shape version {found} of {what} is later than this release reads")]
    LaterShape {
        /// Event type, or `snapshot`.
        what: String,
        /// Its version.
        found: u64,
    },
    /// A body, audience or snapshot that is not what its version says.
    #[error("{what} cannot be read")]
    Malformed {
        /// Event type, `audience` or `snapshot`.
        what: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// Events that do not follow one another.
    #[error("event {found} does not follow {after}")]
    Gap {
        /// Where the session stands.
        after: Version,
        /// The event given.
        found: Version,
    },
    /// An event that cannot have happened in the session it is in.
    #[error("event {version} does not fit the session: {fact}")]
    Misfit {
        /// The event.
        version: Version,
        /// Why.
        fact: &'static str,
    },
}

impl Corrupt {
    pub(crate) fn malformed(what: &str, source: serde_json::Error) -> Self {
        Self::Malformed { what: what.to_owned(), source }
    }
}

macro_rules! events {
    ($($variant:ident $text:literal;)*) => {
        /// One fact.
        #[derive(Clone, PartialEq, Debug)]
        pub(crate) enum Event {
            $($variant($variant),)*
            /// A message of a fight.
            Combat(CombatEvent),
        }

        impl Event {
            /// The name it is stored under.
            pub(crate) fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $text,)*
                    Self::Combat(event) => event.name.as_str(),
                }
            }

            /// Canonical JSON. Its text is what is stored.
            pub(crate) fn encode(&self, of: Option<ActionId>) -> Result<Value, serde_json::Error> {
                match self {
                    $(Self::$variant(body) => encode(body, of),)*
                    Self::Combat(event) => encode(&fight::BodyOf::from(event), of),
                }
            }

            /// Reads what was stored, in whatever format the database gives it back.
            ///
            /// # Errors
            /// [`Corrupt`].
            pub(crate) fn decode(
                event_type: &str,
                data: &str,
            ) -> Result<(Self, Option<ActionId>), Corrupt> {
                let malformed = |source| Corrupt::malformed(event_type, source);
                Self::read(event_type, canonical::parse(data).map_err(malformed)?)
            }

            /// Reads canonical JSON.
            ///
            /// # Errors
            /// [`Corrupt`].
            pub(crate) fn read(
                event_type: &str,
                data: Value,
            ) -> Result<(Self, Option<ActionId>), Corrupt> {
                let (body, of) = open(event_type, data)?;
                let event = match event_type {
                    $($text => Self::$variant(read(event_type, body)?),)*
                    _ => match Name::of(event_type) {
                        Some(name) => {
                            Self::Combat(read::<fight::Body>(event_type, body)?.named(name))
                        }
                        None => return Err(Corrupt::UnknownType(event_type.to_owned())),
                    },
                };
                Ok((event, of))
            }
        }
    };
}

events! {
    SessionCreated "session_created";
    SettingsChanged "settings_changed";
    SessionStatus "session_status";
    SessionDeleted "session_deleted";
    StateUpdate "state_update";
    StateSaved "state_saved";
    ChatMessage "chat_message";
    RollResult "roll_result";
    RolledBack "rolled_back";
    CombatRewound "combat_rewound";
    MemberJoined "member_joined";
    MemberLeft "member_left";
    RoleChanged "role_changed";
    Kicked "kicked";
    Banned "banned";
    Unbanned "unbanned";
    InviteCreated "invite_created";
    Connected "connected";
}

fn encode<T: Serialize>(body: &T, of: Option<ActionId>) -> Result<Value, serde_json::Error> {
    let mut value = canonical::of(serde_json::to_value(body)?)?;
    if let Value::Object(members) = &mut value {
        members.insert("v".to_owned(), SHAPE.into());
        if let Some(action) = of {
            members.insert("of".to_owned(), action.to_string().into());
        }
    }
    Ok(value)
}

/// Body in today's shape, and the action it continues.
fn open(event_type: &str, data: Value) -> Result<(Map<String, Value>, Option<ActionId>), Corrupt> {
    let malformed = |source| Corrupt::malformed(event_type, source);
    let mut body = match data {
        Value::Object(body) => body,
        other => serde_json::from_value(other).map_err(malformed)?,
    };
    let of = body.remove("of").map(serde_json::from_value).transpose().map_err(malformed)?;
    let shape = body.remove("v").map(serde_json::from_value).transpose().map_err(malformed)?;
    match shape.unwrap_or(0) {
        SHAPE => {}
        0 => upcast::from_0(event_type, &mut body),
        found => return Err(Corrupt::LaterShape { what: event_type.to_owned(), found }),
    }
    Ok((body, of))
}

fn read<T: DeserializeOwned>(event_type: &str, body: Map<String, Value>) -> Result<T, Corrupt> {
    serde_json::from_value(Value::Object(body))
        .map_err(|source| Corrupt::malformed(event_type, source))
}
