//! What the service needs from outside, each with two living implementations and one contract
//! suite that runs on both.

pub mod directory;
pub mod fanout;
pub mod hub;
pub mod journal;
pub mod rate;
