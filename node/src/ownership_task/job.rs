//! What ownership has done beside its task: epochs raised and leases claimed, or both looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gss_shared::ids::{Epoch, Shard};
use gss_shared::limits::HASH_TAGS;
use gss_shared::ports::directory::{Claim, Lease};
use gss_shared::ports::journal::JournalError;
use tracing::{info, warn};

use super::OwnershipPorts;
use crate::ownership::{Settings, Verified};

/// How long a gate holds at most: an acquisition takes milliseconds.
const GATE_MS: u64 = 2_000;

/// Work with the journal and the directory that takes several round trips.
pub(super) struct Job {
    pub(super) ports: Arc<OwnershipPorts>,
    pub(super) settings: Settings,
}

impl Job {
    fn lease(&self, epoch: Epoch) -> Lease {
        let Settings { node, incarnation, .. } = &self.settings;
        Lease { node: node.clone(), incarnation: *incarnation, epoch }
    }

    pub(super) async fn acquire(
        &self,
        wanted: Vec<(Shard, Epoch)>,
        gate: bool,
    ) -> Vec<(Shard, Option<Epoch>)> {
        let mut won: BTreeMap<Shard, Epoch> = wanted.iter().copied().collect();
        let mut gates = Vec::new();
        if gate {
            let tags: BTreeSet<u16> = won.keys().map(|shard| shard.0 % HASH_TAGS).collect();
            let tries = tags.into_iter().map(async |tag| {
                (tag, self.ports.directory.enter(&format!("acquire:{tag}"), GATE_MS).await)
            });
            for (tag, entered) in futures::future::join_all(tries).await {
                match entered {
                    Some(gate) => gates.push(gate),
                    None => won.retain(|shard, _| shard.0 % HASH_TAGS != tag),
                }
            }
        }
        // Behind a gate it is not known which epoch a free shard has.
        let raised = if gate { self.raise(&won).await } else { self.raise_released(&won).await };
        let taken = self.claim(raised).await;
        for gate in gates {
            self.ports.directory.leave(gate).await;
        }
        if !taken.is_empty() {
            info!(shards = taken.len(), "acquired");
        }
        wanted.into_iter().map(|(shard, _)| (shard, taken.get(&shard).copied())).collect()
    }

    /// Raises shards that peers released to us: from the epochs that they named, in one round trip;
    /// those that have another by now as any other.
    async fn raise_released(&self, shards: &BTreeMap<Shard, Epoch>) -> BTreeMap<Shard, Epoch> {
        let named: Vec<(Shard, Epoch)> = shards.iter().map(|(s, epoch)| (*s, *epoch)).collect();
        let mut raised = self.raise_from(&named).await.unwrap_or_else(|error| {
            info!(%error, "what was released to us could not be raised at once");
            BTreeMap::new()
        });
        let mut others = shards.clone();
        others.retain(|shard, _| !raised.contains_key(shard));
        raised.extend(self.raise(&others).await);
        raised
    }

    /// Raises shards above what the journal says of them, and what was seen of it before.
    async fn raise(&self, shards: &BTreeMap<Shard, Epoch>) -> BTreeMap<Shard, Epoch> {
        if shards.is_empty() {
            return BTreeMap::new();
        }
        self.read_and_raise(shards).await.unwrap_or_else(|error| {
            warn!(%error, "shards could not be acquired");
            BTreeMap::new()
        })
    }

    async fn read_and_raise(
        &self,
        shards: &BTreeMap<Shard, Epoch>,
    ) -> Result<BTreeMap<Shard, Epoch>, JournalError> {
        let Settings { node, incarnation, .. } = &self.settings;
        let numbers: Vec<Shard> = shards.keys().copied().collect();
        let mut expected = Vec::new();
        let mut raised = BTreeMap::new();
        for row in self.ports.journal.shards(&numbers).await? {
            let seen = shards.get(&row.shard).copied().unwrap_or_default();
            if row.epoch < seen {
                tracing::error!(shard = %row.shard, journal = %row.epoch, %seen, "the journal lost confirmed commits of this shard");
                let me = (node, *incarnation);
                let epoch = self.ports.journal.raise_above(row.shard, seen, me).await?;
                raised.insert(row.shard, epoch);
            } else {
                expected.push((row.shard, row.epoch));
            }
        }
        raised.extend(self.raise_from(&expected).await?);
        Ok(raised)
    }

    /// Those of these shards that had these epochs, with their next.
    async fn raise_from(
        &self,
        expected: &[(Shard, Epoch)],
    ) -> Result<BTreeMap<Shard, Epoch>, JournalError> {
        let Settings { node, incarnation, .. } = &self.settings;
        let asked = self.ports.clock.uncorrected();
        let (raised, time) = self.ports.journal.raise(expected, (node, *incarnation)).await?;
        self.ports.clock.correct(asked, time);
        Ok(raised.into_iter().collect())
    }

    /// Claims the leases; what another claimed first is left out.
    async fn claim(&self, mut raised: BTreeMap<Shard, Epoch>) -> BTreeMap<Shard, Epoch> {
        if raised.is_empty() {
            return raised;
        }
        let claims: Vec<_> = raised.iter().map(|(s, epoch)| (*s, self.lease(*epoch))).collect();
        let outcomes = self.ports.directory.claim(&claims, self.settings.lease_ttl_ms).await;
        raised.retain(|shard, _| match outcomes.get(shard) {
            Some(Claim::Held(other)) => {
                info!(%shard, owner = %other.node, epoch = %other.epoch, "claimed by another first");
                false
            }
            Some(Claim::Taken | Claim::Silent) | None => true,
        });
        raised
    }

