//! Where commands go: which node serves a shard, and what of a session's commands is not answered.
//!
//! Commands of one session are sent in the order they came, and on a change of owner all that are
//! unanswered go again from the oldest, under a new route number; answers under an older number
//! are ignored (SAFETY S9). Owners are believed by epoch alone (L8). Knows no connection's state
//! and no socket.

use std::collections::HashMap;
use std::time::Duration;

use gss_shared::ids::{Epoch, NodeId, Shard};

pub(crate) mod route;

/// Wait after a redirect that names no epoch higher than known.
pub(crate) const REDIRECT_PAUSE: Duration = Duration::from_millis(50);

/// Who serves a shard, as far as known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Owner {
    /// The highest epoch heard of.
    pub epoch: Epoch,
    /// The node to send to; None: wait for an announcement.
    pub node: Option<NodeId>,
    /// The node itself said that it serves; otherwise another said that it will.
    pub announced: bool,
}

/// What an announcement changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Claimed {
    /// A new owner: go there with everything.
    New,
    /// Known already.
    Known,
    /// A higher epoch is known.
    Stale,
}

/// The owners of a worker's shards.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    shards: HashMap<Shard, Owner>,
}

impl Owners {
    /// Where the shard's commands go.
    pub(crate) fn of(&self, shard: Shard) -> Option<&Owner> {
        self.shards.get(&shard)
    }

    /// The node says that it serves the shard under this epoch.
    pub(crate) fn claimed(&mut self, node: &NodeId, shard: Shard, epoch: Epoch) -> Claimed {
        if let Some(known) = self.shards.get(&shard) {
            if known.epoch > epoch {
                return Claimed::Stale;
            }
            if known.epoch == epoch && known.announced && known.node.as_ref() == Some(node) {
                return Claimed::Known;
            }
        }
        let owner = Owner { epoch, node: Some(node.clone()), announced: true };
        self.shards.insert(shard, owner);
        Claimed::New
    }

    /// The node says that it no longer serves the shard, and who will. True: commands go elsewhere.
    pub(crate) fn lost(&mut self, shard: Shard, epoch: Epoch, successor: Option<NodeId>) -> bool {
        let stale = self.shards.get(&shard).is_some_and(|known| known.epoch > epoch);
        if !stale {
            self.shards.insert(shard, Owner { epoch, node: successor, announced: false });
        }
        !stale
    }

    /// A node that was asked says that it is not the owner. True: a higher epoch was learned, go
    /// on at once; otherwise wait [`REDIRECT_PAUSE`].
    pub(crate) fn redirected(&mut self, shard: Shard, epoch: Epoch, owner: Option<NodeId>) -> bool {
        let news = self.shards.get(&shard).is_none_or(|known| epoch > known.epoch);
        if news {
            self.shards.insert(shard, Owner { epoch, node: owner, announced: false });
        }
        news
    }

    /// A link to the node opened and told all it serves: other shards that were known there have
    /// no owner now. Returns them.
    pub(crate) fn told_all(&mut self, node: &NodeId, serves: &[(Shard, Epoch)]) -> Vec<Shard> {
        let serves: std::collections::HashSet<Shard> =
            serves.iter().map(|(shard, _)| *shard).collect();
        let mut gone = Vec::new();
        for (shard, owner) in &mut self.shards {
            let there = owner.announced && owner.node.as_ref() == Some(node);
            if there && !serves.contains(shard) {
                owner.node = None;
                owner.announced = false;
                gone.push(*shard);
            }
        }
        gone.sort_unstable();
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        name.parse().expect("node id")
    }

    const SHARD: Shard = Shard(7);

    #[test]
    fn owners_are_believed_by_epoch() {
        let mut owners = Owners::default();
        assert_eq!(owners.of(SHARD), None);
        assert_eq!(owners.claimed(&node("a"), SHARD, Epoch(5)), Claimed::New);
        assert_eq!(owners.claimed(&node("a"), SHARD, Epoch(5)), Claimed::Known);
        assert_eq!(owners.claimed(&node("b"), SHARD, Epoch(6)), Claimed::New);
        assert_eq!(owners.claimed(&node("a"), SHARD, Epoch(5)), Claimed::Stale);
        let expected = Owner { epoch: Epoch(6), node: Some(node("b")), announced: true };
        assert_eq!(owners.of(SHARD), Some(&expected));
    }

    #[test]
    fn a_handoff_goes_to_the_successor_and_its_announcement_is_news() {
        let mut owners = Owners::default();
        owners.claimed(&node("a"), SHARD, Epoch(5));
        assert!(owners.lost(SHARD, Epoch(5), Some(node("b"))));
        let expected = Owner { epoch: Epoch(5), node: Some(node("b")), announced: false };
        assert_eq!(owners.of(SHARD), Some(&expected));
        assert_eq!(owners.claimed(&node("b"), SHARD, Epoch(6)), Claimed::New);
        assert!(!owners.lost(SHARD, Epoch(5), None), "late");
    }

    #[test]
    fn only_a_higher_epoch_redirects() {
        let mut owners = Owners::default();
        owners.claimed(&node("a"), SHARD, Epoch(5));
        assert!(!owners.redirected(SHARD, Epoch(5), Some(node("b"))), "A says B, B says A");
        assert!(!owners.redirected(SHARD, Epoch(4), Some(node("c"))));
        assert_eq!(owners.of(SHARD).and_then(|owner| owner.node.clone()), Some(node("a")));
        assert!(owners.redirected(SHARD, Epoch(6), Some(node("b"))));
        assert_eq!(owners.of(SHARD).and_then(|owner| owner.node.clone()), Some(node("b")));
        assert_eq!(owners.claimed(&node("b"), SHARD, Epoch(6)), Claimed::New, "now it serves");
    }

    #[test]
    fn what_a_reopened_link_does_not_name_has_no_owner() {
        let mut owners = Owners::default();
        for shard in [1, 2, 3] {
            owners.claimed(&node("a"), Shard(shard), Epoch(5));
        }
        owners.claimed(&node("b"), Shard(2), Epoch(6));
        assert_eq!(owners.told_all(&node("a"), &[(Shard(1), Epoch(5))]), [Shard(3)]);
        let expected = Owner { epoch: Epoch(5), node: None, announced: false };
        assert_eq!(owners.of(Shard(3)), Some(&expected));
        assert_eq!(owners.of(Shard(2)).and_then(|owner| owner.node.clone()), Some(node("b")));
    }
}
