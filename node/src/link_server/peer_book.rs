//! Routers with links here: one [`Peer`] per start of a router, shared by its lanes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use gss_shared::ids::{Incarnation, RouterId};

use crate::peer::Peer;

/// The book.
#[derive(Debug, Default)]
pub(super) struct PeerBook(Mutex<BTreeMap<RouterId, Arc<Peer>>>);

impl PeerBook {
    /// The peer of this start of a router, and the one of an earlier start that it ends.
    pub(super) fn peer(
        &self,
        router: &RouterId,
        incarnation: Incarnation,
    ) -> (Arc<Peer>, Option<Arc<Peer>>) {
        // Nothing panics while it is held.
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = book.get(router).filter(|known| known.incarnation == incarnation) {
            return (Arc::clone(known), None);
        }
        let peer = Peer::new(router.clone(), incarnation);
        let former = book.insert(router.clone(), Arc::clone(&peer));
        (peer, former)
    }

    /// Forgets a peer. False: another start has taken its place.
    pub(super) fn remove(&self, peer: &Arc<Peer>) -> bool {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = book.get(&peer.router).is_some_and(|known| Arc::ptr_eq(known, peer));
        if current {
            book.remove(&peer.router);
        }
        current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_of_one_start_share_a_peer_and_a_new_start_ends_it() {
        let book = PeerBook::default();
        let router: RouterId = "r".parse().expect("id");
        let (one, none) = book.peer(&router, Incarnation(1));
        assert!(none.is_none());
        let (same, none) = book.peer(&router, Incarnation(1));
        assert!(none.is_none() && Arc::ptr_eq(&one, &same));
        let (other, former) = book.peer(&router, Incarnation(2));
        assert!(former.is_some_and(|former| Arc::ptr_eq(&former, &one)));
        assert!(!book.remove(&one));
        assert!(book.remove(&other));
    }
}
