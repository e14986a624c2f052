//! Keeps the order of requests towards each master, and sends what waits in one pipeline.
//!
//! One task per master takes all that is queued, sends it and waits for the answers; what arrives
//! meanwhile goes next. What the master does not take goes to its replica, which publishes as well.
//! A full queue refuses at once: whoever publishes has another road.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use redis::cluster::NodeAddress;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Redis;
use super::call::Patience;
use super::request::Request;
use crate::limits;

/// Batches sent in one pipeline.
const AT_ONCE: usize = 64;
/// A pipeline without all answers after so long has failed.
const ANSWER: Duration = Duration::from_millis(250);

/// Ordered queues, one for each master.
#[derive(Debug)]
pub(crate) struct Batcher {
    redis: Redis,
    lanes: Mutex<Lanes>,
}

#[derive(Debug, Default)]
struct Lanes {
    queues: BTreeMap<NodeAddress, mpsc::Sender<Batch>>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Batch {
    requests: Vec<Request>,
    failed: oneshot::Sender<Vec<bool>>,
}

impl Batcher {
    pub(crate) fn new(redis: Redis) -> Self {
        Self { redis, lanes: Mutex::default() }
    }

    /// Publishes all, those of one master in the order given. Returns the places of those that failed,
    /// or may have.
    pub(crate) async fn send(&self, requests: Vec<Request>) -> Vec<usize> {
        let topology = self.redis.topology();
        let mut failed = Vec::new();
        let mut groups: BTreeMap<&NodeAddress, (Vec<usize>, Vec<Request>)> = BTreeMap::new();
        for (place, request) in requests.into_iter().enumerate() {
            match topology.master(request.slot) {
                Some(master) => {
                    let group = groups.entry(master).or_default();
                    group.0.push(place);
                    group.1.push(request);
                }
                None => failed.push(place),
            }
        }
        let mut answers = Vec::with_capacity(groups.len());
        for (master, (places, requests)) in groups {
            let (answer, answered) = oneshot::channel();
            let batch = Batch { requests, failed: answer };
            match self.lane(master, &topology.masters()).try_send(batch) {
                Ok(()) => answers.push(async move { (places, answered.await) }),
                Err(_) => failed.extend(places),
            }
        }
        for (places, answer) in join_all(answers).await {
            match answer {
                Ok(lost) => {
                    failed.extend(places.into_iter().zip(lost).filter(|of| of.1).map(|of| of.0));
                }
                Err(_) => failed.extend(places),
            }
        }
        failed.sort_unstable();
        failed
    }

    fn lane(&self, master: &NodeAddress, masters: &BTreeSet<&NodeAddress>) -> mpsc::Sender<Batch> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = lanes.queues.get(master) {
            return queue.clone();
        }
        lanes.queues.retain(|address, _| masters.contains(address));
        while lanes.tasks.try_join_next().is_some() {}
        let (queue, batches) = mpsc::channel(limits::PUBLISH_QUEUE);
        lanes.tasks.spawn(run(self.redis.clone(), batches));
        lanes.queues.insert(master.clone(), queue.clone());
        queue
    }
}

async fn run(redis: Redis, mut batches: mpsc::Receiver<Batch>) {
    let mut taken = Vec::with_capacity(AT_ONCE);
    while batches.recv_many(&mut taken, AT_ONCE).await > 0 {
        let mut requests = Vec::new();
        let mut waiting = Vec::with_capacity(taken.len());
        for batch in taken.drain(..) {
            waiting.push((batch.requests.len(), batch.failed));
            requests.extend(batch.requests);
        }
        let mut lost = publish(&redis, requests).await.into_iter();
        for (count, failed) in waiting {
            let lost = lost.by_ref().take(count).collect();
            if failed.send(lost).is_err() {
                tracing::debug!("a publisher did not wait for its answer");
            }
        }
    }
}

/// Sends all to the master, then what it did not take to the replica. True: lost.
async fn publish(redis: &Redis, requests: Vec<Request>) -> Vec<bool> {
    let deadline = Instant::now() + ANSWER;
    let answers = redis.call_each(&requests, deadline, Patience::Once).await;
    let mut lost: Vec<bool> = answers.iter().map(Result::is_err).collect();
    if !lost.contains(&true) {
        return lost;
    }
    let places: Vec<usize> = (0..lost.len()).filter(|place| lost[*place]).collect();
    let failed = requests.into_iter().zip(&lost).filter(|(_, lost)| **lost);
    let requests: Vec<_> = failed.map(|(request, _)| request.for_replica()).collect();
    let deadline = Instant::now() + ANSWER;
    let answers = redis.call_each(&requests, deadline, Patience::Once).await;
    for (place, answer) in places.into_iter().zip(answers) {
        lost[place] = answer.is_err();
    }
    lost
}
