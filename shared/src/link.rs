//! The road between routers and nodes, and between nodes: multiplexed frames over TCP.

pub mod frame;
pub mod transport;
