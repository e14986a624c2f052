//! The session from outside: commands in, events, messages and reads out.

mod any_fight;
mod bounds;
mod characters;
mod clock;
mod crowd;
mod fights;
mod golden;
mod golden_fight;
mod guesses;
mod hidden;
mod joining;
mod judge;
mod lairs;
mod members;
mod oracle;
mod orders;
mod parsing;
mod physical_dice;
mod properties;
mod resume;
mod rides;
mod roles;
mod schema;
mod scripts;
mod support;
mod unknown;
