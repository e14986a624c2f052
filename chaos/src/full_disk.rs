//! The disk of the journal's server is full: a file takes what is left of it, or all but too little.
//!
//! Without room PostgreSQL refuses what makes its tables grow. With some, tables still grow until
//! its log needs a new segment, and then it ends; whoever gives it room starts it again.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gss_tests::cluster::{Cluster, is_running};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use tokio::time::Instant;

/// The journal's server.
const SERVER: &str = "postgres";
/// What may be left: nothing, or half a segment of PostgreSQL's log.
const LEFT: [u64; 2] = [0, 512 << 10];
/// Written at a time.
const CHUNK: usize = 1 << 20;
/// How long it may take to recover.
const PATIENCE: Duration = Duration::from_secs(60);

/// What takes the room. Dropped, it gives it back.
#[derive(Debug)]
pub(crate) struct FullDisk(PathBuf);

impl FullDisk {
    /// From now on.
    pub(crate) fn begin(cluster: &Cluster, random: &mut StdRng) -> Result<Self> {
        let folder = cluster.endpoints().journal_disk.as_ref();
        let full = Self(folder.context("the journal has no disk of its own")?.join("full"));
        let mut file = File::create(&full.0)?;
        let chunk = vec![0; CHUNK];
        loop {
            match file.write(&chunk) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(error).context("fill the disk"),
            }
        }
        let left = LEFT.choose(random).copied().unwrap_or_default();
        file.set_len(file.metadata()?.len().saturating_sub(left))?;
        Ok(full)
    }

    /// There is room again; waits until the server answers.
    pub(crate) async fn end(self, cluster: &mut Cluster) -> Result<()> {
        drop(self);
        let deadline = Instant::now() + PATIENCE;
        while cluster.postgres().await.is_err() {
            ensure!(Instant::now() < deadline, "the journal's server does not recover");
            if !is_running(cluster.pid(SERVER)?) {
                cluster.restart(SERVER)?;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        // The cluster may be gone, and its disk with it.
        let _removed = std::fs::remove_file(&self.0);
    }
}
