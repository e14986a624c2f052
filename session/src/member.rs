//! Members of a session: who plays which part with which characters.
//!
//! Owns the list of members and of banned users, and per member the session-token chains in use
//! (PROTOCOL section 1): the newest token used of each, so that an older one is refused.

use gss_shared::ids::{CharacterId, ConnectionId, PlayerId, Version};
use gss_shared::message::{Role, Viewer};
use gss_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Milliseconds after its last use from which a chain is forgotten: every token that was issued
/// before has expired by then.
const CHAIN_MS: i64 = 11 * 60 * 1_000;

/// One member.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) player: PlayerId,
    pub(crate) role: Role,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) characters: Vec<CharacterId>,
    /// Version of the join: tokens of another one are void.
    pub(crate) generation: Version,
    /// Version since which it has its role.
    pub(crate) role_since: Version,
    pub(crate) joined_at: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) chains: Vec<Chain>,
}

/// A connection and its resumptions.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Chain {
    pub(crate) chain: Uuid,
    /// Issue time of the newest token used.
    pub(crate) issued_ms: i64,
    pub(crate) used_at: Timestamp,
    /// The connection it opened.
    pub(crate) connection: ConnectionId,
}

/// A user who may not join.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Banned {
    pub(crate) player: PlayerId,
    /// The role it had.
    pub(crate) role: Role,
    pub(crate) at: Timestamp,
}

impl Member {
    /// The member as one who looks.
    pub(crate) fn viewer(&self) -> Viewer {
        Viewer { player: self.player, role: self.role }
    }

    /// The chain, unless it is forgotten.
    pub(crate) fn chain(&self, chain: Uuid, now: Timestamp) -> Option<&Chain> {
        self.chains.iter().find(|known| known.chain == chain && known.alive(now))
    }

    /// Chains that are not forgotten.
    pub(crate) fn chains_alive(&self, now: Timestamp) -> usize {
        self.chains.iter().filter(|chain| chain.alive(now)).count()
    }

    /// Notes the use of a token; forgets old chains.
    pub(crate) fn use_chain(&mut self, used: Chain) {
        let now = used.used_at;
        self.chains.retain(|chain| chain.chain != used.chain && chain.alive(now));
        self.chains.push(used);
    }

    /// Bytes beside the struct itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.characters.capacity() * size_of::<CharacterId>()
            + self.chains.capacity() * size_of::<Chain>()
    }
}

impl Chain {
    fn alive(&self, now: Timestamp) -> bool {
        now.since_ms(self.used_at) < CHAIN_MS
    }
}
