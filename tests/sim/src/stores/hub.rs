//! The hub over the network: keeps every message it ever took, refuses some when told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use gss_shared::ports::hub::{Confirmation, Hub, HubMessage, HubUnavailable, Unanswered};
use rand::Rng as _;
use rand::rngs::StdRng;

use super::{BROKER, Stores, Way};
use crate::net::HostId;
use crate::plant::{ONE_IN, Plant};

/// How long confirmations are waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// The broker's side.
pub(crate) struct Broker {
    state: Mutex<State>,
    forgets: bool,
}

#[derive(Default)]
struct State {
    taken: Vec<HubMessage>,
    confirmed: u64,
    nacking: Option<(f64, StdRng)>,
}

impl Broker {
    pub(super) fn new(plant: Option<Plant>) -> Self {
        Self { state: Mutex::default(), forgets: plant == Some(Plant::ForgetfulBroker) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on so many messages are refused.
    pub(crate) fn nack(&self, nacking: Option<(f64, StdRng)>) {
        self.state().nacking = nacking;
    }

    /// Everything that was taken, in order.
    pub(crate) fn taken(&self) -> Vec<HubMessage> {
        self.state().taken.clone()
    }

    fn publish(&self, messages: Vec<HubMessage>) -> Vec<Confirmation> {
        let mut state = self.state();
        let State { taken, confirmed, nacking } = &mut *state;
        let mut take = |message| {
            if nacking.as_mut().is_some_and(|(often, random)| random.random_bool(*often)) {
                return Confirmation::Nacked;
            }
            *confirmed += 1;
            if !(self.forgets && confirmed.is_multiple_of(ONE_IN)) {
                taken.push(message);
            }
            Confirmation::Confirmed { routed: true }
        };
        messages.into_iter().map(&mut take).collect()
    }
}

/// One node's hub.
pub(crate) struct RemoteHub {
    way: Way,
    broker: Arc<Broker>,
}

impl RemoteHub {
    pub(crate) fn of(stores: &Stores, own: HostId) -> Self {
        let way = Way { net: stores.net.clone(), own, store: BROKER, patience: PATIENCE };
        Self { way, broker: Arc::clone(&stores.broker) }
    }
}

#[async_trait]
impl Hub for RemoteHub {
    async fn publish(&self, messages: &[HubMessage]) -> Result<Vec<Confirmation>, HubUnavailable> {
        let (broker, messages) = (Arc::clone(&self.broker), messages.to_vec());
        let publish = move || async move { broker.publish(messages) };
        self.way.call(publish).await.ok_or_else(|| HubUnavailable("no answer".into()))
    }

    async fn ask(&self, _: &'static str, _: String, _: Duration) -> Result<String, Unanswered> {
        Err(Unanswered::Nobody)
    }

    fn healthy(&self) -> bool {
        true
    }
}
