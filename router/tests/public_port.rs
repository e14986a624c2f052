//! The public port as clients meet it: a router in this process, spoken to over TCP.

#[path = "public_port/bodies.rs"]
mod bodies;
#[path = "public_port/calls.rs"]
mod calls;
#[path = "public_port/credentials.rs"]
mod credentials;
#[path = "public_port/framing.rs"]
mod framing;
#[path = "public_port/harness.rs"]
mod harness;
#[path = "public_port/limits.rs"]
mod limits;
#[path = "public_port/listening.rs"]
mod listening;
#[path = "public_port/lists.rs"]
mod lists;
#[path = "public_port/node.rs"]
mod node;
#[path = "public_port/upgrades.rs"]
mod upgrades;
