//! The disk of the journal's server is full: a file takes what is left of it.
//!
//! PostgreSQL refuses what needs more room and ends when that is its own log; whoever gives it room
//! starts it again.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gss_tests::cluster::{Cluster, is_running};
use tokio::time::Instant;

/// The journal's server.
const SERVER: &str = "postgres";
/// Written at a time.
static CHUNK: [u8; 1 << 20] = [0; 1 << 20];
/// How long it may take to recover.
const PATIENCE: Duration = Duration::from_secs(60);

/// What takes the room. Dropped, it gives it back.
#[derive(Debug)]
pub(crate) struct FullDisk(PathBuf);

impl FullDisk {
    /// From now on.
    pub(crate) fn begin(cluster: &Cluster) -> Result<Self> {
        let folder = cluster.endpoints().journal_disk.as_ref();
        let full = Self(folder.context("the journal has no disk of its own")?.join("full"));
        let mut file = File::create(&full.0)?;
        loop {
            match file.write(&CHUNK) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(full),
                Err(error) => return Err(error).context("fill the disk"),
            }
        }
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
