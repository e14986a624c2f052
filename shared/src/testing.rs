//! Private instances of the servers, for contract suites and integration tests: own folder, free
//! ports, stopped when dropped. Where `GSS_TEST_…` names a server, that one is used.

#[cfg(test)]
pub(crate) mod certificates;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;

use std::net::TcpListener;

/// Ports that were free a moment ago: `count` in a row.
///
/// # Panics
/// When there are none.
pub fn free_ports(count: u16) -> u16 {
    for _ in 0..1_000 {
        let probe = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let first = probe.local_addr().expect("its address").port();
        drop(probe);
        let Some(last) = first.checked_add(count - 1) else {
            continue;
        };
        if (first..=last).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
    panic!("no {count} free ports in a row");
}
