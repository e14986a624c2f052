//! Fan-out over the network: a publish goes to Redis and from there to each listener, or gets lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt as _;
use gss_shared::ids::Shard;
use gss_shared::ports::fanout::{Fanout, LocalFanout};
use rand::Rng as _;
use rand::rngs::StdRng;

use super::{REDIS, Stores, Way};
use crate::net::{HostId, Net};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Redis's side: who listens, and how often a message is lost on the way to one of them.
#[derive(Clone)]
pub(crate) struct Channels {
    net: Net,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    listeners: BTreeMap<HostId, Arc<LocalFanout>>,
    losing: Option<(f64, StdRng)>,
}

impl Channels {
    pub(super) fn new(net: Net) -> Self {
        Self { net, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on so many messages are lost.
    pub(crate) fn lose(&self, losing: Option<(f64, StdRng)>) {
        self.state().losing = losing;
    }

    fn publish(&self, messages: &[(Shard, Bytes)]) {
        let mut state = self.state();
        let State { listeners, losing } = &mut *state;
        for (host, listener) in listeners {
            for message in messages {
                if losing.as_mut().is_some_and(|(often, random)| random.random_bool(*often)) {
                    continue;
                }
                let (listener, message) = (Arc::clone(listener), [message.clone()]);
                self.net.send(REDIS, *host, move || {
                    let published = listener.publish(&message).now_or_never();
                    assert_eq!(published, Some(Vec::new()), "it takes everything at once");
                });
            }
        }
    }
}

/// One process's fan-out.
pub(crate) struct RemoteFanout {
    way: Way,
    channels: Channels,
    own: Arc<LocalFanout>,
}

impl RemoteFanout {
    pub(crate) fn of(stores: &Stores, own: HostId) -> Self {
        let way = Way { net: stores.net.clone(), own, store: REDIS, patience: PATIENCE };
        let local = Arc::new(LocalFanout::new());
        // In place of what a former life of this host listened with.
        let _former = stores.channels.state().listeners.insert(own, Arc::clone(&local));
        Self { way, channels: stores.channels.clone(), own: local }
    }

    fn tell(&self, act: impl FnOnce(&LocalFanout) + Send + 'static) {
        let own = Arc::clone(&self.own);
        self.way.net.send(self.way.own, REDIS, move || act(&own));
    }
}

#[async_trait]
impl Fanout for RemoteFanout {
    async fn publish(&self, messages: &[(Shard, Bytes)]) -> Vec<usize> {
        let (channels, sent) = (self.channels.clone(), messages.to_vec());
        let publish = move || async move { channels.publish(&sent) };
        match self.way.call(publish).await {
            Some(()) => Vec::new(),
            None => (0..messages.len()).collect(),
        }
    }

    fn subscribe(&self, shard: Shard) {
        self.tell(move |own| own.subscribe(shard));
    }

    fn unsubscribe(&self, shard: Shard) {
        self.tell(move |own| own.unsubscribe(shard));
    }

    fn resubscribe(&self, shard: Shard) {
        self.tell(move |own| own.subscribe(shard));
    }

    async fn next(&self) -> Option<(Shard, Bytes)> {
        self.own.next().await
    }
}
