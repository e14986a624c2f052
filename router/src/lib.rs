//! The router: terminates TLS, WebSocket and REST, authenticates, limits, routes and fans out.
//!
//! Stateless: whatever it holds can be had again from the owners. It never decides what a session
//! decides.

pub mod app;
pub mod connection_task;
pub mod links;
pub mod metrics;
pub mod switchboard;

mod address;
mod admission;
mod auth;
mod connection;
mod gateway;
mod http_metrics;
mod key_fetch;
mod links_task;
mod mail;
mod rest;
mod revocations;
mod routes;
mod server;
mod session_limits;
mod stream;
mod stream_task;
mod upgrade;
mod urls;
