//! Keeps the topology up to date.
//!
//! Asks every known server at once, so that dead ones cost nothing: twice a second, and at once
//! when somebody met an error. The asks are also what tells whether a connection is alive.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use redis::Pipeline;
use redis::cluster::NodeAddress;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::Shared;
use super::node::{Node, UNHEARD};
use super::topology::{Answer, choose, parse_answer};

/// Between asks when all is well.
const POLL: Duration = Duration::from_millis(500);
/// Between asks while a server of the topology does not answer.
const POLL_FAST: Duration = Duration::from_millis(100);
/// Between asks at least, however many errors are met.
const SPACING: Duration = Duration::from_millis(10);
/// For the first answer; later ones count in the next round.
const WINDOW: Duration = Duration::from_millis(300);
/// From the first answer on, the others have so long to contradict it.
const GRACE: Duration = Duration::from_millis(50);

/// Runs until it is aborted.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut asks = JoinSet::new();
    let mut asked = BTreeSet::new();
    loop {
        for node in shared.nodes_to_ask() {
            if asked.insert(node.address.clone()) {
                asks.spawn(ask(node));
            }
        }
        let answers = gather(&mut asks, &mut asked).await;
        let current = shared.topology.borrow().clone();
        shared.believe(choose(answers, &current));
        let pause = if shared.is_healthy() { POLL } else { POLL_FAST };
        tokio::select! {
            () = shared.wake.notified() => {}
            () = sleep(pause) => {}
        }
        sleep(SPACING).await;
    }
}

type Asked = (NodeAddress, Option<Answer>);

/// Answers until all are there or the others are late.
async fn gather(asks: &mut JoinSet<Asked>, asked: &mut BTreeSet<NodeAddress>) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut end = Instant::now() + WINDOW;
    while let Ok(Some(joined)) = timeout_at(end, asks.join_next()).await {
        let Ok((address, answer)) = joined else { continue };
        asked.remove(&address);
        if let Some(answer) = answer {
            if answers.is_empty() {
                end = end.min(Instant::now() + GRACE);
            }
            answers.push(answer);
        }
    }
    answers
}

async fn ask(node: Arc<Node>) -> Asked {
    let mut questions = Pipeline::with_capacity(2);
    questions.ignore_errors().cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
    let answer = match node.exchange(&questions, Instant::now() + UNHEARD).await {
        Ok(answers) => match <[_; 2]>::try_from(answers) {
            Ok([Ok(info), Ok(slots)]) => parse_answer(info, slots, &node.address),
            _ => None,
        },
        Err(_) => None,
    };
    (node.address.clone(), answer)
}
