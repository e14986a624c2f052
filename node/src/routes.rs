//! Which shards this node serves, for whoever has a frame for one.

use std::collections::BTreeMap;

use gss_shared::ids::{Epoch, NodeId, Shard};
use tokio::sync::{broadcast, mpsc, watch};

use crate::shard::Input;

/// Where a shard's frames go.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its task's mailbox; read later when the shard is only expected.
    pub mailbox: mpsc::Sender<Input>,
    /// Its epoch; None: it is expected (its owner hands it over).
    pub epoch: Option<Epoch>,
}

/// All shards with a mailbox here. Changed in place: a borrow lasts for a look-up.
pub type Routes = BTreeMap<Shard, Route>;

/// What routers are told over every link.
#[derive(Clone, PartialEq, Debug)]
pub enum Announcement {
    /// Served from now on.
    Owns(Vec<(Shard, Epoch)>),
    /// No longer served.
    Lost(Vec<(Shard, Epoch, Option<NodeId>)>),
    /// The node drains.
    Draining,
}

/// What link tasks need to know of service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Service {
    /// The latest routes.
    pub routes: watch::Receiver<Routes>,
    /// Announcements; subscribe before reading the routes.
    pub announcements: broadcast::Sender<Announcement>,
}

impl Service {
    /// What is served now.
    pub fn owns(&self) -> Vec<(Shard, Epoch)> {
        let routes = self.routes.borrow();
        routes.iter().filter_map(|(shard, route)| Some((*shard, route.epoch?))).collect()
    }

    /// The mailbox of a shard.
    pub fn mailbox(&self, shard: Shard) -> Option<mpsc::Sender<Input>> {
        self.routes.borrow().get(&shard).map(|route| route.mailbox.clone())
    }

    /// All mailboxes.
    pub fn mailboxes(&self) -> Vec<mpsc::Sender<Input>> {
        self.routes.borrow().values().map(|route| route.mailbox.clone()).collect()
    }
}
