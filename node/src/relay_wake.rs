//! Which shards have committed events that the hub relay has not read, and the bell that wakes it.

use std::sync::atomic::{AtomicBool, Ordering};

use gss_shared::ids::{Shard, ShardCount};
use tokio::sync::Notify;

/// One flag per shard of the cluster.
#[derive(Debug)]
pub struct RelayWake {
    flags: Vec<AtomicBool>,
    bell: Notify,
}

impl RelayWake {
    /// No shard has news.
    pub fn new(shards: ShardCount) -> Self {
        Self { flags: shards.all().map(|_| AtomicBool::new(false)).collect(), bell: Notify::new() }
    }

    /// These shards have news.
    pub fn committed(&self, shards: impl IntoIterator<Item = Shard>) {
        let mut any = false;
        for shard in shards {
            if let Some(flag) = self.flags.get(usize::from(shard.0)) {
                flag.store(true, Ordering::Release);
                any = true;
            }
        }
        if any {
            self.bell.notify_one();
        }
    }

    /// Takes the shards with news among these.
    pub fn take(&self, among: impl IntoIterator<Item = Shard>) -> Vec<Shard> {
        let has_news = |shard: &Shard| {
            let flag = self.flags.get(usize::from(shard.0));
            flag.is_some_and(|flag| flag.swap(false, Ordering::AcqRel))
        };
        among.into_iter().filter(has_news).collect()
    }

    /// Waits for news.
    pub async fn wait(&self) {
        self.bell.notified().await;
    }
}
