//! Invites: codes that let somebody join.

use gss_rules::Dice;
use gss_shared::ids::PlayerId;
use gss_shared::message::Role;
use gss_shared::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A code that lets somebody join.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Invite {
    pub(crate) code: Box<str>,
    /// The most that one may join as: player or spectator.
    pub(crate) role: Role,
    /// None: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uses_left: Option<u32>,
    /// None: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
    /// Who made it.
    pub(crate) by: PlayerId,
}

impl Invite {
    /// Whether it still lets anybody in.
    pub(crate) fn good(&self, now: Timestamp) -> bool {
        self.uses_left != Some(0) && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Letters and digits that are not taken for one another.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Characters of a code: 60 random bits, against 30 tries a minute.
const LENGTH: usize = 12;

/// A new code. It comes from the dice, never from event ids, which clients see.
pub(crate) fn code(dice: &mut dyn Dice) -> String {
    let mut code = String::with_capacity(LENGTH + LENGTH / 4);
    for place in 0..LENGTH {
        if place > 0 && place % 4 == 0 {
            code.push('-');
        }
        let face = dice.roll(32).clamp(1, 32) as usize;
        code.push(char::from(ALPHABET[face - 1]));
    }
    code
}
