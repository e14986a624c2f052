//! A cluster under attack, and its network.

use anyhow::{Context, Result};
use gss_tests::cluster::Cluster;
use gss_tests::network::Network;

use crate::fault::Fault;
use crate::scenario::Scenario;

/// Room for some rounds.
const JOURNAL_DISK_MIB: u32 = 1_024;

/// Where faults strike.
pub(crate) struct Arena {
    /// Its processes.
    pub(crate) cluster: Cluster,
    /// None: its processes share this machine's network.
    network: Option<Network>,
}

impl Arena {
    /// Starts a cluster with what a scenario needs: in namespaces when this process may make some.
    pub(crate) async fn start(scenario: &Scenario) -> Result<Self> {
        let mut builder = Cluster::builder().namespaces();
        if scenario.strikes_with(|fault| fault == Fault::Promote) {
            builder = builder.standby();
        }
        if scenario.strikes_with(|fault| fault == Fault::FullDisk) {
            builder = builder.journal_disk(JOURNAL_DISK_MIB);
        }
        let cluster = builder.start().await?;
        let network = if cluster.has_namespaces() { Some(Network::of(&cluster)?) } else { None };
        Ok(Self { cluster, network })
    }

    /// What passes between the processes.
    pub(crate) fn network(&mut self) -> Result<&mut Network> {
        self.network.as_mut().context("only root can attack the network")
    }

    /// Whether faults that only root can bring about can strike.
    pub(crate) fn is_roots(&self) -> bool {
        self.network.is_some()
    }
}
