//! The session from outside: commands in, events, messages and reads out.

mod golden;
mod parsing;
mod properties;
mod roles;
mod schema;
mod scripts;
mod size;
mod support;
