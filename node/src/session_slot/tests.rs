//! The way of commands through one session, on a real journal. Verdicts are handed in by hand.

mod answers;
mod bench;
mod characters;
mod connections;
mod fights;
mod panics;
mod reattached;
mod refused;
mod saves;
