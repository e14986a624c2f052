//! The session: a pure state machine that decides commands and is folded from events.
//!
//! [`parse_frame`], [`parse_rest`] and [`connect`] make commands; [`Session::execute`] decides them
//! into events and what is told of them; [`Session::apply`] folds events read back from the
//! journal. No clock, no I/O, no randomness but what the [`Context`] hands in. Nothing here knows
//! of nodes, shards or connections.
//!
//! Folding the journal from nothing, or from any snapshot on, gives the live state byte for byte.

mod audit;
mod canonical;
mod character;
mod command;
mod decide;
mod document;
mod ephemeral;
mod event;
mod execute;
mod fight;
mod fold;
mod hub;
mod invite;
mod member;
mod permission;
mod presence;
mod read;
mod refusal;
mod settings;
mod snapshot;
mod state;
mod tell;
mod text;
mod view;
mod visibility;
mod window;

pub use audit::audit_item;
pub use character::{Character, CharacterAnswer, Characters};
pub use command::{
    Command, CommandKind, Connect, Ephemeral, FrameCommand, Parsed, connect, parse_frame,
    parse_rest, service_status, service_time_out,
};
pub use event::Corrupt;
pub use execute::{Context, Decision, Verdict};
pub use fight::{Judged, Misjudged, judge, read_all as read_rulebooks};
pub use hub::hub_message;
pub use presence::{Presence, PresenceStatus, presence_frame};
pub use state::{Session, Status};
pub use tell::message;
