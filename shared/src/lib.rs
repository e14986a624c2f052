//! What routers, nodes and tools share: ids, the wire protocol, the link protocol, configuration,
//! the ports with their adapters, and telemetry.
//!
//! Nothing here knows rules or session state; a session is an id, a shard and a row of events.

pub mod admin;
pub mod beside;
pub mod clock;
pub mod config;
pub mod error_code;
pub mod frames;
pub mod hot_keys;
pub mod ids;
pub mod jwt;
pub mod limits;
pub mod link;
pub mod message;
pub mod ports;
pub mod redis;
pub mod rest_command;
pub mod runtime;
pub mod telemetry;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod tls;
pub mod token;
pub mod vital;
