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
        let taken = self.raise_and_claim(&won).await.unwrap_or_else(|error| {
            warn!(%error, "shards could not be acquired");
            BTreeMap::new()
        });
        for gate in gates {
            self.ports.directory.leave(gate).await;
        }
        if !taken.is_empty() {
            info!(shards = taken.len(), "acquired");
        }
        wanted.into_iter().map(|(shard, _)| (shard, taken.get(&shard).copied())).collect()
    }

    async fn raise_and_claim(
        &self,
        shards: &BTreeMap<Shard, Epoch>,
    ) -> Result<BTreeMap<Shard, Epoch>, JournalError> {
        if shards.is_empty() {
            return Ok(BTreeMap::new());
        }
        let Settings { node, incarnation, lease_ttl_ms, .. } = &self.settings;
        let me = (node, *incarnation);
        let numbers: Vec<Shard> = shards.keys().copied().collect();
        let mut expected = Vec::new();
        let mut raised = BTreeMap::new();
        for row in self.ports.journal.shards(&numbers).await? {
            let seen = shards.get(&row.shard).copied().unwrap_or_default();
            if row.epoch < seen {
                tracing::error!(shard = %row.shard, journal = %row.epoch, %seen, "the journal lost confirmed commits of this shard");
                let epoch = self.ports.journal.raise_above(row.shard, seen, me).await?;
                raised.insert(row.shard, epoch);
            } else {
                expected.push((row.shard, row.epoch));
            }
        }
        let asked = self.ports.clock.uncorrected();
        let (more, time) = self.ports.journal.raise(&expected, me).await?;
        self.ports.clock.correct(asked, time);
        raised.extend(more);
        let claims: Vec<_> = raised.iter().map(|(s, epoch)| (*s, self.lease(*epoch))).collect();
        let outcomes = self.ports.directory.claim(&claims, *lease_ttl_ms).await;
        raised.retain(|shard, _| match outcomes.get(shard) {
            Some(Claim::Held(other)) => {
                info!(%shard, owner = %other.node, epoch = %other.epoch, "claimed by another first");
                false
            }
            Some(Claim::Taken | Claim::Silent) | None => true,
        });
        Ok(raised)
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
