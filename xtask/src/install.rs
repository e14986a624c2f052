//! Installs the programs that the tests need, from Debian's packages, without starting any.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cargo;
use crate::services::{postgres, rabbitmq, redis};

/// Debian asks this program before it starts a service; exit code 101 says no.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Makes sure that all servers are there.
///
/// # Errors
/// Says exactly what to install when it cannot.
pub(crate) fn servers() -> Result<()> {
    packages(&[
        ("redis-server", redis::installed()),
        ("rabbitmq-server", rabbitmq::installed()),
        ("postgresql", postgres::installed()),
    ])
}

/// Makes sure that networks can be made, and cut.
///
/// # Errors
/// As [`servers`].
pub(crate) fn network() -> Result<()> {
    let found = |program| cargo::find_program(&[program]).is_some();
    packages(&[("iproute2", found("ip")), ("iptables", found("iptables"))])
}

/// Makes sure that processes can have clocks of their own.
///
/// # Errors
/// As [`servers`].
pub(crate) fn clocks(installed: bool) -> Result<()> {
    packages(&[("libfaketime", installed)])
}

/// Each with whether it is there.
fn packages(wanted: &[(&str, bool)]) -> Result<()> {
    let missing: Vec<&str> = wanted.iter().filter(|it| !it.1).map(|it| it.0).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("apt-get install --no-install-recommends {}", missing.join(" "));
    let Some(prefix) = root_prefix() else {
        bail!("missing programs, and neither root nor passwordless sudo; install them: {by_hand}");
    };
    if cargo::find_program(&["apt-get"]).is_none() {
        bail!("missing programs, and no apt-get: install {}", missing.join(", "));
    }
    eprintln!("installing {} (nothing gets started)", missing.join(", "));
    let policy = Policy::put(prefix)?;
    must(prefix, &["apt-get", "update", "-q"])?;
    let mut install = vec!["apt-get", "install", "-q", "-y", "--no-install-recommends"];
    install.extend(&missing);
    let outcome = must(prefix, &install);
    policy.remove(prefix)?;
    outcome.with_context(|| format!("install by hand: {by_hand}"))
}

/// Nothing for root, `sudo -n` where that works.
fn root_prefix() -> Option<&'static [&'static str]> {
    if is_root() {
        return Some(&[]);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).stderr(Stdio::null()).status();
    sudo.is_ok_and(|status| status.success()).then_some(&["sudo", "-n"])
}

/// Whether this process may do anything.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn must(prefix: &[&str], words: &[&str]) -> Result<()> {
    let all: Vec<&str> = prefix.iter().chain(words).copied().collect();
    eprintln!("  {}", all.join(" "));
    let mut command = Command::new(all[0]);
    command.args(&all[1..]).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
    cargo::must(&all.join(" "), &mut command)
}

/// Our policy file, unless the machine has one.
struct Policy {
    ours: bool,
}

impl Policy {
    fn put(prefix: &[&str]) -> Result<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), "#!/bin/sh\nexit 101\n")?;
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o755))?;
        let source = file.path().display().to_string();
        must(prefix, &["install", "-m", "755", &source, POLICY])?;
        Ok(Self { ours: true })
    }

    fn remove(self, prefix: &[&str]) -> Result<()> {
        if self.ours { must(prefix, &["rm", "-f", POLICY]) } else { Ok(()) }
    }
}
