//! The stores: journal, directory, fan-out and hub as they are behind a network. What runs at a
//! store runs when the parcel arrives, also when nobody waits for the answer any more.

pub(crate) mod directory;
pub(crate) mod fanout;
pub(crate) mod hub;
pub(crate) mod journal;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use gss_shared::clock::Clock;
use gss_shared::ids::ShardCount;
use gss_shared::ports::journal::memory::MemoryJournal;

use crate::net::{HostId, Net};
use crate::plant::Plant;

use self::directory::Redis;
use self::fanout::Channels;
use self::hub::Broker;
use self::journal::Database;

/// Where the journal is.
pub(crate) const DATABASE: HostId = HostId(1);
/// Where directory and fan-out are.
pub(crate) const REDIS: HostId = HostId(2);
/// Where the hub is.
pub(crate) const BROKER: HostId = HostId(3);

/// All stores.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) net: Net,
    pub(crate) database: Arc<Database>,
    pub(crate) redis: Redis,
    pub(crate) channels: Channels,
    pub(crate) broker: Arc<Broker>,
}

impl Stores {
    /// Empty stores. The clock is the database's.
    pub(crate) fn new(net: Net, shards: ShardCount, clock: Clock, plant: Option<Plant>) -> Self {
        let journal = MemoryJournal::new(shards, clock);
        Self {
            channels: Channels::new(net.clone()),
            database: Arc::new(Database::new(journal, net.clone(), plant)),
            net,
            redis: Redis::default(),
            broker: Arc::new(Broker::new(plant)),
        }
    }
}

/// One process's way to one store.
#[derive(Clone)]
struct Way {
    net: Net,
    own: HostId,
    store: HostId,
    patience: Duration,
}

impl Way {
    /// None: no answer in time, or the connection broke.
    async fn call<R, F>(&self, run: impl FnOnce() -> F + Send + 'static) -> Option<R>
    where
        R: Send + 'static,
        F: Future<Output = R>,
    {
        let at_once = move || run().now_or_never();
        let call = self.net.call(self.own, self.store, at_once);
        tokio::time::timeout(self.patience, call).await.ok()??
    }
}
