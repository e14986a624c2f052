//! The owner process: holds shards, decides commands, writes the journal, tells everybody.

pub mod ownership;
pub mod ownership_events;
pub mod ownership_task;
pub mod ring;
