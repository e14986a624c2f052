pub mod connection_task;
pub mod links;
pub mod metrics;
pub mod switchboard;

mod connection;
mod mail;
mod revocations;
