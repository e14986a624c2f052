//! Rules of the game: pure, no clock, no I/O, no randomness but the dice handed in.

pub mod dice;

pub use dice::{Dice, Expression, ExpressionError, Roll};
