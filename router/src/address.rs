//! Whose connection attempt it is: the address that limits count against.
//!
//! `X-Forwarded-For` is believed only as far as trusted proxies wrote it: the list is walked from
//! the right, and the first address that is no trusted proxy is the client's. A client can thus
//! never choose the address it is counted under.

use std::net::{IpAddr, Ipv6Addr};

use gss_shared::config::Cidr;
use hyper::HeaderMap;

/// The client's address: the peer's own, or the one that trusted proxies saw.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Cidr]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    let mut client = peer.to_canonical();
    let lines = headers.get_all("x-forwarded-for").iter().collect::<Vec<_>>();
    for line in lines.into_iter().rev() {
        let Ok(line) = line.to_str() else { return client };
        for hop in line.rsplit(',') {
            if !is_trusted(client) {
                return client;
            }
            let Ok(address) = hop.trim().parse::<IpAddr>() else { return client };
            client = address.to_canonical();
        }
    }
    client
}

/// What one subscriber line holds: an IPv4 address, or the /64 of an IPv6 one.
pub(crate) fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    fn seen(peer: &str, lines: &[&str]) -> IpAddr {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().expect("value"));
        }
        client(ip(peer), &headers, &["10.0.0.0/8".parse().expect("network")])
    }

    #[test]
    fn forwarded_is_ignored_from_strangers() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.7"]), ip("203.0.113.9"));
    }

    #[test]
    fn the_last_untrusted_hop_is_the_client() {
        assert_eq!(seen("10.0.0.1", &["198.51.100.7"]), ip("198.51.100.7"));
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, 198.51.100.7, 10.0.0.2"]), ip("198.51.100.7"));
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "198.51.100.7", "10.0.0.2"]), ip("198.51.100.7"));
        assert_eq!(seen("::ffff:10.0.0.1", &["198.51.100.7"]), ip("198.51.100.7"));
        assert_eq!(seen("10.0.0.1", &[]), ip("10.0.0.1"));
    }

    #[test]
    fn nonsense_stops_the_walk() {
        assert_eq!(seen("10.0.0.1", &["198.51.100.7, x, 10.0.0.2"]), ip("10.0.0.2"));
    }

    #[test]
    fn one_ipv6_line_is_one_subscriber() {
        assert_eq!(subscriber(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(subscriber(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }
}
