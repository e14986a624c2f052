//! Integration tests on real processes: a cluster, tables of recording clients, and checkers over
//! their whole histories.

pub mod cluster;
pub mod fight;
pub mod figures;
pub mod history;
pub mod hub;
pub mod length;
pub mod network;
pub mod outcome;
pub mod player;
pub mod registers;
pub mod script;
pub mod service;
pub mod socket;
pub mod standby;
pub mod watch;
pub mod workload;
