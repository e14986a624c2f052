//! Tokens that the Auth Service took back (SAFETY S23), as the nodes tell them.

use std::collections::HashMap;

use gss_shared::ids::PlayerId;
use gss_shared::link::frame::Revocation;
use gss_shared::time::Timestamp;

use crate::switchboard::Credential;

/// Revocations kept: beyond, the oldest go. A node tells those in force again with each opening.
const REVOCATIONS: usize = 100_000;

/// The revocations in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct Revocations {
    /// All tokens of a user issued before this.
    users: HashMap<PlayerId, Timestamp>,
    /// Single tokens.
    tokens: HashMap<(PlayerId, String), Timestamp>,
}

impl Revocations {
    /// Adds what a node told; true when something was new.
    pub(crate) fn add(&mut self, told: &[Revocation]) -> bool {
        let mut new = false;
        for revocation in told {
            new |= match &revocation.jti {
                Some(jti) => {
                    self.tokens.insert((revocation.user, jti.clone()), revocation.at).is_none()
                }
                None => {
                    let known = self.users.entry(revocation.user).or_insert(Timestamp(i64::MIN));
                    let later = revocation.at > *known;
                    *known = revocation.at.max(*known);
                    later
                }
            };
        }
        forget_oldest(&mut self.users);
        forget_oldest(&mut self.tokens);
        new
    }

    /// Whether this token of this user is no longer good.
    pub(crate) fn covers(&self, player: PlayerId, credential: &Credential) -> bool {
        let all = self.users.get(&player).is_some_and(|at| credential.issued_at < *at);
        let this = credential
            .jti
            .as_ref()
            .is_some_and(|jti| self.tokens.contains_key(&(player, jti.clone())));
        all || this
    }
}

fn forget_oldest<K: Clone + Eq + std::hash::Hash>(map: &mut HashMap<K, Timestamp>) {
    if map.len() <= REVOCATIONS {
        return;
    }
    let mut times: Vec<Timestamp> = map.values().copied().collect();
    let (_, cut, _) = times.select_nth_unstable(map.len() - REVOCATIONS);
    let cut = *cut;
    map.retain(|_, at| *at >= cut);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn player(n: u128) -> PlayerId {
        PlayerId(uuid::Uuid::from_u128(n))
    }

    fn credential(issued: i64, jti: Option<&str>) -> Credential {
        Credential {
            expires_at: Timestamp(i64::MAX),
            issued_at: Timestamp(issued),
            jti: jti.map(str::to_owned),
        }
    }

    #[test]
    fn a_user_s_revocation_covers_tokens_issued_before_it() {
        let mut revocations = Revocations::default();
        let told = [Revocation { user: player(1), jti: None, at: Timestamp(100) }];
        assert!(revocations.add(&told));
        assert!(!revocations.add(&told), "told again");
        assert!(revocations.covers(player(1), &credential(99, None)));
        assert!(!revocations.covers(player(1), &credential(100, None)), "issued afterwards");
        assert!(!revocations.covers(player(2), &credential(99, None)), "another user");
    }

    #[test]
    fn a_token_s_revocation_covers_that_token_only() {
        let mut revocations = Revocations::default();
        let told = [Revocation { user: player(1), jti: Some("a".to_owned()), at: Timestamp(100) }];
        assert!(revocations.add(&told));
        assert!(revocations.covers(player(1), &credential(200, Some("a"))));
        assert!(!revocations.covers(player(1), &credential(50, Some("b"))));
        assert!(!revocations.covers(player(1), &credential(50, None)));
    }
}
