//! Dice: where randomness enters, and the expressions players write.
//!
//! Owns the syntax, its bounds and the record of a roll. Takes faces from whoever holds the
//! [`Dice`]; the same faces always give the same record.

mod expression;
mod parse;
mod range;
mod roll;

pub use expression::Expression;
pub use parse::ExpressionError;
pub use roll::{Modifier, Roll, RollMode, RollReason};

/// Characters of an expression.
pub const EXPRESSION_CHARACTERS: usize = 200;
/// Faces drawn by one expression, explosions and rerolls included.
pub const FACES: usize = 1_000;
/// Sides of a die.
pub const SIDES: u32 = 1_000;
/// Largest constant, either sign.
pub const CONSTANT: i64 = 1_000_000;
/// Most that an expression may come to, either sign.
pub const RESULT: i64 = 1_000_000_000_000;
/// Times one die is drawn again by `rr` before its face stands.
pub const REROLLS_PER_DIE: usize = 100;

/// A source of faces.
pub trait Dice {
    /// A face of a die with this many sides: 1 to `sides`. `sides` is never 0.
    fn roll(&mut self, sides: u32) -> u32;
}
