//! The hub, when it does not take everything.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use gss_shared::ports::hub::{Confirmation, Hub, HubMessage, HubUnavailable, Unanswered};
use tokio::sync::watch;

use crate::flaky::{Fault, Flaky};
use crate::world::*;

/// Takes messages in the order they come, but for what the script says of each call to come.
struct Grumpy {
    script: Mutex<Vec<Mood>>,
    taken: watch::Sender<Vec<u64>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mood {
    Away,
    NackFirst,
    /// All are stored, the answer is lost.
    LoseTheAnswer,
    Panic,
}

fn version(message: &HubMessage) -> u64 {
    let version = message.headers.iter().find(|(name, _)| *name == "version");
    version.expect("version").1.parse().expect("number")
}

#[async_trait]
impl Hub for Grumpy {
    async fn publish(&self, messages: &[HubMessage]) -> Result<Vec<Confirmation>, HubUnavailable> {
        let mood = self.script.lock().expect("lock").pop();
        if mood == Some(Mood::Away) {
            return Err(HubUnavailable("away".into()));
        }
        assert_ne!(mood, Some(Mood::Panic), "planted");
        let mut confirmations = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            if index == 0 && mood == Some(Mood::NackFirst) {
                confirmations.push(Confirmation::Nacked);
            } else {
                self.taken.send_modify(|taken| taken.push(version(message)));
                confirmations.push(Confirmation::Confirmed { routed: true });
            }
        }
        if mood == Some(Mood::LoseTheAnswer) {
            return Err(HubUnavailable("answer lost".into()));
        }
        Ok(confirmations)
    }

    async fn ask(&self, _: &'static str, _: String, _: Duration) -> Result<String, Unanswered> {
        Err(Unanswered::Nobody)
    }

    fn healthy(&self) -> bool {
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_skipped_or_overtaken_whatever_the_hub_does() {
    let world = World::new().await;
    let script = vec![Mood::LoseTheAnswer, Mood::NackFirst, Mood::Away, Mood::NackFirst];
    let (taken, mut seen) = watch::channel(Vec::new());
    let hub = Arc::new(Grumpy { script: Mutex::new(script), taken });
    let journal = Arc::clone(&world.journal);
    let node = world.node_with("a", journal, Arc::clone(&hub) as _).await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    router.ask(create()).await;
    for number in 1..=4 {
        router.ask(set(number, i64::try_from(number).expect("small"))).await;
    }
    let complete = |taken: &Vec<u64>| taken.contains(&6);
    let wait = seen.wait_for(complete);
    let taken = tokio::time::timeout(std::time::Duration::from_secs(20), wait).await;
    let mut taken = taken.expect("in time").expect("open").clone();
    // Only the message whose confirmation was lost came twice.
    let twice = taken.len();
    taken.dedup();
    assert_eq!(twice - taken.len(), 1);
    assert!(taken.is_sorted(), "{taken:?}");
    assert!(hub.script.lock().expect("lock").is_empty());
    node.handle.stop().await;
}

/// Half a node would keep its leases: the whole of it ends, and another goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_beside_the_sessions_ends_the_node_and_another_goes_on() {
    let world = World::new().await;
    let (taken, mut seen) = watch::channel(Vec::new());
    let hub = Arc::new(Grumpy { script: Mutex::new(vec![Mood::Panic]), taken });
    let broken = world.node_with("a", Arc::clone(&world.journal), Arc::clone(&hub) as _).await;
    let mut router = world.router(&broken).await;
    router.until_owned().await;
    router.ask(create()).await;
    let failed = tokio::time::timeout(Duration::from_secs(20), broken.handle.failed()).await;
    failed.expect("the node ends");
    broken.handle.stop().await;
    let node = world.node_with("b", Arc::clone(&world.journal), Arc::clone(&hub) as _).await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    router.ask(set(1, 1)).await;
    let complete = |taken: &Vec<u64>| taken.contains(&3);
    let taken = tokio::time::timeout(Duration::from_secs(20), seen.wait_for(complete)).await;
    assert_eq!(*taken.expect("in time").expect("open"), [1, 2, 3]);
    node.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_skipped_when_the_journal_fails_the_relay() {
    let world = World::new().await;
    let mut heard = world.hub.listen();
    let journal = Arc::new(Flaky::on(Arc::clone(&world.journal)));
    let node = world.node_on("a", Arc::clone(&journal) as _).await;
    let mut router = world.router(&node).await;
    router.until_owned().await;
    journal.fail(Fault::NoRelay, 2);
    journal.fail(Fault::NoCursor, 1);
    router.ask(create()).await;
    let mut versions = Vec::new();
    for number in 1..=3 {
        router.ask(set(number, i64::try_from(number).expect("small"))).await;
        let expected = u64::try_from(number).expect("small") + 2;
        while versions.last() != Some(&expected) {
            let message = tokio::time::timeout(Duration::from_secs(20), heard.recv()).await;
            versions.push(version(&message.expect("in time").expect("open")));
        }
        // Until a cursor was stored, and was not.
        while number == 1 && !journal.is_sound() {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(versions, [1, 2, 3, 4, 5]);
    node.handle.stop().await;
}
