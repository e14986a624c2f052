//! A cluster's network: one bridge, and a namespace with an address on it for each game process.
//!
//! Names and addresses come from the first port of the cluster's block, so that two clusters never
//! share one. The [`crate::reaper`] takes everything away at the end of this process, whatever its
//! end; the next cluster of the same block looks again.

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// The machine itself is the first host of the network.
const HOST: u8 = 1;

/// Where a process runs.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its namespace; None: that of the machine.
    pub(crate) netns: Option<String>,
    /// What it listens on.
    pub(crate) address: Ipv4Addr,
}

impl Place {
    /// Beside everybody else.
    pub(crate) fn loopback() -> Self {
        Self { netns: None, address: Ipv4Addr::LOCALHOST }
    }

    /// The command that becomes the program in its place.
    pub(crate) fn entrance(&self) -> Vec<String> {
        let words = |netns: &String| ["ip", "netns", "exec", netns].map(str::to_owned).to_vec();
        self.netns.as_ref().map_or_else(Vec::new, words)
    }
}

/// The network of one block of ports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Namespaces {
    block: u16,
}

impl Namespaces {
    /// Nothing happens yet.
    pub(crate) fn of_block(block: u16) -> Self {
        Self { block }
    }

    /// The machine's address on the bridge.
    pub(crate) fn host(self) -> Ipv4Addr {
        self.address(HOST)
    }

    /// The place of a process, from 1.
    pub(crate) fn place(self, number: u8) -> Place {
        Place { netns: Some(self.name(number)), address: self.address(HOST + number) }
    }

    /// Makes the bridge and that many places.
    pub(crate) fn make(self, places: u8) -> Result<()> {
        self.remove()?;
        let (bridge, host) = (self.bridge(), self.host());
        let taken = ip(&format!("-4 -o address show to {host}/24"))?;
        ensure!(taken.is_empty(), "this machine is in {host}/24 already: {taken}");
        ip(&format!("link add {bridge} type bridge"))?;
        ip(&format!("address add {host}/24 dev {bridge}"))?;
        ip(&format!("link set {bridge} up"))?;
        for number in 1..=places {
            let (name, address) = (self.name(number), self.address(HOST + number));
            ip(&format!("netns add {name}"))?;
            ip(&format!("link add {name} type veth peer name eth0 netns {name}"))?;
            ip(&format!("link set {name} master {bridge} up"))?;
            ip(&format!("-n {name} address add {address}/24 dev eth0"))?;
            ip(&format!("-n {name} link set eth0 up"))?;
            ip(&format!("-n {name} link set lo up"))?;
        }
        Ok(())
    }

    /// Removes what there is of it, left by whomever.
    pub(crate) fn remove(self) -> Result<()> {
        let (bridge, places) = (self.bridge(), format!("{}-", self.bridge()));
        let links = ip("-br link show")?;
        for link in links.lines().filter_map(|line| line.split([' ', '@']).next()) {
            if link == bridge || link.starts_with(&places) {
                ip(&format!("link delete {link}"))?;
            }
        }
        let names = ip("netns list")?;
        for name in names.lines().filter_map(|line| line.split(' ').next()) {
            if name.starts_with(&places) {
                ip(&format!("netns delete {name}"))?;
            }
        }
        Ok(())
    }

    fn bridge(self) -> String {
        format!("gss{}", self.block)
    }

    /// Of a namespace, and of its cable's end on the bridge: at most 15 bytes.
    fn name(self, number: u8) -> String {
        format!("{}-{number}", self.bridge())
    }

    fn address(self, host: u8) -> Ipv4Addr {
        let [high, low] = self.block.to_be_bytes();
        Ipv4Addr::new(10, high, low, host)
    }
}

/// What `ip` printed.
fn ip(words: &str) -> Result<String> {
    let output = Command::new("ip").args(words.split(' ')).output().context("run ip")?;
    if !output.status.success() {
        bail!("ip {words}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_share_neither_names_nor_addresses() {
        let (one, two) = (Namespaces::of_block(20_000), Namespaces::of_block(2_000));
        assert_eq!(one.host(), Ipv4Addr::new(10, 78, 32, 1));
        assert_eq!(two.host(), Ipv4Addr::new(10, 7, 208, 1));
        let place = one.place(40);
        assert_eq!(place.address, Ipv4Addr::new(10, 78, 32, 41));
        assert_eq!(place.netns.as_deref(), Some("gss20000-40"));
        assert!(!place.netns.is_some_and(|name| name.starts_with(&format!("{}-", two.bridge()))));
        assert!(Namespaces::of_block(u16::MAX).name(u8::MAX).len() <= 15);
    }
}
