//! Combats played step by step with scripted dice: every face is asked for, in order, none more.

mod anything;
mod assistance;
mod attacks;
mod bestiary;
mod chance;
mod effects;
mod flight;
mod ground;
mod hands;
mod incidents;
mod interrupts;
mod lairs;
mod lives;
mod maneuvers;
mod manners;
mod open_ground;
mod orders;
mod questions;
mod reached;
mod readiness;
mod rulings;
mod spells;
mod table;
mod turns;
mod uses;
