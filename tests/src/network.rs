//! Attacks on what passes between the processes of a cluster with namespaces.
//!
//! Rules and queues are those of nodes' and routers' namespaces and of the cables into them; the
//! machine's own stay as they are. A service is told by its port, since players have its address
//! too. Nothing of it outlives [`Network::heal`] or the value.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::cluster::{Cluster, Endpoints};
use crate::standby;

/// Who can be cut off from whom.
#[derive(Clone, Debug)]
struct Peer {
    /// None: a service.
    netns: Option<String>,
    address: Ipv4Addr,
    /// Of a service.
    port: Option<u16>,
}

/// The network of one cluster.
#[derive(Debug)]
pub struct Network {
    peers: BTreeMap<String, Peer>,
    /// Namespaces that drop packets.
    lossy: BTreeSet<String>,
    /// Namespaces with a narrow cable.
    narrow: BTreeSet<String>,
}

impl Network {
    /// Of a cluster that was started with namespaces.
    ///
    /// # Errors
    /// When it was not.
    pub fn of(cluster: &Cluster) -> Result<Self> {
        let peers = peers(cluster.endpoints())?;
        Ok(Self { peers, lossy: BTreeSet::new(), narrow: BTreeSet::new() })
    }

    /// From now on nothing that `from` sends arrives at `to`; one of them is a node or router.
    ///
    /// # Errors
    /// When neither is, or one is unknown.
    pub fn cut(&mut self, from: &str, to: &str) -> Result<()> {
        self.drop_between(from, to, "")
    }

    /// From now on part of what `from` sends does not arrive at `id`; one of them is a node or
    /// router.
    ///
    /// # Errors
    /// As [`Network::cut`].
    pub fn lose(&mut self, id: &str, from: &str, probability: f64) -> Result<()> {
        let part = format!("-m statistic --mode random --probability {probability}");
        self.drop_between(from, id, &part)
    }

    /// From now on part of what everybody in the cluster sends to a node or router is lost.
    ///
    /// # Errors
    /// When it is unknown.
    pub fn lose_from_all(&mut self, id: &str, probability: f64) -> Result<()> {
        let others: Vec<String> = self.peers.keys().filter(|name| *name != id).cloned().collect();
        others.iter().try_for_each(|from| self.lose(id, from, probability))
    }

    /// From now on a node or router is alone, but for players and operators.
    ///
    /// # Errors
    /// When it is unknown.
    pub fn isolate(&mut self, id: &str) -> Result<()> {
        let netns = self.peer(id)?.netns.clone().with_context(|| format!("{id} is a service"))?;
        let others = self.peers.iter().filter(|(name, _)| *name != id);
        let rules: String = others.map(|(_, peer)| peer.sends("") + &peer.gets("")).collect();
        self.append(&netns, &rules)
    }

    /// From now on a node or router sends and receives so many megabits per second at most.
    ///
    /// # Errors
    /// When it is unknown.
    pub fn limit(&mut self, id: &str, mbit: u32) -> Result<()> {
        let netns = self.peer(id)?.netns.clone().with_context(|| format!("{id} is a service"))?;
        // What may pass at once: some packets, or what the rate gives in 10 ms.
        let burst = 5_000 + 1_250 * mbit;
        self.narrow.insert(netns.clone());
        queue(&netns, "replace", &format!("tbf rate {mbit}mbit burst {burst} latency 400ms"))
    }

    /// Everything arrives again.
    ///
    /// # Errors
    /// When the cluster is gone.
    pub fn heal(&mut self) -> Result<()> {
        while let Some(netns) = self.lossy.pop_first() {
            run("ip", &format!("netns exec {netns} iptables --flush"), "")?;
        }
        while let Some(netns) = self.narrow.pop_first() {
            queue(&netns, "delete", "")?;
        }
        Ok(())
    }

    fn peer(&self, id: &str) -> Result<&Peer> {
        self.peers.get(id).with_context(|| format!("no process {id:?}"))
    }

    /// Where the packets arrive, as if lost on the way; of those to a service, where they leave.
    fn drop_between(&mut self, from: &str, to: &str, part: &str) -> Result<()> {
        let (sender, receiver) = (self.peer(from)?, self.peer(to)?);
        let (netns, rule) = match (&sender.netns, &receiver.netns) {
            (_, Some(netns)) => (netns, sender.sends(part)),
            (Some(netns), None) => (netns, receiver.gets(part)),
            (None, None) => bail!("{from} and {to} are both services"),
        };
        self.append(&netns.clone(), &rule)
    }

    /// All rules at once.
    fn append(&mut self, netns: &str, rules: &str) -> Result<()> {
        self.lossy.insert(netns.to_owned());
        let table = format!("*filter\n{rules}COMMIT\n");
        run("ip", &format!("netns exec {netns} iptables-restore --noflush"), &table)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Err(error) = self.heal() {
            #[expect(
                clippy::print_stderr,
                reason = "the test goes on in a network that is not whole"
            )]
            {
                eprintln!("the network does not heal: {error:#}");
            }
        }
    }
}

impl Peer {
    /// A rule that drops what it sends.
    fn sends(&self, part: &str) -> String {
        let port = self.port.map(|port| format!("-p tcp --sport {port}")).unwrap_or_default();
        format!("-A INPUT -s {} {port} {part} -j DROP\n", self.address)
    }

    /// A rule that drops what is sent to it.
    fn gets(&self, part: &str) -> String {
        let port = self.port.map(|port| format!("-p tcp --dport {port}")).unwrap_or_default();
        format!("-A OUTPUT -d {} {port} {part} -j DROP\n", self.address)
    }
}

fn peers(endpoints: &Endpoints) -> Result<BTreeMap<String, Peer>> {
    let address = endpoints.host_address.context("a cluster with namespaces")?;
    let service = |name: String, host: &str| {
        let port = host.rsplit_once(':').context("a port")?.1.parse()?;
        anyhow::Ok((name, Peer { netns: None, address, port: Some(port) }))
    };
    let mut peers = BTreeMap::from([service("rabbitmq".to_owned(), authority(&endpoints.amqp))?]);
    let servers: Vec<&str> = authority(&endpoints.postgres).split(',').collect();
    for (name, host) in standby::names(servers.len()).zip(servers) {
        peers.extend([service(name, host)?]);
    }
    for (index, url) in endpoints.redis.iter().enumerate() {
        peers.extend([service(format!("redis-{}", index + 1), url)?]);
    }
    for process in endpoints.nodes.iter().chain(&endpoints.routers) {
        let address = process.address.context("an address")?;
        let peer = Peer { netns: process.netns.clone(), address, port: None };
        peers.insert(process.id.clone(), peer);
    }
    Ok(peers)
}

/// Of `scheme://user@host:port/path`; may name several hosts.
fn authority(url: &str) -> &str {
    url.split("://").last().and_then(|rest| rest.split('/').next()).unwrap_or(url)
}

/// At both ends of the cable into a namespace; the outer one has the namespace's name.
fn queue(netns: &str, act: &str, kind: &str) -> Result<()> {
    run("tc", &format!("-netns {netns} qdisc {act} dev eth0 root {kind}"), "")?;
    run("tc", &format!("qdisc {act} dev {netns} root {kind}"), "")
}

fn run(program: &str, words: &str, input: &str) -> Result<()> {
    let mut child = Command::new(program)
        .args(words.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {program}"))?;
    child.stdin.take().context("its input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {words}: {}\n{input}", error.trim());
    Ok(())
}
