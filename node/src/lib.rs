//! The owner process: holds shards, decides commands, writes the journal, tells everybody.

pub mod ownership_events;
