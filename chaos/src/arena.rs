//! A cluster under attack, and its network.

use std::path::PathBuf;

use anyhow::{Context, Result};
use gss_tests::cluster::{Cluster, may_make_namespaces};
use gss_tests::network::Network;

use crate::fault::Fault;
use crate::scenario::Scenario;

/// What there is to strike with.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    /// Whether this process may make networks, and what else only root can.
    pub(crate) network: bool,
    /// Folder with the binaries of an older release.
    pub(crate) older: Option<PathBuf>,
}

impl Means {
    /// Of this process.
    pub(crate) fn here(older: Option<PathBuf>) -> Self {
        Self { network: may_make_namespaces(), older }
    }

    /// Why a fault cannot strike.
    pub(crate) fn miss(&self, fault: Fault) -> Option<&'static str> {
        if fault.needs_root() && !self.network {
            return Some("only root can");
        }
        (fault.is_of_releases() && self.older.is_none()).then_some("there is no older release")
    }
}

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
    /// Starts a cluster with what a scenario needs: in namespaces when this process may make some; of
    /// two releases, or with clocks to set, which makes each look at them dearer, only when asked.
    pub(crate) async fn start(scenario: &Scenario, means: &Means) -> Result<Self> {
        let mut builder = Cluster::builder().namespaces();
        if scenario.faults().any(|fault| fault == Fault::Promote) {
            builder = builder.standby();
        }
        if scenario.faults().any(|fault| fault == Fault::FullDisk) {
            builder = builder.journal_disk(JOURNAL_DISK_MIB);
        }
        if scenario.faults().any(Fault::is_of_clocks) {
            builder = builder.clocks();
        }
        if let Some(older) = &means.older
            && scenario.faults().any(Fault::is_of_releases)
        {
            builder = builder.older(older);
        }
        let cluster = builder.start().await?;
        let network = if cluster.has_namespaces() { Some(Network::of(&cluster)?) } else { None };
        Ok(Self { cluster, network })
    }

    /// What passes between the processes.
    pub(crate) fn network(&mut self) -> Result<&mut Network> {
        self.network.as_mut().context("only root can attack the network")
    }
}
