//! Loopback ports for private servers.
//!
//! Below the kernel's range for outgoing connections (32768 and up), in blocks of [`BLOCK`] that
//! are held by listening on their first port, so that two runs on one machine never mix.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

/// Ports of one run.
const BLOCK: u16 = 100;
/// First port of the first block; Redis' bus takes port + 10000, also below 32768.
const FIRST: u16 = 20_000;
/// Number of blocks.
const BLOCKS: u16 = 27;

/// A block of free ports, handed out one by one.
#[derive(Debug)]
pub(crate) struct Ports {
    base: u16,
    next: u16,
    end: u16,
    _held: TcpListener,
}

impl Ports {
    /// A free block; with `base`, the block that starts there.
    pub(crate) fn reserve(base: Option<u16>) -> Result<Self> {
        if let Some(base) = base {
            let Some(ports) = Self::hold(base) else { bail!("port {base} is taken") };
            return Ok(ports);
        }
        let offset = u16::try_from(std::process::id() % u32::from(BLOCKS))?;
        for block in 0..BLOCKS {
            let base = FIRST + (block + offset) % BLOCKS * BLOCK;
            if let Some(ports) = Self::hold(base) {
                return Ok(ports);
            }
        }
        bail!("no block of {BLOCK} free ports on loopback between {FIRST} and {}", FIRST + 2_700)
    }

    fn hold(base: u16) -> Option<Self> {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, base)).ok()?;
        Some(Self { base, next: base + 1, end: base.checked_add(BLOCK)?, _held: held })
    }

    /// The first port of the block: nobody else's while this value lives.
    pub(crate) fn base(&self) -> u16 {
        self.base
    }

    /// The next port nobody listens on.
    pub(crate) fn take(&mut self) -> Result<u16> {
        self.take_where(|_| true)
    }

    /// The next port nobody listens on, nor on port + 10000.
    pub(crate) fn take_for_redis(&mut self) -> Result<u16> {
        self.take_where(|port| port.checked_add(10_000).is_some_and(is_free))
    }

    fn take_where(&mut self, fits: impl Fn(u16) -> bool) -> Result<u16> {
        while self.next < self.end {
            let port = self.next;
            self.next += 1;
            if is_free(port) && fits(port) {
                return Ok(port);
            }
        }
        bail!("the block of {BLOCK} ports before {} is used up", self.end)
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reservations_never_share_a_port() {
        let mut one = Ports::reserve(None).expect("a block");
        let mut two = Ports::reserve(None).expect("another block");
        let of_one: Vec<u16> = (0..10).map(|_| one.take().expect("port")).collect();
        let of_two: Vec<u16> = (0..10).map(|_| two.take_for_redis().expect("port")).collect();
        assert!(of_one.iter().all(|port| !of_two.contains(port)), "{of_one:?} {of_two:?}");
    }

    #[test]
    fn a_port_in_use_is_passed_over() {
        let mut ports = Ports::reserve(None).expect("a block");
        let taken = ports.next;
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, taken)).expect("bind");
        assert_eq!(ports.take().expect("port"), taken + 1);
    }
}
