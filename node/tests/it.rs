//! A node on the embedded adapters, spoken to by a router over real links.

#[path = "it/activations.rs"]
mod activations;
#[path = "it/flaky.rs"]
mod flaky;
#[path = "it/handoff.rs"]
mod handoff;
#[path = "it/outbox.rs"]
mod outbox;
#[path = "it/outcomes.rs"]
mod outcomes;
#[path = "it/play.rs"]
mod play;
#[path = "it/world.rs"]
mod world;
