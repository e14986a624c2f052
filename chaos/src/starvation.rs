//! Little processor time for a process: a control group (v1) with a quota.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// Where this machine has its groups.
const GROUPS: &str = "/sys/fs/cgroup/cpu";
/// Of the kernel's default period of 100 ms.
const QUOTA_US: u32 = 2_000;

/// A process with a fiftieth of a core.
#[derive(Debug)]
pub(crate) struct Starvation {
    pid: u32,
    group: PathBuf,
}

impl Starvation {
    /// From now on.
    pub(crate) fn begin(pid: u32) -> Result<Self> {
        let group = PathBuf::from(GROUPS).join(format!("gss-starved-{pid}"));
        let starvation = Self { pid, group };
        starvation.set_up().context("a control group (v1) for processor time")?;
        Ok(starvation)
    }

    fn set_up(&self) -> Result<()> {
        std::fs::create_dir_all(&self.group)?;
        std::fs::write(self.group.join("cpu.cfs_quota_us"), QUOTA_US.to_string())?;
        Ok(std::fs::write(self.group.join("cgroup.procs"), self.pid.to_string())?)
    }

    /// It gets what it needs again.
    pub(crate) fn end(&self) -> Result<()> {
        std::fs::write(format!("{GROUPS}/cgroup.procs"), self.pid.to_string())?;
        std::fs::remove_dir(&self.group).context("remove a control group")
    }
}

impl Drop for Starvation {
    fn drop(&mut self) {
        // Ended already, or the process is gone.
        let _ended = self.end();
    }
}