    pub(super) async fn verify(
        &self,
        shards: Vec<(Shard, Epoch)>,
    ) -> Vec<(Shard, Epoch, Verified)> {
        let numbers: Vec<Shard> = shards.iter().map(|(shard, _)| *shard).collect();
        let rows = match self.ports.journal.shards(&numbers).await {
            Ok(rows) => rows,
            Err(error) => {
                warn!(%error, "leases could not be verified");
                return shards.into_iter().map(|(s, e)| (s, e, Verified::Silent)).collect();
            }
        };
        let Settings { node, incarnation, lease_ttl_ms, .. } = &self.settings;
        let rows: BTreeMap<Shard, _> = rows.into_iter().map(|row| (row.shard, row)).collect();
        let mine = |shard: &Shard, epoch: &Epoch| {
            rows.get(shard).is_some_and(|row| {
                row.epoch == *epoch && row.owner == Some((node.clone(), *incarnation))
            })
        };
        let claims: Vec<_> = shards
            .iter()
            .filter(|(shard, epoch)| mine(shard, epoch))
            .map(|(shard, epoch)| (*shard, self.lease(*epoch)))
            .collect();
        let mut claimed = self.ports.directory.claim(&claims, *lease_ttl_ms).await;
        let verdict = |(shard, epoch): (Shard, Epoch)| {
            let verified = if mine(&shard, &epoch) {
                Verified::Ours(claimed.remove(&shard).unwrap_or(Claim::Silent))
            } else {
                let row = rows.get(&shard);
                let owner = row.and_then(|row| row.owner.clone()).map(|(node, _)| node);
                Verified::NotOurs(row.map(|row| row.epoch).unwrap_or_default(), owner)
            };
            (shard, epoch, verified)
        };
        shards.into_iter().map(verdict).collect()
    }
}

#[cfg(test)]
mod tests {
    use gss_shared::clock::Clock;
    use gss_shared::ids::{Incarnation, NodeId, SessionId, ShardCount};
    use gss_shared::ports::directory::{LocalDirectory, MemberRecord};
    use gss_shared::ports::journal::{Address, Journal, JournalConfig, migrations, open};
    use gss_shared::time::Timestamp;
    use tokio::sync::mpsc;

    use super::*;
    use crate::metrics::Metrics;
    use crate::ownership_events::Peers;

    const ME: Incarnation = Incarnation(2);

    fn node(name: &str) -> NodeId {
        name.parse().expect("id")
    }

    struct Nobody;

    #[async_trait::async_trait]
    impl Peers for Nobody {
        async fn offer(&self, _: &MemberRecord, _: Shard, _: Epoch) -> bool {
            false
        }

        async fn released(&self, _: &MemberRecord, _: Shard, _: Epoch, _: Vec<SessionId>) {}
    }

    async fn job(folder: &tempfile::TempDir) -> Job {
        let url = format!("sqlite:{}", folder.path().join("journal.db").display());
        let address = Address::from(url.as_str());
        migrations::up(&address).await.expect("tables");
        let clock = Clock::virtual_from(Timestamp(1_800_000_000_000));
        let shards = ShardCount(4);
        let config = JournalConfig::new(address, shards);
        let journal = open(&config, &clock).await.expect("journal").journal;
        let ports = OwnershipPorts {
            directory: Arc::new(LocalDirectory::new()),
            journal,
            events: mpsc::channel(1).0,
            peers: Arc::new(Nobody),
            clock,
            metrics: Metrics::register(&prometheus::Registry::new()).expect("metrics"),
        };
        let settings = Settings {
            node: node("b"),
            incarnation: ME,
            link: String::new(),
            admin: String::new(),
            shards,
            lease_ttl_ms: 3_000,
        };
        Job { ports: Arc::new(ports), settings }
    }

    /// Raises the shard to this epoch for a former owner.
    async fn raised_to(journal: &dyn Journal, shard: Shard, epoch: u64) {
        for epoch in 0..epoch {
            let (raised, _) = journal
                .raise(&[(shard, Epoch(epoch))], (&node("a"), Incarnation(1)))
                .await
                .expect("raise");
            assert_eq!(raised, [(shard, Epoch(epoch + 1))]);
        }
    }

    #[tokio::test]
    async fn what_a_peer_released_is_raised_above_both_what_it_named_and_what_the_journal_says() {
        let folder = tempfile::tempdir().expect("folder");
        let job = job(&folder).await;
        let journal = Arc::clone(&job.ports.journal);
        let [as_named, raised_since, lost] = [Shard(0), Shard(1), Shard(2)];
        for shard in [as_named, raised_since, lost] {
            raised_to(&*journal, shard, 3).await;
        }
        let released = vec![(as_named, Epoch(3)), (raised_since, Epoch(2)), (lost, Epoch(7))];
        let acquired = job.acquire(released, false).await;
        let expected =
            [(as_named, Some(Epoch(4))), (raised_since, Some(Epoch(4))), (lost, Some(Epoch(8)))];
        assert_eq!(acquired, expected);
        let rows = journal.shards(&[as_named, raised_since, lost]).await.expect("rows");
        let rows: BTreeMap<Shard, _> =
            rows.into_iter().map(|row| (row.shard, (Some(row.epoch), row.owner))).collect();
        let owner = Some((node("b"), ME));
        let owned = expected.map(|(shard, epoch)| (shard, (epoch, owner.clone())));
        assert_eq!(rows, BTreeMap::from(owned));
    }
}
