//! Rules of the game: pure, no clock, no I/O, no randomness but the dice handed in.

mod ability;
mod condition;
pub mod content;
mod creature;
mod damage_type;
pub mod dice;
mod rule_set;

pub use ability::{Abilities, Ability, Skill, modifier};
pub use condition::Condition;
pub use creature::{CreatureType, MovementMode, Senses, Size, Speeds};
pub use damage_type::DamageType;
pub use dice::{Dice, Expression, ExpressionError, Roll};
pub use rule_set::{
    AreaSquares, Diagonals, Edition, InitiativeTies, MonsterDamage, RuleSet, Switch,
};
