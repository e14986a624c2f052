//! No memory for a process: a control group (v1) with a limit below what it uses, so that the kernel
//! kills it.
//!
//! What it has stays charged where it got it; the group counts what it asks for from now on, and
//! refuses the first page. A process that asks for none is made to, by a visitor.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gss_tests::cluster::{Cluster, is_running};
use tokio::time::{Instant, sleep, timeout};

/// Where this machine has its groups.
const GROUPS: &str = "/sys/fs/cgroup/memory";
/// How long it may live.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two visitors.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a visitor waits for an answer.
const VISIT: Duration = Duration::from_millis(200);

/// Returns when the kernel has killed the process for want of memory.
///
/// # Errors
/// When it did not, or when the process ended of something else.
pub(crate) async fn squeeze(cluster: &Cluster, id: &str) -> Result<()> {
    let pid = cluster.pid(id)?;
    let group = PathBuf::from(GROUPS).join(format!("gss-squeezed-{pid}"));
    set_up(&group, pid).context("a control group (v1) for memory")?;
    let deadline = Instant::now() + PATIENCE;
    while is_running(pid) {
        ensure!(Instant::now() < deadline, "{id} lives without memory");
        // Whether it is ready does not matter.
        if let Ok(visited) = timeout(VISIT, cluster.is_process_ready(id)).await {
            visited?;
        }
        sleep(PAUSE).await;
    }
    let killed = std::fs::read_to_string(group.join("memory.oom_control"))?;
    std::fs::remove_dir(&group).context("remove a control group")?;
    let killed =
        killed.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|n| n != "0"));
    ensure!(killed, "{id} ended, but not for want of memory");
    Ok(())
}

fn set_up(group: &Path, pid: u32) -> Result<()> {
    std::fs::create_dir_all(group)?;
    std::fs::write(group.join("memory.limit_in_bytes"), "0")?;
    Ok(std::fs::write(group.join("cgroup.procs"), pid.to_string())?)
}
