//! What each role may do: the table of PROTOCOL section 1.

use gss_shared::error_code::ClientError;
use gss_shared::message::Role;

use crate::refusal;

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Permission {
    /// Change `/shared` and one's own place, chat, roll, act with one's own character.
    Participate,
    /// Change other state, set up combat, override, save, roll back, invite.
    Direct,
    /// Pause, resume, end, roles, kick, ban, settings, delete.
    Govern,
}

impl Permission {
    /// Whether the role has it.
    pub(crate) fn held_by(self, role: Role) -> bool {
        match self {
            Self::Participate => role != Role::Spectator,
            Self::Direct => role.is_gm(),
            Self::Govern => role == Role::Gm,
        }
    }

    /// Refuses who does not have it.
    ///
    /// # Errors
    /// `forbidden`.
    pub(crate) fn demand(self, role: Role) -> Result<(), ClientError> {
        if self.held_by(role) {
            return Ok(());
        }
        Err(refusal::forbidden(match self {
            Self::Participate => "Spectators watch.",
            Self::Direct => "This is for the GM and assistant GMs.",
            Self::Govern => "This is for the GM.",
        }))
    }
}
