//! Client of the game session service: REST calls ([`Api`]) and live connections ([`Client`]).
//!
//! A [`Client`] holds one table open over whatever dies behind it: it reconnects, resumes from the
//! last message it received, and sends unacknowledged commands again under the same action id, in
//! order, so that each takes effect once. What cannot be resumed is said ([`Event::Resumed`]).
//!
//! ```no_run
//! # async fn example(jwt: String) -> Result<(), Box<dyn std::error::Error>> {
//! use gss_client::{Api, Client, Command, ConnectOptions, JwtSource};
//!
//! let api = Api::new("http://127.0.0.1:8080", JwtSource::fixed(jwt.clone()), None)?;
//! let made = api.create(uuid::Uuid::nil(), "One-shot", serde_json::json!({})).await?;
//! let options = ConnectOptions::new(made.websocket_url, JwtSource::fixed(jwt), made.connection_token);
//! let (client, mut events) = Client::connect(options).await?;
//! let listener = tokio::spawn(async move { while events.next().await.is_some() {} });
//! let ack = client.send(Command::set("/shared/door", serde_json::json!("open"))).await?.await?;
//! assert!(!ack.duplicate);
//! client.close().await;
//! listener.await?;
//! # Ok(())
//! # }
//! ```

mod api;
mod backoff;
mod client;
mod command;
mod connection_task;
mod document;
mod error;
mod frame;
mod options;
mod socket;
mod tracker;

pub use api::{Api, ApiError, EventsQuery, Invite, Joined, ListQuery, LoadedState, Made, Saved};
pub use client::{Client, Events, Pending};
pub use command::Command;
pub use document::{Document, Unfit};
pub use error::{CommandError, EndReason, Refusal};
pub use frame::{Ack, Event, Message};
pub use options::{ConnectOptions, JwtSource, Raw, Reach, Tap, Wire};
pub use tracker::{Step, Tracker};
